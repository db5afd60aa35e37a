"""K, A, H and V where somebody else says who is asking: the host app, a token's server, a proxy."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.attacks.both_ends import HI, OWN_ORIGIN, bearer, only, refused, signing_in
from tests.support.chatbase import Chatbase
from tests.support.host_app import CLIENT, INTROSPECT, ME, ORGS, HostApp
from tests.support.ports import free_port
from tests.support.provider import Answer, body, drip, redirect, status
from tests.support.stage import Stage, chatbase_stage, docbit_stage
from tests.support.wire import Answer as Heard
from tests.support.wire import connected

pytestmark = pytest.mark.anyio

SECRET = "proxy-secret-for-tests-1234567890"
PROOF = ("X-Gateway-Secret", SECRET)
USER = ("X-Forwarded-User", "alice")
PAGE = ("Origin", OWN_ORIGIN)
TOKEN = {"active": True, "sub": "alice", "aud": "chat"}
FORWARDED = {
    "forwarded": "X-Forwarded-User",
    "roles_field": "X-Forwarded-Groups",
    "shared_secret": [SECRET, "proxy-secret-of-before-0987654321"],
    "actor": "oauth2-proxy",
}


def by_cookie(app: HostApp, **more: object) -> dict[str, object]:
    return {"ask": app.me, "cookies": ["sessionid"], "user_key": "user_id", **more}


def by_token(app: HostApp, **more: object) -> dict[str, object]:
    said = {"introspection_url": app.introspect, "client_id": CLIENT[0], "audience": "chat"}
    return {**said, "client_secret": CLIENT[1], **more}


KINDS: dict[str, tuple[Callable[[HostApp], dict[str, object]], tuple[str, str], str]] = {
    "cookie": (by_cookie, ("Cookie", "theme=dark; sessionid=s1"), ME),
    "token": (by_token, bearer("t1"), INTROSPECT),
}


@pytest.fixture
def app() -> Iterator[HostApp]:
    with HostApp() as one:
        one.sessions["s1"] = {"user_id": "alice"}
        one.tokens["t1"] = TOKEN
        yield one


@asynccontextmanager
async def trusting(folder: Path, *sign_ins: dict[str, object]) -> AsyncIterator[Stage[Chatbase]]:
    async with chatbase_stage(folder, signing_in(*sign_ins)) as stage:
        yield stage


async def ask(stage: Stage[Chatbase], *fields: tuple[str, str]) -> Heard:
    return await stage.ask(None, "POST", "/chat", HI, [*fields, PAGE])


@pytest.mark.parametrize("kind", KINDS)
async def test_who_the_app_knows_comes_in_and_nobody_else(
    kind: str, app: HostApp, tmp_path: Path
) -> None:
    """Row K-18: of the request the app gets the one credential, of the credential the vendor
    nothing."""
    sign_in, credential, path = KINDS[kind]
    async with trusting(tmp_path, sign_in(app)) as stage:
        fields = [credential, ("User-Agent", "CANARY"), ("X-Api-Token", "CANARY")]
        assert (await ask(stage, *fields)).status == 200
        only(stage, "alice", "s1", "t1", "sessionid")
        stage.vendor.forget()
        name, value = credential
        other = (name, value[:-1] + "9")
        code = "credentials_expired" if kind == "cookie" else "credentials_invalid"
        refused(stage, await ask(stage, other), 401, code)
        refused(stage, await ask(stage), 401, "credentials_missing")
    assert app.count(path) == 2
    assert "CANARY" not in str(app.requests) + str(app.forms)
    assert stage.vendor.key not in str(app.requests)


NO_ANSWER: dict[str, Answer] = {
    "K-14 an error": body(b'{"error":"x"}', "application/problem+json"),
    "K-14 204": status(204, b""),
    "K-14 HTML": body(b"<html>Sign in", "text/html"),
    "K-14 3xx": redirect("/login"),
    "K-17 500": status(500),
    "K-17 slow": drip(b'{"user_id":"bob","active":true,"sub":"bob","aud":"chat"}' + b" " * 999),
    "half JSON": body(b'{"user_id":"bob","active":true,"sub":"bob"'),
}


@pytest.mark.parametrize("name", NO_ANSWER)
@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_no_answer_lets_nobody_in_and_turns_nobody_away(
    kind: str, name: str, app: HostApp, tmp_path: Path
) -> None:
    """Rows K-14, K-17 and A-15; RF-33: 503 with Retry-After, and the next answer counts."""
    sign_in, credential, path = KINDS[kind]
    async with trusting(tmp_path, sign_in(app)) as stage:
        app.script(path, NO_ANSWER[name])
        heard = await ask(stage, credential)
        if name == "K-14 an error" and kind == "cookie":
            refused(stage, heard, 401, "credentials_missing")  # an object without a user
        else:
            refused(stage, heard, 503, "keys_unavailable")
            assert heard.values("retry-after")
        app.script(path, None)
        assert (await ask(stage, credential)).status == 200


@pytest.mark.parametrize("active", ['"true"', "1", "null", "[]", "{}", "false"])
async def test_active_is_true_and_nothing_like_it(
    active: str, app: HostApp, tmp_path: Path
) -> None:
    """Row K-14."""
    answer = json.dumps(TOKEN | {"active": "HERE"}).replace('"HERE"', active)
    app.script(INTROSPECT, body(answer.encode()))
    async with trusting(tmp_path, by_token(app)) as stage:
        refused(stage, await ask(stage, bearer("t1")), 401, "credentials_invalid")


async def test_an_app_that_is_away_is_503_and_never_anonymous(tmp_path: Path) -> None:
    """Row K-17; and a token that needs nobody's word is as good as ever."""
    away = f"http://127.0.0.1:{free_port()}/me"
    asking = {"ask": away, "cookies": ["sessionid"], "user_key": "user_id"}
    async with trusting(tmp_path, asking) as stage:
        for _ in range(8):
            heard = await ask(stage, ("Cookie", "sessionid=s1"))
            refused(stage, heard, 503, "keys_unavailable")
        refused(stage, await ask(stage), 401, "credentials_missing")


@pytest.mark.parametrize("kind", KINDS)
async def test_each_request_gets_its_own_answer(kind: str, app: HostApp, tmp_path: Path) -> None:
    """Row K-15: side by side, and with clients that leave before the answer."""
    sign_in, (name, value), path = KINDS[kind]
    for number in range(20):
        app.sessions[f"p{number}"] = {"user_id": f"person-{number}"}
        app.tokens[f"p{number}"] = TOKEN | {"sub": f"person-{number}"}
    async with trusting(tmp_path, sign_in(app)) as stage:
        app.hold()

        def fields(number: int) -> list[tuple[str, str]]:
            return [(name, value[:-2] + f"p{number}"), PAGE]

        async def leaves(number: int) -> None:
            async with connected(stage.url) as peer:
                await peer.send(stage.request(None, "POST", "/chat", HI, fields(number)))
                async with asyncio.timeout(30):
                    while app.count(path) < 20:  # noqa: ASYNC110 - the app has its own threads
                        await asyncio.sleep(0.001)
                peer.reset()

        stay = [stage.ask(None, "POST", "/chat", HI, fields(number)) for number in range(0, 20, 2)]
        gone = [leaves(number) for number in range(1, 20, 2)]
        both = asyncio.gather(*stay, *gone)
        async with asyncio.timeout(30):
            while app.count(path) < 20:  # noqa: ASYNC110 - the app has its own threads
                await asyncio.sleep(0.001)
        app.release()
        answers = await both
        assert {one.status for one in answers[:10]} == {200}
        users = {request.json()["userId"] for request in stage.vendor.requests}
        assert users >= {f"person-{number}" for number in range(0, 20, 2)}
        stage.vendor.forget()
        for number in range(20):
            assert (await stage.ask(None, "POST", "/chat", HI, fields(number))).status == 200
            assert stage.vendor.requests[-1].json()["userId"] == f"person-{number}"


async def test_who_signs_out_there_is_out_here_within_the_caches_time(
    app: HostApp, tmp_path: Path
) -> None:
    """Rows K-16, C-11 and C-12: with `cache = "0s"` at the next request."""
    async with trusting(tmp_path, by_cookie(app, cache="0s")) as stage:
        cookie = ("Cookie", "sessionid=s1")
        assert (await ask(stage, cookie)).status == 200
        stage.vendor.forget()
        del app.sessions["s1"]
        refused(stage, await ask(stage, cookie), 401, "credentials_expired")


async def test_a_session_that_becomes_anothers_is_anothers(app: HostApp, tmp_path: Path) -> None:
    """Row C-10: one id before and after signing in; nothing of before is remembered."""
    app.sessions["fixed"] = {"user_id": None}
    async with trusting(tmp_path, by_cookie(app)) as stage:
        cookie = ("Cookie", "sessionid=fixed")
        refused(stage, await ask(stage, cookie), 401, "credentials_missing")
        app.sessions["fixed"] = {"user_id": "victim"}
        assert (await ask(stage, cookie)).status == 200
        only(stage, "victim")


async def test_an_old_cookie_beside_a_good_token_is_no_hindrance(
    app: HostApp, tmp_path: Path
) -> None:
    async with trusting(tmp_path, by_cookie(app), by_token(app)) as stage:
        heard = await ask(stage, ("Cookie", "sessionid=of-last-year"), bearer("t1"))
        assert heard.status == 200
        only(stage, "alice")


async def test_a_cookie_of_another_origin_is_not_even_asked_about(
    app: HostApp, tmp_path: Path
) -> None:
    """Rows V-01 and V-06."""
    async with trusting(tmp_path, by_cookie(app)) as stage:
        for lines in ([("Origin", "https://evil.example")], [("Sec-Fetch-Site", "cross-site")], []):
            fields = [("Cookie", "sessionid=s1"), *lines]
            heard = await stage.ask(None, "POST", "/chat", HI, fields)
            refused(stage, heard, 403, "origin_refused")
    assert app.requests == []


@pytest.mark.parametrize(
    ("cookie", "status", "code"),
    [
        pytest.param("sessionid=s1; sessionid=s2", 400, "ambiguous_credentials", id="C-01"),
        pytest.param('$Version=1; sessionid="s1; x=y"', 401, "credentials_invalid", id="C-03"),
        pytest.param("sessionid=s1; \xa0sessionid=s2", 400, "ambiguous_credentials", id="C-04"),
    ],
)
async def test_a_cookie_that_reads_two_ways_is_not_asked_about(
    cookie: str, status: int, code: str, app: HostApp, tmp_path: Path
) -> None:
    async with trusting(tmp_path, by_cookie(app)) as stage:
        refused(stage, await ask(stage, ("Cookie", cookie)), status, code)
    assert app.requests == []


@pytest.mark.one_process("each process asks by itself")
async def test_a_flood_of_junk_leaves_the_good_alone(app: HostApp, tmp_path: Path) -> None:
    """Row A-07: each junk cookie is a question, none is kept, and who is known stays known."""
    async with trusting(tmp_path, by_cookie(app)) as stage:
        good = ("Cookie", "sessionid=s1")
        assert (await ask(stage, good)).status == 200
        junk = [ask(stage, ("Cookie", f"sessionid=junk-{number}")) for number in range(60)]
        answers = await asyncio.gather(*junk)
        assert {one.status for one in answers} == {401}
        before = app.count(ME)
        assert (await ask(stage, good)).status == 200
        assert app.count(ME) == before


async def test_an_app_that_chokes_on_one_cookie_answers_the_others(
    app: HostApp, tmp_path: Path
) -> None:
    """A stranger's cookie that is a 500 must not be an outage for everybody else."""
    async with trusting(tmp_path, by_cookie(app)) as stage:
        app.script(ME, status(500))
        for number in range(20):
            heard = await ask(stage, ("Cookie", f"sessionid=choke-{number}"))
            refused(stage, heard, 503, "keys_unavailable")
        app.script(ME, None)
        assert (await ask(stage, ("Cookie", "sessionid=s1"))).status == 200


@pytest.mark.parametrize("on_spoof", ["drop", "refuse"])
async def test_a_proxys_own_fields_spoof_nobody(on_spoof: str, tmp_path: Path) -> None:
    """Row H-01, as oauth2-proxy sends them; a client's own are counted as ever."""
    oauth2_proxy = [
        *(PROOF, USER, ("X-Forwarded-Groups", "staff,admin")),
        *(("X-Forwarded-Email", "alice@acme.example"), ("X-Forwarded-For", "192.0.2.1")),
        ("X-Forwarded-Preferred-Username", "Alice"),
    ]

    def edit(text: str) -> str:
        signed = signing_in(FORWARDED)(text).replace("[[sign_in]]", "[[orgs.acme.sign_in]]")
        org = f'[orgs.acme]\non_spoof = "{on_spoof}"\n'
        return signed.replace("[[orgs", org + "[[orgs").replace("[ups", "[orgs.acme.ups")

    async with chatbase_stage(tmp_path, edit) as stage:
        assert (await ask(stage, *oauth2_proxy)).status == 200
        only(stage, "alice", SECRET, "alice@acme", "staff")
        stage.vendor.forget()
        heard = await ask(stage, *oauth2_proxy, ("X-External-User-Id", "victim"))
        if on_spoof == "refuse":
            refused(stage, heard, 400, "spoofed_identity")
        else:
            only(stage, "alice", "victim")


@pytest.mark.one_process("its log is in the test's own")
async def test_who_forwards_and_for_whom_are_both_recorded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Row J-36."""
    caplog.set_level(logging.INFO, "gateway")
    async with trusting(tmp_path, FORWARDED) as stage:
        assert (await ask(stage, PROOF, USER)).status == 200
    (line,) = [one for one in caplog.messages if "event='exchange'" in one]
    assert "actor='oauth2-proxy'" in line
    assert "user='alice'" in line
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param([USER], "401 credentials_missing", id="H-10 without the secret"),
        pytest.param([USER, ("X-Gateway-Secret", "x" * 33)], "401 credentials_invalid", id="wrong"),
        pytest.param([USER, PROOF, PROOF], "400 bad_request", id="the secret twice"),
        pytest.param([PROOF, USER, ("x-forwarded-user", "bob")], "400 bad_request", id="H-09"),
        pytest.param(
            [PROOF, ("X-Forwarded-User", "bob, alice")], "400 bad_request", id="H-09 joined"
        ),
        pytest.param([PROOF, ("X_Forwarded_User", "bob")], "400 bad_request", id="H-02"),
        pytest.param(
            [PROOF, ("X-Forwarded-UserId", "bob")], "401 credentials_missing", id="H-02 near"
        ),
        pytest.param(
            [PROOF, ("Connection", "X-Forwarded-User")], "401 credentials_missing", id="H-03"
        ),
    ],
)
async def test_a_forwarded_name_counts_with_the_secret_alone(
    fields: list[tuple[str, str]], code: str, tmp_path: Path
) -> None:
    """Row H-13 as well: the loopback address these come from is nobody's word."""
    async with trusting(tmp_path, FORWARDED) as stage:
        status_, _, name = code.partition(" ")
        refused(stage, await ask(stage, *fields), int(status_), name)


async def test_a_page_of_others_cannot_ride_on_the_proxys_session(tmp_path: Path) -> None:
    """Rows V-01 and V-06: the proxy adds its secret to a forged request too."""
    async with trusting(tmp_path, FORWARDED) as stage:
        for line in (("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")):
            heard = await stage.ask(None, "POST", "/chat", HI, [PROOF, USER, line])
            refused(stage, heard, 403, "origin_refused")
        assert (await stage.ask(None, "POST", "/chat", HI, [PROOF, USER])).status == 200


async def test_roles_a_proxy_tells_are_the_ones_told_on(tmp_path: Path) -> None:
    """Row H-07."""
    async with docbit_stage(tmp_path, signing_in(FORWARDED)) as stage:
        fields = [PROOF, USER, ("X-Forwarded-Groups", "staff, admin"), PAGE]
        heard = await stage.ask(None, "POST", "/chat", HI, [*fields, ("X-External-Roles", "root")])
        assert heard.status == 200, heard.raw
        (request,) = stage.vendor.requests
        assert request.values("x-external-roles") == ['["staff","admin"]']


async def test_who_is_in_no_org_of_ours_stays_out_and_503_while_that_is_not_known(
    app: HostApp, tmp_path: Path
) -> None:
    """Row C-12: an org taken away; RELIABILITY 1.6: failing closed."""

    def with_look_up(text: str) -> str:
        line = f'membership = "{app.url}{ORGS}"\nmembership_cache = "0s"\n'
        return text.replace("[sign_in]\n", "[sign_in]\n" + line)

    async with chatbase_stage(tmp_path, with_look_up) as stage:
        app.orgs |= {"alice": ["default", "other"], "bob": ["other"]}
        assert (await stage.ask("alice", "POST", "/chat", HI)).status == 200
        stage.vendor.forget()
        refused(stage, await stage.ask("bob", "POST", "/chat", HI), 403, "wrong_org")
        app.orgs["alice"] = []
        refused(stage, await stage.ask("alice", "POST", "/chat", HI), 403, "wrong_org")
        app.script(ORGS, status(500))
        refused(stage, await stage.ask("alice", "POST", "/chat", HI), 503, "keys_unavailable")
