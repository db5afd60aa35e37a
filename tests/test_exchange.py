"""The order of the steps, with fakes of the ports: what a refusal has cost by then."""

import re
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.authn.seen import SeenLately
from gateway.core.errors import (
    CredentialsMissing,
    GatewayError,
    IdentityNotRepresentable,
    LedgerUnavailable,
    Unavailable,
)
from gateway.core.people.identity import Identity, Person
from gateway.core.request.destination import Destination
from gateway.core.request.directory import Directory, Stand
from gateway.core.request.route import table
from gateway.exchange import handle
from gateway.limits.rounds import ToolRounds
from gateway.orgs.org import Org, Upstream
from gateway.ports import Fields, Record, Ticket, Watcher, Whose
from gateway.steps.interrupt import Running
from gateway.vendors.chatbase import VENDOR

pytestmark = pytest.mark.anyio
CHAT = ("support", "api", "v2", "agents", "a", "chat")
JSON: Fields = ((b"content-type", b"application/json"),)


@dataclass
class World(Ticket):
    """Every port at once; `trace` is what was asked of them, in order."""

    trace: list[str] = field(default_factory=list)
    whose_it_is: Whose = Whose.THEIRS
    fails_at: dict[str, GatewayError] = field(default_factory=dict)
    remembered: dict[str, str] = field(default_factory=dict)  # ids by subject
    known: dict[str, str] = field(default_factory=dict)
    ended: list[BaseException | None] = field(default_factory=list)  # tickets, by these errors
    content: bytes = b'{"message":"x","conversationId":"c-1"}'

    def step(self, name: str) -> None:
        self.trace.append(name)
        if name in self.fails_at:
            raise self.fails_at[name]

    # SignIn
    async def authenticate(self, ask: object) -> Identity:
        self.step("authenticate")
        return Identity("acme", "alice")

    # ConversationLedger
    async def whose(self, upstream: str, conversation: str, person: Person) -> Whose:
        self.step("whose")
        return self.whose_it_is

    def check_takes_claims(self) -> None:
        self.step("takes claims?")

    def remembered_user_id(self, upstream: str, person: Person) -> str | None:
        return self.remembered.get(person.subject)

    async def known_user_id(self, upstream: str, person: Person) -> str | None:
        self.step("known user id")
        return self.known.get(person.subject)

    async def user_id(self, upstream: str, person: Person, proposed: str) -> str:
        self.step("user id")
        return proposed

    # Limits, AuditSink, Transport
    def admit(self, *counted: object) -> "World":
        self.step("admit")
        return self

    async def spend(self) -> None:
        self.step("spend")

    async def end(self, error: BaseException | None = None) -> None:
        self.ended.append(error)

    def note(self, event: str, record: Record) -> None:
        self.step(f"audit {event}")

    # Admission
    def check(self, identity: Identity, *, since: float | None = None) -> None:
        self.step("blocked?")

    def open(self, request: object, errand: object) -> Any:
        self.step("vendor")
        raise Unavailable  # far enough

    # Inbound
    async def body(self, limit: int) -> bytes:
        self.step("body")
        return self.content

    def on_leave(self, watcher: Watcher | None) -> None:
        """Nobody leaves."""


async def run(
    world: World, *, method: str = "POST", fields: Fields = JSON, digits: bool = False
) -> GatewayError:
    """One request, as far as the vendor; `digits`: user ids are, and subjects as they stand."""
    port = cast("Any", world)
    upstream = Upstream(
        name="support",
        authority="v",
        destination=Destination(vendor=VENDOR),
        table=table(VENDOR),
        keys=("k",),
        transport=port,
        user_id_rule="verbatim" if digits else "auto",
        user_id_pattern=re.compile("[0-9]+" if digits else VENDOR.user_id),
    )
    org = Org(
        name="acme",
        external_id="acme",
        sign_in=port,
        upstreams=Directory([Stand(upstream, (), ("support",))]),
        ledger=port,
        audit=port,
        limits=port,
        seen=SeenLately(),
        admission=port,
        telling=port,
        rounds=ToolRounds(),
        secret=b"s" * 32,
    )
    ask = SimpleNamespace(
        method=method, raw_query=b"", fields=fields, body=world.body, on_leave=world.on_leave
    )
    record = Record(request_id="r", method=method, started=0.0)
    answer = cast("Any", SimpleNamespace(started=False))
    with pytest.raises(GatewayError) as caught:
        await handle(org, CHAT, cast("Any", ask), answer, record, Running(port))
    return caught.value


async def test_the_steps_come_in_their_order() -> None:
    world = World()
    await run(world)
    before = ["authenticate", "blocked?", "admit", "user id", "body", "whose", "spend"]
    assert world.trace == [*before, "blocked?", "vendor"]


async def test_a_stranger_has_caused_nothing() -> None:
    world = World(fails_at={"authenticate": CredentialsMissing()})
    await run(world)
    assert world.trace == ["authenticate"]


@pytest.mark.parametrize("step", ["user id", "body", "whose", "spend", "vendor"])
async def test_what_was_counted_ends_by_what_ended_it(step: str) -> None:
    world = World(fails_at={step: Unavailable()})
    error = await run(world)
    assert error is world.fails_at[step]
    assert world.ended == [error]


@pytest.mark.parametrize("step", ["authenticate", "blocked?", "admit"])
async def test_what_was_not_counted_does_not_end(step: str) -> None:
    world = World(fails_at={step: Unavailable()})
    await run(world)
    assert world.ended == []


async def test_a_method_nobody_declared_is_refused_before_anybody_is_asked() -> None:
    world = World()
    assert (await run(world, method="DELETE")).status == 405
    assert world.trace == []


async def test_who_cannot_be_named_is_refused_before_the_body() -> None:
    world = World(fails_at={"user id": IdentityNotRepresentable()})
    assert (await run(world)).status == 403
    assert world.trace[-1] == "user id"


async def test_who_is_remembered_is_not_looked_up() -> None:
    world = World(remembered={"alice": "u-1"})
    await run(world, digits=True)
    assert world.trace[:4] == ["authenticate", "blocked?", "admit", "body"]


async def test_an_id_stays_though_the_rule_would_give_none_now() -> None:
    world = World(known={"alice": "u-1"})
    await run(world, digits=True)
    assert "vendor" in world.trace
    stranger = World()
    assert (await run(stranger, digits=True)).code == "identity_not_representable"
    assert stranger.trace[-1] == "known user id"


@pytest.mark.parametrize("media", [b"text/plain", b"application/x-www-form-urlencoded", b""])
async def test_another_media_type_is_refused_before_the_body_is_read(media: bytes) -> None:
    world = World()
    assert (await run(world, fields=((b"content-type", media),))).status == 415
    assert "body" not in world.trace


@pytest.mark.parametrize("coding", [b"gzip", b"identity", b"br, gzip"])
async def test_a_coded_body_is_refused_before_it_is_read(coding: bytes) -> None:
    world = World()
    assert (await run(world, fields=(*JSON, (b"content-encoding", coding)))).status == 415
    assert "body" not in world.trace


@pytest.mark.parametrize("whose", [Whose.ANOTHERS, Whose.NOBODYS])
async def test_what_is_not_theirs_never_reaches_the_vendor(whose: Whose) -> None:
    world = World(whose_it_is=whose)
    assert (await run(world)).code == "conversation_not_found"
    assert world.trace[-2:] == ["whose", "audit conversation_denied"]


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        pytest.param(b'{"message":"x"}', True, id="opens one"),
        pytest.param(b'{"message":"x","conversationId":"c-1"}', False, id="continues one"),
    ],
)
async def test_the_vendor_is_not_asked_for_what_could_not_be_recorded(
    content: bytes, asked: bool
) -> None:
    world = World(content=content, fails_at={"takes claims?": LedgerUnavailable()})
    code = (await run(world)).code
    assert (code == "ledger_unavailable") is asked
    assert ("vendor" in world.trace) is not asked


async def test_without_the_ledger_nobody_is_let_through() -> None:
    world = World(fails_at={"whose": LedgerUnavailable()})
    assert (await run(world)).code == "ledger_unavailable"
    assert world.trace[-1] == "whose"
