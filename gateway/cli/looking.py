"""What `explain` and `replay` share: a gateway that is only looked at, and requests to show it."""

import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.config.model import Settings
    from gateway.dispatch import House
    from gateway.explain.decisions import Explanation
    from gateway.ports import Fields, Watcher


@dataclass(frozen=True, slots=True)
class Typed:
    """An `Inbound` made of what was typed."""

    method: str
    raw_path: str
    raw_query: bytes
    fields: "Fields"
    content: bytes
    scheme: str = "http"
    peer: str = ""
    mount: str = ""
    from_proxy: bool = False

    @property
    def host(self) -> str | None:
        from gateway.core.formats.fields import host

        return host(self.fields)

    async def body(self, limit: int) -> bytes:
        from gateway.core.errors import ContentTooLarge

        if len(self.content) > limit:
            raise ContentTooLarge
        return self.content

    async def chunks(self, limit: int) -> AsyncGenerator[bytes, None]:
        yield await self.body(limit)

    def on_leave(self, watcher: "Watcher | None") -> None:
        """Whoever typed it stays."""


@asynccontextmanager
async def looking(settings: "Settings") -> AsyncIterator["House"]:
    """The gateway of these settings, in which nothing must happen.

    Where there is no store yet, none is made: one in a temporary folder stands in for it.
    """
    from gateway.assemble import assemble
    from gateway.store.opening import is_there

    there = await is_there(settings.store.url)
    with nullcontext() if there else tempfile.TemporaryDirectory() as folder:
        if folder is not None:
            store = settings.store.model_copy(update={"url": f"sqlite:///{folder}/none.db"})
            settings = settings.model_copy(update={"store": store})
        settings = settings.model_copy(update={"traces": None})  # there is nothing to trace
        async with assemble(settings) as assembled:
            yield assembled.house


async def look(house: "House", asked: Typed) -> "Explanation":
    """Every decision about one request."""
    from gateway.explain.decisions import explain
    from gateway.ports import Record
    from gateway.store.readonly import ReadOnlyLedger

    record = Record(request_id="explained", method=asked.method, started=time.monotonic())
    return await explain(house, asked, record, lambda org: ReadOnlyLedger(org.ledger))
