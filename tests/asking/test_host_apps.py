"""The gateway asks apps of real frameworks who somebody is: Django, Express, Flask, as PHP does.

The same raw Cookie field goes to the app's own `/me` and to the gateway. Their verdicts agree, or
ours is stricter: rows C-01, C-03 to C-05, C-09 to C-11, K-16 of SECURITY.md.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.attacks.both_ends import HI, OWN_ORIGIN, bearer, refused, signing_in
from tests.support.chatbase import Chatbase
from tests.support.host_apps import ask_all, node_host, python_host
from tests.support.mutations import mutants
from tests.support.stage import Stage, chatbase_stage
from tests.support.tokens import Issuer
from tests.support.wire import Answer

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

NODE = Path(__file__).parent / "node"
OURS = b"Sec-Fetch-Site: same-origin"
AT_ONCE = 8


@dataclass(frozen=True)
class App:
    """One app; people are called "1" and "2" there."""

    name: str
    cookie: str
    is_node: bool = False
    keeps: bool = True  # sessions, so that one can be ended
    mutants: int = 250  # what we pass on is one plain cookie, whichever app it is for


APPS = (
    App("django_sessions", "sessionid"),
    App("express_session", "connect.sid", is_node=True, mutants=1010),
    App("flask_app", "session", keeps=False),
    App("php_like", "PHPSESSID"),
)


@dataclass(frozen=True)
class Asking:
    """A gateway that asks an app, and the app."""

    app: App
    url: str
    stage: Stage[Chatbase]

    def sign_in(self, who: str) -> bytes:
        """The value of the cookie that a browser has after signing in."""
        answer = httpx.post(f"{self.url}/sign-in", json={"user_id": who})
        value = answer.cookies.get(self.app.cookie)
        assert value is not None, answer
        return value.encode()

    def sign_out(self, value: bytes) -> None:
        answer = httpx.post(f"{self.url}/sign-out", headers={"cookie": self.field(value).decode()})
        assert answer.status_code == 200

    def field(self, value: bytes) -> bytes:
        return self.app.cookie.encode() + b"=" + value

    async def chat(self, value: bytes, *more: tuple[str, str]) -> Answer:
        cookie = ("Cookie", self.field(value).decode())
        fields = [cookie, ("Origin", OWN_ORIGIN), *more]
        return await self.stage.ask(None, "POST", "/chat", HI, fields)

    async def verdicts(self, fields: Sequence[bytes]) -> list[tuple[bytes, str | None, str | None]]:
        """Of each Cookie field: whom the app takes it for, and whom we do."""
        parts = [fields[start::AT_ONCE] for start in range(AT_ONCE)]
        theirs = asyncio.gather(*(ask_all(self.url, "/me", part) for part in parts))
        whoami = "/_gateway/whoami"
        ours = [await ask_all(self.stage.url, whoami, part, OURS) for part in parts]
        return [
            (field, at_the_app(their), at_the_gateway(our))
            for part, them, us in zip(parts, await theirs, ours, strict=True)
            for field, their, our in zip(part, them, us, strict=True)
        ]


def at_the_app(answer: Answer | None) -> str | None:
    if answer is None or answer.status != 200:
        return None
    user = json.loads(answer.body)["user"]
    return None if user is None else str(user)


def at_the_gateway(answer: Answer | None) -> str | None:
    assert answer is not None
    if answer.status in {400, 401, 431}:
        return None
    assert answer.status == 200, answer.raw
    return str(answer.json()["subject"])


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for all that the module's fixtures serve."""
    return "asyncio"


@pytest.fixture(scope="module", params=APPS, ids=lambda one: one.name)
def running(request: pytest.FixtureRequest) -> Iterator[tuple[App, str]]:
    app: App = request.param
    started = node_host(app.name, NODE) if app.is_node else python_host(app.name)
    with started as url:
        yield app, url


@pytest.fixture(scope="module")
async def shared(
    running: tuple[App, str], tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Asking]:
    app, url = running
    asking = {"ask": f"{url}/me", "cookies": [app.cookie], "user_key": "user", "cache": "0s"}
    issuer = Issuer()
    tokens = {"issuer": issuer.url, "audience": issuer.audience, "secret": issuer.secret}
    folder = tmp_path_factory.mktemp(app.name)
    async with chatbase_stage(folder, signing_in(asking, tokens)) as stage:
        yield Asking(app, url, stage)


@pytest.fixture
def asking(shared: Asking) -> Asking:
    shared.stage.vendor.forget()
    return shared


async def test_who_is_signed_in_there_chats_here(asking: Asking) -> None:
    for who in ("1", "2"):
        answer = await asking.chat(asking.sign_in(who))
        assert answer.status == 200, answer.raw
        assert asking.stage.vendor.requests[-1].json()["userId"] == who


async def test_who_signs_out_there_is_out_here(asking: Asking) -> None:
    """Flask keeps no session: who has the cookie is signed in, there as here, until it is old."""
    value = asking.sign_in("1")
    assert (await asking.chat(value)).status == 200
    if not asking.app.keeps:
        return
    asking.sign_out(value)
    asking.stage.vendor.forget()
    answer = await asking.chat(value)
    code = "expired" if asking.app.name == "django_sessions" else "missing"
    refused(asking.stage, answer, 401, f"credentials_{code}")


async def test_a_stale_session_beside_a_good_token_is_no_credential(asking: Asking) -> None:
    """Browsers keep cookies of last year; and one that is good, of somebody else, does count."""
    stale = b"eyJhIjoxfQ.aaaa.bbbb"
    if asking.app.keeps:
        stale = asking.sign_in("2")
        asking.sign_out(stale)
    token = bearer(asking.stage.token("1"))
    answer = await asking.chat(stale, token)
    assert answer.status == 200, answer.raw
    assert asking.stage.vendor.requests[-1].json()["userId"] == "1"
    assert (await asking.chat(asking.sign_in("1"), token)).status == 200
    asking.stage.vendor.forget()
    both = await asking.chat(asking.sign_in("2"), token)
    refused(asking.stage, both, 400, "ambiguous_credentials")


async def test_a_visitor_there_is_nobody_here(asking: Asking) -> None:
    for value in (b"x", b"0" * 32, b"s%3Aabc.def", b"eyJhIjoxfQ.aaaa.bbbb"):
        answer = await asking.chat(value)
        assert answer.status == 401, answer.raw
    assert asking.stage.vendor.saw_nothing()


async def test_the_gateway_is_never_laxer_than_the_app(asking: Asking) -> None:
    name = asking.app.cookie.encode()
    alice, bob = asking.sign_in("1"), asking.sign_in("2")
    fields = [asking.field(alice), asking.field(bob)]
    fields += mutants([(name, alice)], [(name, bob)], count=asking.app.mutants)
    judged = await asking.verdicts(fields)
    assert len(judged) >= asking.app.mutants - 10
    by_field = {field: (theirs, ours) for field, theirs, ours in judged}
    assert by_field[fields[0]] == ("1", "1")
    assert by_field[fields[1]] == ("2", "2")
    laxer = [one for one in judged if one[2] is not None and one[1] != one[2]]
    assert laxer == []
    assert asking.stage.vendor.saw_nothing()
    both = [one for one in judged if one[2] is not None]
    assert len(both) > 5, "nothing but refusals compares nothing"
