from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import BadPath, MethodNotAllowed, NotFound, UriTooLong
from gateway.core.memo import MAX_LENGTH, MAX_NAMES
from gateway.core.profile.vendor import Operation, Variable, Vendor
from gateway.core.request import route
from gateway.core.request.route import MAX_PATH, SEGMENT, Match, Table, segments, table
from gateway.vendors import VENDORS

OPERATIONS = {
    "health": Operation(method="GET", path="/v1/health"),
    "chat": Operation(method="POST", path="/v1/agents/{agent}/chat"),
    "list": Operation(
        method=("GET", "POST"), path="/v1/users/{user}/chats", user=(Variable("user"),)
    ),
    "one": Operation(method="GET", path="/v1/chats/{chat}"),
    "drop": Operation(method="DELETE", path="/v1/chats/{chat}"),
    "files": Operation(method="GET", path="/v1/files/{+rest}"),
}
VENDOR = Vendor(
    name="shop", title="Shop", base_url=None, fields={}, user_id=r"\w+", operations=OPERATIONS
)
TABLE = Table(OPERATIONS)


def match(method: str, path: str) -> Match:
    return TABLE.match(method, segments(path))


@pytest.mark.parametrize(
    ("method", "path", "name", "variables"),
    [
        ("GET", "/v1/health", "health", {}),
        ("POST", "/v1/agents/agent_1/chat", "chat", {"agent": "agent_1"}),
        ("GET", "/v1/users/me/chats", "list", {"user": "me"}),
        ("POST", "/v1/users/bob/chats", "list", {"user": "bob"}),
        ("DELETE", "/v1/chats/7", "drop", {"chat": "7"}),
        ("GET", "/v1/files/a", "files", {"rest": "a"}),
        ("GET", "/v1/files/a/b.c/~d", "files", {"rest": "a/b.c/~d"}),
        ("GET", "/v1/chats/a:b@c", "one", {"chat": "a:b@c"}),
    ],
)
def test_a_path_and_a_method_mean_an_operation(
    method: str, path: str, name: str, variables: dict[str, str]
) -> None:
    found = match(method, path)
    assert (found.name, found.operation) == (name, OPERATIONS[name])
    assert found.variables == variables


def test_few_paths_are_remembered_and_none_that_is_long_or_means_nothing() -> None:
    mine = Table(OPERATIONS)
    for number in range(3 * MAX_NAMES):
        path = segments(f"/v1/chats/{number}")
        assert mine.match("GET", path) is mine.match("GET", path)
        assert mine.match("DELETE", path).variables == {"chat": str(number)}
        assert len(mine._known) <= MAX_NAMES
        assert len(route._split) <= MAX_NAMES
    longest = ("v1", "chats", "c" * (MAX_LENGTH - len("v1chats")))
    variables = mine.match("GET", longest).variables
    assert ("GET", longest) in mine._known
    with pytest.raises(TypeError):
        variables["chat"] = "8"  # type: ignore[index]  # what is remembered is everybody's
    kept = dict(mine._known)
    mine.match("GET", (*longest[:2], longest[2] + "c"))
    for method, path in (("POST", ("v1", "chats", "c")), ("GET", ("v1", "none"))):
        with pytest.raises((MethodNotAllowed, NotFound)):
            mine.match(method, path)
    assert mine._known == kept


# Other spellings of /v1/chats/1 and of /v1/health, and of what a server would make of them.
BAD_PATHS = {
    "P-01 dot dot": "/v1/public/../users/bob/chats",
    "P-01 dot": "/v1/./chats/1",
    "P-01 dot dot at the end": "/v1/chats/..",
    "P-02 encoded dots": "/v1/%2e%2e/chats",
    "P-02 half encoded": "/v1/.%2e/chats",
    "P-02 the other half": "/v1/%2E./chats",
    "P-02 with a parameter": "/v1/..%3b/chats",
    "P-02 dot dot semicolon": "/v1/..;/chats",
    "P-04 double encoding": "/v1/%252e%252e%252fchats",
    "P-04 each digit encoded": "/v1/%25%32%66chats",
    "P-05 empty segment": "/v1//health",
    "P-05 leading": "//v1/health",
    "P-05 a host": "//evil.example/x",
    "P-05 three": "///v1/health",
    "P-05 slash at the end": "/v1/health/",
    "P-06 overlong": "/v1/%c0%ae/chats",
    "P-06 IIS": "/v1/%u002e/chats",
    "P-06 full width dot": "/v1/%ef%bc%8e/chats",
    "P-06 raw full width dot": "/v1/\uff0e\uff0e/chats",
    "P-06 NUL": "/v1/chats/1%00",
    "P-06 raw NUL": "/v1/chats/1\0",
    "P-06 CR LF": "/v1/chats/1%0d%0a",
    "P-06 raw newline": "/v1/chats/1\n",
    "P-06 no digits": "/v1/chats/%zz",
    "P-06 lone percent": "/v1/chats/%",
    "P-09 encoded slash": "/v1%2Fhealth",
    "P-09 encoded slash in lower case": "/v1%2fhealth",
    "P-11 encoded at sign": "/v1/users/alice%40x/chats",
    "P-11 star": "/v1/users/*/chats",
    "P-11 comma list": "/v1/users/alice,bob/chats",
    "P-12 no slash": "@evil",
    "P-12 port": ":80",
    "P-12 query alone": "?",
    "P-12 empty": "",
    "P-12 absolute form": "http://evil/v1/health",
    "P-12 asterisk form": "*",
    "P-13 fragment": "/v1/health#/public",
    "P-15 query in the path": "/v1/health?x",
    "P-16 segment of 10 KB": "/v1/chats/" + "a" * 3000,
    "P-16 segment of 257": "/v1/chats/" + "a" * 257,
    "P-16 Unicode digits": "/v1/chats/\u0661",
    "I-07 braces": "/v1/chats/{1}",
    "I-07 Unicode hyphen": "/v1/chats/a\u2010b",
    "I-07 space": "/v1/chats/1 ",
    "backslash": "/v1\\health",
    "semicolon": "/v1/health;x=1",
    "plus": "/v1/chats/a+b",
}


@pytest.mark.parametrize("path", BAD_PATHS.values(), ids=list(BAD_PATHS))
def test_refuses_every_spelling_but_the_plain_one(path: str) -> None:
    with pytest.raises(BadPath):
        segments(path)


def test_refuses_a_path_beyond_any_use() -> None:
    segments("/" + "a/" * 2000 + "a")
    with pytest.raises(UriTooLong):
        segments("/" + "a" * MAX_PATH)


def test_the_root_has_no_segments() -> None:
    assert segments("/") == ()


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/V1/health", id="P-09 case"),
        pytest.param("/v1/Health", id="P-09 case of the end"),
        pytest.param("/v1/healthX", id="P-17 longer"),
        pytest.param("/v1/health.json", id="P-17 suffix"),
        pytest.param("/v1/healt", id="P-17 shorter"),
        pytest.param("/v10/health", id="P-17 base path"),
        pytest.param("/v1/health/x", id="P-17 below"),
        pytest.param("/v1", id="P-17 above"),
        pytest.param("/", id="root"),
        pytest.param("/v1/agents/chat", id="a variable left out"),
        pytest.param("/v1/files", id="a rest of nothing"),
        pytest.param("/x/v1/health", id="a prefix"),
    ],
)
def test_what_no_operation_declares_does_not_exist(path: str) -> None:
    with pytest.raises(NotFound):
        match("GET", path)


@pytest.mark.parametrize("method", ["PUT", "get", "HEAD", "OPTIONS", "TRACE", "", "__class__"])
def test_another_method_is_told_which_would_do(method: str) -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        match(method, "/v1/chats/1")
    assert refused.value.allow == ("GET", "DELETE")


def test_lists_the_methods_of_a_path_once_each() -> None:
    assert TABLE.methods(segments("/v1/chats/1")) == ("GET", "DELETE")
    assert TABLE.methods(segments("/v1/users/me/chats")) == ("GET", "POST")
    assert TABLE.methods(segments("/v1/nothing")) == ()
    twice = Table(
        {
            "a": Operation(method="GET", path="/x/{one}"),
            "b": Operation(method="GET", path="/x/{other}"),
        }
    )
    assert twice.methods(segments("/x/1")) == ("GET",)


def test_an_upstream_may_offer_fewer_operations() -> None:
    narrow = table(VENDOR, only=("health",))
    assert narrow.match("GET", ("v1", "health")).name == "health"
    with pytest.raises(NotFound):
        narrow.match("GET", ("v1", "chats", "1"))
    assert table(VENDOR).match("GET", ("v1", "chats", "1")).name == "one"


def test_operations_are_tried_in_the_profiles_order_however_an_upstream_lists_them() -> None:
    first = Operation(method="GET", path="/x/mine")
    vendor = replace(VENDOR, operations={"mine": first, "any": replace(first, path="/x/{one}")})
    assert table(vendor, only=("any", "mine")).match("GET", ("x", "mine")).name == "mine"


@given(st.text(max_size=40) | st.text(alphabet="/.%aA2eE~:@;\\?# ", max_size=40))
def test_a_path_is_refused_or_is_its_own_one_spelling(path: str) -> None:
    """SECURITY.md 3.3 (c): nothing is decoded, folded or dropped between judging and rendering."""
    try:
        parts = segments(path)
    except BadPath:
        return
    assert "/" + "/".join(parts) == path
    assert all(SEGMENT.fullmatch(part) and part not in {".", ".."} for part in parts)


CLOSED = Table(OPERATIONS, closed=("/v1/chats/export", "/v1/files/{name}/raw/{+rest}"))


@pytest.mark.parametrize("path", ["/v1/chats/export", "/v1/files/a/raw/b", "/v1/files/a/raw/b/c"])
def test_a_closed_path_is_none_whatever_a_variable_would_take(path: str) -> None:
    assert TABLE.methods(segments(path))
    assert not CLOSED.methods(segments(path))
    for method in ("GET", "DELETE", "POST"):
        with pytest.raises(NotFound):
            CLOSED.match(method, segments(path))


@pytest.mark.parametrize("path", ["/v1/chats/exports", "/v1/chats/Export", "/v1/files/a/raw"])
def test_what_stands_beside_a_closed_path_is_open(path: str) -> None:
    assert CLOSED.match("GET", segments(path)) == TABLE.match("GET", segments(path))


def test_a_path_may_be_of_the_largest_size() -> None:
    longest = "/" + "a/" * (MAX_PATH // 2 - 1) + "a"
    assert len(longest) == MAX_PATH
    assert len(segments(longest)) == MAX_PATH // 2
    with pytest.raises(UriTooLong):
        segments(longest + "a")


def test_a_vendors_closed_paths_are_closed_in_its_table() -> None:
    closed = table(replace(VENDOR, closed=("/v1/chats/export", "/v1/chats/purge")))
    for name in ("export", "purge"):
        assert closed.is_closed(("v1", "chats", name))
    assert not closed.is_closed(("v1", "chats", "1"))
    assert not closed.is_closed(("v1", "chats"))
    with pytest.raises(NotFound):
        closed.match("GET", ("v1", "chats", "export"))


def test_the_limits_are_these() -> None:
    assert route.MAX_PATH == 4096


def test_a_path_speaks_mcp_where_one_of_its_operations_does() -> None:
    found = table(VENDORS["mcp"])
    assert found.speaks_mcp(("mcp",))
    assert not found.speaks_mcp(("other",))
    assert not table(VENDORS["chatbase"]).speaks_mcp(("agents", "a", "chat"))
