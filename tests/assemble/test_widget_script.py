"""The script that tells a vendor's widget who is signed in, in Chromium, on a company's own page.

Three origins, as it is in life: the shop's page, the gateway, and the vendors. The page's policy
lets no inline script run and nothing be evaluated, and a vendor verifies what it is shown.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.support import config
from tests.support.browser import NEEDS_CHROMIUM, PATIENCE, chromium
from tests.support.serve import serving
from tests.support.stage import gateway_of
from tests.support.tokens import Issuer
from tests.support.widget_pages import Pages, WidgetVendors

pytestmark = NEEDS_CHROMIUM

SECRET = "widget-secret-" + "0123456789abcdefXYZ" * 2
WATCH = """
const states = [];
addEventListener("gateway-widget", ({ detail }) => {
  states.push(detail.state);
  document.documentElement.dataset.states = states.join(" ");
});
"""


@dataclass(frozen=True)
class Shop:
    """The shop's page, the gateway that it signs people in at, and the vendors."""

    url: str
    elsewhere: str  # the same page, of an origin that the gateway does not know
    gateway: str
    vendors: WidgetVendors
    issuer: Issuer

    def sign_in(self, context: BrowserContext, who: str, lasts: float = 3600) -> None:
        token = self.token(who, lasts)
        context.add_cookies([{"name": "s", "value": token, "url": self.gateway}])

    def token(self, who: str, lasts: float = 3600) -> str:
        return self.issuer.token(who, algorithm="HS256", exp=int(time.time() + lasts))


def configuration(folder: Path, issuer: Issuer, origin: str, vendors: str) -> str:
    text = config.chatbase("http://127.0.0.1:9", issuer, store=folder / "gateway.db")
    text = text.replace(
        "[sign_in]\n", '[[orgs.acme.sign_in]]\nfrom = ["authorization", "cookie:s"]\n'
    )
    text = text.replace("[upstreams", "[orgs.acme.upstreams")
    text += f'[orgs.acme]\norigins = ["{origin}"]\n'
    for name, vendor in (("shop", "bookbag"), ("bot", "altatech")):
        text += f'[orgs.acme.upstreams.{name}]\nvendor = "{vendor}"\nkey = "key-of-{name}"\n'
        text += 'base_url = "http://127.0.0.1:9"\n' + ('agent = "1"\n' if name == "shop" else "")
    for name in ("support", "shop"):
        text += f'[orgs.acme.upstreams.{name}.widget]\nsecret = "{SECRET}"\n'
    text += (
        f'[orgs.acme.upstreams.llm]\nvendor = "openai"\nkey = "sk-of-llm"\nbase_url = "{vendors}"\n'
    )
    text += '[orgs.acme.upstreams.llm.widget]\nworkflow = "wf_1"\n'
    return text + "[orgs.acme.upstreams.bot.widget]\n"


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("widgets")
    issuer, vendors, pages = Issuer(), WidgetVendors(SECRET), Pages()
    with start_blocking_portal() as portal, ExitStack() as stack:
        page_url = stack.enter_context(portal.wrap_async_context_manager(serving(pages.app())))
        elsewhere = stack.enter_context(portal.wrap_async_context_manager(serving(pages.app())))
        vendor_app = serving(vendors.app())
        pages.vendors = stack.enter_context(portal.wrap_async_context_manager(vendor_app))
        gateway = gateway_of(configuration(folder, issuer, page_url, pages.vendors), folder)
        _, pages.gateway = stack.enter_context(portal.wrap_async_context_manager(gateway))
        yield Shop(page_url, elsewhere, pages.gateway, vendors, issuer)


@pytest.fixture
def shop(standing: Shop) -> Shop:
    standing.vendors.heard.clear()
    standing.vendors.shown.clear()
    return standing


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 640, "height": 320})
    context.set_default_timeout(PATIENCE)
    context.add_init_script(WATCH)
    yield context
    context.close()


Open = Callable[..., Page]


@pytest.fixture
def open_page(context: BrowserContext, shop: Shop) -> Iterator[Open]:
    """Opens a page of the shop; nothing may go wrong in it but what answers of 4xx say."""
    complaints: list[str] = []

    def opened(path: str, *, clock: bool = False, url: str = "") -> Page:
        page = context.new_page()
        if clock:
            page.clock.install()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda one: complaints.append(one.text) if one.type == "error" else None)
        page.goto((url or shop.url) + path)
        return page

    yield opened
    refusals = "the server responded with a status of 4|net::ERR_FAILED|by CORS policy"
    assert [one for one in complaints if not re.search(refusals, one)] == []


def told(page: Page, states: str) -> None:
    """Wait until the script has told the page this, and nothing else."""
    expect(page.locator("html")).to_have_attribute("data-states", states)


def heard(page: Page, shop: Shop, *who: str | None) -> None:
    """Wait until the vendors have heard this, and nothing else: a page shows it before."""
    end = time.monotonic() + PATIENCE / 1000
    while shop.vendors.heard != list(who) and time.monotonic() < end:
        page.wait_for_timeout(20)
    assert shop.vendors.heard == list(who)


def look_again(page: Page) -> None:
    """As a browser does when somebody comes back to the page."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def next_second() -> None:
    """Tokens of one person differ by the second in which they end."""
    now = int(time.time())
    while int(time.time()) == now:
        time.sleep(0.01)


@pytest.mark.parametrize("order", ["ours", "theirs"])
@pytest.mark.parametrize("name", ["chatbase", "bookbag"])
def test_the_widget_knows_who_is_signed_in(
    open_page: Open, shop: Shop, context: BrowserContext, name: str, order: str
) -> None:
    """Whichever script loads first, under a policy without inline scripts and eval; by CORS."""
    shop.sign_in(context, "alice")
    page = open_page(f"/{name}?first={order}")
    expect(page.locator(f"#{name}-bubble")).to_contain_text(": alice")
    assert shop.vendors.heard == ["alice"]
    (shown,) = shop.vendors.shown
    assert set(shown) == ({"token"} if name == "chatbase" else {"user_id", "user_hash"})


def test_altatechs_bubble_knows_who_is_signed_in(
    open_page: Open, shop: Shop, context: BrowserContext
) -> None:
    shop.sign_in(context, "alice")
    expect(open_page("/altatech").locator("#altatech-bubble")).to_have_text("AltaTech: alice")


def test_altatechs_frame_knows_who_is_signed_in_and_forgets(
    open_page: Open, shop: Shop, context: BrowserContext
) -> None:
    shop.sign_in(context, "alice")
    page = open_page("/frame")
    who = page.frame_locator("iframe").locator("#who")
    expect(who).to_have_text("AltaTech: alice")
    assert "theme=light&user_id=alice" in str(page.locator("iframe").get_attribute("src"))
    page.evaluate("gatewayWidget.logout()")
    expect(who).to_have_text("AltaTech: nobody")
    assert "user_id" not in str(page.locator("iframe").get_attribute("src"))


def test_chatkit_asks_for_secrets_of_whoever_is_signed_in(
    open_page: Open, shop: Shop, context: BrowserContext
) -> None:
    """Each one once, the first and the next; and of another person none on the same page."""
    shop.sign_in(context, "alice")
    page = open_page("/openai")
    kit = page.locator("openai-chatkit")
    expect(kit).to_have_text("ChatKit (dark): alice")
    kit.evaluate("kit => { kit.textContent = ''; kit.dispatchEvent(new Event('chatkit.error')) }")
    kit.evaluate("kit => kit.expire()")
    expect(kit).to_have_text("ChatKit (dark): alice")
    assert [one["event"] for one in page.evaluate("window.dataLayer")] == ["chat_error"]
    shop.sign_in(context, "bob")
    page.evaluate("window.ofAlice = true")
    kit.evaluate("kit => { kit.expire() }")
    expect(kit).to_have_text("ChatKit (dark): bob")
    assert page.evaluate("window.ofAlice") is None
    assert [one for one in shop.vendors.heard if one != "an impostor"] == ["alice", "alice", "bob"]


def test_a_page_without_cookies_gives_a_token(open_page: Open, shop: Shop) -> None:
    page = open_page("/chatbase?token=shopToken")
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: nobody")
    page.evaluate("token => sessionStorage.setItem('token', token)", shop.token("bob"))
    page.evaluate("gatewayWidget.renew()")
    expect(page.locator("#chatbase-bubble")).to_contain_text(": bob")


def test_nobody_signed_in_is_nobody_until_somebody_is(
    open_page: Open, shop: Shop, context: BrowserContext
) -> None:
    with context.expect_event("response", lambda one: "/widget/acme" in one.url) as asked:
        page = open_page("/chatbase")
    assert asked.value.status == 401
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: nobody")
    shop.sign_in(context, "alice")
    page.evaluate("gatewayWidget.renew()")
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: alice")
    assert shop.vendors.heard == ["alice"]


def test_is_renewed_before_it_ends(open_page: Open, shop: Shop, context: BrowserContext) -> None:
    """At four fifths of ten minutes, and not before."""
    shop.sign_in(context, "alice")
    page = open_page("/chatbase", clock=True)
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: alice")
    next_second()
    page.clock.fast_forward("07:30")
    assert len(shop.vendors.heard) == 1
    page.clock.fast_forward("00:31")
    told(page, "identified identified")
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: alice")
    first, second = (one["token"] for one in shop.vendors.shown)
    assert first != second


def test_forgets_when_the_session_has_ended(
    open_page: Open, shop: Shop, context: BrowserContext
) -> None:
    shop.sign_in(context, "alice")
    page = open_page("/chatbase", clock=True)
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: alice")
    context.clear_cookies()
    page.clock.fast_forward("09:00")
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: nobody")
    expect(page.locator("#chatbase-bubble[data-empty]")).to_be_visible()  # with what was said
    heard(page, shop, "alice", None)


def test_a_widget_that_remembers_forgets_on_the_next_page(
    open_page: Open, shop: Shop, context: BrowserContext
) -> None:
    """Where the page that alice left said nothing: nobody is signed in, and then somebody else."""
    shop.sign_in(context, "alice")
    page = open_page("/chatbase")
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: alice")
    context.clear_cookies()
    page.reload()
    expect(page.locator("#chatbase-bubble[data-empty]")).to_be_visible()
    heard(page, shop, "alice", None)
    with page.expect_response("**/widget/acme/**") as asked:
        page.reload()
    assert asked.value.status == 401
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: nobody")
    expect(page.locator("#chatbase-bubble[data-empty]")).to_have_count(0)  # once was enough
    heard(page, shop, "alice", None)
    for who in ("alice", "bob"):
        shop.sign_in(context, who)
        page.reload()
        expect(page.locator("#chatbase-bubble")).to_have_text(f"Chatbase: {who}")
    heard(page, shop, "alice", None, "alice", None, "bob")


def test_another_person_is_another_person(
    open_page: Open, shop: Shop, context: BrowserContext
) -> None:
    """Taken back first, and then told anew, without a word from the page."""
    shop.sign_in(context, "alice")
    page = open_page("/chatbase", clock=True)
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: alice")
    shop.sign_in(context, "bob")
    page.clock.fast_forward("09:00")
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: bob")
    heard(page, shop, "alice", None, "bob")


def test_whoever_comes_back_to_the_page_may_be_another_person(
    open_page: Open, shop: Shop, context: BrowserContext
) -> None:
    """Somebody signed in at another page meanwhile; for less than a minute nobody is asked for."""
    shop.sign_in(context, "alice")
    asked: list[str] = []
    context.on("request", lambda one: asked.append(one.url) if "/widget/" in one.url else None)
    page = open_page("/chatbase", clock=True)
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: alice")
    shop.sign_in(context, "bob")
    page.clock.fast_forward("00:50")
    look_again(page)
    page.clock.fast_forward("00:11")
    look_again(page)
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: bob")
    heard(page, shop, "alice", None, "bob")
    assert len(asked) == 2


def test_where_nothing_can_be_taken_back_the_page_is_loaded_anew(
    open_page: Open, shop: Shop, context: BrowserContext
) -> None:
    """Bookbag documents no way: nothing of the one is there any more when the other comes."""
    shop.sign_in(context, "alice")
    page = open_page("/bookbag", clock=True)
    expect(page.locator("#bookbag-bubble")).to_have_text("Bookbag: alice")
    page.evaluate("window.ofAlice = true")
    shop.sign_in(context, "bob")
    page.clock.fast_forward("09:00")
    expect(page.locator("#bookbag-bubble")).to_have_text("Bookbag: bob")
    assert page.evaluate("window.ofAlice") is None
    assert shop.vendors.heard == ["alice", "bob"]
    context.clear_cookies()
    page.evaluate("gatewayWidget.logout()")
    expect(page.locator("#bookbag-bubble")).to_have_text("Bookbag: nobody")


def test_after_a_logout_nobody_is_asked_for_until_the_page_says_so(
    open_page: Open, shop: Shop, context: BrowserContext
) -> None:
    """The session may still be there for a moment."""
    shop.sign_in(context, "alice")
    page = open_page("/chatbase", clock=True)
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: alice")
    page.evaluate("gatewayWidget.logout()")
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: nobody")
    page.clock.fast_forward("20:00")
    look_again(page)
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: nobody")
    heard(page, shop, "alice", None)
    page.evaluate("gatewayWidget.renew()")
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: alice")


def test_an_answer_that_comes_after_the_logout_is_too_late(
    open_page: Open, shop: Shop, context: BrowserContext
) -> None:
    shop.sign_in(context, "alice")
    held: list[Route] = []
    context.route("**/widget/acme/**", lambda route: held.append(route))
    page = open_page("/chatbase")
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: nobody")
    while not held:
        page.wait_for_timeout(10)
    page.evaluate("gatewayWidget.logout()")
    with page.expect_response("**/widget/acme/**") as answered:
        held[0].continue_()
    assert answered.value.json()["user_id"] == "alice"
    page.evaluate("new Promise((done) => setTimeout(done, 300))")  # more than it looks for a widget
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: nobody")
    assert shop.vendors.heard == []


def test_a_gateway_that_is_away_is_asked_again(
    open_page: Open, shop: Shop, context: BrowserContext
) -> None:
    """And until the proof has ended, the person stays."""
    shop.sign_in(context, "alice")
    page = open_page("/chatbase", clock=True)
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: alice")

    def gone(route: Route) -> None:
        route.abort()

    page.route("**/widget/acme/**", gone)
    page.clock.fast_forward("08:01")
    told(page, "identified failed")
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: alice")
    page.clock.fast_forward("02:00")
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: nobody")
    page.unroute("**/widget/acme/**", gone)
    page.clock.fast_forward("01:00")
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: alice")


def test_what_the_chat_tells_goes_to_the_data_layer_with_who_it_was(
    open_page: Open, shop: Shop, context: BrowserContext
) -> None:
    """Without a word of what was said."""
    shop.sign_in(context, "alice")
    page = open_page("/chatbase")
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: alice")
    page.evaluate(
        """() => {
            chatbase.emit("user-message", { content: "my illness" });
            chatbase.emit("tool-call", { name: "orders", args: { secret: 1 } });
            gatewayWidget.logout();
            chatbase.emit("assistant-message", { content: "your illness" });
        }"""
    )
    common = {"chat_vendor": "chatbase", "chat_upstream": "support"}
    assert page.evaluate("window.dataLayer") == [
        {"event": "chat_user_message", "chat_tool": None, "user_id": "alice", **common},
        {"event": "chat_tool_call", "chat_tool": "orders", "user_id": "alice", **common},
        {"event": "chat_assistant_message", "chat_tool": None, "user_id": None, **common},
    ]


def test_a_page_of_another_origin_learns_nothing(
    open_page: Open, shop: Shop, context: BrowserContext
) -> None:
    """Row V-01: the same page at another port, which is the same site, so with the cookie."""
    shop.sign_in(context, "alice")
    page = open_page("/chatbase", url=shop.elsewhere)
    told(page, "failed")
    expect(page.locator("#chatbase-bubble")).to_have_text("Chatbase: nobody")
    assert shop.vendors.heard == []
