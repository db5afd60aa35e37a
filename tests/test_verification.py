"""`gateway.verify_assertion`, as a service of the company's own calls it, and what it refuses."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest

from gateway import Assertion, AssertionInvalid, verify_assertion
from gateway.authn.assertions import Assertions
from gateway.core.people.identity import Identity
from tests.support.chatbase import Chatbase
from tests.support.clock import WoundClock
from tests.support.stage import Stage, adding, chatbase_stage

pytestmark = pytest.mark.anyio

HI = {"message": "hi", "stream": False}
ALICE = Identity(org="org_1", subject="alice", roles=("staff",), actor="desk")
HERE = "http://127.0.0.1:9000/orders"


def assertions(secret: bytes = b"s" * 32, *, clock: WoundClock | None = None) -> Assertions:
    return Assertions(secret, clock=clock or time.time)


def sign(made: Assertions, audience: str = HERE) -> str:
    return made.sign(ALICE, user="u_1", audience=audience, conversation="c-1", tool="orders")


def test_says_who_asks() -> None:
    made = assertions()
    who = verify_assertion(sign(made), jwks=made.jwk_set(), audience=HERE)
    assert who == Assertion(
        org="org_1",
        subject="alice",
        user="u_1",
        roles=("staff",),
        actor="desk",
        conversation="c-1",
        tool="orders",
        id=who.id,
    )


def of_another_kind(made: Assertions) -> str:
    kid, key = made._key(int(time.time() // (30 * 24 * 3600)))
    said = jwt.decode(sign(made), options={"verify_signature": False})
    return jwt.encode(said, key, "EdDSA", headers={"kid": kid, "typ": "JWT"})


def by_none(made: Assertions) -> str:
    said = jwt.decode(sign(made), options={"verify_signature": False})
    header = jwt.get_unverified_header(sign(made)) | {"alg": "none"}
    return jwt.encode(said, None, "none", headers=header)


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(lambda made: sign(made, "http://127.0.0.1:9000/other"), id="another's"),
        pytest.param(lambda made: sign(assertions(b"t" * 32)), id="another gateway's key"),
        pytest.param(lambda made: sign(made)[:-4] + "AAAA", id="signature"),
        pytest.param(
            lambda made: sign(assertions(clock=WoundClock(time.time() - 120))), id="too old"
        ),
        pytest.param(
            lambda made: sign(assertions(clock=WoundClock(time.time() + 120))), id="not yet"
        ),
        pytest.param(of_another_kind, id="a token of another kind"),
        pytest.param(by_none, id="alg none"),
        pytest.param(lambda made: "", id="nothing"),
        pytest.param(lambda made: "a.b.c", id="no token"),
        pytest.param(lambda made: sign(made) + "\udcff", id="bytes that are no text, by aiohttp"),
    ],
)
def test_what_must_not_be_believed_is_not(forged: object) -> None:
    made = assertions()
    with pytest.raises(AssertionInvalid):
        verify_assertion(forged(made), jwks=made.jwk_set(), audience=HERE)  # type: ignore[operator]


# Through the gateway ------------------------------------------------------------------------------


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[Chatbase]]:
    async with chatbase_stage(tmp_path, adding("upstreams.support", "assertion = true")) as built:
        yield built


async def test_an_upstream_gets_a_statement_with_every_request(stage: Stage[Chatbase]) -> None:
    answer = await stage.ask("alice", "POST", "/chat", HI)
    conversation = answer.json()["data"]["metadata"]["conversationId"]
    await stage.ask("alice", "GET", f"/conversations/{conversation}")
    opening, reading = [
        await asyncio.to_thread(
            verify_assertion,
            request.values("x-gateway-assertion")[0],
            jwks=f"{stage.url}/.well-known/jwks.json",
            audience=stage.vendor.configured_url,
        )
        for request in stage.vendor.requests
    ]
    assert (opening.subject, opening.org, opening.conversation) == ("alice", "default", None)
    assert reading.conversation == conversation
    assert opening.id != reading.id


async def test_a_client_states_nothing_itself(stage: Stage[Chatbase]) -> None:
    forged = sign(assertions())
    await stage.ask("alice", "POST", "/chat", HI, [("X-Gateway-Assertion", forged)])
    ((written,),) = (request.values("x-gateway-assertion") for request in stage.vendor.requests)
    assert written != forged


async def test_a_vendor_gets_none_unless_it_is_asked_for(tmp_path: Path) -> None:
    async with chatbase_stage(tmp_path) as plain:
        forged = ("X-Gateway-Assertion", sign(assertions()))
        await plain.ask("alice", "POST", "/chat", HI, [forged])
        assert plain.vendor.requests[0].values("x-gateway-assertion") == []
