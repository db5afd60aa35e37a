"""T and I-16: what could be told by the clock, shown without one.

A median that differs by a microsecond proves little, and one that does not proves less; so these
count instead what is done for each of two answers that must not be told apart.
"""

import hmac
import json
import re
from collections.abc import Iterator

import jwt.algorithms
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.attacks.both_ends import HI, bearer, refused
from tests.attacks.test_conversations import naming, opened
from tests.support.chatbase import Chatbase
from tests.support.stage import Stage
from tests.support.wire import wire

pytestmark = pytest.mark.anyio

BY_THE_CLOCK = re.compile(r"FROM (?:audit|audit_heads|gateway_schema|usage)\b|made_at >= ")


@pytest.fixture
def reads() -> Iterator[list[str]]:
    """Every question to a database while the test runs, but for those that a clock asks."""
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("SELECT") and not BY_THE_CLOCK.search(statement):
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.one_process("its questions to the store are watched")
async def test_anothers_and_no_conversation_are_looked_up_alike(
    stage: Stage[Chatbase], reads: list[str]
) -> None:
    """Rows I-16, T-03: also when its owner has just used it, and the answer could be remembered."""
    theirs = (await stage.ask("bob", "POST", "/chat", HI)).json()["data"]["metadata"]
    theirs = theirs["conversationId"]
    await stage.ask("alice", "GET", "/users/me/conversations")
    stage.vendor.forget()
    done: list[list[str]] = []
    for conversation in (theirs, "0" * len(theirs), theirs, "1" * len(theirs)) * 2:
        # What its owner does now must not make the next look-up a shorter one.
        await stage.ask("bob", "POST", "/chat", {**HI, "conversationId": theirs})
        stage.vendor.forget()
        reads.clear()
        answer = await stage.ask("alice", "POST", "/chat", {**HI, "conversationId": conversation})
        refused(stage, answer, 404)
        done.append(list(reads))
    assert done[0]
    assert all(one == done[0] for one in done)


@pytest.mark.one_process("its questions to the store are watched")
@pytest.mark.parametrize("index", range(len(naming(""))))
async def test_so_they_are_in_every_operation(
    stage: Stage[Chatbase], reads: list[str], index: int
) -> None:
    """Rows I-15, I-16: each step to the store."""
    theirs = await opened(stage, "bob")
    await stage.ask("alice", "GET", "/users/me/conversations")
    stage.vendor.forget()
    done = []
    for conversation in (theirs, "0" * len(theirs)) * 2:
        method, path, body = naming(conversation)[index]
        reads.clear()
        answer = await stage.ask("alice", method, path, body)
        assert answer.status in {404, 405}
        done.append(list(reads))
    assert all(one == done[0] for one in done)
    assert stage.vendor.saw_nothing()


@pytest.mark.one_process("its comparisons are watched")
async def test_a_signature_is_compared_in_constant_time(
    stage: Stage[Chatbase], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row T-02: whole, by hmac.compare_digest, however early two signatures differ."""
    compared: list[tuple[int, int]] = []

    def compare(left: bytes, right: bytes) -> bool:
        compared.append((len(left), len(right)))
        return hmac.compare_digest(left, right)

    class Watched:
        """`hmac`, with an eye on its comparison."""

        compare_digest = staticmethod(compare)
        new = staticmethod(hmac.new)
        digest = staticmethod(hmac.digest)

    monkeypatch.setattr(jwt.algorithms, "hmac", Watched)
    message, _, signature = stage.token("alice", jti="timing").rpartition(".")
    other = "B" if signature.startswith("A") else "A"
    wrong = [other + signature[1:], signature[:-8] + "AAAAAAAA", "A" * len(signature)]
    for one in wrong:
        answer = await stage.ask(None, "POST", "/chat", HI, [bearer(f"{message}.{one}")])
        refused(stage, answer, 401)
    assert len(compared) >= len(wrong)
    assert set(compared) == {(32, 32)}


async def test_a_place_that_is_not_there_and_one_that_is_closed_are_one(
    stage: Stage[Chatbase],
) -> None:
    """Row T-05: an upstream, an agent, an operation: the same words for none and for not yours."""
    said = set()
    for path in ("/agents/agent_2/chat", "/agents/none/chat", "/agents/agent_1/sources"):
        request = stage.request("alice", "POST", "", HI)
        other = request.replace(
            b"/support/api/v2/agents/agent_1 ", f"/support/api/v2{path} ".encode()
        )
        assert other != request
        answer = await wire(stage.url, other)
        refused(stage, answer, 404, "not_found")
        said.add(json.dumps([answer.status, answer.body.decode(), answer.values("proxy-status")]))
    assert len(said) == 1
