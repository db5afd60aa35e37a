"""The log records of a gateway that runs in the test.

with recorded() as records:
    ...
    record = await one_of(records, "chat")   # it is written when the exchange is over
"""

import asyncio
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from gateway.telemetry.log import _without_values
from tests.support import replicas

Record = MutableMapping[str, Any]
PATIENCE = 10.0  # seconds


@contextmanager
def recorded() -> Iterator[list[Record]]:
    if replicas.WANTED:
        pytest.skip("looks into the gateway's log, and there are two, elsewhere")
    captured = LogCapture()
    structlog.configure(processors=[_without_values, captured])  # ours: else it is a host's log
    yield captured.entries
    structlog.reset_defaults()


async def one_of(records: list[Record], operation: str) -> Record:
    """The record of the exchange of this operation, once it is there.

    Raises:
        TimeoutError: there was none.
    """
    async with asyncio.timeout(PATIENCE):
        while True:
            for record in records:
                if record["event"] == "exchange" and record.get("operation") == operation:
                    return record
            await asyncio.sleep(0)
