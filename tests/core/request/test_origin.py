"""Rows V of SECURITY.md section 2.20, as far as a pure function sees them."""

import itertools

import pytest

from gateway.core.request.origin import (
    cookie_is_credential,
    cors_fields,
    is_own,
    of_a_visit,
    preflight,
)

HOST = "chat.acme.example"
OWN = "https://chat.acme.example"
APP = "https://app.acme.example"
ORIGINS = (APP,)


def decide(
    *lines: tuple[str, str], method: str = "POST", scheme: str = "https", host: str | None = HOST
) -> bool:
    fields = [(name.encode(), value.encode("latin-1")) for name, value in lines]
    return cookie_is_credential(fields, method=method, scheme=scheme, host=host, origins=ORIGINS)


def twins(origin: str) -> list[str]:
    """Spellings that a prefix, suffix, pattern or repairing comparison takes for `origin`."""
    scheme, _, host = origin.partition("://")
    other_scheme = "http" if scheme == "https" else "https"
    return [
        f"{other_scheme}://{host}",
        f"{scheme}://{host}.evil.example",
        f"{scheme}://evil-{host}",
        f"{scheme}://evil.{host}",
        f"{scheme}://{host}:8443",
        f"{scheme}://{host}:80",
        f"{scheme}://{host}:",
        f"{scheme}://{host}/",
        f"{scheme}://{host}.",
        f"{scheme}://{host}@evil.example",
        f"{scheme}://evil.example#{host}",
        f"{scheme}://{host.replace('.', 'x', 1)}",
        f"{scheme}://{host[1:]}",
        f"{scheme}://{host[:-1]}",
        f"{scheme}:{host}",
        f"{scheme.upper()}://{host}",
        f"{scheme}://{host.upper()}",
        host,
        f" {origin}",
        f"{origin} ",
        f"{origin}\t",
        f"{origin}, https://evil.example",
        f"https://evil.example, {origin}",
        f"{origin} https://evil.example",
        f"{origin},{origin}",
        f"{scheme}://{host.replace('a', chr(0xE0), 1)}",
    ]


FOREIGN = ["null", "", "*", "https://evil.example", "file://", *twins(OWN), *twins(APP)]


@pytest.mark.parametrize(
    ("lines", "method"),
    [
        pytest.param([("sec-fetch-site", "same-origin")], "POST", id="same-origin"),
        pytest.param([("sec-fetch-site", "same-origin"), ("origin", OWN)], "POST", id="both"),
        pytest.param([("origin", OWN)], "POST", id="own Origin, older browser"),
        pytest.param([("origin", OWN + ":443")], "POST", id="own Origin with the scheme's port"),
        pytest.param([("origin", APP)], "POST", id="listed Origin"),
        pytest.param([("origin", APP), ("sec-fetch-site", "same-site")], "POST", id="listed, site"),
        pytest.param([("origin", APP), ("sec-fetch-site", "cross-site")], "DELETE", id="listed, x"),
        pytest.param([("sec-fetch-site", "none")], "GET", id="typed into the address bar"),
        pytest.param([], "GET", id="GET of a client without either field"),
        pytest.param([], "HEAD", id="HEAD of a client without either field"),
    ],
)
def test_a_cookie_counts_for_a_page_of_ours(lines: list[tuple[str, str]], method: str) -> None:
    assert decide(*lines, method=method)


@pytest.mark.parametrize("origin", FOREIGN, ids=[f"V-01 {origin!r}" for origin in FOREIGN])
def test_a_cookie_counts_for_nothing_from_another_origin(origin: str) -> None:
    for method, site in itertools.product(
        ("GET", "POST"), (None, "same-origin", "same-site", "cross-site", "none")
    ):
        fields = [("origin", origin)] + ([("sec-fetch-site", site)] if site else [])
        assert not decide(*fields, method=method), (method, site)


@pytest.mark.parametrize(
    ("lines", "method"),
    [
        pytest.param([], "POST", id="V-05 neither field"),
        pytest.param([], "DELETE", id="V-05 neither field, DELETE"),
        pytest.param([], "OPTIONS", id="V-05 neither field, OPTIONS"),
        pytest.param([("sec-fetch-site", "cross-site")], "POST", id="V-06 cross-site"),
        pytest.param([("sec-fetch-site", "cross-site")], "GET", id="V-06 an image's GET"),
        pytest.param([("sec-fetch-site", "same-site")], "GET", id="V-08 of a sister subdomain"),
        pytest.param([("sec-fetch-site", "none")], "POST", id="V-03 POST from the address bar"),
        pytest.param([("sec-fetch-site", "SAME-ORIGIN")], "POST", id="another spelling"),
        pytest.param([("sec-fetch-site", "")], "GET", id="empty"),
        pytest.param([("sec-fetch-site", "same-origin, same-origin")], "GET", id="a list"),
        pytest.param(
            [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], "GET", id="twice"
        ),
        pytest.param([("origin", OWN), ("origin", OWN)], "POST", id="V-01 Origin twice"),
        pytest.param(
            [("origin", OWN), ("sec-fetch-site", "cross-site")], "POST", id="contradiction, own"
        ),
        pytest.param(
            [("origin", OWN), ("sec-fetch-site", "same-site")], "GET", id="contradiction, site"
        ),
        pytest.param([("origin", APP), ("sec-fetch-site", "none")], "GET", id="listed, typed"),
        pytest.param([("origin", APP), ("sec-fetch-site", "x")], "GET", id="listed, unknown"),
    ],
)
def test_a_cookie_counts_for_nothing_where_the_browser_does_not_say_whose_page(
    lines: list[tuple[str, str]], method: str
) -> None:
    assert not decide(*lines, method=method)


LINK = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")]
CROSS = ("sec-fetch-site", "cross-site")


def visited(*lines: tuple[str, str], method: str = "GET") -> list[tuple[str, str]]:
    fields = [(name.encode(), value.encode()) for name, value in lines]
    seen = of_a_visit(fields, method=method)
    return [(name.decode(), value.decode()) for name, value in seen]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("site", ["cross-site", "same-site", "same-origin"])
def test_who_follows_a_link_has_typed_the_address(method: str, site: str) -> None:
    accept = ("accept", "text/html")
    seen = visited(accept, ("sec-fetch-site", site), *LINK, method=method)
    assert seen == [accept, ("sec-fetch-site", "none"), *LINK]


@pytest.mark.parametrize(
    ("lines", "method"),
    [
        pytest.param(LINK, "POST", id="a form that is sent"),
        pytest.param(LINK, "DELETE", id="another method"),
        pytest.param(LINK[:1], "GET", id="no destination"),
        pytest.param(LINK[1:], "GET", id="no mode"),
        pytest.param([], "GET", id="neither"),
        pytest.param([("sec-fetch-mode", "cors"), LINK[1]], "GET", id="a script"),
        pytest.param([LINK[0], ("sec-fetch-dest", "iframe")], "GET", id="a frame of a page"),
        pytest.param(
            [("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")], "GET", id="image"
        ),
        pytest.param([*LINK, LINK[0]], "GET", id="the mode twice"),
        pytest.param([*LINK, ("sec-fetch-dest", "image")], "GET", id="two destinations"),
    ],
)
def test_what_is_no_visit_stays_as_it_is(lines: list[tuple[str, str]], method: str) -> None:
    assert visited(CROSS, *lines, method=method) == [CROSS, *lines]


def test_without_a_host_no_origin_is_our_own() -> None:
    assert not decide(("origin", "https://None"), host=None)
    assert not decide(("origin", "https://"), host=None)


@pytest.mark.parametrize(
    ("scheme", "host", "origin"),
    [
        ("http", "localhost:8080", "http://localhost:8080"),
        ("http", "localhost:80", "http://localhost"),
        ("https", "chat.acme.example:443", OWN),
        ("http", "[::1]:80", "http://[::1]"),
        ("http", "chat.acme.example:443", "http://chat.acme.example:443"),
    ],
)
def test_the_port_a_scheme_has_anyway_makes_no_other_origin(
    scheme: str, host: str, origin: str
) -> None:
    assert decide(("origin", origin), scheme=scheme, host=host)


def test_an_answer_names_exactly_the_listed_origin_and_never_a_wildcard() -> None:
    answer = dict(cors_fields(APP.encode(), ORIGINS))
    assert answer[b"access-control-allow-origin"] == APP.encode()
    assert answer[b"access-control-allow-credentials"] == b"true"
    exposed = answer[b"access-control-expose-headers"].split(b", ")
    assert b"x-gateway-error" in exposed
    assert exposed[-1] == b"x-gateway-first-conversation"
    assert b"*" not in exposed


@pytest.mark.parametrize("origin", [None, *FOREIGN], ids=repr)
def test_an_answer_to_another_origin_grants_nothing(origin: str | None) -> None:
    encoded = None if origin is None else origin.encode("latin-1")
    assert cors_fields(encoded, ORIGINS) == []


def asking(
    origin: str, method: str = "POST", fields: str = "content-type"
) -> list[tuple[bytes, bytes]]:
    return [
        (b"origin", origin.encode("latin-1")),
        (b"access-control-request-method", method.encode()),
        (b"access-control-request-headers", fields.encode()),
    ]


def test_a_preflight_of_a_listed_origin_is_granted_from_our_own_lists() -> None:
    answer = preflight(asking(APP, "PATCH", "x-evil, authorization"), ORIGINS, ("POST", "GET"))
    assert answer is not None
    granted = dict(answer)
    assert granted[b"access-control-allow-origin"] == APP.encode()
    assert granted[b"access-control-allow-methods"] == b"POST, GET"
    assert b"x-evil" not in granted[b"access-control-allow-headers"], "V-02"
    assert b"authorization" in granted[b"access-control-allow-headers"].split(b", ")
    assert granted[b"access-control-max-age"] == b"600"
    assert b"access-control-expose-headers" not in granted


@pytest.mark.parametrize("origin", FOREIGN, ids=[f"V-01 {origin!r}" for origin in FOREIGN])
def test_a_preflight_of_another_origin_is_answered_and_granted_nothing(origin: str) -> None:
    answer = preflight(asking(origin), ORIGINS, ("POST",))
    assert answer is not None
    assert [name for name, _ in answer if name.startswith(b"access-control-")] == []


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([], id="plain OPTIONS"),
        pytest.param([(b"origin", APP.encode())], id="asks for no method"),
        pytest.param([(b"access-control-request-method", b"POST")], id="no Origin"),
        pytest.param([(b"origin", b"a"), *asking(APP)], id="Origin twice"),
    ],
)
def test_an_options_request_that_is_no_preflight_is_left_to_routing(
    fields: list[tuple[bytes, bytes]],
) -> None:
    assert preflight(fields, ORIGINS, ("POST",)) is None


def test_a_preflight_names_our_fields_and_then_those_of_the_upstream() -> None:
    asking = [(b"origin", APP.encode()), (b"access-control-request-method", b"POST")]
    answer = dict(preflight(asking, ORIGINS, ("POST",), (b"x-plan", b"x-trace")) or [])
    assert answer[b"access-control-allow-headers"] == (
        b"authorization, content-type, idempotency-key, x-api-key, x-request-id, last-event-id, "
        b"mcp-session-id, mcp-protocol-version, mcp-method, mcp-name, x-plan, x-trace"
    )


@pytest.mark.parametrize(
    ("lines", "own"),
    [
        ([], True),
        ([OWN], True),
        ([f"{OWN}:443"], True),
        ([APP], True),
        (["https://evil.example"], False),
        (["null"], False),
        ([""], False),
        ([f"{OWN}.evil.example"], False),
        ([f"http://{HOST}"], False),
        ([OWN, OWN], False),
        ([APP, "https://evil.example"], False),
        (["https://evil.example", OWN], False),
        (["https://ev\xeel.example"], False),
    ],
)
def test_a_page_of_ours_asks_or_one_that_is_listed_or_none(lines: list[str], own: bool) -> None:
    fields = [(b"origin", line.encode("latin-1")) for line in lines]
    fields.append((b"referer", b"https://evil.example/"))
    assert is_own(fields, scheme="https", host=HOST, origins=ORIGINS) is own


def test_without_a_host_a_page_is_of_ours_only_where_it_is_listed() -> None:
    def asks(origin: str) -> bool:
        fields = [(b"origin", origin.encode())]
        return is_own(fields, scheme="https", host=None, origins=ORIGINS)

    assert (asks(OWN), asks("https://None"), asks(APP)) == (False, False, True)
