"""Another configuration takes the place of the one that serves: nobody notices, and it counts."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway.app import Gateway
from gateway.config.load import load
from gateway.config.model import Settings
from gateway.net.upstream.dial import verifying_context
from gateway.orgs.org import Org
from gateway.orgs.site import OneOrg
from gateway.reload import rereading
from gateway.reload.sighup import Reloader
from tests.support import replicas
from tests.support.chatbase import Chatbase
from tests.support.kept import all_written
from tests.support.provider import Provider
from tests.support.stage import Stage, adding, chatbase_stage
from tests.support.wire import connected

pytestmark = pytest.mark.anyio

HI = {"message": "hi"}
STREAM = {"message": "hi", "stream": True}
OTHER_ORG = """
[orgs.other]
path = "/other"
[orgs.other.sign_in]
issuer = "https://other.example/"
audience = "chat"
secret = "another-secret-for-tests-only-32-bytes"
[orgs.other.upstreams.support]
vendor = "chatbase"
key = "k"
agent = "agent_1"
"""


@dataclass
class Changing:
    """A stage whose configuration changes."""

    stage: Stage[Chatbase]
    file: Path
    reloader: Reloader

    @property
    def gateway(self) -> Gateway:
        assert self.stage.gateway is not None
        return self.stage.gateway

    async def reload(self, *changes: tuple[str, str], more: str = "") -> None:
        written = self.file.read_text()
        for old, new in changes:
            assert old in written
            written = written.replace(old, new)
        self.file.write_text(written + more)
        await self.reloader.reload()

    async def says(self, who: str = "alice") -> int:
        return (await self.stage.ask(who, "POST", "/chat", HI)).status


@asynccontextmanager
async def changing(folder: Path, edit: Any = str) -> AsyncIterator[Changing]:
    if replicas.WANTED:
        pytest.skip("is reloaded from within")
    async with chatbase_stage(folder, edit) as stage:
        assert stage.gateway is not None
        file = folder / "gateway.toml"
        yield Changing(stage, file, Reloader(stage.gateway, lambda _: load(file).settings))


def org(gateway: Gateway) -> Org:
    assembled = gateway.assembled
    assert assembled is not None
    site, _ = assembled.house.sites.find(None, ("support",))
    assert isinstance(site, OneOrg)
    return site.org


async def test_new_requests_are_served_by_the_new_configuration(tmp_path: Path) -> None:
    async with changing(tmp_path) as it:
        assert await it.says() == 200
        it.stage.vendor.key = "cb-key-2"
        assert await it.says() != 200
        await it.reload(('"cb-key"', '"cb-key-2"'))
        assert await it.says() == 200


async def test_an_answer_that_runs_goes_on_by_the_old_one(tmp_path: Path) -> None:
    async with changing(tmp_path) as it:
        held = asyncio.Event()

        async def hold(event: Any) -> None:
            if event["type"] == "finish":
                await held.wait()

        it.stage.vendor.before_event = hold
        async with connected(it.stage.url) as client:
            await client.send(it.stage.request("alice", "POST", "/chat", STREAM))
            await client.until(b"text-delta")
            before = org(it.gateway)
            await it.reload(("[sign_in]\n", '[sign_in]\nleeway = "5s"\n'))
            assert org(it.gateway) is not before
            held.set()
            answer = await client.answer()
        assert answer.status == 200
        assert b"[DONE]" in answer.body


async def test_none_of_many_requests_fails_while_it_changes(tmp_path: Path) -> None:
    """RF-25: the configuration changes over and over under load, in the org that is asked."""
    async with changing(tmp_path, adding("sign_in", 'leeway = "0s"')) as it:
        statuses: list[int] = []
        done = asyncio.Event()

        async def client(who: str) -> None:
            while not done.is_set():
                answer = await it.stage.ask(who, "POST", "/chat", STREAM)
                statuses.append(answer.status if b"[DONE]" in answer.body else -1)

        clients = [asyncio.create_task(client(f"user-{n}")) for n in range(4)]
        for leeway in range(10):
            began = len(statuses)
            await it.reload((f'leeway = "{leeway}s"', f'leeway = "{leeway + 1}s"'))
            await until(lambda: len(statuses) >= began + 8)  # noqa: B023 - awaited here
        done.set()
        await asyncio.gather(*clients)
    assert set(statuses) == {200}


async def test_what_is_alike_goes_on_as_it_is(tmp_path: Path) -> None:
    """Its connections, its keys, what it remembers: another org's change is none of its own."""
    async with changing(tmp_path, several) as it:
        before = org(it.gateway)
        await it.says()
        connections = it.stage.vendor.open_connections()
        await it.reload(more=OTHER_ORG)
        assert org(it.gateway) is before
        await it.reload(('path = "/other"', 'path = "/elsewhere"'))
        assert org(it.gateway) is before
        assert await it.says() == 200
        assert it.stage.vendor.open_connections() == connections


async def test_read_by_another_process_it_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As many orgs are; a process that cannot even begin changes nothing."""
    monkeypatch.setattr(rereading, "MANY", 0)
    async with changing(tmp_path, several) as it:
        it.reloader = Reloader(it.gateway, partial(rereading.reread, it.file, {}))
        before = org(it.gateway)
        await it.reload(more=OTHER_ORG)
        assert org(it.gateway) is before
        assert await it.says() == 200
        it.stage.vendor.key = "cb-key-2"
        await it.reload(('"cb-key"', '"cb-key-2"'))
        assert org(it.gateway) is not before
        assert await it.says() == 200
        before = org(it.gateway)
        await it.reload(("[orgs.first.upstreams.", "[orgs.first.upstream."))
        assert any("orgs.first.upstream: unknown key" in one.getMessage() for one in caplog.records)
        monkeypatch.setattr(sys, "executable", "/no/such/python")
        await it.reloader.reload()
        assert "not reloaded: a fault of the gateway's own" in caplog.text
        assert org(it.gateway) is before
        assert await it.says() == 200
        assert "cb-key" not in caplog.text


async def test_what_is_gone_is_closed_and_answers_nobody(tmp_path: Path) -> None:
    def both(text: str) -> str:
        return several(text) + OTHER_ORG

    async with changing(tmp_path, both) as it:
        pool = transport(it.gateway, "other")
        kept = transport(it.gateway, "")
        both_orgs = it.file.read_text()
        it.file.write_text(both_orgs[: both_orgs.index("[orgs.other]")])
        await it.reloader.reload()
        assert (await it.stage.ask("alice", "POST", "/../other/support", HI)).status in {400, 404}
        await until(lambda: is_closed(pool))
        assert not is_closed(kept)


async def test_what_runs_is_not_closed_under_its_hands(tmp_path: Path) -> None:
    async with changing(tmp_path) as it:
        held = asyncio.Event()

        async def hold(event: Any) -> None:
            if event["type"] == "finish":
                await held.wait()

        it.stage.vendor.before_event = hold
        old = transport(it.gateway, "")
        async with connected(it.stage.url) as client:
            await client.send(it.stage.request("alice", "POST", "/chat", STREAM))
            await client.until(b"text-delta")
            await it.reload(('agent = "agent_1"', 'agent = ["agent_1", "agent_2"]'))
            await it.reload(("[sign_in]\n", "[sign_in]\n# nothing of it changes\n"))
            assert transport(it.gateway, "") is not old
            assert not is_closed(old)
            held.set()
            await client.answer()
        await until(lambda: is_closed(old))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(("[sign_in]", "[sign_on]"), "sign_on", id="a mistake"),
        pytest.param(('audience = "chat"', 'audience = "${env:NONE_SUCH}"'), "NONE_SUCH", id="env"),
        pytest.param(("[sign_in]", "[sign_in"), "not TOML", id="no TOML"),
        pytest.param(("gateway.db", "other.db"), "store: a change there needs a restart", id="URL"),
        pytest.param(
            ("[sign_in]", '[server]\nlisten = "127.0.0.1:1"\n[sign_in]'),
            "server.listen: a change there needs a restart",
            id="listen",
        ),
    ],
)
async def test_with_a_mistake_the_old_one_serves_on(
    change: tuple[str, str], says: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Row Z-10."""
    async with changing(tmp_path) as it:
        before = it.gateway.assembled
        await it.reload(change)
        assert it.gateway.assembled is before
        assert await it.says() == 200
        assert any(says in record.getMessage() for record in caplog.records)
        assert not any("  warning  " in record.getMessage() for record in caplog.records)
        assert "cb-key" not in caplog.text
        assert not (tmp_path / "other.db").exists()


async def test_a_file_that_is_gone_changes_nothing(tmp_path: Path) -> None:
    async with changing(tmp_path) as it:
        it.file.unlink()
        await it.reloader.reload()
        assert await it.says() == 200


async def test_authorities_that_cannot_be_read_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    verifying_context()
    async with changing(tmp_path) as it:
        before = it.gateway.assembled
        for content in (None, "-----BEGIN CERTIFICATE-----\nhalf of"):
            authorities = tmp_path / f"authorities-{content is None}.pem"
            if content is not None:
                authorities.write_text(content)
            monkeypatch.setenv("SSL_CERT_FILE", str(authorities))
            caplog.clear()
            await it.reload()
            assert f"not reloaded: SSL_CERT_FILE: {authorities}: " in caplog.text
            assert "Traceback" not in caplog.text
            assert it.gateway.assembled is before
            assert await it.says() == 200


async def test_keys_outlive_an_issuer_that_is_away_just_then(tmp_path: Path) -> None:
    with Provider() as provider:

        def by_issuer(text: str) -> str:
            head, _, rest = text.partition("[sign_in]\n")
            upstream = rest[rest.index("[upstreams") :]
            return f'{head}[sign_in]\nissuer = "{provider.url}"\naudience = "chat"\n{upstream}'

        async with changing(tmp_path, by_issuer) as it:
            token = ("Authorization", f"Bearer {provider.issuer.token('alice')}")
            assert (await it.stage.ask(None, "POST", "/chat", HI, [token])).status == 200
            provider.script("/keys", lambda request: request.reply(b"", code=500))
            await it.reload(("[sign_in]\n", '[sign_in]\nleeway = "5s"\n'))
            bob = ("Authorization", f"Bearer {provider.issuer.token('bob')}")
            assert (await it.stage.ask(None, "POST", "/chat", HI, [bob])).status == 200


async def test_a_credential_the_new_one_does_not_take_counts_no_more(tmp_path: Path) -> None:
    """Also where it had been verified, and was remembered."""
    async with changing(tmp_path) as it:
        token = [("Authorization", f"Bearer {it.stage.token('alice')}")]
        assert (await it.stage.ask(None, "POST", "/chat", HI, token)).status == 200
        await it.reload(('audience = "chat"', 'audience = "another"'))
        it.stage.vendor.forget()
        assert (await it.stage.ask(None, "POST", "/chat", HI, token)).status == 401
        assert it.stage.vendor.saw_nothing()


async def test_limits_count_on(tmp_path: Path) -> None:
    def limited(text: str) -> str:
        return text + '\n[limits]\nper_user = ["2/h"]\n'

    async with changing(tmp_path, limited) as it:
        assert [await it.says(), await it.says(), await it.says()] == [200, 200, 429]
        await it.reload(("[sign_in]\n", '[sign_in]\nleeway = "5s"\n'))
        assert await it.says() == 429


async def test_it_is_in_the_audit_trail(tmp_path: Path) -> None:
    async with changing(tmp_path) as it:
        await it.reload(("[sign_in]\n", '[sign_in]\nleeway = "5s"\n'))
        await it.reload(("[sign_in]\n", "[sign_on]\n"))
        assembled = it.gateway.assembled
        assert assembled is not None
        await all_written(assembled.process.kept.trail.batches)
        query = text("select event from audit where org = '' order by id")
        rows = await assembled.process.store.database.rows(query, {})
        assert [row.event for row in rows] == ["reloaded", "reload_refused"]


@pytest.mark.one_process("it is reloaded from within")
async def test_asked_for_while_it_runs_it_runs_once_more(tmp_path: Path) -> None:
    """Two signals while a file is read: what was written between them is taken."""
    async with chatbase_stage(tmp_path) as stage:
        assert stage.gateway is not None
        reads, go_on = 0, threading.Event()

        def read(_: Settings) -> Settings:
            nonlocal reads
            reads += 1
            go_on.wait(10)
            return load(tmp_path / "gateway.toml").settings

        reloader = Reloader(stage.gateway, read)
        for _ in range(5):
            reloader.begin()
        await until(lambda: reads == 1)
        for _ in range(5):
            reloader.begin()
        go_on.set()
        await until(lambda: reloader._task is None)
        assert reads == 2


def several(text: str) -> str:
    """The same configuration in its long form, with a name for its org."""
    head, _, rest = text.partition("[sign_in]\n")
    rest = rest.replace("[upstreams.", "[orgs.first.upstreams.")
    return f'{head}[orgs.first]\npath = "/"\n[orgs.first.sign_in]\n{rest}'


def transport(gateway: Gateway, path: str) -> Any:
    assembled = gateway.assembled
    assert assembled is not None
    where = tuple(part for part in (path, "support") if part)
    site, below = assembled.house.sites.find(None, where)
    assert isinstance(site, OneOrg)
    return site.org.upstreams.find(None, below)[0].transport


def is_closed(transport: Any) -> bool:
    return bool(getattr(transport, "_pool", transport)._closed)  # HTTP/1.1 has a pool


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - any condition
            await asyncio.sleep(0.01)
