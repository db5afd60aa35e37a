"""Where a credential is looked for, and in which spellings."""

import pytest

from gateway.authn.places import (
    MAX_CHUNKS,
    Chunks,
    Cookies,
    SignedCookie,
    check_place,
    place_of,
)
from gateway.core.errors import AmbiguousCredentials, CredentialsInvalid
from tests.support.ask import asking


@pytest.mark.parametrize(
    "place", ["authorization", "cookie:__session", "cookie:__Host-s", "field:x-api-key"]
)
def test_a_place_is_the_field_a_cookie_or_another_field(place: str) -> None:
    assert check_place(place) == place
    assert place_of(place).is_cookie == place.startswith("cookie:")


@pytest.mark.parametrize(
    "place",
    [
        "",
        "Authorization",
        "authorization:x",
        "cookie",
        "cookie:",
        "cookie:a=b",
        "cookie:a:b",
        "field:x:y",
        "cookie:a;b",
        "cookie:a b",
        "cookie:a\n",
        "cookie:é",
        "field:",
        "field:X-Api-Key",
        "field:x_api_key",
        "field:x api key",
        "field:authorization",
        "field:cookie",
        "field:host",
        "query:access_token",
        "body:/token",
        "header:x-api-key",
    ],
)
def test_refuses_a_place_that_is_none(place: str) -> None:
    with pytest.raises(ValueError, match="from"):
        check_place(place)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_has_no_case(scheme: str) -> None:
    """Row J-32."""
    assert place_of("authorization").read(asking(("authorization", f"{scheme} abc"))) == "abc"


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("Bearer\tabc", id="J-32 a tab"),
        pytest.param("\xa0Bearer abc", id="J-32 a no-break space before"),
        pytest.param("Bearer\xa0abc", id="J-32 a no-break space between"),
        pytest.param("Bearer,abc", id="J-32 a comma"),
        pytest.param("Bearer=abc", id="J-32 an equals sign"),
        pytest.param('"Bearer" abc', id="J-32 quoted"),
        pytest.param("Bearer:abc", id="J-32 a colon"),
        pytest.param(" Bearer abc", id="J-32 a space before"),
    ],
)
def test_refuses_a_misspelt_bearer(written: str) -> None:
    with pytest.raises(CredentialsInvalid):
        place_of("authorization").read(asking(("authorization", written)))


@pytest.mark.parametrize(
    ("written", "credential"),
    [
        pytest.param("Bearer", "", id="J-32 no token"),
        pytest.param("Bearer  abc", " abc", id="J-32 two spaces"),
        pytest.param("Basic YTpi", None, id="J-32 Basic"),
        pytest.param("Token abc", None, id="J-32 Token"),
        pytest.param("Bearerx abc", None, id="J-32 another scheme"),
        pytest.param("Negotiate", None, id="a scheme alone"),
        pytest.param("", None, id="empty"),
    ],
)
def test_what_is_no_token_is_left_for_the_sign_in_to_refuse(
    written: str, credential: str | None
) -> None:
    assert place_of("authorization").read(asking(("authorization", written))) == credential


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([("authorization", "Bearer a"), ("authorization", "Bearer b")], id="J-31 two"),
        pytest.param(
            [("authorization", "Bearer a"), ("authorization", "Bearer a")], id="J-31 same"
        ),
        pytest.param([("authorization", "Bearer a"), ("authorization", "")], id="J-31 one empty"),
        pytest.param(
            [("authorization", "Basic a"), ("authorization", "Bearer b")], id="J-31 mixed"
        ),
        pytest.param([("authorization", "Bearer a, Bearer b")], id="J-31 a list"),
        pytest.param([("authorization", "Bearer a,b")], id="J-31 a list of tokens"),
    ],
)
def test_refuses_two_authorizations(lines: list[tuple[str, str]]) -> None:
    with pytest.raises(AmbiguousCredentials):
        place_of("authorization").read(asking(*lines))


def test_another_field_holds_the_bare_token() -> None:
    ask = asking(("x-api-key", "abc"), ("x-other", ""))
    assert place_of("field:x-api-key").read(ask) == "abc"
    assert place_of("field:x-other").read(ask) is None
    assert place_of("field:x-absent").read(ask) is None
    twice = asking(("x-api-key", "abc"), ("x-api-key", "abc"))
    with pytest.raises(AmbiguousCredentials):
        place_of("field:x-api-key").read(twice)


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        pytest.param(["session=alice"], "alice", id="one"),
        pytest.param(["a=1; session=alice; b=2"], "alice", id="among others"),
        pytest.param(["a=1", "session=alice"], "alice", id="in a second line"),
        pytest.param(["session="], None, id="emptied"),
        pytest.param(['session=""'], None, id="emptied, in quotes"),
        pytest.param(["session"], None, id="no value"),
        pytest.param(["Session=bob"], None, id="C-05 case twin alone"),
        pytest.param(["Session=bob; session=alice"], "alice", id="C-05 case twin"),
        pytest.param(["SESSION=bob; session=alice"], "alice", id="C-05 upper case"),
        pytest.param(["\xa0session=bob"], None, id="C-04 no-break space"),
        pytest.param(["\x85session=bob"], None, id="C-04 next line"),
        pytest.param(["\tsession=bob"], None, id="C-04 tab"),
        pytest.param(["session\t=bob"], None, id="C-04 tab after"),
        pytest.param(["session =bob"], None, id="C-04 space after"),
        pytest.param(["$session=bob"], None, id="C-03 dollar"),
        pytest.param(["xsession=bob; session=alice"], "alice", id="suffix"),
        pytest.param(["sessions=bob; session=alice"], "alice", id="prefix"),
        pytest.param(["a=session=bob"], None, id="in a value"),
    ],
)
def test_a_cookie_is_the_one_of_exactly_this_name(lines: list[str], value: str | None) -> None:
    assert place_of("cookie:session").read(asking(*(("cookie", line) for line in lines))) == value


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["session=alice; session=bob"], id="C-01 two"),
        pytest.param(["session=bob; session=alice"], id="C-01 the other way round"),
        pytest.param(["session=alice", "session=bob"], id="C-01 in two lines"),
        pytest.param(["session=alice; session=alice"], id="C-01 the same"),
        pytest.param(["session=; session=alice"], id="C-01 one empty"),
    ],
)
def test_refuses_a_cookie_that_stands_twice(lines: list[str]) -> None:
    with pytest.raises(AmbiguousCredentials):
        place_of("cookie:session").read(asking(*(("cookie", line) for line in lines)))


@pytest.mark.parametrize(
    "line",
    [
        pytest.param('session="alice"', id="C-03 quoted"),
        pytest.param('$Version=1; session="a; x=secret"', id="C-03 cookie sandwich"),
        pytest.param("session=a b", id="a space"),
        pytest.param("session=a,b", id="a comma"),
        pytest.param("session=a\\b", id="a backslash"),
        pytest.param("session=\xe9", id="no ASCII"),
    ],
)
def test_refuses_a_cookie_that_parsers_read_differently(line: str) -> None:
    with pytest.raises(CredentialsInvalid):
        place_of("cookie:session").read(asking(("cookie", line)))


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("session=v; session.sig=s", "v s"),
        ("session.sig=s; session=v", "v s"),
        ("session=v", "v "),
        ("session=v; session.sig=", "v "),
        ("session.sig=s", None),
        ("session=; session.sig=s", None),
        ("", None),
    ],
)
def test_a_signed_cookie_is_two(line: str, text: str | None) -> None:
    assert SignedCookie("session").read(asking(("cookie", line))) == text


@pytest.mark.parametrize(
    "line", ["session=v; session=w; session.sig=s", "session=v; session.sig=s; session.sig=t"]
)
def test_neither_of_them_stands_twice(line: str) -> None:
    """C-01."""
    with pytest.raises(AmbiguousCredentials):
        SignedCookie("session").read(asking(("cookie", line)))


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("s=a", "a"),
        ("s.0=a", "a"),
        ("s.0=a; s.1=b", "ab"),
        ("s.1=b; x=1; s.0=a", "ab"),
        ("; ".join(f"s.{n}={n}" for n in range(MAX_CHUNKS)), "0123456789"),
        ("s=a; s.0=; s.1=", "a"),
        ("s=; s.0=a", "a"),
        ("x=1; S=2; xs=3; xs.0=4", None),
        ("s=", None),
        ("", None),
    ],
)
def test_a_cookie_may_stand_in_parts(line: str, text: str | None) -> None:
    """C-15."""
    assert Chunks("s").read(asking(("cookie", line))) == text


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("s.1=b", id="no first"),
        pytest.param("s.0=a; s.2=c", id="a gap"),
        pytest.param("s=a; s.0=b", id="whole and in parts"),
        pytest.param("s.0=a; s.00=b", id="one number in two spellings"),
        pytest.param("s.0=a; s.-1=b", id="a number below"),
        pytest.param("s.0=a; s.x=b", id="a part without a number"),
        pytest.param("s=a; s.sig=b", id="what Auth.js would join"),
        pytest.param("s=a; session=b", id="and that too"),
        pytest.param("s.0=a; \xa0s.1=b", id="C-04 a part behind a blank"),
        pytest.param("; ".join(f"s.{n}={n}" for n in range(MAX_CHUNKS + 1)), id="too many"),
    ],
)
def test_parts_that_make_no_whole_are_no_credential(line: str) -> None:
    """C-15."""
    with pytest.raises(CredentialsInvalid):
        Chunks("s").read(asking(("cookie", line)))


def test_no_part_stands_twice() -> None:
    """C-15."""
    with pytest.raises((AmbiguousCredentials, CredentialsInvalid)):
        Chunks("s").read(asking(("cookie", "s.0=a; s.0=b")))


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("a=1; b=2", "a=1; b=2"),
        ("b=2; x=3; a=1", "a=1; b=2"),
        ("b=2", "b=2"),
        ("a=; b=2", "b=2"),
        ("a=; b=", None),
        ("x=1", None),
        ("", None),
    ],
)
def test_several_cookies_are_those_that_are_there(line: str, text: str | None) -> None:
    assert Cookies(("a", "b")).read(asking(("cookie", line))) == text


def test_the_limits_are_these() -> None:
    assert MAX_CHUNKS == 10
