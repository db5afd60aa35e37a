"""People who sign out at their provider, which says so behind the browser's back.

Rows W of SECURITY.md, and C-13: what a logout ends, on every gateway of a store, and what it must
not.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from gateway.store.cutoffs import SETTLED
from tests.attacks.both_ends import HI, OWN_ORIGIN, STREAM, bearer, refused, signing_in
from tests.support import config, replicas
from tests.support.chatbase import Chatbase
from tests.support.host_app import HostApp
from tests.support.logouts import logout_token, posting, sent
from tests.support.reply import Reply
from tests.support.sockets import socket_stage
from tests.support.stage import (
    Edit,
    Stage,
    adding,
    chatbase_stage,
    events,
    gateway_of,
    saas_stage,
)
from tests.support.stores import BOTH, AStore
from tests.support.tokens import ABSENT, Issuer
from tests.support.vendor import Request
from tests.support.wire import Answer, connected, raw_request, wire

pytestmark = pytest.mark.anyio
STORES = BOTH

LISTENING = adding("sign_in", 'backchannel_logout = "gateway"')
EXPIRED = (401, "credentials_expired")
PAGE = ("Origin", OWN_ORIGIN)


def later(stage: Stage[Chatbase]) -> str:
    """A token of alice, who signs in again; clocks may differ by 30 s."""
    return stage.token("alice", iat=int(time.time()) + 20)


@pytest.fixture
async def own(tmp_path: Path, own_store: AStore) -> AsyncIterator[Stage[Chatbase]]:
    async with chatbase_stage(tmp_path, LISTENING, store=own_store()) as built:
        yield built


async def ask(stage: Stage[Chatbase], token: str) -> Answer:
    return await stage.ask(None, "POST", "/chat", HI, [bearer(token)])


async def told(url: str, token: str) -> Answer:
    """Told to one process. Then all know: at once where there is one, else when it is promised."""
    answer = await sent(url, token)
    await replicas.all_know()
    return answer


async def sign_out(stage: Stage[Chatbase], sub: object = "alice", **claims: object) -> None:
    answer = await told(stage.url, logout_token(stage.issuer, sub, **claims))
    assert (answer.status, answer.body) == (200, b""), answer.raw
    assert "no-store" in answer.values("cache-control")[0]
    stage.vendor.forget()


async def test_a_token_that_was_good_a_moment_ago_is_none_any_more(own: Stage[Chatbase]) -> None:
    """Row C-13: it is remembered as verified, and that is over at once; others are others."""
    alice, bob = own.token("alice"), own.token("bob")
    assert (await ask(own, alice)).status == 200
    await sign_out(own)
    for _ in range(2):
        refused(own, await ask(own, alice), *EXPIRED)
    assert (await ask(own, bob)).status == 200
    assert (await ask(own, later(own))).status == 200


async def test_one_session_of_several_ends(own: Stage[Chatbase]) -> None:
    """And with it tokens that do not say of which session they are."""
    one, other, unnamed = (own.token("alice", sid=sid) for sid in ("s1", "s2", ABSENT))
    await sign_out(own, sid="s1")
    refused(own, await ask(own, one), *EXPIRED)
    refused(own, await ask(own, unnamed), *EXPIRED)
    assert (await ask(own, other)).status == 200
    await sign_out(own, ABSENT, sid="s2", jti="another")
    refused(own, await ask(own, other), *EXPIRED)


async def test_an_expired_cookie_of_somebody_who_left_disturbs_nobody(
    tmp_path: Path,
) -> None:
    """C-13: the next person at this browser has a token; what is left in it counts as absent."""
    edit = adding("sign_in", 'from = ["authorization", "cookie:token"]')
    async with chatbase_stage(tmp_path, lambda text: edit(LISTENING(text))) as stage:
        alice, bob = stage.token("alice"), stage.token("bob")
        fields = [bearer(bob), ("Cookie", f"token={alice}"), PAGE]
        answer = await stage.ask(None, "POST", "/chat", HI, fields)
        refused(stage, answer, 400, "ambiguous_credentials")
        await sign_out(stage)
        assert (await stage.ask(None, "POST", "/chat", HI, fields)).status == 200
        assert stage.vendor.requests[-1].json()["userId"] == "bob"


def bad(issuer: Issuer) -> Iterator[tuple[str, str]]:
    yield "W-01 another's secret", logout_token(Issuer("https://evil.example/"))
    yield "W-01 no issuer", logout_token(issuer, iss=ABSENT)
    yield "W-01 an issuer that is a list", logout_token(issuer, iss=[issuer.url])
    yield "W-02 long ago", logout_token(issuer, iat=1, exp=100)
    yield "J-20 a token to sign in by", issuer.token("alice", algorithm="HS256")
    yield "J-20 a nonce", logout_token(issuer, nonce="n")
    yield "J-15 for another client", logout_token(issuer, aud="chat")
    yield "J-29 junk", "a.b.c"
    yield "J-11 five parts", "a.b.c.d.e"


async def test_what_is_no_logout_token_ends_nothing(own: Stage[Chatbase]) -> None:
    for why, token in bad(own.issuer):
        answer = await sent(own.url, token)
        assert (answer.status, answer.values("x-gateway-error")) == (400, ["bad_request"]), why
        assert b"alice" not in answer.body
    assert (await ask(own, own.token("alice"))).status == 200


async def test_a_logout_token_is_no_sign_in(own: Stage[Chatbase]) -> None:
    """Row J-20."""
    token = logout_token(own.issuer, aud=["gateway", "chat"])
    refused(own, await ask(own, token), 401, "credentials_invalid")


async def test_one_that_comes_twice_ends_nothing_more(own: Stage[Chatbase]) -> None:
    """Rows J-28 and W-02: at once or one after the other, and beside a later sign-in."""
    token = logout_token(own.issuer)
    answers = await asyncio.gather(*(sent(own.url, token) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [200] + [400] * 19
    assert (await sent(own.url, token)).status == 400
    assert (await ask(own, later(own))).status == 200


async def test_the_order_in_which_they_come_does_not_matter(own: Stage[Chatbase]) -> None:
    """Row W-08: an older one that comes late takes nothing back."""
    now = int(time.time())
    await sign_out(own, iat=now + 20, jti="later")
    await sign_out(own, iat=now - 60, jti="earlier")
    refused(own, await ask(own, own.token("alice", iat=now + 10)), *EXPIRED)
    assert (await ask(own, own.token("alice", iat=now + 21))).status == 200


async def test_who_is_signed_out_of_one_org_is_not_of_another(
    tmp_path: Path, own_store: AStore
) -> None:
    """Row W-07: both have an issuer of one name, each with a secret of its own."""
    acme, globex = Issuer(), Issuer(audience="globex")
    globex.secret = "another-secret-of-another-company-4711"
    store = own_store() or tmp_path / "gateway.db"
    async with Chatbase(key="acme-cb-key") as one, Chatbase(key="globex-cb-key") as other:
        text = config.two_orgs((one.url, other.url), one.url, (acme, globex), store=store)
        for org in ("acme", "globex"):
            text = adding(f"[orgs.{org}.sign_in]", 'backchannel_logout = "gateway"')(text)
        async with gateway_of(text, tmp_path) as (_, url):

            async def whoami(token: str, org: str) -> int:
                lines = [bearer(token)]
                asked = raw_request("GET", "/_gateway/whoami", lines, host=f"{org}.test")
                return (await wire(url, asked)).status

            hers, theirs = (one.token("alice", algorithm="HS256") for one in (acme, globex))
            assert await whoami(hers, "acme") == await whoami(theirs, "globex") == 200
            assert (await told(url, logout_token(globex))).status == 200
            assert await whoami(theirs, "globex") == 401
            assert await whoami(hers, "acme") == 200


async def test_a_token_counts_no_longer_than_a_logout_is_remembered(own: Stage[Chatbase]) -> None:
    """However long it says that it is good for; or a token could outlive its logout."""
    now = int(time.time())
    old = own.token("alice", iat=now - 86_500, exp=now + 86_400)
    refused(own, await ask(own, old), *EXPIRED)
    refused(own, await ask(own, own.token("alice", iat=ABSENT)), 401, "credentials_invalid")
    nobody = own.token(ABSENT, sid=ABSENT, name="alice")
    refused(own, await ask(own, nobody), 401, "credentials_invalid")


async def hang(request: Request, reply: Reply) -> None:
    await reply.start_stream()
    await reply.event({"type": "start", "messageMetadata": {"conversationId": request.number}})
    await reply.hang()


def ending(text: str) -> str:
    return LISTENING(adding("upstreams.support", "end_streams_at_expiry = true")(text))


async def test_an_answer_under_way_ends_where_answers_end_with_the_sign_in(tmp_path: Path) -> None:
    async with chatbase_stage(tmp_path, ending) as stage:
        stage.vendor.handler = hang
        async with connected(stage.url) as hers, connected(stage.url) as his:
            await hers.send(stage.request("alice", "POST", "/chat", STREAM))
            await his.send(stage.request("bob", "POST", "/chat", STREAM))
            await hers.until(b"start")
            await his.until(b"start")
            assert (await sent(stage.url, logout_token(stage.issuer))).status == 200
            answer = await hers.answer()
            assert not answer.complete
            assert events(answer)[-1]["type"] == "error"
            assert b"error" not in his.received


async def test_elsewhere_an_answer_may_finish(own: Stage[Chatbase]) -> None:
    go_on = asyncio.Event()

    async def slowly(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event({"type": "start", "messageMetadata": {"conversationId": "c-1"}})
        await go_on.wait()
        await reply.event("[DONE]")
        await reply.end()

    own.vendor.handler = slowly
    async with connected(own.url) as peer:
        await peer.send(own.request("alice", "POST", "/chat", STREAM))
        await peer.until(b"start")
        assert (await sent(own.url, logout_token(own.issuer))).status == 200
        go_on.set()
        assert (await peer.answer()).complete


@pytest.mark.parametrize("edit", [ending, LISTENING], ids=["ending with it", "that may finish"])
async def test_who_signs_out_while_their_body_comes_reaches_no_vendor(
    tmp_path: Path, edit: Edit
) -> None:
    """Row O-07: whether or not answers end with the sign-in, none has begun."""
    async with chatbase_stage(tmp_path, edit) as stage:
        whole = stage.request("alice", "POST", "/chat", HI)
        async with connected(stage.url) as peer:
            await peer.send(whole[:-1])
            assert (await told(stage.url, logout_token(stage.issuer))).status == 200
            await peer.send(whole[-1:])
            refused(stage, await peer.answer(), *EXPIRED)


async def test_what_was_refused_so_keeps_nobody_from_asking_it_again(own: Stage[Chatbase]) -> None:
    """Row O-07: a client signs in anew and sends the same again, by the same name."""
    named = [("Idempotency-Key", "k-1")]
    whole = own.request("alice", "POST", "/chat", HI, named)
    async with connected(own.url) as peer:
        await peer.send(whole[:-1])
        assert (await told(own.url, logout_token(own.issuer))).status == 200
        await peer.send(whole[-1:])
        refused(own, await peer.answer(), *EXPIRED)
    again = await own.ask(None, "POST", "/chat", HI, [bearer(later(own)), *named])
    assert again.status == 200, again.raw
    assert len(own.vendor.requests) == 1


@asynccontextmanager
async def pair(
    tmp_path: Path, store: str, edit: Edit
) -> AsyncIterator[tuple[Stage[Chatbase], Stage[Chatbase]]]:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    async with (
        chatbase_stage(tmp_path / "one", edit, store=store) as one,
        chatbase_stage(tmp_path / "other", edit, store=store) as other,
    ):
        yield one, other


async def test_every_gateway_of_a_store_knows_within_the_time_that_is_documented(
    tmp_path: Path, own_store: AStore
) -> None:
    """Row A-09: told to one, refused by the other, and its stream there ends; and after that, by
    one that was not there yet."""
    store = own_store() or f"sqlite:///{tmp_path}/one.db"
    async with pair(tmp_path, store, ending) as (one, other):
        token = other.token("alice")
        other.vendor.handler = hang
        async with connected(other.url) as peer:
            await peer.send(other.request("alice", "POST", "/chat", STREAM))
            await peer.until(b"start")
            began = time.monotonic()
            assert (await sent(one.url, logout_token(one.issuer))).status == 200
            assert not (await peer.answer()).complete
            assert time.monotonic() - began < SETTLED
        await replicas.all_know()
        other.vendor.forget()
        refused(other, await ask(other, token), *EXPIRED)
        assert (await sent(other.url, logout_token(one.issuer, jti="again"))).status == 200
    async with chatbase_stage(tmp_path, ending, store=store) as started:
        refused(started, await ask(started, token), *EXPIRED)


@pytest.mark.one_process("each process asks by itself")
async def test_what_the_app_said_a_moment_ago_is_asked_anew(tmp_path: Path) -> None:
    """Row K-16: the provider has told the app as well, and the app forgets the session."""
    issuer = Issuer()
    jwt = {
        "issuer": issuer.url,
        "audience": "chat",
        "secret": issuer.secret,
        "backchannel_logout": ["gateway"],
    }
    with HostApp() as app:
        asked = {"ask": app.me, "cookies": ["sessionid"], "user_key": "user_id", "cache": "5m"}
        app.sessions["s1"] = {"user_id": "alice"}
        async with chatbase_stage(tmp_path, signing_in(jwt, asked)) as stage:
            cookie = [("Cookie", "sessionid=s1"), PAGE]
            assert (await stage.ask(None, "POST", "/chat", HI, cookie)).status == 200
            del app.sessions["s1"]
            assert (await stage.ask(None, "POST", "/chat", HI, cookie)).status == 200
            await sign_out(stage)
            refused(stage, await stage.ask(None, "POST", "/chat", HI, cookie), *EXPIRED)


async def test_nobody_who_listens_to_nobody_believes_anything(tmp_path: Path) -> None:
    async with chatbase_stage(tmp_path) as stage:
        assert (await sent(stage.url, logout_token(stage.issuer))).status == 400
        assert (await ask(stage, stage.token("alice", iat=ABSENT))).status == 200


async def test_where_the_page_stands_does_not_matter(own: Stage[Chatbase]) -> None:
    """It goes by the token alone, and a browser that sends one is no worse."""
    request = posting(logout_token(own.issuer, sub="nobody"))
    spelt = request.replace(b"\r\n\r\n", b"\r\nOrigin: https://evil.example\r\n\r\n", 1)
    answer = await wire(own.url, spelt)
    assert answer.status == 200
    assert not answer.values("access-control-allow-origin")


async def test_of_a_sign_in_that_orgs_share_all_of_them_hear(tmp_path: Path) -> None:
    edit = adding("[sign_in]", 'backchannel_logout = "gateway"')
    async with saas_stage(tmp_path, edit) as stage:
        tokens = {org: stage.token("alice", org) for org in ("org_acme", "org_globex", "org_new")}

        async def statuses() -> list[int]:
            answers = [
                await stage.ask(token, "GET", "/_gateway/whoami") for token in tokens.values()
            ]
            return [answer.status for answer in answers]

        assert await statuses() == [200, 200, 200]
        assert (await told(stage.url, logout_token(stage.platform))).status == 200
        assert await statuses() == [401, 401, 401]
        assert stage.saw_nothing()


async def test_it_is_heard_under_another_configuration_too(own: Stage[Chatbase]) -> None:
    """One that was read again while the gateway ran; and what ended before has ended."""
    assert own.gateway is not None
    first, second = own.token("alice"), own.token("bob")
    await sign_out(own, jti="1")
    settings = own.gateway.settings
    for leeway in (10.0, 20.0):
        org = settings.orgs["default"]
        changed = org.sign_in[0].model_copy(update={"leeway": leeway})
        orgs = {"default": org.model_copy(update={"sign_in": (changed,)})}
        await own.gateway.reload(settings.model_copy(update={"orgs": orgs}))
    refused(own, await ask(own, first), *EXPIRED)
    assert (await ask(own, second)).status == 200
    await sign_out(own, "bob", jti="2")
    refused(own, await ask(own, second), *EXPIRED)


async def test_a_websocket_ends_with_the_sign_in_it_was_opened_by(tmp_path: Path) -> None:
    """Row X-04: at once, and not only when the person is asked after next."""
    async with (
        socket_stage(tmp_path, LISTENING) as stage,
        stage.connect("alice") as hers,
        stage.connect("bob") as his,
    ):
        assert (await sent(stage.url, logout_token(stage.issuer))).status == 200
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(hers.recv(), 10)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "credentials_expired")
        await his.send('{"type": "response.create"}')
        assert "response.create" in str(await asyncio.wait_for(his.recv(), 10))
