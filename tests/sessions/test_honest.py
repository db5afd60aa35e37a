"""People who do nothing wrong are let in, at every framework, whatever else their browser sends."""

import pytest

from tests.attacks.both_ends import refused
from tests.sessions.frameworks import FRAMEWORKS, V4, V5, Framework
from tests.support.chatbase import Chatbase
from tests.support.mutations import written
from tests.support.stage import Stage
from tests.support.wire import Answer

pytestmark = pytest.mark.anyio

OURS = b"Sec-Fetch-Site: same-origin"
IN_PARTS = [one for one in FRAMEWORKS if one.cookie in {V4, V5}]
HI = {"message": "hi", "stream": False}
# What other programs of a site, and of its neighbours, leave in a browser.
LEFT = (
    b"csrftoken=1f3; _ga=GA1.2.3.4; __Host-x=1; theme=dark; session_hint=1",
    b"connect.sid=s%3Aabc.def; PHPSESSID=k2n8s; JSESSIONID=0A.node1; laravel_session=eyJpdiI6",
    b'prefs={"a":1,"b":"x"}; consent="yes"; empty=; flag; weird==a=b',
    b"__Secure-next-auth.callback-url=https%3A%2F%2Fapp; authjs.csrf-token=a%7Cb; cart=1.2.3",
    b"Session=1; SESSION=2; xsession=3; " + b"; ".join(b"c%d=1" % number for number in range(60)),
)


async def chat(stage: Stage[Chatbase], framework: Framework, *lines: bytes) -> Answer:
    path = f"/{framework.name}/support/api/v2/agents/agent_1/chat"
    return await stage.ask(None, "POST", path, HI, [*lines, OURS])


async def whoami(stage: Stage[Chatbase], framework: Framework, *lines: bytes) -> Answer:
    return await stage.ask(None, "GET", f"/{framework.name}/_gateway/whoami", fields=[*lines, OURS])


def cookie(*fields: bytes) -> bytes:
    return b"Cookie: " + b"; ".join(fields)


@pytest.fixture
def alice(framework: Framework, app: str) -> bytes:
    return written(framework.sign_in_as(app, "1"))


async def test_a_person_chats_by_their_session(
    stage: Stage[Chatbase], framework: Framework, alice: bytes
) -> None:
    answer = await chat(stage, framework, cookie(alice))
    assert answer.status == 200, answer.raw
    (request,) = stage.vendor.requests
    assert request.json()["userId"].startswith("u_")
    for part in (alice, framework.cookie.encode(), b"kie:"):
        assert part not in request.raw


@pytest.mark.parametrize("left", LEFT)
async def test_other_cookies_beside_a_session_change_nothing(
    stage: Stage[Chatbase], framework: Framework, alice: bytes, left: bytes
) -> None:
    for fields in ((left, alice), (alice, left)):
        answer = await whoami(stage, framework, cookie(*fields))
        assert answer.status == 200, (answer.body, fields)
        assert answer.json()["subject"] == "1"


async def test_a_session_of_nobody_is_no_credential(
    stage: Stage[Chatbase], framework: Framework
) -> None:
    """Alone it is missing; beside a good token it is as though it were not there."""
    for empty in framework.nobodys():
        answer = await chat(stage, framework, cookie(written(empty)))
        refused(stage, answer, 401, "credentials_missing")
        answer = await whoami(stage, framework, cookie(written(empty)), bearer(stage, framework))
        assert answer.json()["subject"] == "carol"


async def test_a_stale_session_beside_a_good_token_is_no_credential(
    stage: Stage[Chatbase], framework: Framework
) -> None:
    for old in framework.stale():
        refused(
            stage, await chat(stage, framework, cookie(written(old))), 401, "credentials_expired"
        )
        answer = await whoami(stage, framework, cookie(written(old)), bearer(stage, framework))
        assert answer.json()["subject"] == "carol"


async def test_a_forged_session_beside_a_good_token_is_refused(
    stage: Stage[Chatbase], framework: Framework, alice: bytes
) -> None:
    forged = cookie(alice[:-3] + (b"AAA" if alice[-3:] != b"AAA" else b"BBB"))
    refused(stage, await chat(stage, framework, forged), 401, "credentials_invalid")
    answer = await chat(stage, framework, forged, bearer(stage, framework))
    refused(stage, answer, 401, "credentials_invalid")


async def test_two_people_at_once_are_refused(
    stage: Stage[Chatbase], framework: Framework, alice: bytes
) -> None:
    answer = await chat(stage, framework, cookie(alice), bearer(stage, framework))
    refused(stage, answer, 400, "ambiguous_credentials")


async def test_another_origins_page_cannot_use_it(
    stage: Stage[Chatbase], framework: Framework, alice: bytes
) -> None:
    path = f"/{framework.name}/support/api/v2/agents/agent_1/chat"
    lines = [cookie(alice), b"Sec-Fetch-Site: cross-site", b"Origin: https://evil.example"]
    refused(stage, await stage.ask(None, "POST", path, HI, lines), 403, "origin_refused")


@pytest.mark.parametrize("size", [3000, 5000, 8000])
@pytest.mark.parametrize("framework", IN_PARTS, ids=lambda one: one.name)
async def test_a_long_session_of_auth_js_comes_in_parts(
    stage: Stage[Chatbase], framework: Framework, app: str, size: int
) -> None:
    """Row C-15: parts as the app itself made them."""
    cookies = framework.sign_in_as(app, "1", size)
    assert len(cookies) > 1
    for order in (cookies, cookies[::-1]):
        answer = await whoami(stage, framework, cookie(written(order)))
        assert answer.json()["subject"] == "1", answer.body
    for part in (cookies[:-1], cookies[1:]):
        refused(
            stage, await chat(stage, framework, cookie(written(part))), 401, "credentials_invalid"
        )


def bearer(stage: Stage[Chatbase], framework: Framework) -> bytes:
    issuer = f"{stage.issuer.url}{framework.name}"
    return f"Authorization: Bearer {stage.token('carol', iss=issuer)}".encode()
