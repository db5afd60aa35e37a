"""A gateway with something in its store, and what operators reach beside it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.admin.app import AdminApp
from tests.cli.looked import fill
from tests.support import postgres, replicas
from tests.support.chatbase import Chatbase
from tests.support.serve import serving
from tests.support.stage import Stage, chatbase_stage
from tests.support.wire import Answer, raw_request, wire

TOKEN = "operators-token-of-32-characters"
TABLE = f'\n[admin]\nlisten = "127.0.0.1:1"\ntoken = "{TOKEN}"\n'


@dataclass(frozen=True)
class Operators:
    """`url` is the admin listener; `stage` the gateway where people come in.

    Of replicas, `url` is that of one or the other.
    """

    stage: Stage[Chatbase]
    url: str

    async def ask(self, target: str, *, token: str | None = TOKEN, method: str = "GET") -> Answer:
        fields = [] if token is None else [("Authorization", f"Bearer {token}")]
        return await wire(self.url, raw_request(method, target, fields))

    async def rows(self, target: str) -> list[dict[str, Any]]:
        """The rows of a list, as NDJSON has them."""
        answer = await self.ask(target + ("&" if "?" in target else "?") + "format=ndjson")
        assert answer.status == 200, answer.body
        assert answer.complete
        return [json.loads(line) for line in answer.body.splitlines()]


@asynccontextmanager
async def operators(folder: Path) -> AsyncIterator[Operators]:
    if replicas.WANTED:
        with postgres.store() as store:
            await fill(store)
            async with chatbase_stage(folder, _with_admin, store=store) as stage:
                yield Operators(stage, stage.gateway.admin)
        return
    await fill(f"sqlite:///{folder}/gateway.db")
    async with (
        chatbase_stage(folder, _with_admin) as stage,
        serving(AdminApp(stage.gateway, TOKEN), lifespan="off") as url,
    ):
        yield Operators(stage, url)


def _with_admin(text: str) -> str:
    return text + TABLE
