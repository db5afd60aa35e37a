"""The demo's page in Chromium, before the real gateway: what somebody who tries it sees."""

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Browser, Locator, Page, expect

from gateway.demo.serve import Demo, running
from gateway.demo.server import listen
from tests.support.browser import NEEDS_CHROMIUM, PATIENCE, chromium

pytestmark = NEEDS_CHROMIUM

WHERE = "Where is my order?"
KETTLE = "should be with you tomorrow between 9 and 12."


@contextmanager
def served(word: float) -> Iterator[Demo]:
    """`word`: seconds between two of an answer, which has about thirty."""
    with (
        start_blocking_portal() as portal,
        listen(0) as listener,
        portal.wrap_async_context_manager(running(listener, word=word)) as demo,
    ):
        yield demo


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with served(0.02) as demo:
        yield demo


@pytest.fixture(scope="module")
def slow_demo() -> Iterator[Demo]:
    """For who has to come while an answer is under way, however slow a browser is."""
    with served(0.15) as demo:
        yield demo


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def open_page(browser: Browser, demo: Demo) -> Iterator:
    yield from pages_of(browser, demo)


@pytest.fixture
def open_slow_page(browser: Browser, slow_demo: Demo) -> Iterator:
    yield from pages_of(browser, slow_demo)


def pages_of(browser: Browser, demo: Demo) -> Iterator:
    """Opens a page; at the end nothing may have gone wrong in it, nor left this machine."""
    contexts, complaints, requested = [], [], []

    def complain(message) -> None:
        # Chromium reports each answer from 400 on: refusals are what half of these tests are about.
        if (
            message.type == "error"
            and "the server responded with a status of 4" not in message.text
        ):
            complaints.append(message.text)

    def opened(
        handle: str = "north.alice", width: int = 1440, height: int = 900, **options
    ) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", complain)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requested.append(request.url))
        page.goto(demo.url)
        page.locator(f"form[action='/sign-in/{handle}'] button").click()
        expect(page.locator("#conversations li").first).to_be_visible()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
    assert {url for url in requested if not url.startswith(demo.url)} == set()


def ask(page: Page, message: str) -> None:
    page.get_by_label("Your message").fill(message)
    page.keyboard.press("Enter")


def last_answer(page: Page) -> Locator:
    return page.locator(".by-assistant .said-text").last


def test_an_answer_comes_word_by_word_and_is_about_whoever_is_signed_in(open_slow_page):
    page = open_slow_page("north.alice")
    ask(page, WHERE)
    expect(last_answer(page)).to_contain_text("Good news, Alice")
    assert KETTLE not in last_answer(page).inner_text()
    expect(last_answer(page)).to_contain_text(
        f"blue kettle (N1042) is on its way. It left our warehouse last night and {KETTLE}"
    )


def test_one_name_at_two_companies_is_two_people(open_page):
    for handle, thing in (("north.sam", "copper kettle"), ("south.sam", "winter tyres")):
        page = open_page(handle)
        page.get_by_role("button", name=WHERE, exact=True).click()
        expect(last_answer(page)).to_contain_text(thing)


def test_the_panel_shows_both_sides_and_what_the_gateway_changed(open_page):
    page = open_page("north.alice")
    ask(page, WHERE)
    sent, received = page.locator("#browser-side"), page.locator("#vendor-side")
    expect(sent).to_contain_text("POST /ai/north/api/v2/agents/agent_north/chat")
    expect(sent.locator(".is-kept")).to_contain_text("cookie: session=")
    expect(received).to_contain_text("POST /api/v2/agents/agent_north/chat")
    written = received.locator(".is-written")
    expect(written).to_contain_text(
        ["authorization: Bearer sk_demo••••", "x-external-user-id: alice", '"userId": "alice"']
    )
    assert "cookie" not in received.inner_text()


CHEATS = [
    ("body", "No use", "The vendor was told alice."),
    ("field", "No use", "The vendor was told alice."),
    ("twice", "Refused: 400", "ambiguous_json"),
    ("continue", "Refused: 404", "conversation_not_found"),
    ("read", "Refused: 404", "conversation_not_found"),
    ("list", "No use", "The vendor was told alice."),
    ("everyone", "Refused: 404", "not_found"),
    ("forged", "Refused: 401", "credentials_invalid"),
    ("company", "Refused: 401", "credentials_invalid"),
]


@pytest.mark.parametrize(("cheat", "title", "text"), CHEATS, ids=[cheat for cheat, _, _ in CHEATS])
def test_a_cheat_is_tried_and_comes_to_nothing(open_page, cheat, title, text):
    page = open_page("north.alice")
    card = page.locator(f"[data-cheat={cheat}]")
    card.get_by_role("button").click()
    outcome = card.locator(".outcome")
    expect(outcome).to_contain_text(title)
    expect(outcome).to_contain_text(text)
    received = page.locator("#vendor-side")
    if title.startswith("Refused"):
        expect(received).to_contain_text("Nothing.")
    else:
        expect(page.locator("#browser-side .is-dropped").first).to_contain_text("sam")
        expect(received.locator(".is-written").first).to_be_visible()
        assert "sam" not in received.inner_text()


def test_all_cheats_can_be_tried_at_once(open_page):
    page = open_page("south.sam")
    page.get_by_role("button", name="Try all nine").click()
    expect(page.locator(".outcome strong")).to_have_count(len(CHEATS))
    expect(page.locator(".got-through")).to_have_count(0)


def test_the_curl_shows_up_in_the_panel_while_one_looks(open_page):
    page = open_page("north.alice")
    token, *words = shlex.split(page.locator("#curl").inner_text())
    bearer = f"Bearer {token.removeprefix('TOKEN=')}"
    fields = {"authorization": bearer, "content-type": "application/json"}
    answer = httpx.post(words[2], content=words[-1], headers=fields, trust_env=False)
    assert answer.status_code == 404
    expect(page.locator("#browser-side")).to_contain_text("authorization: Bearer eyJ")
    expect(page.locator("#vendor-side")).to_contain_text("Nothing.")


def test_a_conversation_is_there_again_after_a_reload(open_page):
    page = open_page("north.sam")
    ask(page, "When are you open?")
    expect(page.locator(".rate")).to_be_visible()
    page.reload()
    page.locator("#conversations button", has_text="When are you open?").first.click()
    expect(last_answer(page)).to_contain_text("Monday to Friday")
    ask(page, "Thanks")
    expect(last_answer(page)).to_contain_text("That is what I am here for")
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".said")).to_have_count(0)


def test_an_answer_can_be_rated_and_asked_for_again(open_page):
    page = open_page("north.sam")
    ask(page, WHERE)
    good = page.get_by_role("button", name="Good answer")
    good.click()
    expect(good).to_have_attribute("aria-pressed", "true")
    before = last_answer(page).inner_text()
    page.get_by_role("button", name="Answer again").click()
    expect(page.locator(".rate")).to_have_count(1)
    expect(last_answer(page)).not_to_have_text(before)
    expect(last_answer(page)).to_contain_text("rather a lot of straw.")


def test_an_answer_can_be_stopped_and_the_conversation_goes_on(open_slow_page):
    page = open_slow_page("north.alice")
    ask(page, WHERE)
    page.get_by_role("button", name="Stop the answer").click()
    expect(page.locator(".is-note")).to_have_text("You stopped the answer.")
    ask(page, "Who am I?")
    expect(last_answer(page)).to_contain_text("“alice”")
    expect(page.locator(".rate").last).to_be_visible()


def test_an_answer_under_way_stays_out_of_another_conversation(open_slow_page):
    page = open_slow_page("north.alice")
    ask(page, WHERE)
    expect(last_answer(page)).to_contain_text("Good")
    page.locator("#conversations button", has_text="What have I ordered?").last.click()
    expect(last_answer(page)).to_contain_text("tin of Assam tea")
    ask(page, "Who am I?")
    expect(last_answer(page)).to_contain_text("“alice”")
    expect(page.locator(".said")).to_have_count(4)


def test_says_when_a_conversation_has_ended(open_page):
    page = open_page("north.alice")
    ask(page, "Goodbye")
    expect(page.locator(".rate")).to_be_visible()
    ask(page, "One more thing")
    expect(page.locator(".is-problem")).to_contain_text("CHAT_CONVERSATION_NOT_ONGOING")


def test_what_is_written_stays_text(open_page):
    page = open_page("north.alice")
    ask(page, "<img src=x onerror=alert(1)><b>bold</b>")
    expect(page.locator(".by-user").last).to_have_text("<img src=x onerror=alert(1)><b>bold</b>")
    expect(page.locator(".rate").last).to_be_visible()
    assert page.locator("main img, main b").count() == 0


def test_says_when_the_session_is_over(open_page):
    page = open_page("north.alice")
    page.context.clear_cookies()
    ask(page, WHERE)
    expect(page.locator(".is-problem")).to_have_text("Your session has ended. Sign in again.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_is_usable_on_a_telephone(open_page, scheme):
    page = open_page("north.alice", 390, 844, color_scheme=scheme, has_touch=True)
    ask(page, WHERE)
    expect(last_answer(page)).to_contain_text(KETTLE)
    page.locator("[data-cheat=body] button").tap()
    expect(page.locator("[data-cheat=body] .outcome")).to_contain_text("No use")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    heights = page.evaluate(
        "[...document.querySelectorAll('main button, main textarea')]"
        ".filter((one) => one.checkVisibility()).map((one) => one.offsetHeight)"
    )
    assert min(heights) >= 24  # WCAG 2.2, 2.5.8


def test_names_fit_the_narrowest_telephone(open_page):
    page = open_page("north.alice", 320, 640, has_touch=True)
    page.locator(".who strong").evaluate(
        "(name) => { name.textContent = 'Wolfeschlegel '.repeat(9) }"
    )
    bar, who, button = (
        page.locator(one).bounding_box() for one in (".bar", ".who", ".bar form button")
    )
    assert bar["y"] <= who["y"]
    assert who["y"] + who["height"] <= bar["y"] + bar["height"]
    assert who["x"] + who["width"] <= button["x"]
    assert button["height"] < 1.5 * 32  # one line
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_what_is_written_from_right_to_left_is_shown_so(open_page):
    page = open_page("north.alice")
    for message, direction in (("مرحبا 👋 Alice", "rtl"), ("Hello مرحبا", "ltr")):
        ask(page, message)
        expect(page.locator(".rate").last).to_be_visible()
        expect(page.locator(".by-user .said-text").last).to_have_css("direction", direction)
        title = page.locator("#conversations button > span", has_text=message)
        expect(title).to_have_css("direction", direction)
        page.get_by_role("button", name="New chat").click()


def test_everything_can_be_reached_and_named_without_a_mouse(open_slow_page):
    page = open_slow_page("north.alice")
    nameless = page.evaluate(
        "[...document.querySelectorAll('button, textarea, a')].filter((one) => !("
        "one.textContent.trim() || one.ariaLabel || one.labels?.length)).length"
    )
    assert nameless == 0
    page.get_by_label("Your message").focus()
    page.keyboard.type(WHERE)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel") == "Send"
    page.keyboard.press("Enter")
    expect(page.locator("#log")).to_have_attribute("aria-busy", "true")
    expect(page.locator(".rate")).to_be_visible()
    assert page.locator("#log").get_attribute("aria-busy") is None


def test_the_first_page_asks_for_nothing_from_elsewhere(browser, demo):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(demo.url)
    page.get_by_role("button", name=re.compile("Sam Lindqvist")).click()
    expect(page).to_have_url(f"{demo.url}/chat")
    context.close()
