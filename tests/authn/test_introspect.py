"""Asking the host app: K-14 to K-18 and A of SECURITY.md, RF-33 and RF-34 of RELIABILITY.md."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.authn.introspect import IntrospectRules, IntrospectSignIn
from gateway.authn.places import Authorization, Cookie, Cookies, Field, Place
from gateway.authn.remote import Remote
from gateway.authn.token import MAX_TOKEN
from gateway.authn.verdicts import Verdicts
from gateway.authn.verifier import Credential, Nobody
from gateway.core.errors import GatewayError
from gateway.core.people.identity import Vouched
from gateway.ports import Clock
from tests.support.ask import asking
from tests.support.clock import WoundClock
from tests.support.host_app import ME, HostApp
from tests.support.provider import Answer, Request, body, drip, endless, redirect, status

pytestmark = pytest.mark.anyio

SESSION = Cookie("sessionid")
PLACES = (SESSION, Authorization())


@pytest.fixture
def app() -> Iterator[HostApp]:
    with HostApp() as one:
        one.sessions["s1"] = {"user_id": "alice"}
        one.sessions["s2"] = {"user_id": "bob"}
        one.tokens["t1"] = {"user_id": "carol"}
        yield one


def sign_in(
    app: HostApp,
    *,
    cache: float = 60.0,
    timeout: float = 60.0,
    clock: Clock = time.time,
    **rules: Any,
) -> Any:
    said: dict[str, Any] = {"url": app.me, "places": PLACES, "user_key": "user_id"}
    return IntrospectSignIn(
        IntrospectRules(**(said | rules)),
        Remote("app", timeout=timeout),
        Verdicts[Vouched | Nobody](cache, clock=clock),
        clock=clock,
    )


async def who(one: IntrospectSignIn, text: str, place: Place = SESSION) -> object:
    """The subject, `NOBODY`, or the code of the refusal."""
    try:
        vouched = await one.verify(Credential(place, text, asking()))
    except GatewayError as error:
        return f"{error.status} {error.code}"
    return vouched.subject if isinstance(vouched, Vouched) else vouched


async def test_a_credential_is_whom_the_app_says(app: HostApp) -> None:
    one = sign_in(app)
    assert await who(one, "s1") == "alice"
    assert await who(one, "s2") == "bob"
    assert await who(one, "t1", Authorization()) == "carol"
    assert app.asked() == ["sessionid=s1", "sessionid=s2", "Bearer t1"]


async def test_the_app_gets_the_one_credential_and_nothing_else(app: HostApp) -> None:
    """Row K-18."""
    lines = [("cookie", "theme=dark; sessionid=s1"), ("authorization", "Bearer t9")]
    ask = asking(*lines, ("user-agent", "alice's"), ("traceparent", "00-1"), ("x-api-key", "k"))
    credential = Credential(SESSION, SESSION.read(ask) or "", ask)
    assert (await sign_in(app).verify(credential)).subject == "alice"
    ((path, fields),) = app.requests
    assert path == ME
    assert set(fields) <= {
        *("host", "accept", "accept-encoding", "connection", "user-agent", "cookie")
    }
    assert fields["cookie"] == "sessionid=s1"
    assert "alice" not in fields["user-agent"]


async def test_several_cookies_are_one_field_in_the_order_configured(app: HostApp) -> None:
    both = Cookies(("sessionid", "device"))
    for line, sent in (
        ("device=d; x=y; sessionid=s1", "sessionid=s1; device=d"),
        ("sessionid=s1", "sessionid=s1"),
    ):
        text = both.read(asking(("cookie", line)))
        assert text == sent
        assert await who(sign_in(app, places=(both,)), text, both) == "alice"
        assert app.asked()[-1] == sent


async def test_a_token_goes_as_a_bearer_token_wherever_it_stood(app: HostApp) -> None:
    place = Field("x-api-key")
    assert await who(sign_in(app, places=(place,)), "t1", place) == "carol"
    assert app.asked() == ["Bearer t1"]


@pytest.mark.parametrize(
    "text", ["a b", "a,b", "a;b", 'a"b', "a\tb", "é", "=", "a=b", "x" * (16 * 1024 + 1)]
)
async def test_what_is_no_bearer_token_is_not_passed_on(app: HostApp, text: str) -> None:
    assert await who(sign_in(app), text, Authorization()) == "401 credentials_invalid"
    assert app.requests == []


@pytest.mark.parametrize("code", [401, 403])
async def test_who_is_not_signed_in_there_is_not_here(app: HostApp, code: int) -> None:
    """A stale cookie stands beside good tokens, so it counts as one that has expired."""
    app.script(ME, status(code))
    one = sign_in(app)
    assert await who(one, "s1") == "401 credentials_expired"
    assert await who(one, "t1", Authorization()) == "401 credentials_invalid"


@pytest.mark.parametrize("user", ["{}", '{"user_id":%s}'])
@pytest.mark.parametrize("nobody", ["null", '""', "false", "0"])
async def test_a_session_of_nobody_is_none(app: HostApp, user: str, nobody: str) -> None:
    """And it may be somebody's a moment later, so that is asked anew."""
    app.script(ME, body((user % nobody if "%" in user else user).encode()))
    one = sign_in(app)
    assert await who(one, "s1") is Nobody.NOBODY
    app.script(ME, None)
    assert await who(one, "s1") == "alice"


@pytest.mark.parametrize(
    ("answer", "subject"),
    [
        ('{"user_id":7}', "7"),
        ('{"user_id":"007"}', "007"),
        ('{"user_id":" a "}', " a "),
        ('{"user_id":"é"}', "é"),
    ],
)
async def test_a_user_is_text_or_a_number(app: HostApp, answer: str, subject: str) -> None:
    app.script(ME, body(answer.encode()))
    assert await who(sign_in(app), "s1") == subject


NO_ANSWER: dict[str, Answer] = {
    "K-17 500": status(500),
    "K-17 503": status(503),
    "404": status(404),
    "K-14 204": status(204, b""),
    "K-14 a page to sign in": redirect("/login"),
    "K-14 to itself": redirect(ME),
    "K-14 HTML": body(b"<html>Sign in", "text/html"),
    "JSON that says HTML": body(b'{"user_id":"bob"}', "text/html"),
    "half JSON": body(b'{"user_id":"bo'),
    "a list": body(b'[{"user_id":"bob"}]'),
    "a user twice": body(b'{"user_id":"alice","user_id":"bob"}'),
    "J-19 true": body(b'{"user_id":true}'),
    "J-19 a list": body(b'{"user_id":["bob"]}'),
    "J-19 an object": body(b'{"user_id":{"id":1}}'),
    "J-19 blank": body(b'{"user_id":"  "}'),
    "a negative number": body(b'{"user_id":-1}'),
    "a fraction": body(b'{"user_id":1.0}'),
    "a number beyond all": body(b'{"user_id":9007199254740993}'),
    "a long name": body(b'{"user_id":"%s"}' % (b"x" * 513)),
    "roles that are none": body(b'{"user_id":"bob","roles":[1]}'),
    "a date that is none": body(b'{"user_id":"bob","until":"soon"}'),
    "a date in milliseconds": body(b'{"user_id":"bob","until":1900000000000}'),
    "N-13 50 MB": body(b" " * 50_000_000),
    "N-13 endless": endless(),
    "RF-33 a byte at a time": drip(b'{"user_id":"bob"}' + b" " * 1000),
}


def half(request: Request) -> None:
    request.send_response(200)
    request.send_header("content-type", "application/json")
    request.send_header("content-length", "100")
    request.end_headers()
    request.wfile.write(b'{"user_id":"bob"}')
    request.close_connection = True


def reset(request: Request) -> None:
    request.close_connection = True


def coded(request: Request) -> None:
    request.reply(b'{"user_id":"bob"}', content_encoding="gzip")


NO_ANSWER |= {"half an answer": half, "RF-33 a reset": reset, "a content coding": coded}


@pytest.mark.parametrize("name", NO_ANSWER)
async def test_what_is_no_answer_is_no_verdict(app: HostApp, name: str) -> None:
    """Rows K-14, K-17, A-15: 503, for a cookie and a token alike, and nothing of it is kept."""
    app.script(ME, NO_ANSWER[name])
    more: dict[str, Any] = {"timeout": 3.0} if "byte" in name else {}
    one = sign_in(app, roles_key="roles", expires_key="until", **more)
    assert await who(one, "s1") == "503 keys_unavailable"
    if not more:
        assert await who(one, "t1", Authorization()) == "503 keys_unavailable"
    app.script(ME, None)
    assert await who(one, "s1") == "alice"


async def test_a_redirect_is_not_followed_with_the_cookie(app: HostApp) -> None:
    with HostApp() as other:
        for code in (301, 302, 303, 307, 308):
            app.script(ME, redirect(other.me, code))
            assert await who(sign_in(app), "s1") == "503 keys_unavailable"
        assert other.requests == []


async def test_no_proxy_of_the_environment_sees_it(
    app: HostApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row R-11."""
    with HostApp() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert await who(sign_in(app), "s1") == "alice"
        assert proxy.requests == []


async def test_no_cookie_the_app_sets_comes_back(app: HostApp) -> None:
    """Rows K-15 and C-13: nothing of one answer is in the next question."""

    def setting(request: Request) -> None:
        request.reply(b'{"user_id":"bob"}', set_cookie="sessionid=s2; Path=/")

    app.script(ME, setting)
    one = sign_in(app, cache=0)
    for session in ("s1", "s3"):
        assert await who(one, session) == "bob"
    assert app.asked() == ["sessionid=s1", "sessionid=s3"]


async def test_each_gets_its_own_answer_however_slow(app: HostApp) -> None:
    """Row K-15: side by side, the answers held back, and in any order."""
    for number in range(40):
        app.sessions[f"p{number}"] = {"user_id": f"person-{number}"}
    one = sign_in(app)
    app.hold()
    asked = [asyncio.create_task(who(one, f"p{number}")) for number in range(40)]
    async with asyncio.timeout(30):
        while app.count(ME) < 40:  # noqa: ASYNC110 - the app is on threads of its own
            await asyncio.sleep(0.001)
    app.release()
    assert await asyncio.gather(*asked) == [f"person-{number}" for number in range(40)]


async def test_a_thousand_cold_requests_with_one_credential_are_one_question(
    app: HostApp,
) -> None:
    one = sign_in(app)
    answers = await asyncio.gather(*(who(one, "s1") for _ in range(1000)))
    assert set(answers) == {"alice"}
    assert app.count(ME) == 1


async def test_who_signs_out_is_out_at_the_next_question(app: HostApp) -> None:
    """Rows K-16, C-11 and C-12: within the cache's time, or at once without one."""
    for cache, verdict in ((60.0, "alice"), (0.0, "401 credentials_expired")):
        one = sign_in(app, cache=cache)
        app.sessions["s1"] = {"user_id": "alice"}
        assert await who(one, "s1") == "alice"
        del app.sessions["s1"]
        assert await who(one, "s1") == verdict


async def test_a_new_session_is_nobody_elses(app: HostApp) -> None:
    """Rows C-10 and C-13: another value of the cookie is another question."""
    one = sign_in(app)
    assert await who(one, "s1") == "alice"
    assert await who(one, "s2") == "bob"
    assert await who(one, "s1x") == "401 credentials_expired"
    assert await who(one, "s") == "401 credentials_expired"


async def test_a_cookie_is_no_token_and_no_other_cookie(app: HostApp) -> None:
    """Rows A-03 and A-05."""
    app.tokens["same"] = {"user_id": "carol"}
    app.sessions["same"] = {"user_id": "alice"}
    one = sign_in(app)
    assert await who(one, "same", Authorization()) == "carol"
    assert await who(one, "same") == "alice"
    assert await who(one, "same", Cookie("other")) == "401 credentials_expired"


async def test_an_answer_says_roles_orgs_and_until_when(app: HostApp) -> None:
    app.sessions["s1"] = {
        "user": {"id": 7, "groups": ["a", "b"]},
        "org": ["org_1", "org_x"],
        "until": time.time() + 60,
        "by": "the-backend",
        "plan": "pro",
        "email": "alice@acme.example",
    }
    one = sign_in(
        app,
        user_key="/user/id",
        roles_key="/user/groups",
        org_key="org",
        expires_key="until",
        actor_key="by",
        remember=("plan", "seats"),
        may_vouch_for=lambda org: org != "org_x",
    )
    vouched = await one.verify(Credential(SESSION, "s1", asking()))
    assert vouched == Vouched(
        "7",
        ("a", "b"),
        app.sessions["s1"]["until"],
        orgs=frozenset({"org_1"}),
        actor="the-backend",
        attributes={"plan": "pro"},
    )
    assert one.names_orgs_by == "org of the host app's answer"
    assert sign_in(app).names_orgs_by is None


@pytest.mark.parametrize("ago", [0, 1, 3600])
async def test_a_session_that_has_ended_is_none_whatever_the_app_says(
    app: HostApp, ago: float
) -> None:
    app.sessions["s1"] = {"user_id": "alice", "until": time.time() - ago}
    assert await who(sign_in(app, expires_key="until"), "s1") == "401 credentials_expired"


async def test_nobody_is_remembered_beyond_the_end_of_their_session(app: HostApp) -> None:
    clock = WoundClock()
    app.sessions["s1"] = {"user_id": "alice", "until": clock.now + 10}
    one = sign_in(app, expires_key="until", clock=clock)
    assert await who(one, "s1") == "alice"
    clock.now += 9
    assert await who(one, "s1") == "alice"
    assert app.count(ME) == 1
    clock.now += 1
    assert await who(one, "s1") == "401 credentials_expired"


async def test_a_token_of_the_largest_size_is_asked_about(app: HostApp) -> None:
    token = "x" * MAX_TOKEN
    app.tokens[token] = {"user_id": "carol"}
    assert await who(sign_in(app), token, Authorization()) == "carol"


@pytest.mark.parametrize("session", ["../../x", "' OR 1=1--", "x" * 4000, "%00", "a=b"])
async def test_a_session_id_of_any_shape_is_asked_about_as_it_is(
    app: HostApp, session: str
) -> None:
    """Row C-09."""
    if " " in session:
        with pytest.raises(GatewayError):
            SESSION.read(asking(("cookie", f"sessionid={session}")))
        return
    assert await who(sign_in(app), session) == "401 credentials_expired"
    assert app.asked() == [f"sessionid={session}"]
