"""What a vendor knows of people: on first sight and on change, and never in the way of chat."""

import asyncio
import logging
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.contacts.sync import attributes_of, said_of
from gateway.core.people.identity import Identity, Person
from tests.contacts.stage import (
    MAPPED,
    bookbag,
    chat,
    chatbase,
    eventually,
    push,
    quickly,
    settled,
    syncs,
    table,
    written,
)
from tests.support.stage import altatech_stage, chatbase_stage

pytestmark = pytest.mark.anyio

ALICE: dict[str, object] = {"email": "alice@acme.example", "app": {"plan": "pro"}}
STAGES = {"chatbase": (chatbase, "agent_1", "cb-key"), "bookbag": (bookbag, "12", "oc_key")}


@pytest.mark.parametrize("name", STAGES)
async def test_the_customer_is_a_contact_keyed_by_the_same_id_as_external_id(
    name: str, tmp_path: Path
) -> None:
    """Every byte of what the vendor gets: nothing of the request that made us write."""
    staged, agent, key = STAGES[name]
    async with staged(tmp_path) as stage:
        assert (await chat(stage, "alice", **ALICE)).status == 200
        await settled(stage)
        (request,) = written(stage.vendor)
        assert request.target == f"/api/v1/chatbots/{agent}/contacts"
        assert request.json() == {
            "users": [
                {
                    "external_id": "alice",
                    "email": "alice@acme.example",
                    "custom_attributes": {"plan": "pro"},
                }
            ]
        }
        names = [field.lower() for field, _ in request.fields]
        assert sorted(names) == [
            "accept", "accept-encoding", "authorization", "content-length", "content-type",
            "host", "user-agent", "via", "x-request-id",
        ]  # fmt: skip
        assert request.values("authorization") == [f"Bearer {key}"]
        (asked,) = [one for one in stage.vendor.requests if one.target.endswith("/chat")]
        assert asked.json()["userId"] == "alice"
        assert stage.vendor.contacts.of(agent)["alice"]["custom_attributes"] == {"plan": "pro"}


async def test_written_on_first_sight_and_on_change_and_not_otherwise(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        for plan in ("free", "free", "free", "pro", "pro"):
            await chat(stage, "alice", app={"plan": plan})
            await settled(stage)
        plans = [
            one.json()["users"][0]["custom_attributes"]["plan"] for one in written(stage.vendor)
        ]
        assert plans == ["free", "pro"]


async def test_what_the_vendor_has_is_not_written_again_after_a_restart(tmp_path: Path) -> None:
    for plan, times in (("free", 1), ("free", 0), ("pro", 1)):
        async with chatbase(tmp_path) as stage:
            await chat(stage, "alice", app={"plan": plan})
            await settled(stage)
            assert len(written(stage.vendor)) == times


async def test_many_people_are_one_request(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        syncs(stage)[0].debounce = 0.5
        await asyncio.gather(*(chat(stage, f"p{n}", app={"plan": "pro"}) for n in range(30)))
        await settled(stage)
        assert stage.vendor.contacts.batches == [30]
        assert len(stage.vendor.contacts.of("agent_1")) == 30


async def test_a_thousand_at_most_go_together(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        (sync,) = syncs(stage)
        for number in range(1205):
            attributes = {"/app/plan": "pro"}
            sync.saw(Identity("default", f"p{number}", attributes=attributes), f"p{number}")
        await settled(stage)
        assert stage.vendor.contacts.batches == [1000, 205]


async def test_each_agent_has_contacts_of_its_own(tmp_path: Path) -> None:
    def both(text: str) -> str:
        return text.replace('agent = "agent_1"', 'agent = ["agent_1", "agent_2"]')

    async with chatbase(tmp_path, edit=both) as stage:
        await chat(stage, "alice", **ALICE)
        await settled(stage)
        contacts = stage.vendor.contacts
        assert contacts.of("agent_1")["alice"]["custom_attributes"] == {"plan": "pro"}
        assert contacts.of("agent_2")["alice"]["email"] == "alice@acme.example"
        assert contacts.of("agent_2")["alice"]["custom_attributes"] == {}


async def test_opaque_people_are_opaque_contacts(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        await chat(stage, "alice@acme.example", **ALICE)
        await settled(stage)
        (contact,) = stage.vendor.contacts.of("agent_1").values()
        (asked,) = [one for one in stage.vendor.requests if one.target.endswith("/chat")]
        assert contact["external_id"] == asked.json()["userId"]
        assert contact["external_id"].startswith("u_")


async def test_somebody_of_whom_nothing_is_said_is_no_contact(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        for claims in (
            {},
            {"email": None},
            {"email": ["a"]},
            {"email": "x" * 1001},
            {"app": "pro"},
        ):
            await chat(stage, "alice", **claims)
        await settled(stage)
        assert written(stage.vendor) == []


async def test_attributes_that_the_vendor_does_not_know_are_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mapped = 'attributes = { email = "/email", plan = "/plan", seats = "/seats" }'
    async with bookbag(tmp_path, edit=lambda text: text.replace(MAPPED, mapped)) as stage:
        with caplog.at_level(logging.WARNING, "gateway.contacts"):
            for who in ("alice", "bob"):
                await chat(stage, who, email=f"{who}@x.example", plan="pro", seats=12)
                await settled(stage)
        said = [one.getMessage() for one in caplog.records if one.name == "gateway.contacts"]
        assert len(said) == 1
        assert "does not take seats" in said[0]
        assert "12" not in said[0].replace("agent 12", "")
        for who in ("alice", "bob"):
            assert stage.vendor.contacts.of("12")[who]["custom_attributes"] == {"plan": "pro"}


async def test_values_are_of_the_kind_that_the_vendor_has(tmp_path: Path) -> None:
    mapped = 'attributes = { plan = "/plan", seats = "/seats", vip = "/vip", gone = "/gone" }'
    async with chatbase(tmp_path, edit=lambda text: text.replace(MAPPED, mapped)) as stage:
        contacts = stage.vendor.contacts
        contacts.define("agent_1", "seats", "number")
        contacts.define("agent_1", "vip", "boolean")
        contacts.define("agent_1", "gone", archived=True)
        await chat(stage, "alice", plan=7, seats="12", vip="true", gone="x")
        await chat(stage, "bob", plan=True, seats="many", vip="perhaps")
        await settled(stage)
        assert contacts.of("agent_1")["alice"]["custom_attributes"] == {
            "plan": "7", "seats": 12, "vip": True,
        }  # fmt: skip
        assert contacts.of("agent_1")["bob"]["custom_attributes"] == {"plan": "true"}


async def test_one_that_the_vendor_does_not_take_keeps_nobody_else_out(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        (sync,) = syncs(stage)
        people = [f"p{number}" for number in range(9)]
        for who in people:  # p3 and p7 have one e-mail address, which the vendor takes once
            email = "same@x.example" if who in {"p3", "p7"} else f"{who}@x.example"
            sync.saw(Identity("default", who, attributes={"/email": email}), who)
            await settled(stage)
        await settled(stage)
        assert set(stage.vendor.contacts.of("agent_1")) == {*people} - {"p7"}
        before = len(written(stage.vendor))
        sync._seen.clear()
        sync.saw(Identity("default", "p7", attributes={"/email": "same@x.example"}), "p7")
        await settled(stage)
        assert len(written(stage.vendor)) == before  # nothing has changed: it is not tried again


async def test_a_batch_is_halved_until_the_one_is_found(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        (sync,) = syncs(stage)
        stage.vendor.contacts.define("agent_1", "plan", archived=True)
        sync.office._defined["agent_1"] = time.monotonic(), {"plan": "text"}  # an old word
        for number in range(16):
            said = {"/app/plan": "pro"} if number == 5 else {"/email": f"{number}@x.example"}
            sync.saw(Identity("default", f"p{number}", attributes=said), f"p{number}")
        await settled(stage)
        assert len(stage.vendor.contacts.of("agent_1")) == 15
        assert len(written(stage.vendor)) < 12


@pytest.mark.parametrize("status", [500, 503, 429, 401, 404])
async def test_chat_is_as_ever_while_contacts_are_away(status: int, tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        contacts = stage.vendor.contacts
        contacts.away, contacts.status_when_away = True, status
        for who in ("alice", "bob", "alice"):
            assert (await chat(stage, who, email=f"{who}@x.example")).status == 200
        await eventually(lambda: syncs(stage)[0].failures >= 2)
        assert contacts.of("agent_1") == {}
        contacts.away = False
        await settled(stage)
        assert set(contacts.of("agent_1")) == {"alice", "bob"}


async def test_a_vendor_that_never_answers_holds_nobody_up(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        usual = stage.vendor.handler

        async def silent(request: Any, reply: Any) -> None:
            if "/api/v1/" in request.target:
                await asyncio.Event().wait()
            await usual(request, reply)

        stage.vendor.handler = silent
        await chat(stage, "first", **ALICE)
        await eventually(lambda: any("/api/v1/" in one.target for one in stage.vendor.requests))
        began = time.monotonic()
        answers = await asyncio.gather(*(chat(stage, f"p{n}", **ALICE) for n in range(20)))
        assert {one.status for one in answers} == {200}
        assert time.monotonic() - began < 20  # a request of contacts is given up after 30
        assert syncs(stage)[0].waiting == 20


async def test_the_list_has_a_bound(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        (sync,) = syncs(stage)
        stage.vendor.contacts.away, sync.most = True, 5
        for number in range(50):
            said = {"/email": f"{number}@x.example"}
            sync.saw(Identity("default", f"p{number}", attributes=said), f"p{number}")
        assert (sync.waiting, sync.left_out) == (5, 45)
        stage.vendor.contacts.away, sync.most = False, 10_000
        await settled(stage)
        sync.saw(Identity("default", "p49", attributes={"/email": "49@x.example"}), "p49")
        await settled(stage)
        assert "p49" in stage.vendor.contacts.of("agent_1")


async def test_the_last_word_counts(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        stage.vendor.contacts.away = True
        await chat(stage, "alice", app={"plan": "free"})
        await eventually(lambda: syncs(stage)[0].failures)
        await chat(stage, "alice", app={"plan": "pro"})
        stage.vendor.contacts.away = False
        await settled(stage)
        (request,) = [one for one in written(stage.vendor) if one.json()["users"]]
        assert request.json()["users"][0]["custom_attributes"] == {"plan": "pro"}


async def test_the_store_may_be_away_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.core.errors import LedgerUnavailable

    async with chatbase(tmp_path) as stage:
        (sync,) = syncs(stage)
        noted = sync.notes.noted

        async def away(*_: object) -> Any:
            raise LedgerUnavailable

        monkeypatch.setattr(sync.notes, "noted", away)
        await chat(stage, "alice", **ALICE)
        await eventually(lambda: sync.failures)
        monkeypatch.setattr(sync.notes, "noted", noted)
        await settled(stage)
        assert "alice" in stage.vendor.contacts.of("agent_1")


async def test_what_a_service_pushed_goes_with_what_the_sign_in_says(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        for name, kind in (("tier", "text"), ("seats", "number")):
            stage.vendor.contacts.define("agent_1", name, kind)
        await chat(stage, "alice", **ALICE)
        await settled(stage)
        assert (
            await push(stage, "alice", {"seats": 3, "plan": "free", "tier": "gold"})
        ).status == 202
        await settled(stage)
        wanted = {"plan": "pro", "seats": 3, "tier": "gold"}
        assert written(stage.vendor)[-1].json()["users"][0] == {
            "external_id": "alice", "email": "alice@acme.example", "custom_attributes": wanted,
        }  # fmt: skip
    async with chatbase(tmp_path) as stage:  # and also when only one of both is said anew
        for name, kind in (("tier", "text"), ("seats", "number")):
            stage.vendor.contacts.define("agent_1", name, kind)
        await chat(stage, "alice", email="a2@acme.example", app={"plan": "pro"})
        await settled(stage)
        (request,) = written(stage.vendor)
        assert request.json()["users"][0]["custom_attributes"] == wanted


async def test_a_push_survives_the_process(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        stage.vendor.contacts.away = True
        assert (await push(stage, "auth0|7", {"plan": "x"})).status == 400
        assert (await push(stage, "alice", {"plan": "pro"})).status == 202
        await eventually(lambda: syncs(stage)[0].failures)
    async with chatbase(tmp_path) as stage:
        contacts = stage.vendor.contacts.of("agent_1")
        await eventually(lambda: "alice" in contacts)
        assert contacts["alice"]["custom_attributes"] == {"plan": "pro"}
        await settled(stage)
    async with chatbase(tmp_path) as stage:
        assert await syncs(stage)[0].notes.owed() == {}


async def test_what_is_recalled_takes_no_word_from_anybody(tmp_path: Path) -> None:
    """A configuration is reloaded while somebody waits, and while somebody's last word is known."""
    async with chatbase(tmp_path) as stage:
        (sync,) = syncs(stage)
        await push(stage, "alice", {"name": "Alice"})
        await chat(stage, "alice", **ALICE)
        sync.recall(["alice"])
        await settled(stage)
        full = {"external_id": "alice", "name": "Alice", "email": "alice@acme.example"}
        full |= {"custom_attributes": {"plan": "pro"}}
        assert written(stage.vendor)[-1].json()["users"] == [full]
        await push(stage, "alice", {"name": "A."})
        await settled(stage)
        sync.recall(["alice"])
        await settled(stage)
        assert written(stage.vendor)[-1].json()["users"] == [full | {"name": "A."}]


async def test_altatech_has_attributes_of_users(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One request a user, and what its console does not have is named once."""
    mapped = '\n[upstreams.bot.contacts]\nattributes = { email = "/email", vip = "/vip" }\n'
    async with altatech_stage(tmp_path, lambda text: text + mapped) as stage:
        quickly(stage)
        with caplog.at_level(logging.WARNING, "gateway.contacts"):
            for who in ("alice", "bob"):
                token = stage.token(who, email=f"{who}@x.example", vip=True)
                fields = [("Authorization", f"Bearer {token}")]
                await stage.ask(None, "POST", "/v1/conversation", {}, fields)
                await settled(stage)
        updates = [one for one in stage.vendor.requests if one.target == "/v1/property/update"]
        assert updates[0].json() == {
            "user_id": "alice",
            "property_values": [
                {"property_name": "email", "value": "alice@x.example"},
                {"property_name": "vip", "value": True},
            ],
        }
        assert stage.vendor.properties["bob"] == {"email": "bob@x.example"}
        assert len([one for one in caplog.records if "does not take vip" in one.getMessage()]) == 1


async def test_a_profile_of_ones_own_has_contacts(tmp_path: Path) -> None:
    """Fields that name a person are left out: what is written may be about many."""

    def own(text: str) -> str:
        return (
            text.replace('vendor = "chatbase"', 'vendor = "copy"')
            + table("support").replace(', plan = "/app/plan"', "")
            + """
[vendors.copy]
fields = { authorization = "Bearer {key}", x-org = "{org}", x-who = "{user}" }
[vendors.copy.operations.chat]
method = "POST"
path = "/api/v2/agents/{agent}/chat"
members = ["message", "stream"]
user = ["body:/userId"]
opens = ["body:/data/metadata/conversationId"]
[vendors.copy.contacts]
path = "/api/v1/chatbots/{agent}/contacts"
contacts = "users"
user = "external_id"
own = ["email"]
most = 10
"""
        )

    async with chatbase_stage(tmp_path, own) as stage:
        quickly(stage)
        await chat(stage, "alice", **ALICE)
        await settled(stage)
        (request,) = written(stage.vendor)
        assert request.json()["users"][0]["email"] == "alice@acme.example"
        assert request.values("x-org") == ["default"]
        assert request.values("x-who") == []


def test_an_application_may_name_attributes_plainly() -> None:
    said = {"email": "a@x.example", "/plan": "pro", "n": 7}
    identity = Identity("default", "alice", attributes=said)
    claims = {"email": "/email", "plan": "/plan", "seats": "n", "gone": "/gone"}
    assert attributes_of(identity, claims) == {"email": "a@x.example", "plan": "pro", "seats": 7}
    assert said_of({"email": ["a"]}, "/email") is None  # type: ignore[dict-item]


async def test_a_push_is_of_one_person(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        (sync,) = syncs(stage)
        sync.pushed(Person("default", "alice"), "alice")  # of whom the store knows nothing
        await settled(stage)
        assert written(stage.vendor) == []


@pytest.mark.parametrize("is_under_way", [False, True], ids=["on the list", "under way"])
async def test_what_is_forgotten_is_not_written(tmp_path: Path, is_under_way: bool) -> None:
    async with chatbase(tmp_path) as stage:
        (sync,) = syncs(stage)
        hold, usual = asyncio.Event(), stage.vendor.handler

        async def slow(request: Any, reply: Any) -> None:
            if "/api/v1/" in request.target:
                await hold.wait()
            await usual(request, reply)

        if is_under_way:
            stage.vendor.handler = slow
        stage.vendor.contacts.away = True
        for who in ("alice", "bob"):
            await chat(stage, who, email=f"{who}@x.example")
        if is_under_way:
            await eventually(lambda: any("/api/v1/" in one.target for one in stage.vendor.requests))
        else:
            await eventually(lambda: sync.failures)
        sync.forget({Person("default", "alice"), Person("globex", "bob")})
        hold.set()
        await eventually(lambda: sync.failures >= 2)
        stage.vendor.contacts.away = False
        await settled(stage)
        assert set(stage.vendor.contacts.of("agent_1")) == {"bob"}
