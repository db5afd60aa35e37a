"""One gateway, and one vendor behind it, for all rows of a file.

A row costs a few milliseconds so, where a gateway of its own would cost sixty.
"""

from collections.abc import AsyncIterator

import pytest

from tests.support.chatbase import Chatbase
from tests.support.docbit import DocBit
from tests.support.stage import Stage, chatbase_stage, docbit_stage
from tests.support.stores import AStore


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """As everywhere; for a whole module, so that its rows share a loop."""
    return "asyncio"


@pytest.fixture(scope="module")
async def shared_chatbase(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str, a_store: AStore
) -> AsyncIterator[Stage[Chatbase]]:
    async with chatbase_stage(tmp_path_factory.mktemp("chatbase"), store=a_store()) as built:
        yield built


@pytest.fixture(scope="module")
async def shared_docbit(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str, a_store: AStore
) -> AsyncIterator[Stage[DocBit]]:
    async with docbit_stage(tmp_path_factory.mktemp("docbit"), store=a_store()) as built:
        yield built


@pytest.fixture
def stage(shared_chatbase: Stage[Chatbase]) -> Stage[Chatbase]:
    """A gateway before Chatbase, which has seen nothing yet."""
    vendor = shared_chatbase.vendor
    vendor.handler, vendor.shape, vendor.memory.reports_user = vendor.answer, "a", None
    vendor.forget()
    return shared_chatbase


@pytest.fixture
def docbit(shared_docbit: Stage[DocBit]) -> Stage[DocBit]:
    """A gateway before DocBit, which has seen nothing yet."""
    vendor = shared_docbit.vendor
    vendor.handler = vendor.answer
    vendor.forget()
    return shared_docbit
