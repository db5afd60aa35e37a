"""The pages of the examples, as somebody sees them on a telephone."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.browser import NEEDS_CHROMIUM, PATIENCE, chromium
from tests.test_examples import EXAMPLES

pytestmark = NEEDS_CHROMIUM
HERE = "http://localhost:8000/?gateway="  # the same origin
LONG = "Your kettle is on its way. " * 20 + "x" * 400


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def html(name: str) -> str:
    """A page, or the one that stands in an application."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    if name.endswith(".html"):
        return text
    written = text.partition('PAGE = """')[2].partition('"""')[0]
    return written.replace("\\n", "\n").replace("\\{", "{")


def opened(browser: Browser, name: str, asked: list[str]) -> Page:
    """The page on a telephone; `asked` gets each message that it sends, as JSON."""

    def answered(route: Route) -> None:
        if not route.request.url.endswith("/chat"):
            route.fulfill(body=html(name), content_type="text/html")
            return
        asked.append(route.request.post_data or "")
        said = {"text": LONG, "conversationId": f"c-{len(asked)}"}
        headers = {"content-type": "text/event-stream"}
        route.fulfill(body=f"data: {json.dumps(said)}\n\n", headers=headers)

    page = browser.new_page(viewport={"width": 320, "height": 640}, is_mobile=True)
    page.set_default_timeout(PATIENCE)
    page.route("**/*", answered)
    page.goto(HERE)
    return page


@pytest.mark.parametrize("name", ["chat.html", "fastapi_app.py"])
def test_a_long_answer_fits_a_telephone(browser: Browser, name: str) -> None:
    page = opened(browser, name, [])
    page.locator("[name=message]").fill("Where?")
    page.locator("[name=message]").press("Enter")
    expect(page.locator("pre")).to_contain_text("xxxx")
    widest = "Math.max(document.documentElement.scrollWidth, window.innerWidth)"
    assert page.evaluate(widest) == 320
    page.close()


def test_who_signs_in_next_begins_anew(browser: Browser) -> None:
    asked: list[str] = []
    page = opened(browser, "chat.html", asked)
    for who in ("alice", "alice", "bob"):
        if who == "bob":
            page.locator("[name=name]").fill(who)
            page.locator("[name=name]").press("Enter")
            expect(page.locator("pre")).to_have_text("Signed in.\n")
        page.locator("[name=message]").press("Enter")
        expect(page.locator("pre")).to_contain_text("xxxx")
        page.locator("pre").evaluate("(pre) => { pre.textContent = '' }")
    named = [json.loads(one).get("conversationId") for one in asked]
    assert named == [None, "c-1", None]
    page.close()
