"""The console in Chromium: what an operator sees, and that nothing in it goes wrong."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Browser, Page, expect

from gateway.store.usage import row_of, write
from tests.admin.stage import TOKEN, Operators, operators
from tests.store.test_usage import finished
from tests.support.browser import NEEDS_CHROMIUM, PATIENCE, chromium

pytestmark = [*NEEDS_CHROMIUM, pytest.mark.one_process("one gateway is looked at")]

EVIL = "<img src=x onerror=alert(1)>\"' hx-get=/x"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operators]:
    folder: Path = tmp_path_factory.mktemp("console")
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(operators(folder)) as there,
    ):
        portal.call(_put_in, there)
        yield there


async def _put_in(there: Operators) -> None:
    """Somebody whose every name is written to do harm, row Z-04."""
    assembled = there.stage.gateway.assembled
    assert assembled is not None
    one = finished(1_900_000_000)
    one.record.org_id, one.record.subject = "default", EVIL
    one.record.conversation, one.record.upstream = EVIL, EVIL
    database, row = assembled.process.store.database, row_of(*one)
    await database.start(database.commit(lambda connection: write(connection, [row])))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, there: Operators) -> Iterator[Page]:
    """Signed in, at the overview; at the end nothing may have gone wrong, nor left this machine."""
    complaints, requested = list[str](), list[str]()
    context = browser.new_context(viewport={"width": 1400, "height": 950})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.on("console", lambda one: complaints.append(one.text) if one.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requested.append(request.url))
    sign_in(page, there)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    yield page
    assert complaints == []
    assert [url for url in requested if not url.startswith(there.url)] == []
    context.close()


def test_the_overview_draws_the_days_and_is_renewed(page: Page) -> None:
    expect(page.locator(".u-legend")).to_contain_text("requests")
    box = page.locator("canvas").bounding_box()
    assert box is not None
    assert box["width"] > 500
    with page.expect_response("**/console/health") as renewed:
        pass
    assert renewed.value.status == 200
    expect(page.locator(".pill").first).to_have_text("ready")


def test_names_are_shown_as_they_are_and_do_nothing(page: Page) -> None:
    page.get_by_role("link", name="Usage").click()
    page.get_by_label("By").select_option("exchange")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("link", name=EVIL)).to_be_visible()
    page.get_by_role("link", name=EVIL).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(EVIL)
    assert page.locator("main img").count() == 0


def test_somebody_is_blocked_and_let_in_again(page: Page) -> None:
    page.get_by_role("link", name="People").click()
    page.get_by_label("User").fill("alice")
    page.get_by_role("button", name="Look up").click()
    page.get_by_role("button", name="Block").click()
    expect(page.locator(".notice")).to_contain_text("Blocked since")
    page.get_by_role("link", name="People").click()
    expect(page.get_by_role("row", name="alice")).to_be_visible()
    page.get_by_role("button", name="Let in again").click()
    expect(page.get_by_role("button", name="Block", exact=True)).to_be_visible()


def test_a_file_is_fetched_with_the_session(page: Page) -> None:
    page.get_by_role("link", name="Audit").click()
    with page.expect_download() as fetched:
        page.get_by_role("link", name="NDJSON").click()
    assert fetched.value.suggested_filename == "audit.ndjson"
    rows = [json.loads(line) for line in Path(fetched.value.path()).read_text().splitlines()]
    assert {"event", "actor"} <= set(rows[0])


def test_signing_out_shows_nothing_more(page: Page, there: Operators) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Admin token")).to_be_visible()
    assert page.request.get(f"{there.url}/console/usage").status == 401


@pytest.mark.parametrize("width", [420, 1400])
@pytest.mark.parametrize(
    "path",
    [
        "",
        "/usage?by=exchange",
        "/people",
        "/person?org=default&user=alice",
        pytest.param(f"/person?org=default&user={'x' * 500}", id="a long name"),
    ],
)
def test_no_page_is_wider_than_its_window(
    page: Page, there: Operators, path: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{there.url}/console{path}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.fixture
def alone(browser: Browser, there: Operators) -> Iterator[Page]:
    """Signed in; what goes wrong is looked at by the test."""
    context = browser.new_context(viewport={"width": 420, "height": 900})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    sign_in(page, there)
    yield page
    context.close()


def sign_in(page: Page, there: Operators) -> None:
    page.goto(f"{there.url}/console/sign-in")
    page.get_by_label("Admin token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()


def test_a_refusal_is_not_wider_than_its_window_either(alone: Page, there: Operators) -> None:
    name = "x" * 500
    alone.goto(f"{there.url}/console/usage?{name}=1&{name}=2")
    expect(alone.get_by_text(name)).to_be_visible()
    assert alone.evaluate("document.documentElement.scrollWidth") <= 420


def test_what_can_no_longer_be_renewed_says_so(alone: Page) -> None:
    health = alone.locator("section").first
    expect(alone.locator(".u-legend")).to_be_visible(timeout=PATIENCE)  # its scripts are there
    alone.route("**/console/health", lambda route: route.abort())
    expect(health).to_have_class("stale", timeout=PATIENCE)
    alone.unroute("**/console/health")
    expect(health).not_to_have_class("stale", timeout=PATIENCE)
    alone.context.clear_cookies()
    expect(alone.get_by_label("Admin token")).to_be_visible(timeout=PATIENCE)
