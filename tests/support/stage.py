"""The whole thing on sockets: a vendor, the real gateway from a real file in front of it, clients.

async with chatbase_stage(tmp_path) as stage:
    answer = await stage.ask("alice", "POST", "/chat", {"message": "hi"})
    assert stage.vendor.requests[0].json()["userId"] == "alice"
"""

import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest

from gateway.app import Gateway
from gateway.core.formats.sse import EventStreamSplitter
from gateway.net.server.protocol import guarded_protocol
from gateway.net.server.tally import ServerLimits
from tests.support import config, entries, over_http2, replicas, stores
from tests.support.altatech import AltaTech
from tests.support.anthropic_api import Anthropic
from tests.support.bookbag import Bookbag
from tests.support.chatbase import Chatbase
from tests.support.dify_api import Dify
from tests.support.docbit import DocBit
from tests.support.hosts import How, hosted
from tests.support.openai_api import OpenAI
from tests.support.serve import serving
from tests.support.tokens import ABSENT, Issuer
from tests.support.vendor import RecordingVendor
from tests.support.wire import Answer, raw_request, wire

Vendor = TypeVar("Vendor", bound=RecordingVendor)
Edit = Callable[[str], str]


@dataclass(frozen=True)
class Stage(Generic[Vendor]):
    """A gateway that runs, at `url`; `base` goes before every path that `ask` is given."""

    vendor: Vendor
    gateway: Gateway | None  # None: an application has it
    issuer: Issuer
    url: str
    base: str

    def token(self, who: str, **claims: object) -> str:
        return self.issuer.token(who, algorithm="HS256", **claims)

    def request(
        self,
        who: str | None,
        method: str,
        path: str,
        body: object = None,
        fields: Iterable[tuple[str, str] | bytes] = (),
    ) -> bytes:
        """A request as a client would write it; `body` may be bytes, sent as they are."""
        lines: list[tuple[str, str] | bytes] = []
        if who is not None:
            lines.append(("Authorization", f"Bearer {self.token(who)}"))
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if content is not None and not any(_is_content_type(field) for field in fields):
            lines.append(("Content-Type", "application/json"))
        return raw_request(method, self.base + path, [*lines, *fields], content)

    async def ask(
        self,
        who: str | None,
        method: str,
        path: str,
        body: object = None,
        fields: Iterable[tuple[str, str] | bytes] = (),
    ) -> Answer:
        return await wire(self.url, self.request(who, method, path, body, list(fields)))


def _is_content_type(field: tuple[str, str] | bytes) -> bool:
    name = field.split(b":")[0].decode("latin-1") if isinstance(field, bytes) else field[0]
    return name.lower() == "content-type"


def adding(table: str, *lines: str) -> Edit:
    """An edit that puts lines at the head of a table."""
    return lambda text: text.replace(f"[{table}]\n", f"[{table}]\n" + "\n".join(lines) + "\n")


@asynccontextmanager
async def gateway_of(text: str, folder: Path, **limits: Any) -> AsyncIterator[tuple[Gateway, str]]:
    """The gateway a configuration text describes, served the way `gateway serve` does.

    With `--stage=asgi` it is called as an application; with `--stage=http2` it asks its vendors in
    HTTP/2; with `--stage=replicas` there are two of them, by `gateway serve` itself.
    """
    if replicas.WANTED:
        async with replicas.replicas_of(text, folder) as two:
            yield two
        return
    async with over_http2.as_wanted(text) as wanted, _served(wanted, folder, **limits) as one:
        yield one


@asynccontextmanager
async def _served(text: str, folder: Path, **limits: Any) -> AsyncIterator[tuple[Gateway, str]]:
    file = folder / "gateway.toml"
    file.write_text(text)
    stores.lay(text)
    gateway = Gateway.from_file(file)
    guarded = guarded_protocol(ServerLimits(**limits), None if entries.ASGI else gateway)
    async with serving(
        gateway, http=guarded, proxy_headers=False, server_header=False, access_log=False
    ) as url:
        yield gateway, url


@asynccontextmanager
async def gateway_at(
    text: str, folder: Path, vendor_url: str, path: str, how: How | None
) -> AsyncIterator[tuple[Gateway | None, str, str]]:
    """The gateway of a text, alone or hosted; its URL, and what `path` of the vendor's is there."""
    if how is None:
        async with gateway_of(text, folder) as (gateway, url):
            yield gateway, url, path
        return
    if replicas.WANTED:
        pytest.skip("stands in an application, which is one process")
    file = folder / "gateway.toml"
    stores.lay(text)
    async with AsyncExitStack() as stack:
        if how == "app":
            file.write_text(text.replace(vendor_url, "app:"))
        else:
            file.write_text(await stack.enter_async_context(over_http2.as_wanted(text)))
        url, prefix = await stack.enter_async_context(hosted(how, file, vendor_url))
        # The application stands at its own URLs, without the upstream's name before them.
        yield None, url, prefix + (path[path.index("/", 1) :] if how == "app" else path)


@asynccontextmanager
async def _stage(
    make: Callable[[], Vendor],
    configured: Callable[..., str],
    path: str,
    folder: Path,
    edit: Edit = str,
    how: How | None = None,
    *,
    store: str | None = None,
) -> AsyncIterator[Stage[Vendor]]:
    """`edit` may change the configuration's text; `how` is it hosted? None: it stands alone.

    `store` is a URL; None: a file in the folder. `path` is where the upstream's own paths begin.
    """
    issuer = Issuer()
    async with make() as vendor:
        text = edit(configured(vendor.url, issuer, store=store or folder / "gateway.db"))
        async with gateway_at(text, folder, vendor.url, path, how) as (gateway, url, base):
            yield Stage(vendor, gateway, issuer, url, base)


chatbase_stage = partial(_stage, Chatbase, config.chatbase, "/support/api/v2/agents/agent_1")
docbit_stage = partial(_stage, DocBit, config.docbit, "/docs/api/ai")
bookbag_stage = partial(_stage, Bookbag, config.bookbag, "/shop/api/v2/agents/12")
altatech_stage = partial(_stage, AltaTech, config.altatech, "/bot")
openai_stage = partial(_stage, OpenAI, config.openai, "/llm/v1")
anthropic_stage = partial(_stage, Anthropic, config.anthropic, "/claude/v1")
dify_stage = partial(_stage, Dify, config.dify, "/app/v1")


@dataclass(frozen=True)
class Saas:
    """Many orgs under one name; see `config.saas`."""

    acme: Chatbase
    shared: Chatbase
    docs: DocBit
    gateway: Gateway
    platform: Issuer
    partner: Issuer
    own: Issuer
    url: str

    def token(self, who: str, org: object = ABSENT, **claims: object) -> str:
        return self.platform.token(who, algorithm="HS256", org_id=org, **claims)

    async def ask(
        self,
        token: str | None,
        method: str,
        path: str,
        body: object = None,
        fields: Iterable[tuple[str, str]] = (),
        *,
        host: str = "chat.saas.test",
    ) -> Answer:
        lines = list(fields)
        if token is not None:
            lines.append(("Authorization", f"Bearer {token}"))
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            lines.append(("Content-Type", "application/json"))
        return await wire(self.url, raw_request(method, path, lines, content, host=host))

    def saw_nothing(self) -> bool:
        """Whether no vendor has seen a byte."""
        return all(one.saw_nothing() for one in (self.acme, self.shared, self.docs))


@asynccontextmanager
async def saas_stage(
    folder: Path, edit: Edit = str, *, store: str | None = None
) -> AsyncIterator[Saas]:
    """`edit` may change the configuration's text; `store` is a URL, else there is a file."""
    urls = ("https://login.saas.test/", "https://login.partner.test/", "https://id.own.test/")
    platform, partner, own = (Issuer(url) for url in urls)
    async with (
        Chatbase(key="acme-cb-key") as acme,
        Chatbase(key="shared-cb-key") as shared,
        DocBit() as docs,
    ):
        vendors, issuers = (acme.url, shared.url, docs.url), (platform, partner, own)
        text = edit(config.saas(*vendors, issuers, store=store or folder / "gateway.db"))
        async with gateway_of(text, folder) as (gateway, url):
            yield Saas(acme, shared, docs, gateway, platform, partner, own, url)


def events(answer: Answer) -> list[Any]:
    """The JSON events of a stream."""
    found = EventStreamSplitter().feed(answer.body)
    return [json.loads(one.data) for one in found if one.data and one.data != b"[DONE]"]
