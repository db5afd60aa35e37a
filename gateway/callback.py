"""One event of a vendor, top to bottom: who says it, of whom, and that it is kept.

The vendor proves that it is the vendor; the ledger says whose the conversation is that it speaks
of. An event about what is another's, or about nobody we know, goes no further. One that comes twice
counts once; the second is answered like the first, or the vendor would send it for ever.

A good answer means that the event is on the disk, with all that is to be delivered of it. Until
then there is an error, and the vendor sends it again.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.core import problem
from gateway.core.errors import ConversationNotFound, CredentialsExpired, NotFound
from gateway.core.events import callback
from gateway.core.events.callback import Callback, Said
from gateway.core.events.event import Event
from gateway.core.events.signature import TOLERANCE, Check, verify
from gateway.core.formats import fields as http
from gateway.core.formats import strictjson
from gateway.core.formats.request_id import uuid7
from gateway.core.people.identity import ERASED, Person
from gateway.core.problem import Answer
from gateway.ports import AuditSink, ConversationLedger, EventQueue, Inbound, Record

NAME = "events"  # of their address, and of the operation in what is kept


@dataclass(frozen=True, kw_only=True)
class Inbox:
    """Where the events of one upstream come in."""

    org: str  # its name in the configuration
    external_id: str
    upstream: str
    check: Check
    callback: Callback
    targets: tuple[str, ...]  # the receivers
    queue: EventQueue
    ledger: ConversationLedger
    audit: AuditSink
    max_age: float  # seconds, where an event says when it happened
    max_body: int  # bytes
    now: Callable[[], float] = time.time


async def take_event(inbox: Inbox, ask: Inbound, record: Record) -> Answer:
    """Take one event in. Raises a `GatewayError`."""
    record.org, record.org_id = inbox.org, inbox.external_id
    record.upstream, record.operation = inbox.upstream, NAME
    content = await ask.body(inbox.max_body)  # 413
    proven = verify(inbox.check, ask.fields, content, now=inbox.now())  # 401: is it the vendor?
    http.check_plain_json(ask.fields)  # 415
    said = callback.read(inbox.callback, content, proven.id)  # 400
    refuse_old(inbox, said)  # 401
    if said.is_trial:
        return told("ignored")
    person, user = await whom(inbox, said, record)  # 404: of whom does it speak?
    event = joined(inbox, said, person, user)
    if await inbox.queue.put(event, inbox.targets):  # 503
        return told("accepted")
    inbox.audit.note("event_repeated", record)
    return told("repeated")


def refuse_old(inbox: Inbox, said: Said) -> None:
    """Refuse what is older than we remember that it was here."""
    if said.time is None:
        return
    age = inbox.now() - said.time
    if age > inbox.max_age or age < -TOLERANCE:
        raise CredentialsExpired("The event is too old, or of the future")


async def whom(inbox: Inbox, said: Said, record: Record) -> tuple[Person | None, str | None]:
    """The person an event is about, and the id the upstream knows them by; of nobody, None."""
    owner = await owner_of(inbox, said, record)
    if said.user is None:
        if owner is None:
            return None, None
        return owner, await inbox.ledger.known_user_id(inbox.upstream, owner)
    record.user = said.user
    person = await inbox.ledger.person_named(inbox.upstream, inbox.external_id, said.user)
    if person is None:
        inbox.audit.note("event_of_nobody", record)
        raise NotFound("The event speaks of nobody this gateway knows")
    if owner not in (None, person):
        inbox.audit.note("event_of_another", record)
        raise ConversationNotFound
    return person, said.user


async def owner_of(inbox: Inbox, said: Said, record: Record) -> Person | None:
    """Whose the conversation is that an event names; None where it names none.

    One of another org's is nobody's in this one, and so is one of somebody who was erased.
    """
    if said.conversation is None:
        return None
    record.conversation = said.conversation
    owner = await inbox.ledger.owner(inbox.external_id, inbox.upstream, said.conversation)
    if owner is None or ERASED.fullmatch(owner.subject):
        inbox.audit.note("event_of_nobody", record)
        raise ConversationNotFound
    return owner


def joined(inbox: Inbox, said: Said, person: Person | None, user: str | None) -> Event:
    """The event as it is kept and delivered."""
    now = inbox.now()
    return Event(
        id=f"evt_{uuid7(now, os.urandom(10)).hex()}",
        source=said.source,
        org=inbox.external_id,
        upstream=inbox.upstream,
        kind=said.kind,
        at=int(now * 1000),
        subject=None if person is None else person.subject,
        user=user,
        conversation=said.conversation,
        data=strictjson.dumps(said.body),
    )


def told(outcome: str) -> Answer:
    """What the vendor hears: all three are good, and nothing is to be sent again."""
    return problem.of_json({"event": outcome})
