"""Staff who read what one person said: with a role, of somebody known, and each time on record."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.core.profile.vendor import Body, Header, Operation, Query, Variable
from gateway.pages.staff import is_reading
from gateway.store.people.blocking import block
from gateway.store.schema import audit
from gateway.vendors import VENDORS
from tests.support.kept import all_written
from tests.support.reply import Reply
from tests.support.stage import (
    Edit,
    Stage,
    altatech_stage,
    bookbag_stage,
    chatbase_stage,
    docbit_stage,
    saas_stage,
)
from tests.support.vendor import Request
from tests.support.wire import Answer, raw_request, wire
from tests.systems.records import one_of, recorded

pytestmark = pytest.mark.anyio

HI: dict[str, object] = {"message": "hi", "stream": False}
DESK = {"roles": ["desk"]}
Staging = Callable[..., AbstractAsyncContextManager[Stage[Any]]]


def staffed(text: str) -> str:
    """The org `acme`, where whoever has the role `desk` is staff."""
    return (
        text.replace("[sign_in]\n", '[[orgs.acme.sign_in]]\nroles_claim = "roles"\n').replace(
            "[upstreams.", "[orgs.acme.upstreams."
        )
        + '\n[orgs.acme]\nstaff = ["desk", "lead"]\n'
    )


@dataclass(frozen=True)
class System:
    """One of the systems: how a conversation begins there, how it is listed and read."""

    staging: Staging
    open: tuple[str, object]
    conversation: str  # pointer into the answer, dotted
    listed: str
    read: str

    async def opened(self, stage: Stage[Any], who: str) -> str:
        answer = await stage.ask(who, "POST", *self.open)
        assert answer.status == 200, answer.body
        found: Any = answer.json()
        for name in self.conversation.split("."):
            found = found[name]
        stage.vendor.forget()
        return str(found)


SYSTEMS = {
    "chatbase": System(
        chatbase_stage,
        ("/chat", HI),
        "data.metadata.conversationId",
        "/users/me/conversations?limit=5",
        "/conversations/{}/messages",
    ),
    "bookbag": System(
        bookbag_stage,
        ("/chat", HI),
        "data.metadata.conversationId",
        "/users/me/conversations?limit=5",
        "/conversations/{}/messages",
    ),
    "altatech": System(
        altatech_stage,
        ("/v1/conversation", {}),
        "conversation_id",
        "/v1/bot/conversation/page?conversation_type=ALL&start_time=0&end_time=9999999999999&page=1&page_size=10",
        "/v2/messages?conversation_id={}&page=1&page_size=10",
    ),
    "external-user-id": System(
        docbit_stage,
        ("/chat", {"message": "hi"}),
        "conversationId",
        "/conversations",
        "/conversations/{}",
    ),
}


@asynccontextmanager
async def staged(system: System, folder: Path, edit: Edit = str) -> AsyncIterator[Stage[Any]]:
    async with system.staging(folder, lambda text: edit(staffed(text))) as stage:
        yield stage


async def look(
    stage: Stage[Any], path: str, *, whose: str = "alice", method: str = "GET", **claims: object
) -> Answer:
    """What dora gets who asks for a path of somebody's; she has the role, unless claims differ."""
    token = stage.token("dora", **(claims or DESK))
    fields = [("Authorization", f"Bearer {token}")]
    return await wire(
        stage.url, raw_request(method, f"/_gateway/people/{whose}{stage.base}{path}", fields)
    )


async def read_events(stage: Stage[Any], event: str = "staff_read") -> list[dict[str, Any]]:
    kept = stage.gateway.assembled.process.kept  # type: ignore[union-attr]
    kept.auditor.close()
    await all_written(kept.trail.batches)
    database = stage.gateway.assembled.process.readiness.store.database  # type: ignore[union-attr]
    found = await database.rows(select(audit).order_by(audit.c.number), {})
    return [dict(row._mapping) for row in found if row.event == event]


def without_ids(request: Request) -> list[tuple[str, str]]:
    return [one for one in request.fields if one[0].lower() not in {"x-request-id", "via"}]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[Any]]:
    async with staged(SYSTEMS["chatbase"], tmp_path) as built:
        yield built


@pytest.mark.parametrize("name", SYSTEMS)
async def test_staff_read_what_the_person_would(name: str, tmp_path: Path) -> None:
    """Row I-02, allowed: the vendor sees the very request that it sees when Alice asks."""
    system = SYSTEMS[name]
    async with staged(system, tmp_path) as stage:
        conversation = await system.opened(stage, "alice")
        await system.opened(stage, "bob")
        for path in (system.listed, system.read.format(conversation)):
            own = await stage.ask("alice", "GET", path)
            theirs = await look(stage, path)
            assert theirs.status == own.status == 200, theirs.body
            assert theirs.body == own.body
            asked, again = stage.vendor.requests[-2:]
            assert asked.target == again.target
            assert without_ids(asked) == without_ids(again)


@pytest.mark.parametrize("name", SYSTEMS)
async def test_another_persons_conversation_is_not_hers(name: str, tmp_path: Path) -> None:
    """Row I-02."""
    system = SYSTEMS[name]
    async with staged(system, tmp_path) as stage:
        await system.opened(stage, "alice")
        bobs = await system.opened(stage, "bob")
        answer = await look(stage, system.read.format(bobs))
        assert (answer.status, answer.values("x-gateway-error")) == (
            404,
            ["conversation_not_found"],
        )
        assert stage.vendor.saw_nothing()


async def test_nothing_is_adopted_by_being_read(tmp_path: Path) -> None:
    """`unknown_conversations = "ask"` is for the person: the vendor is not asked whose it is."""

    def asking(text: str) -> str:
        return text.replace("staff =", 'unknown_conversations = "ask"\nstaff =')

    async with staged(SYSTEMS["chatbase"], tmp_path, asking) as stage:
        await SYSTEMS["chatbase"].opened(stage, "alice")
        hers = stage.vendor.memory.open("agent_1", "alice").id
        assert (await look(stage, f"/conversations/{hers}")).status == 404
        assert stage.vendor.saw_nothing()
        assert (await stage.ask("alice", "GET", f"/conversations/{hers}")).status == 200
        assert (await look(stage, f"/conversations/{hers}")).status == 200


async def test_each_read_is_told_with_both_names(stage: Stage[Any]) -> None:
    conversation = await SYSTEMS["chatbase"].opened(stage, "alice")
    for _ in range(15):  # more than are told one by one of anything else
        await look(stage, "/users/me/conversations")
    await look(stage, f"/conversations/{conversation}")
    told = await read_events(stage)
    assert len(told) == 16
    assert {row["times"] for row in told} == {1}
    names = {(row["actor"], row["subject"], row["user_id"], row["upstream"]) for row in told}
    assert names == {("dora", "alice", "alice", "support")}
    assert [row["conversation"] for row in told] == [None] * 15 + [conversation]


async def test_the_person_has_not_been_here(stage: Stage[Any]) -> None:
    """Usage, and with it seats, is of who asks; what was read is hers."""
    await SYSTEMS["chatbase"].opened(stage, "alice")
    await look(stage, "/users/me/conversations")
    assert [row["subject"] for row in await read_events(stage, "history_read")] == ["dora"]


async def test_what_was_left_out_is_noted(stage: Stage[Any]) -> None:
    await SYSTEMS["chatbase"].opened(stage, "alice")
    with recorded() as records:
        await look(stage, "/users/me/conversations?debug=1&user_id=bob")
        record = await one_of(records, "staff:conversations")
    assert record["dropped"] == {"query": 2}
    assert record["spoofed"] == {"query": 1}


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"roles": []}, id="none"),
        pytest.param({"roles": ["user", "Desk", "desk ", "desks"]}, id="near misses"),
        pytest.param({"role": "desk", "groups": ["desk"]}, id="another claim"),
        pytest.param({"roles": "desk,lead"}, id="two in one text"),
    ],
)
async def test_without_the_role_there_is_no_such_page(
    stage: Stage[Any], claims: dict[str, object]
) -> None:
    await SYSTEMS["chatbase"].opened(stage, "alice")
    answers = [
        await look(stage, path, whose=whose, **claims)
        for path in ("/users/me/conversations", "/nothing")
        for whose in ("alice", "nobody", "dora")
    ]
    assert {answer.status for answer in answers} == {404}
    bodies = {re.sub(rb'"request_id":"[^"]*"', b"", answer.body) for answer in answers}
    assert len(bodies) == 1
    assert stage.vendor.saw_nothing()
    assert await read_events(stage) == []


ROLE_FIELDS = ("X-External-Roles", "X-Roles", "X-Forwarded-Groups", "Roles", "X-External-User-Id")


@pytest.mark.parametrize("field", ROLE_FIELDS)
async def test_a_role_is_what_the_credential_says(stage: Stage[Any], field: str) -> None:
    """Row A-04: also where a token of hers with the role has just been verified."""
    await SYSTEMS["chatbase"].opened(stage, "alice")
    assert (await look(stage, "/users/me/conversations")).status == 200
    stage.vendor.forget()
    token = ("Authorization", f"Bearer {stage.token('dora')}")
    path = f"/_gateway/people/alice{stage.base}/users/me/conversations?roles=desk&role=desk"
    answer = await wire(stage.url, raw_request("GET", path, [token, (field, "desk")]))
    assert answer.status == 404
    assert (await wire(stage.url, raw_request("GET", path, [(field, "desk")]))).status == 401
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD"])
@pytest.mark.parametrize("path", ["/chat", "/users/me/conversations"])
async def test_staff_only_read(stage: Stage[Any], method: str, path: str) -> None:
    await SYSTEMS["chatbase"].opened(stage, "alice")
    answer = await look(stage, path, method=method)
    assert (answer.status, answer.values("allow")) == (405, ["GET"])
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize(
    ("whose", "path", "status"),
    [
        pytest.param("nobody", "/users/me/conversations", 404, id="a stranger"),
        pytest.param("Alice", "/users/me/conversations", 404, id="another case"),
        pytest.param("b64:YWxpY2U", "/users/me/conversations", 400, id="another spelling"),
        pytest.param("%61lice", "/users/me/conversations", 400, id="percent"),
        pytest.param("alice", "/users/../conversations", 400, id="dot segments"),
        pytest.param("alice", "/conversations", 404, id="everybody's list"),
        pytest.param("alice", "/conversations/export", 404, id="export"),
        pytest.param("alice", "/contacts", 404, id="contacts"),
        pytest.param("alice", "/conversations/conv_404", 404, id="no conversation"),
    ],
)
async def test_nothing_else_opens(stage: Stage[Any], whose: str, path: str, status: int) -> None:
    await SYSTEMS["chatbase"].opened(stage, "alice")
    assert (await look(stage, path, whose=whose)).status == status
    assert stage.vendor.saw_nothing()
    assert await read_events(stage) == []


@pytest.mark.parametrize(
    "path",
    [
        "/users/bob/conversations",
        "/users/me/conversations?userId=bob&user_id=bob",
        "/users/me/conversations?cursor=1&cursor=2",
    ],
)
async def test_the_person_is_who_stands_below_people(stage: Stage[Any], path: str) -> None:
    for who in ("alice", "bob"):
        await SYSTEMS["chatbase"].opened(stage, who)
    await look(stage, path)
    for request in stage.vendor.requests:
        assert request.target.startswith("/api/v2/agents/agent_1/users/alice/conversations")
        assert "bob" not in request.target
        assert request.values("x-external-user-id") == ["alice"]


async def test_a_person_whose_name_fits_no_path_can_be_read(stage: Stage[Any]) -> None:
    await SYSTEMS["chatbase"].opened(stage, "auth0|7f3a")
    answer = await look(stage, "/users/me/conversations", whose="b64:YXV0aDB8N2YzYQ")
    assert answer.status == 200
    assert len(answer.json()["data"]) == 1
    (told,) = await read_events(stage)
    assert (told["subject"], told["actor"]) == ("auth0|7f3a", "dora")


async def test_an_org_that_names_no_staff_has_none(tmp_path: Path) -> None:
    def unstaffed(text: str) -> str:
        return text.replace('staff = ["desk", "lead"]', "")

    async with staged(SYSTEMS["chatbase"], tmp_path, unstaffed) as stage:
        await SYSTEMS["chatbase"].opened(stage, "alice")
        assert (await look(stage, "/users/me/conversations")).status == 404
        assert stage.vendor.saw_nothing()


async def test_staff_of_one_org_read_nobody_of_another(tmp_path: Path) -> None:
    """Dora is staff in both, and alice has spoken in one."""

    def everywhere(text: str) -> str:
        text = text.replace('org_claim = "org_id"', 'org_claim = "org_id"\nroles_claim = "roles"')
        for org in ("acme", "globex"):
            text = text.replace(f"[orgs.{org}]\n", f'[orgs.{org}]\nstaff = ["desk"]\n')
        return text

    async with saas_stage(tmp_path, everywhere) as saas:
        chat = await saas.ask(
            saas.token("alice", "org_globex"), "POST", "/support/api/v2/agents/agent_1/chat", HI
        )
        assert chat.status == 200
        saas.shared.forget()
        listed = "/_gateway/people/alice/support/api/v2/agents/agent_1/users/me/conversations"
        for org, status in (("org_globex", 200), ("org_acme", 404), ("org_new", 404)):
            answer = await saas.ask(saas.token("dora", org, **DESK), "GET", listed)
            assert answer.status == status
            assert len(saas.shared.requests) == 1
        assert saas.acme.saw_nothing()


async def blocks(stage: Stage[Any], subject: str) -> None:
    """Block somebody, and let this gateway know now."""
    store = stage.gateway.assembled.process.store
    await block(store.database, "acme", subject, by="operator:root")
    await store.cutoffs.look()


async def test_what_somebody_said_who_is_blocked_is_read_by_staff_alone(
    stage: Stage[Any],
) -> None:
    """Row O-07, and they themselves get nothing of it; staff who are blocked neither."""
    chatbase = SYSTEMS["chatbase"]
    paths = chatbase.listed, chatbase.read.format(await chatbase.opened(stage, "alice"))
    own = [(await stage.ask("alice", "GET", path)).body for path in paths]
    await blocks(stage, "alice")
    assert [(await look(stage, path)).body for path in paths] == own
    assert len(await read_events(stage)) == len(paths)
    stage.vendor.forget()
    await blocks(stage, "dora")
    for path in paths:
        assert (await stage.ask("alice", "GET", path)).status == 403
        assert (await look(stage, path)).status == 403
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize(("blocked", "status"), [("alice", 200), ("dora", 403)])
async def test_a_read_under_way_ends_by_a_block_of_whoever_reads_and_of_nobody_else(
    stage: Stage[Any], blocked: str, status: int
) -> None:
    await SYSTEMS["chatbase"].opened(stage, "alice")
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(request: Request, reply: Reply) -> None:
        asked.set()
        await go_on.wait()
        await reply.json(200, {"data": []})

    stage.vendor.handler = slowly
    reading = asyncio.create_task(look(stage, "/users/me/conversations"))
    await asked.wait()
    await blocks(stage, blocked)
    if status != 200:
        await stage.vendor.connection_closed(stage.vendor.requests[-1].number, within=5)
    go_on.set()
    assert (await reading).status == status


THEIRS = (Variable("c"),)


@pytest.mark.parametrize(
    ("operation", "reading"),
    [
        (Operation(method="GET", path="/c/{c}", conversation=THEIRS), True),
        (Operation(method="GET", path="/c", user=(Query("u"),)), True),
        (Operation(method="GET", path="/c", no_conversation="their own list"), True),
        (Operation(method="GET", path="/ping"), False),
        (Operation(method=("GET", "DELETE"), path="/c/{c}", conversation=THEIRS), False),
        (Operation(method="DELETE", path="/c/{c}", conversation=THEIRS), False),
        (Operation(method="GET", path="/mcp", conversation=(Header("mcp-session-id"),)), False),
        (Operation(method="GET", path="/c/{c}", conversation=THEIRS, thinks=True), False),
        (Operation(method="GET", path="/c", opens=(Body("/id"),)), False),
    ],
)
def test_what_is_reading(operation: Operation, reading: bool) -> None:
    assert is_reading(VENDORS["external-user-id"], operation) is reading


def test_a_list_of_nobody_in_particular_is_not_reading() -> None:
    models = Operation(method="GET", path="/models", no_conversation="the same for all")
    assert not is_reading(VENDORS["chatbase"], models)


def test_what_staff_may_read_of_the_shipped_profiles() -> None:
    found = {
        name: sorted(
            one for one, operation in vendor.operations.items() if is_reading(vendor, operation)
        )
        for name, vendor in VENDORS.items()
    }
    lists = ["conversation", "conversations", "messages"]
    assert found["chatbase"] == found["bookbag"] == lists
    assert found["altatech"] == ["conversations", "messages", "messages-v1"]
    assert found["external-user-id"] == ["conversation", "conversations"]
