"""Q: parameters that name somebody else, carry a credential, or stand twice."""

from collections.abc import Callable, Iterator
from itertools import zip_longest
from urllib.parse import quote

import pytest

from tests.attacks.both_ends import HI, bearer, only, refused
from tests.support.chatbase import Chatbase
from tests.support.spellings import CONVERSATIONS, PEOPLE, spellings
from tests.support.stage import Stage
from tests.support.wire import Answer, connected, raw_request, wire

pytestmark = pytest.mark.anyio

LIST = "/users/me/conversations"
TARGET = "/api/v2/agents/agent_1/users/alice/conversations"


async def listing(stage: Stage[Chatbase], query: str) -> Answer:
    return await stage.ask("alice", "GET", f"{LIST}?{query}")


# A name encoded where it must be, everywhere, and with "+" for a space.
ENCODINGS: tuple[Callable[[str], str], ...] = (
    lambda name: quote(name, safe=""),
    lambda name: "".join(f"%{byte:02x}" for byte in name.encode()),
    lambda name: quote(name, safe="").replace("%20", "+"),
)
CONTROL = set(map(chr, range(32))) | {"\x7f"}


def batches() -> Iterator[list[str]]:
    """All spellings of all names of people; no two of a batch are spellings of one name."""
    spelt = [list(dict.fromkeys(spellings(words))) for words in PEOPLE]
    for column in zip_longest(*spelt):
        names = [name for name in column if name is not None]
        yield from (names[start : start + 40] for start in range(0, len(names), 40))


async def test_no_spelling_of_a_name_of_people_reaches_the_vendor(
    stage: Stage[Chatbase], subtests: pytest.Subtests
) -> None:
    """Rows Q-01, Q-02: 400 with a control character in it, else left out."""
    async with connected(stage.url) as peer:
        for number, names in enumerate(batches()):
            with subtests.test(f"Q-01 {names[0]!r} {number}"):
                for encoded in ENCODINGS:
                    stage.vendor.forget()
                    query = "&".join(f"{encoded(name)}=victim" for name in names)
                    path = f"{LIST}?limit=3&{query}"
                    await peer.send(stage.request("alice", "GET", path))
                    answer = await peer.answer()
                    if CONTROL & set("".join(names)):
                        refused(stage, answer, 400)
                    else:
                        assert answer.status == 200, (query, answer.body)
                        only(stage, "alice", "victim")
                        assert stage.vendor.requests[0].target == f"{TARGET}?limit=3"


async def test_a_conversation_in_the_query_is_refused(
    stage: Stage[Chatbase], subtests: pytest.Subtests
) -> None:
    """Row Q-08, as in a body: a vendor might go by it."""
    async with connected(stage.url) as peer:
        for words in CONVERSATIONS:
            with subtests.test("Q-08 " + " ".join(words)):
                for name in spellings(words):
                    await peer.send(stage.request("alice", "GET", f"{LIST}?{quote(name)}=b"))
                    refused(stage, await peer.answer(), 400)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("limit=1&limit=2", id="Q-02 twice"),
        pytest.param("limit=1&LIMIT=2", id="Q-02 another case"),
        pytest.param("limit=1&l%69mit=2", id="Q-02 encoded"),
        pytest.param("limit=1&li-mit=2", id="Q-02 a separator"),
        pytest.param("cursor=a&cursor=", id="Q-02 one empty"),
        pytest.param("user=a&user=b", id="Q-02 of people"),
        pytest.param("cursor=%0d%0aX-External-User-Id:%20bob", id="Q-07 CR LF"),
        pytest.param("cursor=%00", id="Q-07 NUL"),
        pytest.param("cursor=%ff", id="Q-07 no UTF-8"),
        pytest.param("cursor=%c0%ae", id="Q-07 overlong"),
        pytest.param("cursor=%ed%a0%80", id="Q-07 surrogate"),
        pytest.param("cursor=%zz", id="Q-07 no escape"),
        pytest.param("cursor=%", id="Q-07 half an escape"),
        pytest.param("%00=1", id="Q-07 NUL as a name"),
    ],
)
async def test_a_query_servers_read_differently_is_refused(
    stage: Stage[Chatbase], query: str
) -> None:
    refused(stage, await listing(stage, query), 400)


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        pytest.param("limit=3;userId=victim", "limit=3%3BuserId%3Dvictim", id="Q-02 semicolon"),
        pytest.param("limit=3%26userId=bob", "limit=3%26userId%3Dbob", id="Q-02 encoded ampersand"),
        pytest.param("limit=3%2526userId", "limit=3%2526userId", id="Q-02 encoded twice"),
        pytest.param("limit=3%23x", "limit=3%23x", id="Q-02 fragment"),
        pytest.param("limit=3?userId=bob", "limit=3%3FuserId%3Dbob", id="Q-02 question mark"),
        pytest.param("cursor=../../users/bob", "cursor=..%2F..%2Fusers%2Fbob", id="Q-02 path"),
        pytest.param("&&limit=3&&", "limit=3", id="Q-02 empty ones"),
        pytest.param("=victim&limit=3", "limit=3", id="Q-02 no name"),
        pytest.param("limit=-1", "limit=-1", id="Q-05 negative"),
        pytest.param("limit=1000000000", "limit=1000000000", id="Q-05 large"),
        pytest.param("limit=NaN", "limit=NaN", id="Q-05 no number"),
    ],
)
async def test_a_value_stays_within_its_parameter(
    stage: Stage[Chatbase], query: str, sent: str
) -> None:
    await listing(stage, query)
    only(stage, "alice")
    (request,) = stage.vendor.requests
    assert request.start_line == f"GET {TARGET}?{sent} HTTP/1.1"


@pytest.mark.parametrize(
    "name", ["access_token", "api_key", "key", "token", "jwt", "auth", "authorization", "apikey"]
)
async def test_a_credential_in_the_query_is_none(stage: Stage[Chatbase], name: str) -> None:
    """Rows Q-03, J-31: never taken, never passed on."""
    token = stage.token("bob")
    target = f"{stage.base}{LIST}?{name}={token}"
    answer = await wire(stage.url, raw_request("GET", target))
    refused(stage, answer, 401, "credentials_missing")
    answer = await wire(stage.url, raw_request("GET", target, [bearer(stage.token("alice"))]))
    assert answer.status == 200
    only(stage, "alice", token)
    assert stage.vendor.requests[0].target == TARGET


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("cursor=" + "x" * 9000, id="Q-06 9 KB"),
        pytest.param("cursor=" + "x" * 65_536, id="Q-06 64 KB"),
        pytest.param("&".join(f"p{n}=" for n in range(101)), id="Q-06 101 parameters, N-14"),
        pytest.param("&" * 8000, id="Q-06 ampersands"),
    ],
)
async def test_a_query_too_long_is_414(stage: Stage[Chatbase], query: str) -> None:
    refused(stage, await listing(stage, query), 414, "uri_too_long")


async def test_one_policy_for_path_query_body_and_fields(stage: Stage[Chatbase]) -> None:
    """Row Q-08: bob, carol, dave and erin, and alice alone arrives."""
    fields = [("X-External-User-Id", "dave"), ("Cookie", "userId=erin")]
    body = {**HI, "userId": "bob", "user": "carol"}
    answer = await stage.ask("alice", "POST", "/chat?userId=carol&subject=bob", body, fields)
    assert answer.status == 200, answer.body
    answer = await stage.ask("alice", "GET", "/users/bob/conversations?userId=carol", None, fields)
    assert answer.status == 200, answer.body
    only(stage, "alice", "bob", "carol", "dave", "erin")


async def test_a_cursor_of_somebody_elses_list_shows_nothing_of_theirs(
    stage: Stage[Chatbase],
) -> None:
    """Row Q-04: the user stands in the path, and what comes back must name them."""
    for _ in range(2):
        await stage.ask("bob", "POST", "/chat", HI)
    page = (await stage.ask("bob", "GET", f"{LIST}?limit=1")).json()
    bobs = {one.id for one in stage.vendor.memory.of_all("agent_1") if one.user == "bob"}
    answer = await listing(stage, f"limit=5&cursor={page['pagination']['cursor']}")
    assert not any(one.encode() in answer.raw for one in bobs)
    # A vendor whose cursors say whose list it was: what it answers is looked at.
    stage.vendor.memory.reports_user = "bob"
    await stage.ask("alice", "POST", "/chat", HI)
    answer = await listing(stage, f"limit=5&cursor={page['pagination']['cursor']}")
    assert answer.status == 502
    assert b"bob" not in answer.raw
