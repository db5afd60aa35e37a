"""C: cookies that parsers read differently, and cookies of people who have just left.

The sign-in of this file stands in a cookie alone, `__Host-session`, and every request comes from
our own pages: what is tried here is the cookie. Where it may come from: `test_origins.py`.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.attacks.both_ends import HI, STREAM, only, refused
from tests.support.chatbase import Chatbase
from tests.support.reply import Reply
from tests.support.stage import Stage, chatbase_stage
from tests.support.vendor import Request
from tests.support.wire import Answer, connected

pytestmark = pytest.mark.anyio

NAME = "__Host-session"
OURS = ("Sec-Fetch-Site", "same-origin")


@pytest.fixture(scope="module")
async def shared(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Stage[Chatbase]]:
    def by_cookie(text: str) -> str:
        return text.replace("[sign_in]\n", f'[sign_in]\nfrom = ["cookie:{NAME}"]\n')

    async with chatbase_stage(tmp_path_factory.mktemp("cookies"), by_cookie) as built:
        yield built


@pytest.fixture
def stage(shared: Stage[Chatbase]) -> Stage[Chatbase]:
    shared.vendor.handler = shared.vendor.answer
    shared.vendor.forget()
    return shared


async def ask(stage: Stage[Chatbase], *lines: bytes, body: object = HI) -> Answer:
    """`A` and `B` in a line stand for the tokens of alice and bob."""
    alice, bob = stage.token("alice").encode(), stage.token("bob").encode()
    written = [
        line.replace(b"=A", b"=" + alice).replace(b"=B", b"=" + bob).replace(b'="A', b'="' + alice)
        for line in lines
    ]
    return await stage.ask(None, "POST", "/chat", body, [*written, OURS])


S = NAME.encode()
# White space, to one parser or another (SECURITY: Starlette strips Unicode's, C its own).
BLANKS = {
    "space": b" ",
    "tab": b"\t",
    "no-break space": b"\xa0",
    "next line": b"\x85",
    "UTF-8 no-break space": b"\xc2\xa0",
}


def twins() -> dict[str, tuple[list[bytes], int]]:
    found: dict[str, tuple[list[bytes], int]] = {
        "C-01 alice first": ([b"Cookie: %b=A; %b=B" % (S, S)], 400),
        "C-01 bob first": ([b"Cookie: %b=B; %b=A" % (S, S)], 400),
        "C-01 the same": ([b"Cookie: %b=A; %b=A" % (S, S)], 400),
        "C-01 in two lines": ([b"Cookie: %b=A" % S, b"Cookie: %b=B" % S], 400),
        "C-01 one empty": ([b"Cookie: %b=; %b=A" % (S, S)], 400),
        "C-01 one without a value": ([b"Cookie: %b; %b=A" % (S, S)], 400),
        "C-01 without a space": ([b"Cookie: %b=A;%b=B" % (S, S)], 400),
        "C-03 quoted": ([b'Cookie: %b="A"' % S], 401),
        "C-03 sandwich": ([b'Cookie: $Version=1; %b="A; x="; y=z"' % S], 401),
        "C-03 sandwich in one": ([b'Cookie: $Version=1; %b="A; x=y; z="' % S], 401),
        "C-03 $Version alone": ([b"Cookie: $Version=1; %b=A" % S], 200),
        "C-05 case twin alone": ([b"Cookie: __host-session=B"], 401),
        "C-05 case twin beside": ([b"Cookie: __HOST-SESSION=B; %b=A" % S], 200),
        "C-05 upper case alone": ([b"Cookie: " + S.upper() + b"=B"], 401),
        "C-09 a path": ([b"Cookie: %b=../../alice" % S], 401),
        "C-09 SQL": ([b"Cookie: %b='or'1'='1" % S], 401),
        "C-09 empty": ([b"Cookie: %b=" % S], 401),
        "C-08 a signed pickle": ([b"Cookie: %b=.eJxLyigpKbDS1y8v1gMADwsD9A.abc.def" % S], 401),
        "C-15 a part": ([b"Cookie: %b.0=A" % S], 401),
        "C-15 parts": ([b"Cookie: %b.0=A; %b.1=B" % (S, S)], 401),
        "C-15 a part beside": ([b"Cookie: %b=A; %b.0=B" % (S, S)], 200),
        "C-16 a JWE": ([b"Cookie: %b=eyJhbGciOiJkaXIifQ..aXY.Y3Q.dGFn" % S], 401),
        "V-08 tossed from a subdomain": ([b"Cookie: %b=A; Host-session=B; session=B" % S], 200),
        "C-14 101 cookies": ([b"Cookie: " + b"; ".join(b"c%d=1" % n for n in range(101))], 431),
        "C-14 8 KiB beside": ([b"Cookie: x=" + b"y" * 8192 + b"; %b=A" % S], 200),
        "C-14 40 KiB": ([b"Cookie: x=" + b"y" * 40_960 + b"; %b=A" % S], 431),
    }
    for name, blank in BLANKS.items():
        # Where HTTP itself allows a blank, the cookie is the plain one; elsewhere it is another.
        before = 200 if name == "space" else 401
        found[f"C-04 {name} before"] = ([b"Cookie: x=1;%b%b=A" % (blank, S)], before)
        found[f"C-04 {name} after"] = ([b"Cookie: %b%b=A" % (S, blank)], 401)
        status = 401 if name.startswith("UTF-8") else 400
        found[f"C-04 {name} before, beside"] = (
            [b"Cookie: %b%b=B; %b=A" % (blank, S, S)],
            200 if status == 401 else status,
        )
    return found


TWINS = twins()


@pytest.mark.parametrize("name", TWINS)
async def test_a_cookie_is_read_in_one_way_or_not_at_all(stage: Stage[Chatbase], name: str) -> None:
    lines, status = TWINS[name]
    answer = await ask(stage, *lines)
    assert answer.status == status, (lines, answer.body)
    if status == 200:
        only(stage, "alice", "bob", "eyJ", "Cookie", "session")
    else:
        refused(stage, answer, status)


@pytest.mark.parametrize("code", [b"\0", b"\x01", b"\x1f", b"\x7f"])
async def test_a_control_character_beside_a_name_is_no_cookie_field(
    stage: Stage[Chatbase], code: bytes
) -> None:
    """Row C-04."""
    refused(stage, await ask(stage, b"Cookie: %b%b=B; %b=A" % (code, S, S)), 400)


async def test_who_signs_in_next_in_one_browser_is_who_asks_next(stage: Stage[Chatbase]) -> None:
    """Row C-13: on the same connection, while the answer to the one before still runs."""
    hold = asyncio.Event()

    async def slow(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event({"type": "text-delta", "delta": "for " + request.json()["userId"]})
        await hold.wait()
        await reply.event({"type": "finish", "metadata": {"userId": request.json()["userId"]}})
        await reply.end()

    def request(who: str, body: object) -> bytes:
        cookie = ("Cookie", f"{NAME}={stage.token(who)}")
        return stage.request(None, "POST", "/chat", body, [cookie, OURS])

    stage.vendor.handler = slow
    async with connected(stage.url) as tab, connected(stage.url) as other_tab:
        await tab.send(request("alice", STREAM))
        await tab.until(b"for alice")
        await other_tab.send(request("bob", STREAM))
        await other_tab.until(b"for bob")
        hold.set()
        first, second = await tab.answer(), await other_tab.answer()
        assert first.complete
        assert second.complete
        assert b"bob" not in first.body
        assert b"alice" not in second.body
        stage.vendor.handler = stage.vendor.answer
        for who in ("bob", "alice", "bob"):
            stage.vendor.forget()
            await tab.send(request(who, HI))
            assert (await tab.answer()).json()["data"]["metadata"]["userId"] == who
            only(stage, who)
