"""Contacts on sockets: one of the vendors, the gateway in front of it, and how long to wait."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.contacts import sync
from tests.support.bookbag import Bookbag
from tests.support.chatbase import Chatbase
from tests.support.stage import Edit, Stage, bookbag_stage, chatbase_stage
from tests.support.vendor import Request
from tests.support.wire import Answer, raw_request, wire

TOKEN = "service-token-" + "s" * 32
SERVICE = ("Authorization", f"Bearer {TOKEN}")
HI: dict[str, object] = {"message": "hi", "stream": False}
MAPPED = 'attributes = { email = "/email", plan = "/app/plan" }'
PATIENCE = 20.0  # seconds
QUICKLY = 0.02  # seconds, in place of those that a test would only wait for


async def eventually(holds: Callable[[], Any]) -> None:
    """Wait until it holds."""
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, "it never came to hold"
        await asyncio.sleep(0.01)


def table(upstream: str, *lines: str, org: str = "") -> str:
    return f"\n[{org}upstreams.{upstream}.contacts]\n" + "\n".join((MAPPED, *lines)) + "\n"


def quickly(stage: Stage[Any]) -> None:
    """Do not wait where a test would only wait."""
    for one in syncs(stage):
        one.debounce = QUICKLY
        one.office.pause = 0.0


def syncs(stage: Stage[Any]) -> list[sync.ContactSync]:
    desks = stage.gateway.assembled.house.contacts.values()  # type: ignore[union-attr]
    return [desk.contacts for desk in desks]


async def settled(stage: Stage[Any]) -> None:
    """Wait until nothing is left to write."""
    await eventually(lambda: all(one._task is None for one in syncs(stage)))


def written(vendor: Chatbase | Bookbag) -> list[Request]:
    return [one for one in vendor.requests if one.method == "POST" and "/contacts" in one.target]


def back_office(vendor: Any) -> list[Request]:
    """What was asked of the vendor that no end user may ask."""
    return [one for one in vendor.requests if "/api/v1/" in one.target or "property" in one.target]


@asynccontextmanager
async def chatbase(
    folder: Path, *lines: str, edit: Edit = str, store: str | None = None
) -> AsyncIterator[Stage[Chatbase]]:
    """Attributes `email` and `plan`, of which `plan` is defined; and a token."""

    def with_contacts(text: str) -> str:
        return edit(text + table("support", f'token = "{TOKEN}"', *lines))

    async with chatbase_stage(folder, with_contacts, store=store) as stage:
        stage.vendor.contacts.define("agent_1", "plan")
        quickly(stage)
        yield stage


@asynccontextmanager
async def bookbag(
    folder: Path, *lines: str, edit: Edit = str, store: str | None = None
) -> AsyncIterator[Stage[Bookbag]]:
    def with_contacts(text: str) -> str:
        return edit(text + table("shop", f'token = "{TOKEN}"', *lines))

    async with bookbag_stage(folder, with_contacts, store=store) as stage:
        stage.vendor.contacts.define("12", "plan")
        quickly(stage)
        yield stage


async def push(
    stage: Stage[Any],
    subject: str,
    said: object,
    fields: Iterable[tuple[str, str]] = (SERVICE,),
    *,
    upstream: str = "support",
    org: str = "default",
    method: str = "PUT",
) -> Answer:
    lines = [*fields]
    if not any(name.lower() == "content-type" for name, _ in lines):
        lines.append(("Content-Type", "application/json"))
    content = said if isinstance(said, bytes) else json.dumps(said).encode()
    path = f"/_gateway/contacts/{org}/{upstream}/{subject}"
    return await wire(stage.url, raw_request(method, path, lines, content))


async def chat(stage: Stage[Any], who: str, **claims: object) -> Answer:
    fields = [("Authorization", f"Bearer {stage.token(who, **claims)}")]
    return await stage.ask(None, "POST", "/chat", HI, fields)
