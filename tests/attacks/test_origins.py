"""V: pages of other origins, which a browser gives our cookies to."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.attacks.both_ends import HI, OWN_ORIGIN, bearer, only, refused
from tests.support.chatbase import Chatbase
from tests.support.stage import Stage, chatbase_stage
from tests.support.wire import raw_request, wire

pytestmark = pytest.mark.anyio

APP = "https://app.acme.example"
VARY = ["authorization, cookie, origin"]


@pytest.fixture(scope="module")
async def shared(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Stage[Chatbase]]:
    """Sign-in by cookie or bearer, and one page elsewhere that may use the cookie."""

    def edit(text: str) -> str:
        sign_in = '[[orgs.acme.sign_in]]\nfrom = ["authorization", "cookie:__Host-s"]\n'
        return (
            text.replace("[sign_in]\n", sign_in).replace("[upstreams", "[orgs.acme.upstreams")
            + f'\n[orgs.acme]\norigins = ["{APP}"]\n'
        )

    async with chatbase_stage(tmp_path_factory.mktemp("origins"), edit) as built:
        yield built


@pytest.fixture
def stage(shared: Stage[Chatbase]) -> Stage[Chatbase]:
    shared.vendor.handler = shared.vendor.answer
    shared.vendor.forget()
    return shared


def twins(origin: str) -> Iterator[str]:
    """Origins that a careless comparison takes for this one."""
    scheme, _, host = origin.partition("://")
    other = "http" if scheme == "https" else "https"
    yield from ("null", "", "*", origin.upper(), origin.title(), f"{other}://{host}", f"{origin}/")
    yield from (f"{origin}.evil.example", f"{origin}evil", f"{origin}:444", f"{origin}:8443")
    yield from (f"{scheme}://evil.{host}", f"{scheme}://evil-{host}", f"{scheme}://evil{host}")
    yield from (f"{scheme}://{host}@evil.example", f"{scheme}://evil.example/{host}")
    yield from (f"{scheme}://evil.example?{host}", f"{scheme}://evil.example#{host}")
    yield from (f"{origin} https://evil.example", f"{origin}, https://evil.example")
    yield from (f"https://evil.example {origin}", f"{origin};x", f"{scheme}:{host}", host)
    yield from (f"{origin}%00", f"{origin}.", f"{scheme}://{host.partition('.')[2]}", "file://")
    yield from (f"view-source:{origin}", f"blob:{origin}", f"filesystem:{origin}", "about:blank")
    yield from (
        f"{scheme}://{host.replace('a', chr(0xE0), 1)}",
        f"{scheme}://{host.replace('.', '-', 1)}",
    )


def cookie(stage: Stage[Chatbase], who: str = "alice") -> tuple[str, str]:
    return ("Cookie", f"__Host-s={stage.token(who)}")


@pytest.mark.parametrize(
    "origin", [*twins(APP), *twins(OWN_ORIGIN), "https://evil.example"], ids=ascii
)
async def test_an_origin_is_the_whole_of_it_or_another(stage: Stage[Chatbase], origin: str) -> None:
    """Rows V-01, V-06: preflight and request, with each thing a browser may say beside."""
    written = ("Origin", origin)
    asking = [written, ("Access-Control-Request-Method", "POST")]
    preflight = await wire(stage.url, raw_request("OPTIONS", stage.base + "/chat", asking))
    assert not preflight.values("access-control-allow-origin")
    assert not preflight.values("access-control-allow-credentials")
    assert preflight.values("vary") == VARY
    assert stage.vendor.saw_nothing()
    for site in ("cross-site", "same-site", "none", None):
        fields = [cookie(stage), written] + ([("Sec-Fetch-Site", site)] if site else [])
        for method, path, body in (("POST", "/chat", HI), ("GET", "/users/me/conversations", None)):
            answer = await stage.ask(None, method, path, body, fields)
            refused(stage, answer, 403, "origin_refused")
            assert not answer.values("access-control-allow-origin")
            assert answer.values("vary") == VARY


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param([("Sec-Fetch-Site", "cross-site")], 403, id="V-06 cross-site"),
        pytest.param([("Sec-Fetch-Site", "same-site")], 403, id="V-06 same-site, V-08"),
        pytest.param([("Sec-Fetch-Site", "none")], 403, id="V-06 none"),
        pytest.param([("Sec-Fetch-Site", "SAME-ORIGIN")], 403, id="V-06 another case"),
        pytest.param([("Sec-Fetch-Site", "same-origin, cross-site")], 403, id="V-06 a list"),
        pytest.param(
            [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")],
            403,
            id="V-06 two",
        ),
        pytest.param(
            [("Origin", OWN_ORIGIN), ("Origin", "https://evil.example")], 403, id="V-01 two"
        ),
        pytest.param(
            [("Origin", OWN_ORIGIN), ("Sec-Fetch-Site", "cross-site")], 403, id="V-06 they differ"
        ),
        pytest.param([], 403, id="V-05 neither"),
        pytest.param([("Referer", OWN_ORIGIN + "/page")], 403, id="V-05 Referer is no proof"),
        pytest.param([("X-Requested-With", "XMLHttpRequest")], 403, id="V-05 nor this"),
        pytest.param([("Sec-Fetch-Site", "same-origin")], 200, id="V-05 our own page"),
        pytest.param([("Origin", OWN_ORIGIN)], 200, id="V-01 our own origin"),
        pytest.param(
            [("Origin", APP), ("Sec-Fetch-Site", "cross-site")], 200, id="V-01 the listed"
        ),
    ],
)
async def test_a_cookie_speaks_only_for_our_own_pages(
    stage: Stage[Chatbase], fields: list[tuple[str, str]], status: int
) -> None:
    answer = await stage.ask(None, "POST", "/chat", HI, [cookie(stage), *fields])
    assert answer.status == status, answer.body
    if status == 200:
        only(stage, "alice", "evil", APP)
    else:
        refused(stage, answer, 403, "origin_refused")


@pytest.mark.parametrize(
    "kind",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""],
)
@pytest.mark.parametrize("body", [b'{"message":"hi"}', b'{"message":"hi","x":"="}', b"message=hi"])
async def test_what_a_form_can_send_is_no_request(
    stage: Stage[Chatbase], kind: str, body: bytes
) -> None:
    """Rows V-03, V-04: forms, sendBeacon and fetch's `no-cors`, even from our own page."""
    ours = [cookie(stage), ("Sec-Fetch-Site", "same-origin"), ("Content-Type", kind)]
    refused(stage, await stage.ask(None, "POST", "/chat", body, ours), 415)
    theirs = [cookie(stage), ("Origin", "https://evil.example"), ("Content-Type", kind)]
    refused(stage, await stage.ask(None, "POST", "/chat", body, theirs), 403)


async def test_no_get_changes_anything(stage: Stage[Chatbase]) -> None:
    """Row V-03: an <img> or a link sends cookies and asks by GET; nothing is done by GET."""
    for path in ("/chat", "/chat?message=hi", "/voice/sessions", "/conversations/x/retry"):
        answer = await stage.ask(
            None, "GET", path, None, [cookie(stage), ("Sec-Fetch-Site", "none")]
        )
        refused(stage, answer, 405)


@pytest.mark.parametrize(
    "asked",
    ["x-external-user-id", "*", "authorization, x-evil", "cookie", "x-a" * 1000, "content-type"],
)
async def test_a_preflight_grants_what_is_listed_and_no_more(
    stage: Stage[Chatbase], asked: str
) -> None:
    """Rows V-02, V-11: answered here, without a sign-in."""
    fields = [
        ("Origin", APP),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", asked),
    ]
    answer = await wire(stage.url, raw_request("OPTIONS", stage.base + "/chat", fields))
    assert answer.status == 204
    (granted,) = answer.values("access-control-allow-headers")
    assert set(granted.split(", ")) == {
        "authorization",
        "content-type",
        "idempotency-key",
        "last-event-id",
        "mcp-method",
        "mcp-name",
        "mcp-protocol-version",
        "mcp-session-id",
        "x-api-key",
        "x-request-id",
    }
    assert answer.values("access-control-allow-origin") == [APP]
    assert stage.vendor.saw_nothing()


EVIL = "evil.example"
FORWARDED = {
    "X-Forwarded-Host": [f"X-Forwarded-Host: {EVIL}", "X-Forwarded-Proto: https"],
    "Forwarded": [f"Forwarded: for=127.0.0.1;host={EVIL};proto=https"],
    "both": [f"Forwarded: host={EVIL};proto=https", f"X-Forwarded-Host: {EVIL}"],
    "of a list": [f"X-Forwarded-Host: gateway.test, {EVIL}", "X-Forwarded-Proto: http, https"],
    "in quotes": [f'Forwarded: host="{EVIL}";proto="https"'],
    "another's": [f"X-Original-Host: {EVIL}", f"X-Host: {EVIL}", "X-Forwarded-Scheme: https"],
    "as junk": [f"Forwarded: ;;host={EVIL},,", "X-Forwarded-Proto: https://", f"X-Real-IP: {EVIL}"],
}


@pytest.mark.parametrize("name", [f"H-11, H-13 {name}" for name in FORWARDED])
async def test_who_says_we_are_their_page_is_not_believed(
    stage: Stage[Chatbase], name: str
) -> None:
    """From loopback, where uvicorn by itself would believe it: only listed proxies may say so."""
    lines = [line.encode() for line in FORWARDED[name.removeprefix("H-11, H-13 ")]]
    origin = ("Origin", f"https://{EVIL}")
    for site in ([], [("Sec-Fetch-Site", "same-origin")]):
        fields = [cookie(stage), origin, *site, *lines]
        refused(stage, await stage.ask(None, "POST", "/chat", HI, fields), 403, "origin_refused")
    ours = [cookie(stage), ("Origin", OWN_ORIGIN), *lines]
    answer = await stage.ask(None, "POST", "/chat", HI, ours)
    assert answer.status == 200, answer.body
    only(stage, "alice", "evil")


async def test_a_grant_is_of_one_origin_and_says_so(stage: Stage[Chatbase]) -> None:
    """Row V-10."""
    for origin, granted in ((APP, [APP]), ("https://evil.example", []), (None, [])):
        fields = [bearer(stage.token("alice"))] + ([("Origin", origin)] if origin else [])
        answer = await stage.ask(None, "GET", "/users/me/conversations", None, fields)
        assert answer.status == 200
        assert answer.values("access-control-allow-origin") == granted
        assert answer.values("vary") == VARY


async def test_a_bearer_token_is_a_credential_from_any_page(stage: Stage[Chatbase]) -> None:
    """No browser adds one by itself: whoever has it may use it, though not read the answer."""
    fields = [bearer(stage.token("alice")), ("Origin", "https://evil.example")]
    answer = await stage.ask(None, "POST", "/chat", HI, fields)
    assert answer.status == 200
    assert not answer.values("access-control-allow-origin")


async def test_a_cookie_from_another_page_is_no_second_person(stage: Stage[Chatbase]) -> None:
    """Row V-01: bob's cookie, that his browser adds, beside alice's token: alice asks."""
    fields = [bearer(stage.token("alice")), cookie(stage, "bob"), ("Sec-Fetch-Site", "cross-site")]
    answer = await stage.ask(None, "POST", "/chat", HI, fields)
    assert answer.status == 200
    only(stage, "alice", "bob")
