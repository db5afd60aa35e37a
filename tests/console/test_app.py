import html
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.admin.current import Current
from gateway.admin.throttle import MOST_WRONG, Throttle
from gateway.console.app import Console
from gateway.console.assets import ASSETS
from gateway.console.session import Sessions
from tests.admin.stage import TOKEN
from tests.console.stage import Looking, looking
from tests.support.message import Field
from tests.support.wire import raw_request, wire

pytestmark = pytest.mark.anyio

PAGES = {
    "/console",
    "/console/health",
    "/console/days",
    "/console/usage",
    "/console/conversations",
    "/console/audit",
    "/console/verified",
    "/console/people",
    "/console/person?org=default&user=alice",
}
CHANGES = {"/console/block", "/console/unblock", "/console/sign-out"}
WHOM = {"org": "default", "user": "alice"}


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Looking]:
    async with looking(tmp_path) as browser:
        yield browser


@pytest.fixture
async def stranger(tmp_path: Path) -> AsyncIterator[Looking]:
    async with looking(tmp_path, signed_in=False) as browser:
        yield browser


async def is_nobody_blocked(browser: Looking) -> bool:
    return (await browser.operators.ask("/users/blocked")).json() == {"data": []}


async def test_every_path_stands_in_one_of_these_tables(browser: Looking) -> None:
    """Row Z-09: a path that is added is looked at by the tests below, or this one fails."""
    now = Current(browser.operators.stage.gateway)
    console = Console(now, TOKEN, Throttle(), 0.0)
    assert {path.partition("?")[0] for path in PAGES} == set(console.pages)
    assert set(console.changes) == CHANGES


@pytest.mark.parametrize("path", sorted(PAGES))
async def test_a_page_is_shown_to_whoever_has_signed_in(browser: Looking, path: str) -> None:
    answer = await browser.get(path)
    assert (answer.status, answer.values("cache-control")) == (200, ["no-store"])
    assert answer.values("content-type") == ["text/html; charset=utf-8"]
    (policy,) = answer.values("content-security-policy")
    assert "'unsafe-" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert TOKEN.encode() not in answer.raw
    assert (await browser.get(path, method="HEAD")).body == b""


@pytest.mark.parametrize("path", sorted(PAGES))
async def test_nobody_else_sees_more_than_where_to_sign_in(stranger: Looking, path: str) -> None:
    answer = await stranger.get(path)
    assert answer.status == 401
    assert b"Admin token" in answer.body
    beside_what_they_asked = answer.body.replace(html.escape(path).encode(), b"", 1)
    assert b"alice" not in beside_what_they_asked
    assert b"default" not in beside_what_they_asked


@pytest.mark.parametrize("path", sorted(PAGES | {"/console/block"}))
@pytest.mark.parametrize(
    "shown",
    [
        pytest.param([("Authorization", f"Bearer {TOKEN}")], id="the token of programs"),
        pytest.param([("Cookie", f"gateway_console={TOKEN}")], id="the token as a cookie"),
        pytest.param([("Cookie", "gateway_console=operator")], id="no signature"),
        pytest.param(
            [("Cookie", Sessions("another-token-of-32-characters!!").begin(secure=False).decode())],
            id="of another token",
        ),
    ],
)
async def test_nothing_but_our_cookie_opens_a_page(
    stranger: Looking, path: str, shown: list[Field]
) -> None:
    assert (await stranger.get(path, shown)).status == 401


async def test_two_cookies_of_one_name_are_none(browser: Looking) -> None:
    answer = await browser.get("/console/usage", [("Cookie", browser.cookie)])
    assert answer.status == 401


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([("Origin", "https://evil.example")], id="another origin"),
        pytest.param([("Origin", "null")], id="null"),
        pytest.param([("Origin", "http://127.0.0.1:1")], id="another port"),
        pytest.param([], id="none"),
        pytest.param([("Sec-Fetch-Site", "cross-site")], id="cross-site"),
        pytest.param([("Sec-Fetch-Site", "same-site")], id="same-site"),
        pytest.param([("Sec-Fetch-Site", "none")], id="typed"),
    ],
)
@pytest.mark.parametrize("path", ["/console/block", "/console/sign-in"])
async def test_a_form_of_another_page_changes_nothing(
    browser: Looking, path: str, fields: list[Field]
) -> None:
    """Row Z-02: a browser would send the cookie from another port of this host."""
    answer = await browser.send(path, WHOM | {"token": TOKEN}, fields)
    assert answer.status in {401, 403}
    assert answer.values("set-cookie") == []
    assert await is_nobody_blocked(browser)


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
async def test_a_page_elsewhere_is_not_even_shown_the_shell_of_ours(
    browser: Looking, site: str
) -> None:
    answer = await browser.get("/console/usage", [("Sec-Fetch-Site", site)])
    assert (answer.status, b"alice" in answer.body) == (401, False)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", sorted(CHANGES))
async def test_only_a_form_changes_anything(browser: Looking, path: str, method: str) -> None:
    site = [("Sec-Fetch-Site", "same-origin")]
    answer = await browser.get(path, site, method=method)
    assert (answer.status, answer.values("allow")) == (405, ["POST"])


@pytest.mark.parametrize("path", sorted(PAGES))
async def test_a_page_takes_no_form(browser: Looking, path: str) -> None:
    assert (await browser.send(path.partition("?")[0], WHOM)).status == 405


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil", ""])
@pytest.mark.parametrize("path", ["/", "/console", "/console/sign-in", next(iter(ASSETS))])
async def test_a_name_that_is_not_ours_leads_nowhere(
    browser: Looking, path: str, host: str
) -> None:
    """Row Z-02: a page that has pointed its own name at this address (rebinding)."""
    request = raw_request("GET", path, [("Cookie", browser.cookie)], host=host)
    answer = await wire(browser.operators.url, request)
    assert answer.status == 421
    assert b"admin.hosts" in answer.body


@pytest.mark.parametrize(
    "path",
    [
        "/console/", "/CONSOLE", "//console", "/console/../usage", "/console/usage/",
        "/console/%75sage%00", "/console/static/", "/console/static/../app.py",
        "/console/static/vendor/uPlot.LICENSE", "/console/static/%2e%2e/app.py",
        "/console/static/console.css/..", "/console;x",
    ],
)  # fmt: skip
async def test_a_path_has_one_spelling_and_the_others_lead_nowhere(
    browser: Looking, path: str
) -> None:
    """Rows Z-05 and Z-07."""
    answer = await browser.get(path)
    assert answer.status in {400, 401, 404}
    assert b"alice" not in answer.body


@pytest.mark.parametrize("path", sorted(ASSETS))
async def test_what_pages_load_is_there_for_the_sign_in_page_too(
    stranger: Looking, path: str
) -> None:
    answer = await stranger.get(path, [("Range", "bytes=0-0,0-0,0-0")])
    assert (answer.status, answer.values("x-content-type-options")) == (200, ["nosniff"])


async def test_the_root_leads_to_it(stranger: Looking) -> None:
    answer = await stranger.get("/")
    assert (answer.status, answer.values("location")) == (303, ["/console"])


async def test_signing_in_leads_back_and_signing_out_forgets(stranger: Looking) -> None:
    asked = await stranger.get("/console/audit")
    assert b'name="then" value="/console/audit"' in asked.body
    answer = await stranger.sign_in(then="/console/audit")
    assert (answer.status, answer.values("location")) == (303, ["/console/audit"])
    (cookie,) = answer.values("set-cookie")
    assert "; Path=/console; Max-Age=43200; HttpOnly; SameSite=Strict" in cookie
    assert (await stranger.get("/console/audit")).status == 200
    answer = await stranger.send("/console/sign-out", {})
    assert "Max-Age=0" in answer.values("set-cookie")[0]
    assert answer.values("location") == ["/console/sign-in"]


async def test_signing_in_leads_back_to_whom_was_looked_at(stranger: Looking) -> None:
    person = "/console/person?org=default&user=a%26b+%C3%A9%0D%0A"
    asked = await stranger.get(person)
    found = re.search('name="then" value="([^"]*)"', asked.body.decode())
    assert found is not None
    answer = await stranger.sign_in(then=html.unescape(found[1]))
    assert answer.values("location") == [person]


@pytest.mark.parametrize(
    "then",
    [
        "https://evil.example",
        "//evil.example",
        "/usage",
        "/console/x",
        "/console/x?/console/usage",
        "/console/usage?user=\xe9",
        "/console/usage@evil.example",
    ],
)
async def test_signing_in_leads_to_no_page_but_ours(stranger: Looking, then: str) -> None:
    answer = await stranger.sign_in(then=then)
    assert answer.values("location") == ["/console"]


@pytest.mark.one_process("each counts for itself")
async def test_wrong_tokens_are_counted_with_those_of_programs(stranger: Looking) -> None:
    """Row Z-03."""
    for _ in range(MOST_WRONG):
        answer = await stranger.sign_in("wrong")
        assert (answer.status, answer.values("set-cookie")) == (401, [])
        assert b"not the admin token" in answer.body
    assert (await stranger.sign_in()).status == 429
    assert (await stranger.operators.ask("/usage")).status == 429


@pytest.mark.parametrize("media", ["application/json", "text/plain", "multipart/form-data", ""])
async def test_a_form_is_sent_as_a_form(browser: Looking, media: str) -> None:
    answer = await browser.send("/console/block", WHOM, media=media)
    assert answer.status == 415
    assert await is_nobody_blocked(browser)


async def test_it_is_not_served_where_people_come_in(browser: Looking) -> None:
    """Row Z-01."""
    for path in ("/console", "/console/sign-in", "/console/static/console.js"):
        answer = await wire(browser.operators.stage.url, raw_request("GET", path))
        assert answer.status == 404


async def test_says_so_while_the_gateway_is_not_open(browser: Looking) -> None:
    await browser.operators.stage.gateway.aclose()
    answer = await browser.get("/console/usage")
    assert (answer.status, b"The gateway is not open" in answer.body) == (503, True)
