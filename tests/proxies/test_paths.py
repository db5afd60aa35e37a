"""Targets that mean one thing here and another there, behind each proxy (SECURITY.md's P rows).

What the vendor may see of all this is one target: alice's own list.
"""

import itertools
import re
from collections.abc import Iterator

import pytest

from tests.proxies.behind import MINE, Behind, attack
from tests.support.wire import raw_request

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

BASE = "/support/api/v2/agents/agent_1"
LIST = f"{BASE}/users/me/conversations"

DOTS = (".", "%2e", "%2E", "%252e", "%25%32%65", "%c0%ae", "%u002e", "%ef%bc%8e", "\uff0e", ".%00")
SLASHES = (
    *("/", "//", "/./", "\\", "%2f", "%2F", "%5c", "%252f", "%25%32%66", "%c0%af", "%u2215"),
    *(";/", "/;/", "%3b/", "%00/", "%0d%0a/"),
)


def climbs() -> Iterator[object]:
    """From alice's list to everybody's, by dot segments in every spelling."""
    pairs = [(dot, dot) for dot in DOTS] + [(".", "%2e"), ("%2E", "."), ("%2e", "%252e")]
    for (first, second), slash in itertools.product(pairs, SLASHES):
        up = slash + first + second
        yield pytest.param(LIST + up * 3 + slash + "conversations", id=ascii(up))
    for start in (BASE + "/public", "/_gateway", "/livez", "/support", ""):
        yield pytest.param(f"{start}/..{BASE}/conversations", id=f"from {start}/")
        yield pytest.param(f"{start}/%2e%2e{BASE}/conversations", id=f"from {start}/ encoded")


@pytest.mark.parametrize("target", [*climbs()])
async def test_a_path_that_climbs(behind: Behind, target: str) -> None:
    """P-01, P-02, P-04, P-06."""
    await attack(behind, request(behind, target))


def request(behind: Behind, target: str, method: str = "GET") -> bytes:
    token = ("Authorization", f"Bearer {behind.stage.token('alice')}")
    written = raw_request(method, "TARGET", [token, ("X-External-User-Id", "victim")])
    return written.replace(b"TARGET", target.encode(), 1)


def twins() -> Iterator[str]:
    """Other spellings of an honest path, and of what is not for her."""
    yield from (f"/{LIST}", f"//{LIST}", LIST.replace("/", "//"), LIST + "/", LIST + "//")
    yield from (f"//victim.example{LIST}", f"/\\victim.example{LIST}", f"/.{LIST}", f"/./{LIST}")
    yield from (LIST.upper(), LIST.replace("users", "Users"), LIST.replace("v2", "V2"))
    yield from (LIST + ".json", LIST + ";a=b", LIST + "%20", LIST + "%00", LIST + "%", LIST + "%zz")
    yield from (LIST + "%3f", LIST + "%23", LIST + "*", LIST + ",", LIST + "'", LIST + '"')
    yield from (LIST.replace("o", "%6f"), LIST.replace("/", "%2f"), LIST.replace("/me/", "/%6de/"))
    yield from (f"{BASE}/conversations", f"{BASE}/conversations/export", "/support/", "/support")
    for agent in (
        "agent_2",
        "agent_1,agent_2",
        "agent_1%2cagent_2",
        "*",
        "%2a",
        "-1",
        "1e3",
        "a" * 300,
    ):
        yield LIST.replace("agent_1", agent)
    yield from (f"/api/v2/agents/agent_1{MINE}", f"/supportx{LIST[8:]}", f"/support%2f{LIST[9:]}")


@pytest.mark.parametrize("target", [*twins()], ids=ascii)
async def test_a_twin_of_an_honest_path(behind: Behind, target: str) -> None:
    """P-04, P-05, P-09, P-16, P-17."""
    await attack(behind, request(behind, target))


USERS = (
    *(
        "victim",
        "self",
        "ALICE",
        "alice%40x",
        "*",
        "alice,victim",
        "me;victim",
        "me,victim",
        "%76ictim",
    ),
    *(
        "me%2fvictim",
        "victim%00",
        "me%0d%0aX-External-User-Id:%20victim",
        "..%2fvictim",
        "me/victim",
    ),
    *("", ".", "..", "%2e", "me?x=/victim", "me#/victim", "vict\u0131m", "%ff", "me\tvictim"),
)


@pytest.mark.parametrize("user", USERS, ids=ascii)
async def test_another_user_in_the_path(behind: Behind, user: str) -> None:
    """P-10, P-11: overwritten, or refused."""
    await attack(behind, request(behind, LIST.replace("/me/", f"/{user}/")))


def forms() -> Iterator[str]:
    """Targets that are no path (RFC 9112 section 3.2), or not only one."""
    for authority in ("gateway.test", "victim.example", "victim@gateway.test", "127.0.0.1:1", ""):
        for scheme in ("http", "https", "HTTP", "ftp", "gopher", "unix"):
            yield f"{scheme}://{authority}{LIST}"
    yield from ("http:" + LIST, "http:/" + LIST, "http:///" + LIST[1:], "://" + LIST, "://x" + LIST)
    yield from ("*", "@victim.example" + LIST, ":80" + LIST, "victim.example:443", "?" + LIST)
    yield from (LIST[1:], "", "\\" + LIST, ";" + LIST, "." + LIST, "%2f" + LIST[1:])
    yield from (f"{LIST}#/public", f"{LIST}%23/public", f"/#{LIST}", f"/?{LIST}", f"/;{LIST}")
    for odd in (" ", "\t", "\r", "\x00", "\x0b", "\x7f", "\x80", "é", "\u2028", "{", "|", "`", "<"):
        yield f"{LIST}{odd}victim"
        yield f"{LIST}?limit=5{odd}"


@pytest.mark.parametrize("target", [*forms()], ids=ascii)
async def test_a_target_that_is_no_path(behind: Behind, target: str) -> None:
    """P-05, P-12, P-13, S-19."""
    await attack(behind, request(behind, target))


@pytest.mark.parametrize("target", [*forms()][:8], ids=ascii)
@pytest.mark.parametrize("host", ["victim.example", "gateway.test/victim?", "gateway.test:443"])
async def test_a_host_in_two_places(behind: Behind, target: str, host: str) -> None:
    """P-15: in the target and in Host."""
    raw = request(behind, target).replace(b"Host: gateway.test", f"Host: {host}".encode())
    await attack(behind, raw)


HOSTS = (
    *("victim.example", "gateway.test/public?", "gateway.test#", "gateway.test@victim", "a b"),
    *("gateway.test, victim", "gateway.test\tvictim", "", "[::1", "gateway.test:99999", "\u00e9"),
    *("gateway.test%00", "gateway.test\\victim", "../victim", "gateway.test.", "GATEWAY.TEST"),
)


@pytest.mark.parametrize("host", HOSTS, ids=ascii)
async def test_a_host_that_is_none(behind: Behind, host: str) -> None:
    """P-15: what it says has no part in the verdict."""
    raw = request(behind, LIST).replace(b"Host: gateway.test", f"Host: {host}".encode())
    await attack(behind, raw)


QUERIES = (
    *("userId=victim", "user_id=victim", "user%49d=victim", "userId[]=victim", "userId%00=victim"),
    *(
        "%75serId=victim",
        "=victim",
        "?userId=victim",
        "limit=5&amp;userId=victim",
        "limit=5&userId",
    ),
    *(
        "limit=5#&userId=victim",
        "limit=5&limit=victim",
        "limit=5%0d%0aX-External-User-Id:%20victim",
    ),
    *("limit=5;userId=x", "limit=5%26userId=x", "limit=5%3buserId=x", "cursor=%2e%2e%2fx"),
    *("limit=%zz", "limit=\u00e9", "&" * 2000),
)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: ascii(query[:60]))
async def test_another_user_in_the_query(behind: Behind, query: str) -> None:
    outcome = await attack(behind, request(behind, f"{LIST}?{query}"))
    for seen in outcome.requests:
        pairs = re.split("[&;]", seen.target.partition("?")[2])
        assert {pair.partition("=")[0] for pair in pairs} <= {"limit", "cursor", ""}
