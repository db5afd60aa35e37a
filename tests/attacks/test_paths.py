"""P: paths that servers read differently, on a vendor that decodes them before it routes.

The gateway's own rule is one plain spelling a resource; what it judged is what the vendor's request
line shows, byte for byte.
"""

import re
from collections.abc import Iterator

import pytest

from tests.attacks.both_ends import HI, bearer, only, refused
from tests.support.chatbase import Chatbase
from tests.support.stage import Stage
from tests.support.wire import Answer, raw_request, wire

pytestmark = pytest.mark.anyio

AGENT = "/support/api/v2/agents/agent_1"
LIST = AGENT + "/users/me/conversations"


async def get(stage: Stage[Chatbase], target: str | bytes, **more: str) -> Answer:
    """GET exactly this target, as alice."""
    text = target.decode("latin-1") if isinstance(target, bytes) else target
    request = raw_request("GET", text, [bearer(stage.token("alice"))], **more)
    return await wire(stage.url, request)


def dots() -> Iterator[str]:
    """One dot and two, as some server or other reads them."""
    for one in (".", "%2e", "%2E", "%252e", "%u002e", "%c0%ae", "%ef%bc%8e", "\uff0e", "%%32%65"):
        yield from (one, one + one, "." + one, one + ".")
    yield from ("..%3b", "..;", ";..", "..%00", "..%20", ". .", "..%0d", "..%09")


def slashes() -> Iterator[str]:
    yield from ("%2f", "%2F", "%252f", "%25%32%66", "\\", "%5c", "%5C", "%c0%af", "%ef%bc%8f", "//")
    yield from ("%u2215", "\u2215", "/%2e/", "/;/", "%3b", ";", "%00", "%0d%0a", "%0a", "%zz", "%")


def row_of(spelling: str) -> str:
    if spelling in {".", ".."}:
        return "P-01"
    if "//" in spelling:
        return "P-05"
    if "%25" in spelling:
        return "P-04"
    return "P-02" if "2e" in spelling.lower() or ".." in spelling else "P-06"


PLAIN = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~:@-]{1,256})+")


def places(odd: str) -> list[str]:
    """`odd` in each place of a good path and beyond it, unless that is another plain path."""
    bob = "users/bob/conversations"
    targets = [
        f"{AGENT}/users/me/conversations/{odd}/x",
        f"{AGENT}/chat/{odd}/{bob}",
        f"{AGENT}/{odd}/agent_2/{bob}",
        f"{AGENT}/conversations/{odd}",
        f"{AGENT}/conversations/{odd}/messages",
        f"{AGENT}/conversations/x{odd}y",
        f"{AGENT}/users/{odd}/conversations",
        f"{AGENT}/users/x{odd}y/conversations",
        f"/{odd}{AGENT}/{bob}",
        f"/support{odd}api/v2/agents/agent_1/{bob}",
        f"/{odd}",
        f"{LIST}{odd}",
    ]
    return [target for target in targets if not PLAIN.fullmatch(target)]


async def test_a_path_has_one_spelling(stage: Stage[Chatbase], subtests: pytest.Subtests) -> None:
    """Rows P-01, P-02, P-04, P-05, P-06."""
    for odd in dict.fromkeys([*dots(), *slashes()]):
        with subtests.test(f"{row_of(odd)} {odd!r}"):
            for target in places(odd):
                stage.vendor.forget()
                refused(stage, await get(stage, target.encode("utf-8")), 400)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        pytest.param("@evil.example/x", 400, id="P-12 userinfo"),
        pytest.param(":80/x", 400, id="P-12 port"),
        pytest.param("?", 400, id="P-12 query alone"),
        pytest.param("evil.example", 400, id="P-12 no slash"),
        pytest.param("http://evil.example" + LIST, 400, id="P-12 absolute form"),
        pytest.param("http://gateway.test" + LIST, 400, id="P-12 absolute form, our own"),
        pytest.param("*", 400, id="P-12 asterisk"),
        pytest.param("//evil.example/x", 400, id="P-05 authority, R-03, D-05"),
        pytest.param("/\\evil.example/x", 400, id="P-05 backslash, R-03"),
        pytest.param("///support", 400, id="P-05 three, D-05"),
        pytest.param(LIST + "#/public", 400, id="P-13 fragment"),
        pytest.param("/livez#" + LIST, 400, id="P-13 fragment first"),
        pytest.param(LIST + "/", 400, id="P-05 trailing slash, D-05"),
        pytest.param("/SUPPORT/api/v2/agents/agent_1/users/me/conversations", 404, id="P-09 mount"),
        pytest.param("/support/API/v2/agents/agent_1/users/me/conversations", 404, id="P-09 case"),
        pytest.param(AGENT + "/Users/me/conversations", 404, id="P-09 Users"),
        pytest.param(AGENT + "/users/me/Conversations", 404, id="P-09 last"),
        pytest.param(AGENT + "/users//conversations", 400, id="P-11 empty"),
        pytest.param(AGENT + "/users/*/conversations", 400, id="P-11 star"),
        pytest.param(AGENT + "/users/me,bob/conversations", 400, id="P-11 list"),
        pytest.param(AGENT + "/users/alice%40x/conversations", 400, id="P-11 encoded"),
        pytest.param(AGENT + "/users/alice/bob/conversations", 404, id="P-11 two"),
        pytest.param("/supportX/api/v2/agents/agent_1/users/me/conversations", 404, id="P-17"),
        pytest.param("/suppor/api/v2/agents/agent_1/users/me/conversations", 404, id="P-17 short"),
        pytest.param("/support.json/api/v2/agents/agent_1/chat", 404, id="P-17 suffix"),
        pytest.param("/support/api/v20/agents/agent_1/users/me/conversations", 404, id="P-17 v20"),
        pytest.param(LIST + ".json", 404, id="P-17 type"),
        pytest.param(LIST + "X", 404, id="P-17 longer"),
        pytest.param("/livez/.." + LIST, 400, id="P-17 through a probe"),
        pytest.param("/support/api/v2/agents/-1/users/me/conversations", 404, id="P-16 negative"),
        pytest.param("/support/api/v2/agents/1e3/users/me/conversations", 404, id="P-16 1e3"),
        pytest.param("/support/api/v2/agents/AGENT_1/users/me/conversations", 404, id="P-16 case"),
        pytest.param("/support/api/v2/agents/agent_2/users/me/conversations", 404, id="I-10"),
        pytest.param("/support/api/v2/agents/*/users/me/conversations", 400, id="P-16 star, I-10"),
        pytest.param(AGENT + "/conversations/" + "x" * 257, 400, id="P-16 257 characters"),
        pytest.param(AGENT + "/conversations/" + "x" * 10_000, 414, id="P-16 10 KB"),
        pytest.param(AGENT + "/conversations/-1", 404, id="P-16 an id of -1"),
        pytest.param(AGENT + "/conversations/1e3", 404, id="P-16 an id of 1e3"),
        pytest.param("/" + "x" * 70_000, 414, id="N-04 70 KB of target"),
    ],
)
async def test_a_path_that_means_nothing_here_goes_nowhere(
    stage: Stage[Chatbase], target: str, status: int
) -> None:
    refused(stage, await get(stage, target), status)


@pytest.mark.parametrize("target", ["/a b", "/a\tb", "/a\rb", "/a\x7fb", "/\xe4", "/a\x0bb"])
async def test_a_target_with_other_characters_is_no_target(
    stage: Stage[Chatbase], target: str
) -> None:
    """Row S-19."""
    refused(stage, await get(stage, AGENT + target), 400)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param("a/public?", 400, id="P-15 path"),
        pytest.param("gateway.test/livez?", 400, id="P-15 a probe's"),
        pytest.param("gateway.test:80@evil", 400, id="P-15 userinfo"),
        pytest.param("gateway.test#", 400, id="P-15 fragment"),
        pytest.param("gateway.test:99999999", 400, id="P-15 port"),
        pytest.param("a b", 400, id="P-15 space"),
        pytest.param("", 400, id="P-15 empty"),
        pytest.param("evil.example", 200, id="P-15 another name, where any will do"),
        pytest.param("evil.example", 200, id="R-02 Host chooses no vendor"),
    ],
)
async def test_a_host_changes_no_verdict(stage: Stage[Chatbase], host: str, status: int) -> None:
    answer = await get(stage, LIST, host=host)
    assert answer.status == status
    if status == 200:
        only(stage, "alice", "evil")
        assert stage.vendor.requests[0].values("host") == [f"127.0.0.1:{stage.vendor.port}"]
    else:
        refused(stage, answer, status)


@pytest.mark.parametrize(
    "named", ["bob", "me", "self", "alice", "ALICE", "alice@x", "~", "-", "bob:alice", "u_a", "..."]
)
async def test_the_user_of_a_path_is_the_one_who_asks(stage: Stage[Chatbase], named: str) -> None:
    """Rows P-10 and P-11."""
    answer = await get(stage, f"{AGENT}/users/{named}/conversations?limit=3")
    assert answer.status == 200, answer.body
    only(stage, "alice", "bob")
    (request,) = stage.vendor.requests
    target = "/api/v2/agents/agent_1/users/alice/conversations?limit=3"
    assert request.start_line == f"GET {target} HTTP/1.1"


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "TRACK", "DEBUG", "get", "__class__", "X"])
async def test_a_method_nobody_has_is_refused(stage: Stage[Chatbase], method: str) -> None:
    """Rows S-20 and S-21."""
    request = stage.request("alice", method, "/users/me/conversations")
    answer = await wire(stage.url, request)
    assert answer.status in {400, 405}
    refused(stage, answer, answer.status)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_a_method_the_operation_has_not_is_refused(
    stage: Stage[Chatbase], method: str
) -> None:
    """Rows H-12, I-15: with what would make it another one."""
    fields = [("X-HTTP-Method-Override", "POST"), ("X-HTTP-Method", "POST")]
    answer = await stage.ask("alice", method, "/chat", HI, fields)
    assert answer.values("allow") == ["POST"]
    assert stage.vendor.saw_nothing()
    assert answer.status == 405
