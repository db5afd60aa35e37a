"""Zero requests refused that an honest client makes: what is recorded of clients, direct and here.

Each flow is played twice: to the vendor's emulator itself, as a careful proxy would pass it on
(the same request, with the vendor's key and the user id), and through the gateway, to another
emulator that knows the same. Answers must be alike byte for byte, streams event for event, and the
vendor must have heard the same. Where the gateway answers otherwise, the recording says why.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from tests.support.stage import Stage
from tests.support.tokens import Issuer
from tests.systems.flows import Heard, Step, flows, play, request, steps
from tests.systems.systems import SYSTEMS, System, Vendor, forget_all

pytestmark = pytest.mark.anyio
PASSED = ("content-type", "retry-after", "x-vercel-ai-ui-message-stream")
PASSED += tuple(f"x-ratelimit-{name}" for name in ("limit", "remaining", "reset"))
WHY = (Path(__file__).parents[2] / "docs" / "what-differs.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Both:
    """The two ways: to an emulator itself, and to another one through the gateway."""

    system: System
    direct: Vendor
    stage: Stage[Any]
    ids: Iterator[str]

    async def play(self, flow: list[Step]) -> tuple[list[Heard], list[Heard]]:
        ids = [next(self.ids) for _ in range(200)]
        heard = []
        for vendor, url, send in (
            (self.direct, self.direct.url, self._as_a_careful_proxy),
            (self.stage.vendor, self.stage.url, self._to_the_gateway),
        ):
            forget_all(vendor, iter(ids[:100]))
            heard.append(await play(vendor, url, flow, send, iter(ids[100:])))
        return heard[0], heard[1]

    def _as_a_careful_proxy(self, step: Step) -> bytes:
        target, body, fields = self.system.careful(step)
        head = re.sub("(?i)bearer {token}", "{token}", step.head())
        head = head.removesuffix("\n") + fields + "\n"
        return request(step, head, target, body, self.system.credential)

    def _to_the_gateway(self, step: Step) -> bytes:
        token = self.stage.token(step.who)
        return request(step, step.head(), self.system.prefix + step.path, step.body, token)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((system, manner), id=f"{system.name}: {manner}")
        for system in SYSTEMS
        for manner in system.manners
    ],
)
async def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Both]:
    system, manner = request.param
    ids, settings = system.manners[manner]
    async with AsyncExitStack() as stack:
        direct = await stack.enter_async_context(system.emulator())
        stage = await stack.enter_async_context(system.staging(tmp_path_factory.mktemp("flows")))
        for vendor in (direct, stage.vendor):
            for name, value in settings.items():
                setattr(vendor, name, value)
        yield Both(system, direct, stage, ids())


async def test_answers_are_the_vendors_own(both: Both, subtests: pytest.Subtests) -> None:
    for name, flow in flows(both.system.name).items():
        with subtests.test(name):
            direct, through = await both.play(flow)
            for one, other in zip(direct, through, strict=True):
                if other.step.differs:
                    differ(one, other)
                else:
                    alike(one, other)


def alike(direct: Heard, through: Heard) -> None:
    """The same answer, to what the vendor heard alike."""
    one, other, step = direct.answer, through.answer, through.step
    assert other.status == one.status, (step.place, other.raw)
    assert other.body == one.body, step.place
    assert one.complete, step.place
    assert other.complete, step.place
    for name in PASSED:
        assert other.values(name) == one.values(name), (step.place, name)
    assert other.values("x-upstream-request-id") == one.values("x-request-id"), step.place
    assert other.values("x-gateway-error") == [], step.place
    (asked,), (heard) = direct.requests, through.requests
    assert len(heard) == 1, step.place
    assert heard[0].method == asked.method, step.place
    assert target(heard[0].target, ()) == target(asked.target, step.dropped), step.place
    assert document(heard[0].body, ()) == document(asked.body, step.dropped), step.place


def target(written: str, dropped: tuple[str, ...]) -> tuple[str, set[tuple[str, str]]]:
    parts = urlsplit(written)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    return parts.path, {pair for pair in pairs if pair[0] not in dropped}


def document(body: bytes, dropped: tuple[str, ...]) -> Any:
    if not body:
        return None
    found = json.loads(body)
    return {name: value for name, value in found.items() if name not in dropped}


def differ(direct: Heard, through: Heard) -> None:
    """What was said would happen instead; and it is no difference if it is none."""
    step, other = through.step, through.answer
    status, code = step.ours
    assert (other.status, "".join(other.values("x-gateway-error"))) == (status, code), step.place
    assert (other.status, other.body) != (direct.answer.status, direct.answer.body), step.place
    if status < 500 and code:
        assert through.requests == [], step.place


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_every_difference_has_a_reason(system: System) -> None:
    for step in steps(system.name):
        assert not step.differs or f"**{step.differs}**" in WHY, step.place


def test_every_reason_has_a_difference() -> None:
    found = {step.differs for system in SYSTEMS for step in steps(system.name)} - {""}
    assert set(re.findall(r"^\*\*([^*]+)\*\*", WHY, re.MULTILINE)) == found


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_a_replay_of_the_recording_refuses_what_differs_and_nothing_else(
    system: System, tmp_path: Path
) -> None:
    """`gateway replay` reads the same files; to it all conversations are nobody's."""
    issuer = Issuer()
    file = tmp_path / "gateway.toml"
    file.write_text(system.configured("http://127.0.0.1:9", issuer, store=tmp_path / "g.db"))
    recording = tmp_path / "recorded.ndjson"
    values = dict.fromkeys(("conversation", "message", "call", "cursor"), "7")
    asked = [step.with_values(values) for step in steps(system.name)]
    recording.write_text("".join(json.dumps(as_recorded(step)) + "\n" for step in asked))
    token = issuer.token("alice", algorithm="HS256")
    words = ("replay", str(recording), "--config", str(file), "--prefix", system.prefix)
    done = CliRunner().invoke(app, [*words, "--token", token, "--format", "json"])
    assert done.exit_code == 0, done.output
    codes = {one["reason"].split(" ")[1].rstrip(":") for one in json.loads(done.stdout)["refusals"]}
    ours = {code for step in asked if step.differs for status, code in [step.ours] if status < 500}
    assert codes == (ours | {"conversation_not_found"}) - {""}


def as_recorded(step: Step) -> dict[str, object]:
    fields = {} if step.body is None else {"content-type": step.type or "application/json"}
    return {"method": step.method, "path": step.path, "headers": fields, "body": step.body}
