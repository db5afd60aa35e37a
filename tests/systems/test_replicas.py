"""Two gateways, each a process, before one PostgreSQL: as one, whoever asks where."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import config, postgres
from tests.support.chatbase import Chatbase
from tests.support.ports import free_port
from tests.support.reply import Reply
from tests.support.tokens import Issuer
from tests.support.vendor import Request
from tests.support.wire import Answer, raw_request, wire

pytestmark = pytest.mark.anyio

BASE = "/support/api/v2/agents/agent_1"
PEOPLE = [f"person-{number}" for number in range(10)]


@dataclass(frozen=True)
class Replicas:
    vendor: Chatbase
    issuer: Issuer
    ports: tuple[int, ...]
    processes: "tuple[subprocess.Popen[bytes], ...]"

    async def ask(
        self, which: int, who: str, method: str, path: str, body: bytes | None = None
    ) -> Answer:
        fields = [("Authorization", f"Bearer {self.issuer.token(who, algorithm='HS256')}")]
        if body is not None:
            fields.append(("Content-Type", "application/json"))
        url = f"http://127.0.0.1:{self.ports[which]}"
        return await wire(url, raw_request(method, BASE + path, fields, body))

    async def opened(self, which: int, who: str) -> str:
        answer = await self.ask(which, who, "POST", "/chat", b'{"message":"hi","stream":false}')
        assert answer.status == 200, answer.raw
        return str(answer.json()["data"]["metadata"]["conversationId"])


@contextmanager
def serving(file: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`gateway serve`. Its log goes to a file: a pipe that nobody reads would hold it up."""
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(file)]
    with file.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def until_it_serves(url: str) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                assert (await wire(url, raw_request("GET", "/readyz"))).status == 200
            except OSError:
                await asyncio.sleep(0.05)
            else:
                return


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for the module: the two start once."""
    return "asyncio"


@pytest.fixture(scope="module")
async def both(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Replicas]:
    """They start at once, on a database in which there is nothing."""
    tmp_path = tmp_path_factory.mktemp("replicas")
    issuer = Issuer()
    async with AsyncExitStack() as stack:
        url = stack.enter_context(postgres.database())
        vendor = await stack.enter_async_context(Chatbase())
        text = config.chatbase(vendor.url, issuer, store=url)
        ports = free_port(), free_port()
        processes = []
        for port in ports:
            folder = tmp_path / str(port)
            folder.mkdir()
            spool = f'[store]\nspool = "{folder}/spool"\n'
            server = f'\n[server]\nlisten = "127.0.0.1:{port}"\ndrain_delay = "0s"\n'
            file = folder / "gateway.toml"
            file.write_text(text.replace("[store]\n", spool) + server)
            processes.append(stack.enter_context(serving(file)))
        for port in ports:
            await until_it_serves(f"http://127.0.0.1:{port}")
        yield Replicas(vendor, issuer, ports, tuple(processes))


@pytest.fixture
def replicas(both: Replicas) -> Replicas:
    both.vendor.handler = both.vendor.answer
    both.vendor.forget()
    return both


async def test_what_is_opened_at_one_goes_on_at_the_other(replicas: Replicas) -> None:
    for here, there in ((0, 1), (1, 0)):
        conversation = await replicas.opened(here, "alice")
        body = f'{{"message":"more","stream":false,"conversationId":"{conversation}"}}'.encode()
        assert (await replicas.ask(there, "alice", "POST", "/chat", body)).status == 200
        replicas.vendor.forget()
        refusals = {
            (await replicas.ask(which, "bob", "POST", "/chat", body)).status for which in (0, 1)
        }
        assert refusals == {404}
        assert replicas.vendor.saw_nothing()


async def test_nothing_that_nobody_owned_is_remembered(replicas: Replicas) -> None:
    """Filter for at one before it is opened at the other: a miss is never remembered."""
    missing = await replicas.ask(1, "alice", "GET", "/conversations/c-early")
    assert missing.status == 404

    async def early(request: Request, reply: Reply) -> None:
        await reply.json(200, {"data": {"metadata": {"conversationId": "c-early"}}})

    replicas.vendor.handler = early
    assert await replicas.opened(0, "alice") == "c-early"
    assert (await replicas.ask(1, "alice", "GET", "/conversations/c-early")).status == 200


@pytest.mark.parametrize("stream", [b"false", b"true"])
async def test_one_new_id_for_many_at_both_is_ones_alone_rf_54(
    replicas: Replicas, stream: bytes
) -> None:
    """Rows I-05, I-06: the vendor gives the same id to all, who ask at once, at both."""

    async def same_for_all(request: Request, reply: Reply) -> None:
        if request.json().get("stream", True):
            await reply.stream([{"type": "finish", "metadata": {"conversationId": name}}])
        else:
            await reply.json(200, {"data": {"metadata": {"conversationId": name}}})

    replicas.vendor.handler = same_for_all
    body = b'{"message":"hi","stream":' + stream + b"}"
    for attempt in range(5):
        name = f"c-{stream.decode()}-{attempt}"
        asked = [(who, which) for who in PEOPLE for which in (0, 1)]
        answers = await asyncio.gather(
            *(replicas.ask(which, who, "POST", "/chat", body) for who, which in asked)
        )
        told = {
            who for (who, _), one in zip(asked, answers, strict=True) if name.encode() in one.raw
        }
        assert len(told) == 1


async def test_an_id_a_person_has_is_the_same_at_both(replicas: Replicas) -> None:
    body = b'{"message":"hi","stream":false}'
    asked = [(f"{who}@example.com", which) for who in PEOPLE for which in (0, 1)]
    answers = await asyncio.gather(
        *(replicas.ask(which, who, "POST", "/chat", body) for who, which in asked)
    )
    ids: dict[str, set[str]] = {}
    for (who, _), answer in zip(asked, answers, strict=True):
        ids.setdefault(who, set()).add(answer.json()["data"]["metadata"]["userId"])
    assert [len(named) for named in ids.values()] == [1] * len(PEOPLE)
    assert len(set.union(*ids.values())) == len(PEOPLE)


async def test_one_that_is_killed_takes_nothing_along_rf_23(replicas: Replicas) -> None:
    """The last one of the module: there is only one replica afterwards."""
    opened = await asyncio.gather(*(replicas.opened(0, who) for who in PEOPLE))
    replicas.processes[0].kill()
    for who, conversation in zip(PEOPLE, opened, strict=True):
        answer = await replicas.ask(1, who, "GET", f"/conversations/{conversation}")
        assert answer.status == 200
        other = await replicas.ask(1, "somebody", "GET", f"/conversations/{conversation}")
        assert other.status == 404
