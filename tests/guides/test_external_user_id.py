"""The guide to X-External-User-Id, sentence by sentence, through the gateway.

See docs/guides.md.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.attacks.both_ends import OWN_ORIGIN, bearer, refused, signing_in
from tests.cli.looked import rows
from tests.support.docbit import DocBit
from tests.support.host_app import HostApp
from tests.support.stage import Stage, adding, docbit_stage, saas_stage
from tests.support.stores import AStore
from tests.support.tokens import ABSENT

pytestmark = pytest.mark.anyio

HI = {"message": "hi"}
UUID = "0b1c2d3e-4f50-4a61-8b72-93a4b5c6d7e8"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[DocBit]]:
    async with docbit_stage(tmp_path) as built:
        yield built


async def start(stage: Stage[DocBit], who: str) -> str:
    return str((await stage.ask(who, "POST", "/chat", HI)).json()["conversationId"])


async def test_the_field_names_the_user_of_a_request(stage: Stage[DocBit]) -> None:
    """Of each one, once, and nobody else whatever the client writes."""
    conversation = await start(stage, "alice")
    spoof = [("X-External-User-Id", "bob"), ("X-User-Id", "bob")]
    asked = [
        ("POST", "/chat", {**HI, "conversationId": conversation}),
        ("POST", "/chat/stream", HI),
        ("GET", "/conversations", None),
        ("GET", f"/conversations/{conversation}", None),
    ]
    for method, path, body in asked:
        await stage.ask("alice", method, path, body, spoof)
    assert len(stage.vendor.requests) == 1 + len(asked)
    for request in stage.vendor.requests:
        assert request.values("x-external-user-id") == ["alice"]


async def test_a_persons_history_is_their_own(stage: Stage[DocBit]) -> None:
    conversations = {who: await start(stage, who) for who in ("alice", "bob")}
    for who, own in conversations.items():
        listed = (await stage.ask(who, "GET", "/conversations")).json()
        assert own in str(listed)
        assert not any(one in str(listed) for one in conversations.values() if one != own)


@pytest.mark.one_process("its store is a file")
async def test_usage_is_told_by_person(tmp_path: Path) -> None:
    """Seats by who was active, analytics, and who spoke as whom."""
    async with docbit_stage(tmp_path) as stage:
        for who in ("alice", "alice", "bob"):
            await start(stage, who)
        await stage.ask("bob", "GET", "/conversations/not-his")
    file = tmp_path / "gateway.toml"
    used = await asyncio.to_thread(rows, file, "usage")
    assert {one["user"]: one["requests"] for one in used} == {"alice": 2, "bob": 2}
    (day,) = await asyncio.to_thread(rows, file, "usage", "--by", "day")
    assert day["users"] == 2
    noted = await asyncio.to_thread(rows, file, "audit")
    told = {(one["event"], one["user"]) for one in noted}
    assert {("spoke", "alice"), ("spoke", "bob"), ("refused", "bob")} <= told


async def test_a_persons_context_is_their_own(stage: Stage[DocBit]) -> None:
    conversation = await start(stage, "alice")
    stage.vendor.forget()
    body = {**HI, "conversationId": conversation}
    refused(stage, await stage.ask("bob", "POST", "/chat", body), 404)
    refused(stage, await stage.ask("bob", "GET", f"/conversations/{conversation}"), 404)


async def test_the_same_id_in_two_orgs_is_two_users(tmp_path: Path) -> None:
    async with saas_stage(tmp_path) as stage:
        said = {}
        for org in ("org_acme", "org_globex"):
            answer = await stage.ask(stage.token("alice", org), "POST", "/docs/api/ai/chat", HI)
            said[org] = answer.json()["conversationId"]
        told = [
            (one.values("x-external-org-id"), one.values("x-external-user-id"))
            for one in stage.docs.requests
        ]
        assert told == [(["org_acme"], ["alice"]), (["org_globex"], ["alice"])]
        path = f"/docs/api/ai/conversations/{said['org_acme']}"
        assert (await stage.ask(stage.token("alice", "org_acme"), "GET", path)).status == 200
        assert (await stage.ask(stage.token("alice", "org_globex"), "GET", path)).status == 404


async def test_an_id_is_stable_so_that_no_history_is_orphaned(
    tmp_path: Path, own_store: AStore
) -> None:
    """What the gateway called somebody first it calls them for good, by whatever rule since."""
    store = own_store()
    async with docbit_stage(tmp_path, store=store) as stage:
        conversation = await start(stage, "alice")
    opaque = adding("upstreams.docs", 'user_id = "opaque"')
    async with docbit_stage(tmp_path, opaque, store=store) as stage:
        token = bearer(stage.token("alice"))
        await stage.ask(None, "GET", f"/conversations/{conversation}", None, [token])
        await stage.ask("carol", "POST", "/chat", HI)
        names = [one.values("x-external-user-id")[0] for one in stage.vendor.requests]
        assert names[0] == "alice"
        assert names[1].startswith("u_")


async def test_an_id_is_tied_to_the_companys_own_users(tmp_path: Path) -> None:
    """Its application says who has the session; nobody keeps a second list of people."""
    with HostApp() as app:
        app.sessions["s1"] = {"user_id": "user_12345"}
        asking = signing_in({"ask": app.me, "cookies": ["sessionid"], "user_key": "user_id"})
        async with docbit_stage(tmp_path, asking) as stage:
            fields = [("Cookie", "sessionid=s1"), ("Origin", OWN_ORIGIN)]
            assert (await stage.ask(None, "POST", "/chat", HI, fields)).status == 200
            assert stage.vendor.requests[0].values("x-external-user-id") == ["user_12345"]


@pytest.mark.parametrize("good", ["user_12345", UUID, "alice.smith"])
async def test_good_ids_are_sent_as_they_are(stage: Stage[DocBit], good: str) -> None:
    await start(stage, good)
    assert stage.vendor.requests[0].values("x-external-user-id") == [good]


async def test_an_e_mail_address_works_and_something_opaque_is_preferred(tmp_path: Path) -> None:
    verbatim = adding("upstreams.docs", 'user_id = "verbatim"')
    for folder, edit, is_opaque in (("auto", str, True), ("verbatim", verbatim, False)):
        (tmp_path / folder).mkdir()
        async with docbit_stage(tmp_path / folder, edit) as stage:
            await start(stage, "alice@acme.example")
            (named,) = stage.vendor.requests[0].values("x-external-user-id")
            assert named.startswith("u_") is is_opaque
            assert ("alice@acme.example" in named) is not is_opaque


async def test_a_user_is_there_with_the_first_request(stage: Stage[DocBit]) -> None:
    """Nobody is registered anywhere before."""
    assert (await stage.ask("newcomer", "POST", "/chat", HI)).status == 200
    assert len(stage.vendor.requests) == 1


async def test_the_field_is_filled_from_the_sign_in(stage: Stage[DocBit]) -> None:
    spoof = [("X-External-User-Id", "alice")]
    refused(stage, await stage.ask(None, "POST", "/chat", HI, spoof), 401)
    await stage.ask("bob", "POST", "/chat", HI, spoof)
    assert stage.vendor.requests[0].values("x-external-user-id") == ["bob"]


async def test_a_user_belongs_to_the_org_or_is_refused(tmp_path: Path) -> None:
    async with saas_stage(tmp_path) as stage:
        for token in (stage.token("alice", ABSENT), stage.token("alice", ["", 7])):
            answer = await stage.ask(token, "POST", "/docs/api/ai/chat", HI)
            assert answer.status in {401, 403}
        own = stage.token("alice", "org_acme")  # of the platform, which does not vouch for `own`
        answer = await stage.ask(
            own, "POST", "/support/api/v2/agents/agent_1/chat", HI, host="own.test"
        )
        assert answer.status in {401, 403}
        assert stage.saw_nothing()
