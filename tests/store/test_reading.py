from collections.abc import Mapping
from typing import Any

import pytest

from gateway.core.errors import LedgerUnavailable
from gateway.store.database import Database, Result, Work
from gateway.store.reading import each, usage_report
from gateway.store.reports import Filter
from gateway.store.usage import row_of, write
from tests.store.test_usage import finished

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000_000


async def test_rows_are_given_as_they_come(database: Database) -> None:
    rows = [row_of(*finished(NOW / 1000 + number)) for number in range(2500)]
    await database.start(database.commit(lambda connection: write(connection, rows)))
    found: list[Mapping[str, Any]] = []
    report = await usage_report(database, "exchange", Filter(), now=NOW)
    await each(database, report, found.append)
    assert [row["id"] for row in found] == sorted(row.id for row in rows)


async def test_a_report_that_broke_off_is_not_begun_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def twice(get: Work[Result], *, clock: float | None = None) -> Result:
        await type(database).read(database, get, clock=clock)
        return await type(database).read(database, get, clock=clock)

    report = await usage_report(database, "user", Filter(), now=NOW)
    monkeypatch.setattr(database, "read", twice)
    with pytest.raises(LedgerUnavailable, match="in the middle"):
        await each(database, report, lambda row: None)
