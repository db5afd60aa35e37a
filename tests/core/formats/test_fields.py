import contextlib
import re
import time
from typing import AnyStr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import (
    AmbiguousCredentials,
    BadRequest,
    CredentialsInvalid,
    FieldsTooLarge,
    GatewayError,
    UnsupportedMediaType,
)
from gateway.core.formats import fields
from gateway.core.formats.fields import (
    COOKIE_VALUE,
    MAX_COOKIES,
    MAX_FIELDS,
    NEVER_PASSED,
    check_plain_json,
)


def field_lines(*lines: str) -> list[tuple[bytes, bytes]]:
    """Fields out of `name: value` lines."""
    pairs = (line.split(": ", 1) for line in lines)
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(b"x_external_user_id", id="H-02 underscores"),
        pytest.param(b"x-external_user-id", id="H-02 one underscore"),
        pytest.param(b"x-external-user-id ", id="H-02 space at the end"),
        pytest.param(b" x-external-user-id", id="H-02 space before"),
        pytest.param(b"X-External-User-Id", id="H-02 not in lower case"),
        pytest.param(b"x-user\xa0", id="H-02 no-break space"),
        pytest.param(b"x-user\x0b", id="H-02 vertical tab"),
        pytest.param(b"x-us\xe9r", id="H-02 Latin-1"),
        pytest.param(b"x:user", id="colon"),
        pytest.param(b"", id="empty"),
        pytest.param(b":authority", id="pseudo field"),
        pytest.param(b"x(user)", id="parentheses"),
    ],
)
def test_refuses_a_name_that_can_pass_for_another(name: bytes) -> None:
    with pytest.raises(BadRequest):
        fields.check([(name, b"bob")])


@pytest.mark.parametrize("code", [*range(9), *range(10, 32), 127])
def test_refuses_a_value_with_a_control_character(code: int) -> None:
    with pytest.raises(BadRequest):
        fields.check([(b"x-a", b"a" + bytes([code]) + b"b")])


def test_takes_what_fields_may_hold() -> None:
    fields.check([(b"x-a", b"a\tb \x80\xff ~"), (b"x.b!#$%&'*+^`|~1", b"")])


NAME = re.compile(rb"[!#$%&'*+.^`|~0-9a-z-]+")
CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
NAMES = st.text("a-Z:_1 ", max_size=4).map(str.encode) | st.binary(max_size=2)
VALUES = st.text("a\t\n :", max_size=4).map(str.encode) | st.binary(max_size=3)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=4))
def test_refuses_all_fields_where_it_would_refuse_one(lines: list[tuple[bytes, bytes]]) -> None:
    good = all(NAME.fullmatch(name) and not CONTROL.search(value) for name, value in lines)
    with contextlib.nullcontext() if good else pytest.raises(BadRequest):
        fields.check(lines)


def test_refuses_too_many_fields() -> None:
    """H-20."""
    fields.check([(b"x-a", b"1")] * MAX_FIELDS)
    with pytest.raises(FieldsTooLarge):
        fields.check([(b"x-a", b"1")] * (MAX_FIELDS + 1))


def test_a_field_that_stands_once_may_not_stand_twice() -> None:
    lines = field_lines("x-a: 1", "x-b: 2", "x-a: 1")
    assert fields.values(lines, b"x-a") == [b"1", b"1"]
    assert fields.single(lines, b"x-b") == b"2"
    assert fields.single(lines, b"x-c") is None
    with pytest.raises(BadRequest, match="stands 2 times"):
        fields.single(lines, b"x-a")
    with pytest.raises(BadRequest, match="stands 3 times"):
        fields.single([(b"x-a", b"")] * 3, b"x-a")
    assert fields.first(lines, b"x-a") == b"1"
    assert fields.first(lines, b"x-c") is None


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([], id="no media type"),
        pytest.param([(b"content-type", b"text/plain")], id="another one"),
        pytest.param(
            [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")], id="a coding"
        ),
        pytest.param(
            [(b"content-type", b"application/json"), (b"content-encoding", b"")], id="an empty one"
        ),
    ],
)
def test_refuses_a_body_that_is_no_json_as_it_stands(lines: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(UnsupportedMediaType):
        check_plain_json(lines)


def test_takes_json_as_it_stands() -> None:
    check_plain_json([(b"content-type", b"application/json; charset=utf-8")])


@pytest.mark.parametrize(
    ("lines", "token"),
    [
        pytest.param([], None, id="no field"),
        pytest.param(["authorization: Bearer a.b.c"], "a.b.c", id="J-32 plain"),
        pytest.param(["authorization: bearer a.b.c"], "a.b.c", id="J-32 lower case"),
        pytest.param(["authorization: BEARER a.b.c"], "a.b.c", id="J-32 upper case"),
        pytest.param(["authorization: Bearer  a"], " a", id="J-32 two spaces stay"),
        pytest.param(["authorization: Bearer "], "", id="J-32 no token"),
        pytest.param(["authorization: Bearer"], "", id="J-32 scheme alone"),
        pytest.param(["authorization: Bearer\ta"], None, id="J-32 tab"),
        pytest.param(["authorization: Basic YTpi"], None, id="J-32 Basic"),
        pytest.param(["authorization: Token x"], None, id="J-32 another scheme"),
        pytest.param(["authorization: \xa0Bearer a"], None, id="J-32 no-break space"),
    ],
)
def test_reads_a_bearer_token(lines: list[str], token: str | None) -> None:
    assert fields.bearer(field_lines(*lines)) == token


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["authorization: Bearer a", "authorization: Bearer b"], id="J-31 two fields"),
        pytest.param(["authorization: Bearer a", "authorization: Bearer a"], id="J-31 same twice"),
        pytest.param(["authorization: Basic a", "authorization: Bearer b"], id="J-31 two schemes"),
        pytest.param(["authorization: Bearer a, Bearer b"], id="J-31 a list"),
    ],
)
def test_refuses_two_bearer_tokens(lines: list[str]) -> None:
    with pytest.raises(AmbiguousCredentials):
        fields.bearer(field_lines(*lines))


def test_another_field_holds_the_bare_token() -> None:
    assert fields.bearer(field_lines("x-api-key: a.b.c"), b"x-api-key") == "a.b.c"
    with pytest.raises(AmbiguousCredentials):
        fields.bearer(field_lines("x-api-key: a", "x-api-key: b"), b"x-api-key")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        pytest.param("session=alice", "alice", id="alone"),
        pytest.param("a=1; session=alice; b=2", "alice", id="among others"),
        pytest.param("a=1;session=alice;b=2", "alice", id="without spaces"),
        pytest.param("session=a=b==", "a=b==", id="equals signs"),
        pytest.param("session=", "", id="empty"),
        pytest.param('session=""', "", id="empty as Python writes it"),
        pytest.param("Session=bob; session=alice", "alice", id="C-05 case twin"),
        pytest.param("xsession=bob; sessionx=bob", None, id="longer names"),
        pytest.param("Xsession=bob; !session=bob; session=a", "a", id="longer names beside it"),
        pytest.param("session.0=bob", None, id="C-15 a part"),
        pytest.param("a=session=bob", None, id="in a value"),
        pytest.param("session=alice ; b=2", "alice", id="a space behind"),
        pytest.param("", None, id="empty field"),
        pytest.param("session", "", id="no equals sign"),
        pytest.param("\xa0session=bob", None, id="C-04 no-break space before"),
        pytest.param("\x85session=bob", None, id="C-04 NEL before"),
        pytest.param("\tsession=bob", None, id="C-04 tab before"),
        pytest.param("session\t=bob", None, id="C-04 tab after"),
        pytest.param("session =bob", None, id="C-04 space after"),
    ],
)
def test_reads_the_cookie_of_exactly_this_name(line: str, value: str | None) -> None:
    assert fields.cookie(field_lines(f"cookie: {line}"), "session") == value


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["session=alice; session=bob"], id="C-01 alice first"),
        pytest.param(["session=bob; session=alice"], id="C-01 bob first"),
        pytest.param(["session=alice", "session=bob"], id="C-01 two fields"),
        pytest.param(["session=alice; session=alice"], id="C-01 same twice"),
        pytest.param(["session=alice; session"], id="C-01 one without a value"),
        pytest.param(["session=alice; \xa0session=bob"], id="C-04 no-break space"),
        pytest.param(["session=alice; \x85session=bob"], id="C-04 NEL"),
        pytest.param(["session=alice;\tsession=bob"], id="C-04 tab"),
        pytest.param(["session=alice; session =bob"], id="C-04 space after the name"),
        pytest.param(["session=alice; \x1csession=bob"], id="C-04 file separator"),
    ],
)
def test_refuses_a_cookie_that_stands_twice(lines: list[str]) -> None:
    with pytest.raises(AmbiguousCredentials):
        fields.cookie(field_lines(*(f"cookie: {line}" for line in lines)), "session")


@pytest.mark.parametrize(
    "line",
    [
        pytest.param('session="alice"', id="C-03 quoted"),
        pytest.param('session="', id="C-03 one quote"),
        pytest.param('session="""', id="C-03 three quotes"),
        pytest.param('$Version=1; session="a; x=secret"; y=1', id="C-03 sandwich"),
        pytest.param("session= alice", id="space before the value"),
        pytest.param("session=a,b", id="comma"),
        pytest.param("session=a\\b", id="backslash"),
        pytest.param("session=\xe9", id="Latin-1"),
    ],
)
def test_refuses_a_value_that_parsers_read_differently(line: str) -> None:
    with pytest.raises(CredentialsInvalid):
        fields.cookie(field_lines(f"cookie: {line}"), "session")


@pytest.mark.parametrize(
    "line",
    [
        'a="; session=alice; b="',
        'session=alice; a="x; y="',
        'a = "x; session=alice; y"; b=1',
        'a="\\"; session=alice; b="',
    ],
)
def test_a_cookie_in_another_ones_quotes_is_refused(line: str) -> None:
    """C-03."""
    with pytest.raises(CredentialsInvalid):
        fields.cookie(field_lines(f"cookie: {line}"), "session")


@pytest.mark.parametrize(
    "line",
    [
        'a="x"; session=alice; b="y"',
        'a={"x":1}; session=alice; b={"y":2}',
        'a="; session=alice',
        'session=alice; b=x"y',
        'a=x"; session=alice; b="',
    ],
)
def test_quotes_of_other_cookies_that_close_are_no_matter(line: str) -> None:
    assert fields.cookie(field_lines(f"cookie: {line}"), "session") == "alice"


def test_quotes_are_looked_for_in_linear_time() -> None:
    hostile = ['=";' * 10_000, '";' * 15_000, 'a="' + "\\" * 30_000, ";" * 90 + '="' + "x;" * 9]
    for line in hostile:
        started = time.process_time()
        with contextlib.suppress(GatewayError):
            fields.cookie(field_lines(f"cookie: session=alice; {line}"), "session")
        assert time.process_time() - started < 0.1


def test_names_that_begin_alike_are_told_by_what_follows() -> None:
    line = (
        "cookie: s=1; s.0=2; s.1=3; sx=4; s.=5; xs=6; s.2=; s.3; \xa0s.4=7; s.0=8; s.5=a=b; s.6= "
    )
    assert fields.cookie_suffixes(field_lines(line), "s") == [".0", ".1", "x", ".", ".4", ".5"]
    assert fields.cookie_suffixes([], "s") == []


def test_refuses_too_many_cookies() -> None:
    """C-14."""
    most = "; ".join(f"c{number}=1" for number in range(MAX_COOKIES))
    assert fields.cookie(field_lines(f"cookie: {most}"), "session") is None
    with pytest.raises(FieldsTooLarge):
        fields.cookie(field_lines(f"cookie: {most}; session=alice"), "session")


@given(st.binary(max_size=40))
def test_any_cookie_field_gives_a_plain_value_or_nothing(line: bytes) -> None:
    try:
        value = fields.cookie([(b"cookie", line), (b"cookie", b"a=" + line)], "a")
    except (AmbiguousCredentials, CredentialsInvalid):
        return
    assert value is None or COOKIE_VALUE.fullmatch(value.encode("ascii"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("chat.acme.example", "chat.acme.example"),
        ("Chat.ACME.example:8443", "chat.acme.example:8443"),
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("[::1]:8080", "[::1]:8080"),
        ("[::ffff:10.0.0.1]", "[::ffff:10.0.0.1]"),
        ("chat_gateway:8080", "chat_gateway:8080"),
        ("a", "a"),
    ],
)
def test_reads_the_host(value: str, expected: str) -> None:
    assert fields.host(field_lines(f"host: {value}")) == expected


def test_a_request_may_have_no_host() -> None:
    assert fields.host([]) is None


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["host: a/public?"], id="P-15 path and query"),
        pytest.param(["host: a/../b"], id="P-15 dots"),
        pytest.param(["host: user@a"], id="P-15 userinfo"),
        pytest.param(["host: a#b"], id="P-15 fragment"),
        pytest.param(["host: a\\b"], id="P-15 backslash"),
        pytest.param(["host: a b"], id="space"),
        pytest.param(["host: "], id="empty"),
        pytest.param(["host: a,b"], id="a list"),
        pytest.param(["host: a:"], id="no port"),
        pytest.param(["host: a:http"], id="port by name"),
        pytest.param(["host: a:123456"], id="port too long"),
        pytest.param(["host: -a"], id="dash first"),
        pytest.param(["host: a."], id="dot at the end"),
        pytest.param(["host: [::1"], id="half a bracket"),
        pytest.param(["host: \xe9.example"], id="Latin-1"),
        pytest.param(["host: a", "host: b"], id="two"),
        pytest.param(["host: a", "host: a"], id="the same twice"),
    ],
)
def test_refuses_what_is_no_host(lines: list[str]) -> None:
    with pytest.raises(BadRequest):
        fields.host(field_lines(*lines))


def test_the_client_gets_the_listed_fields_of_an_answer_only() -> None:
    answer = field_lines(
        "content-type: application/json",
        "retry-after: 3",
        "x-ratelimit-reset: 9",
        "x-request-id: vendor-1",
        "x-request-cost: 2",
        "set-cookie: sid=1",
        "location: https://vendor.example",
        "www-authenticate: Bearer",
        "server: vendor",
    )
    assert fields.passed_to_client(
        answer, fields.RESPONSE_FIELDS | {b"x-request-cost"}
    ) == field_lines(
        "content-type: application/json",
        "retry-after: 3",
        "x-ratelimit-reset: 9",
        "x-upstream-request-id: vendor-1",
        "x-request-cost: 2",
    )


@pytest.mark.parametrize(
    "name",
    [
        *("authorization", "proxy-authorization", "proxy-authenticate", "cookie", "set-cookie"),
        *("host", "connection", "proxy-connection", "keep-alive", "te", "trailer", "upgrade"),
        *("content-length", "transfer-encoding", "content-encoding", "www-authenticate", "via"),
    ],
)
def test_what_is_bound_to_a_connection_or_a_credential_never_passes(name: str) -> None:
    """H-03 to H-05, H-17."""
    assert name in NEVER_PASSED


def test_what_a_proxy_of_ours_writes_is_taken_away_and_nothing_else() -> None:
    sent = field_lines(
        "x-forwarded-user: alice",
        "x-gateway-secret: s",
        "x-forwarded-: x",
        "x-user: x-forwarded-user",
        "x-forwarded: x",
        "not-x-forwarded-: x",
        "accept: x-gateway-secret",
        "x-gateway-secret: t",
        "x-forwarded-for: 192.0.2.1",
    )
    assert fields.not_forwarded(sent, {b"x-gateway-secret"}) == field_lines(
        "x-user: x-forwarded-user",
        "x-forwarded: x",
        "not-x-forwarded-: x",
        "accept: x-gateway-secret",
    )


def test_the_tables_of_fields_are_these() -> None:
    """A name that is lost here is a credential, or a page, that passes."""
    assert sorted(fields.NEVER_PASSED) == [
        *("authorization", "clear-site-data", "connection", "content-encoding"),
        *("content-length", "cookie", "host", "keep-alive", "location"),
        *("proxy-authenticate", "proxy-authorization", "proxy-connection", "refresh"),
        *("service-worker-allowed", "set-cookie", "strict-transport-security", "te"),
        *("trailer", "transfer-encoding", "upgrade", "via", "www-authenticate"),
        *("x-gateway-assertion", "x-gateway-secret", "x-request-id"),
    ]
    assert sorted(fields.RESPONSE_FIELDS) == [
        *(b"content-type", b"mcp-session-id", b"retry-after", b"x-vercel-ai-ui-message-stream")
    ]


def test_the_limits_are_these() -> None:
    assert fields.MAX_FIELDS == 100
    assert fields.MAX_COOKIES == 100


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (fields.VISIBLE, "a a", " a"),
        (fields.REQUEST_ID, b"a" * 64, b"a" * 65),
        (fields.COOKIE_NAME, b"__Host-a", b"a b"),
    ],
)
def test_what_others_go_by_has_these_forms(
    pattern: re.Pattern[AnyStr], good: AnyStr, bad: AnyStr
) -> None:
    assert pattern.fullmatch(good)
    assert not pattern.fullmatch(bad)
