"""What a vendor's widget is shown: of the person who asks, by what the vendor verifies, no other.

Over sockets. The script that asks is tried in tests/assemble/test_widget_script.py, in Chromium.
"""

import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Iterable
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jwt
import pytest

from gateway.store.people.blocking import block
from tests.attacks.both_ends import OWN_ORIGIN, bearer, refused
from tests.reload.test_sighup import changing
from tests.support.chatbase import Chatbase
from tests.support.spellings import PEOPLE, spellings
from tests.support.stage import (
    Edit,
    Saas,
    Stage,
    adding,
    altatech_stage,
    bookbag_stage,
    chatbase_stage,
    saas_stage,
)
from tests.support.tokens import ABSENT
from tests.support.wire import Answer, connected, raw_request, wire

pytestmark = pytest.mark.anyio

SECRET = "widget-secret-" + "0123456789abcdefXYZ" * 2
OLD = "another-secret-" + "9876543210fedcbaZYX" * 2
PAGE = "/_gateway/widget/default/support"
APP = "https://app.acme.example"
HI = {"message": "hi", "stream": False}


def widget(*lines: str, upstream: str = "support", org: str = "") -> Edit:
    """An edit that gives an upstream a widget."""
    head = f"[{org}upstreams.{upstream}.widget]"
    return lambda text: "\n".join([text, head, *lines, ""])


def signed(*more: str) -> Edit:
    return widget(f'secret = ["{SECRET}"]', *more)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for all that the module's fixtures serve."""
    return "asyncio"


@pytest.fixture(scope="module")
async def shared(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Stage[Chatbase]]:
    async with chatbase_stage(tmp_path_factory.mktemp("widgets"), signed()) as built:
        yield built


@pytest.fixture
def stage(shared: Stage[Chatbase]) -> Stage[Chatbase]:
    shared.vendor.forget()
    return shared


async def ask(
    stage: Stage[Any],
    who: str | None,
    path: str = PAGE,
    fields: Iterable[tuple[str, str]] = (),
    *,
    method: str = "GET",
    body: bytes | None = None,
) -> Answer:
    shown = [] if who is None else [bearer(stage.token(who, exp=int(time.time()) + 3600))]
    return await wire(stage.url, raw_request(method, path, [*shown, *fields], body))


def hash_of(user: str, secret: str = SECRET) -> str:
    """As the vendors' documents make it."""
    return hmac.new(secret.encode(), user.encode(), hashlib.sha256).hexdigest()


# Of each vendor -------------------------------------------------------------------------------


async def test_chatbase_is_shown_a_token_of_the_person_who_asks(stage: Stage[Chatbase]) -> None:
    answer = await ask(stage, "alice")
    said = answer.json()
    assert set(said) == {"widget", "user_id", "token", "expires_in"}
    assert (said["widget"], said["user_id"]) == ("chatbase", "alice")
    claims = jwt.decode(said["token"], SECRET, algorithms=["HS256"])
    assert set(claims) == {"user_id", "exp"}
    assert claims["user_id"] == "alice"
    assert abs(claims["exp"] - time.time() - 600) < 30
    assert 570 < said["expires_in"] <= 600
    assert answer.values("cache-control") == ["no-store, no-transform"]
    assert answer.values("content-type") == ["application/json"]
    assert stage.vendor.saw_nothing()


async def test_chatbase_may_be_shown_a_hash_instead(tmp_path: Path) -> None:
    async with chatbase_stage(tmp_path, signed('proof = "user_hash"')) as stage:
        said = (await ask(stage, "alice")).json()
        assert said["user_hash"] == hash_of("alice")
        assert "token" not in said


async def test_bookbag_is_shown_a_hash(tmp_path: Path) -> None:
    edit = widget(f'secret = "{SECRET}"', upstream="shop")
    async with bookbag_stage(tmp_path, edit) as stage:
        said = (await ask(stage, "alice", "/_gateway/widget/default/shop")).json()
        assert said["widget"] == "bookbag"
        assert (said["user_id"], said["user_hash"]) == ("alice", hash_of("alice"))


async def test_altatech_is_told_an_id_that_nobody_guesses(tmp_path: Path) -> None:
    opaque = adding("upstreams.bot", 'user_id = "opaque"')
    tables = widget(upstream="bot")
    async with altatech_stage(tmp_path, lambda text: tables(opaque(text))) as stage:
        said = (await ask(stage, "alice", "/_gateway/widget/default/bot")).json()
        assert said["widget"] == "altatech"
        assert set(said) == {"widget", "user_id", "expires_in"}
        assert said["user_id"].startswith("u_")
        await stage.ask("alice", "POST", "/v1/conversation", {})
        assert stage.vendor.requests[0].json() == {"user_id": said["user_id"]}


@pytest.mark.one_process("one file for two stages")
async def test_the_id_is_the_one_the_api_knows(tmp_path: Path) -> None:
    """Also when it came by another rule: widget and API have one history."""
    async with chatbase_stage(tmp_path, signed()) as stage:
        await stage.ask("alice", "POST", "/chat", HI)
    opaque = adding("upstreams.support", 'user_id = "opaque"')
    async with chatbase_stage(tmp_path, lambda text: signed()(opaque(text))) as stage:
        for who, is_known in (("alice", True), ("bob", False)):
            stage.vendor.forget()
            claimed = bearer(stage.issuer.token(who, algorithm="HS256"))
            said = (await ask(stage, None, fields=[claimed])).json()["user_id"]
            await stage.ask(None, "POST", "/chat", HI, [claimed])
            assert stage.vendor.requests[0].json()["userId"] == said
            assert (said == who) is is_known


async def test_the_first_of_two_secrets_signs(tmp_path: Path) -> None:
    edit = widget(f'secret = ["{SECRET}", "{OLD}"]')
    async with chatbase_stage(tmp_path, edit) as stage:
        token = (await ask(stage, "alice")).json()["token"]
        assert jwt.decode(token, SECRET, algorithms=["HS256"])["user_id"] == "alice"


@pytest.mark.one_process("it is told to reload")
async def test_another_secret_signs_from_one_moment_to_the_next(tmp_path: Path) -> None:
    """By a reload: at Bookbag the old one is dead as soon as there is a new one."""
    async with changing(tmp_path, signed()) as changed:
        for secret in (SECRET, OLD):
            token = (await ask(changed.stage, "alice")).json()["token"]
            assert jwt.decode(token, secret, algorithms=["HS256"])["user_id"] == "alice"
            if secret == SECRET:
                await changed.reload((SECRET, OLD))


async def test_no_proof_lasts_longer_than_the_sign_in(stage: Stage[Chatbase]) -> None:
    end = int(time.time()) + 90
    said = (await ask(stage, None, fields=[bearer(stage.token("alice", exp=end))])).json()
    assert jwt.decode(said["token"], SECRET, algorithms=["HS256"])["exp"] == end
    assert 60 < said["expires_in"] <= 90


async def test_how_long_a_proof_lasts_is_a_setting(tmp_path: Path) -> None:
    async with chatbase_stage(tmp_path, signed('lifetime = "2m"')) as stage:
        assert 100 < (await ask(stage, "alice")).json()["expires_in"] <= 120


# Of nobody else -------------------------------------------------------------------------------


async def test_who_has_not_signed_in_gets_no_proof(stage: Stage[Chatbase]) -> None:
    refused(stage, await ask(stage, None), 401, "credentials_missing")
    forged = bearer(stage.token("alice")[:-4] + "AAAA")
    refused(stage, await ask(stage, None, fields=[forged]), 401, "credentials_invalid")


async def test_who_is_blocked_gets_no_proof(tmp_path: Path) -> None:
    async with chatbase_stage(tmp_path, signed()) as stage:
        assert (await ask(stage, "alice")).status == 200
        store = stage.gateway.assembled.process.store
        await block(store.database, "default", "alice", by="operator:test")
        await store.cutoffs.look()
        refused(stage, await ask(stage, "alice"), 403, "blocked")
        assert (await ask(stage, "bob")).status == 200


async def test_a_visitor_gets_no_proof(tmp_path: Path) -> None:
    """They have proven nothing; the widget takes them for nobody, as they are."""

    def edit(text: str) -> str:
        text = text.replace("[sign_in]\n", "[[orgs.acme.sign_in]]\n")
        text = (
            text.replace("[upstreams", "[orgs.acme.upstreams") + "\n[orgs.acme]\nanonymous = true\n"
        )
        return widget(f'secret = "{SECRET}"', org="orgs.acme.")(text)

    async with chatbase_stage(tmp_path, edit) as stage:
        same_site = ("Sec-Fetch-Site", "same-origin")
        come = await ask(stage, None, "/_gateway/whoami", [same_site])
        assert come.json()["anonymous"]
        cookie = ("Cookie", come.values("set-cookie")[0].partition(";")[0])
        page = "/_gateway/widget/acme/support"
        refused(stage, await ask(stage, None, page, [same_site]), 401)
        refused(stage, await ask(stage, None, page, [same_site, cookie]), 401)


async def test_no_query_says_who_it_is_for(
    stage: Stage[Chatbase], subtests: pytest.Subtests
) -> None:
    """Rows Q-01, Q-02: refused in whatever spelling, for any parameter is; so a sample will do."""
    shown = [bearer(stage.token("alice"))]
    async with connected(stage.url) as peer:
        for words in PEOPLE:
            with subtests.test("Q-01 " + " ".join(words)):
                for name in islice(spellings(words), 0, None, 8):
                    path = f"{PAGE}?{quote(name, safe='')}=victim"
                    await peer.send(raw_request("GET", path, shown))
                    refused(stage, await peer.answer(), 400)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("user_id=victim", "spoofed_identity"),
        ("user_id=alice", "bad_request"),
        ("v=1", "bad_request"),
        ("conversationId=1", "bad_request"),
    ],
)
async def test_a_question_has_no_parameters(stage: Stage[Chatbase], query: str, code: str) -> None:
    refused(stage, await ask(stage, "alice", f"{PAGE}?{query}"), 400, code)


@pytest.mark.parametrize(
    "body", [b'{"user_id":"victim"}', b"user_id=victim", b"{}", b" "], ids=ascii
)
async def test_a_question_has_no_body(stage: Stage[Chatbase], body: bytes) -> None:
    fields = [("Content-Type", "application/json")]
    refused(stage, await ask(stage, "alice", fields=fields, body=body), 400, "bad_request")
    refused(stage, await ask(stage, "alice", body=b"x" * 2000), 413)
    refused(stage, await ask(stage, "alice", method="POST", body=body), 405)


@pytest.mark.parametrize("policy", ["drop", "refuse"])
@pytest.mark.parametrize(
    "name", ["X-External-User-Id", "X-Forwarded-User", "User-Id", "X-User-Id", "userid"]
)
async def test_no_field_says_who_it_is_for(tmp_path: Path, policy: str, name: str) -> None:
    """As everywhere: dropped and counted, or refused."""

    def edit(text: str) -> str:
        text = text.replace("[sign_in]\n", "[[orgs.acme.sign_in]]\n")
        text = text.replace("[upstreams", "[orgs.acme.upstreams")
        text += f'\n[orgs.acme]\non_spoof = "{policy}"\n'
        return widget(f'secret = "{SECRET}"', org="orgs.acme.")(text)

    async with chatbase_stage(tmp_path, edit) as stage:
        answer = await ask(stage, "alice", "/_gateway/widget/acme/support", [(name, "victim")])
        if policy == "refuse":
            refused(stage, answer, 400, "spoofed_identity")
        else:
            assert answer.json()["user_id"] == "alice"
        assert b"victim" not in answer.raw


@pytest.mark.parametrize(
    "path",
    [
        "/_gateway/widget/default/other",
        "/_gateway/widget/acme/support",
        "/_gateway/widget/Default/support",
        "/_gateway/widget/default",
        "/_gateway/widget",
        "/_gateway/widget/default/support/alice",
        "/_gateway/widgets/default/support",
        "/_gateway/Widget.js",
        "/_gateway/widget.js/x",
    ],
)
async def test_what_nobody_configured_does_not_exist(stage: Stage[Chatbase], path: str) -> None:
    for who in (None, "alice"):
        refused(stage, await ask(stage, who, path), 404, "not_found")


async def test_an_upstream_without_the_table_has_no_widget(tmp_path: Path) -> None:
    async with chatbase_stage(tmp_path) as stage:
        refused(stage, await ask(stage, "alice"), 404, "not_found")


# Of one org -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def saas(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[Saas]:
    def edit(text: str) -> str:
        for org, secret in (("acme", SECRET), ('"*"', OLD)):
            text = widget(f'secret = "{secret}"', org=f"orgs.{org}.")(text)
        return text

    async with saas_stage(tmp_path_factory.mktemp("saas"), edit) as built:
        yield built


async def test_a_person_gets_a_proof_of_their_own_org(saas: Saas) -> None:
    """Also where the org is not listed; the secret is the org's."""
    for claim, org, secret in (("org_acme", "acme", SECRET), ("org_new", "org_new", OLD)):
        token = saas.token("alice", claim)
        said = (await saas.ask(token, "GET", f"/_gateway/widget/{org}/support")).json()
        assert jwt.decode(said["token"], secret, algorithms=["HS256"])["user_id"] == said["user_id"]


async def test_the_orgs_that_share_a_vendor_are_other_people_there(saas: Saas) -> None:
    ids = [
        (await saas.ask(saas.token("alice", org), "GET", f"/_gateway/widget/{org}/support")).json()
        for org in ("org_new", "org_other")
    ]
    assert ids[0]["user_id"] != ids[1]["user_id"]


@pytest.mark.parametrize("named", ["acme", "org_acme", "globex", "org_other", "*", "nobody"])
async def test_another_orgs_widget_and_none_are_alike(saas: Saas, named: str) -> None:
    """Rows O-02, T-05: the org in the path chooses nothing."""
    answer = await saas.ask(
        saas.token("alice", "org_new"), "GET", f"/_gateway/widget/{named}/support"
    )
    assert answer.status in {400, 404}  # "*" is no plain segment
    assert b"token" not in answer.body
    assert saas.saw_nothing()


async def test_without_an_org_there_is_no_proof(saas: Saas) -> None:
    answer = await saas.ask(saas.token("alice", ABSENT), "GET", "/_gateway/widget/acme/support")
    assert answer.status in {401, 403}


# Of one origin --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def by_cookie(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Stage[Chatbase]]:
    """Sign-in by a cookie, and one page elsewhere that may use it."""

    def edit(text: str) -> str:
        sign_in = '[[orgs.acme.sign_in]]\nfrom = ["cookie:__Host-s"]\n'
        text = text.replace("[sign_in]\n", sign_in).replace("[upstreams", "[orgs.acme.upstreams")
        text += f'\n[orgs.acme]\norigins = ["{APP}"]\n'
        return widget(f'secret = "{SECRET}"', org="orgs.acme.")(text)

    async with chatbase_stage(tmp_path_factory.mktemp("origins"), edit) as built:
        yield built


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ([("Origin", APP), ("Sec-Fetch-Site", "same-site")], 200),
        ([("Sec-Fetch-Site", "same-origin")], 200),
        ([("Origin", OWN_ORIGIN), ("Sec-Fetch-Site", "same-origin")], 200),
        ([("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")], 403),
        ([("Origin", f"{APP}.evil.example")], 403),
        ([("Origin", "null")], 403),
        ([("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Dest", "script")], 403),
        ([("Sec-Fetch-Site", "same-site")], 403),
    ],
)
async def test_a_page_elsewhere_gets_no_proof(
    by_cookie: Stage[Chatbase], fields: list[tuple[str, str]], status: int
) -> None:
    """Rows V-01, V-06: not as a script, an image or a frame either."""
    cookie = ("Cookie", f"__Host-s={by_cookie.token('alice')}")
    answer = await ask(by_cookie, None, "/_gateway/widget/acme/support", [cookie, *fields])
    assert answer.status == status
    assert (b"token" in answer.body) == (status == 200)
    grants = answer.values("access-control-allow-origin")
    assert grants == ([APP] if ("Origin", APP) in fields else [])


async def test_a_preflight_is_answered_for_pages_that_may(by_cookie: Stage[Chatbase]) -> None:
    """Row V-11."""
    asking = [("Access-Control-Request-Method", "GET")]
    for origin, grants in ((APP, [APP]), ("https://evil.example", [])):
        answer = await ask(
            by_cookie,
            None,
            "/_gateway/widget/acme/support",
            [("Origin", origin), *asking],
            method="OPTIONS",
        )
        assert answer.status == 204
        assert answer.values("access-control-allow-origin") == grants


# The script -----------------------------------------------------------------------------------


async def test_the_script_is_for_everybody_and_holds_nothing(saas: Saas) -> None:
    for token in (None, saas.token("alice", "org_acme")):
        answer = await saas.ask(token, "GET", "/_gateway/widget.js")
        assert answer.status == 200
        assert answer.values("content-type") == ["text/javascript; charset=utf-8"]
        assert answer.values("x-content-type-options") == ["nosniff"]
    assert (await saas.ask(None, "POST", "/_gateway/widget.js", {})).status == 405
    assert saas.saw_nothing()


async def test_a_proof_is_counted_and_limited(tmp_path: Path) -> None:
    edit = widget(f'secret = "{SECRET}"')
    limits = '[limits]\nper_user = ["1/minute"]\n'
    async with chatbase_stage(tmp_path, lambda text: edit(text) + limits) as stage:
        answers = [await ask(stage, "alice") for _ in range(12)]
        assert [one.status for one in answers] == [200] * 10 + [429] * 2  # each counts a tenth
        assert (await ask(stage, "bob")).status == 200
