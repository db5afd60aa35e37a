"""A member of staff reads what one person said: the person's own reading, by somebody else.

    GET /_gateway/people/alice/support/api/v2/agents/agent_1/users/me/conversations

Below the person stands the very path that they would use themselves, and what comes of it is what
they would get; `me` is the person. Nothing else opens by it: only GET, only operations that list a
person's conversations or show one of them, only of people who are known at that upstream, and only
conversations that the ledger has as theirs. To everybody without the role there is no such page.
Whether the person may still speak is no matter: of whoever is blocked, staff read why.

Each read is in the audit trail, with both names, before the vendor is asked.
"""

from dataclasses import replace

from gateway.core.errors import MethodNotAllowed, NotFound
from gateway.core.people.identity import Person
from gateway.core.people.subject import subject_of
from gateway.core.profile.place import Query, Variable
from gateway.core.profile.vendor import Operation, Vendor
from gateway.core.request.route import Match, Segments
from gateway.exchange import check_conversations, read_call, route
from gateway.orgs.org import Exchange, Org, Upstream
from gateway.ports import Answering, Inbound, Record
from gateway.relay import relay
from gateway.steps.interrupt import Running
from gateway.steps.welcome import authenticate

READ = "staff_read"  # the event in the audit trail


async def read_as_staff(
    org: Org, path: Segments, ask: Inbound, answer: Answering, record: Record, running: Running
) -> None:
    """Answer with what a person would read; `path` begins with the person.

    The record is of the member of staff, who asks: the person has not been here.
    """
    reader = await authenticate(org, ask, answer, record)  # 401
    if org.staff.isdisjoint(reader.roles) or not path:
        raise NotFound
    if ask.method != "GET":
        raise MethodNotAllowed(("GET",))
    person = Person(org.external_id, subject_of(path[0]))  # 400
    upstream, match = route(org, path[1:], ask, record)  # 404
    record.operation = f"staff:{match.name}"
    counted = org.limits.admit(reader.person, upstream.name, match.operation, record)
    async with counted as ticket:  # 429
        user = await known(org, upstream, match, person)  # 404
        both = replace(record, subject=person.subject, actor=reader.subject, user=user)
        read = await read_call(org, upstream, match, ask, both)  # 400
        record.dropped, record.spoofed = read.dropped, read.spoofed
        identity = replace(org.seen.identity(person), actor=reader.subject)
        by_the_ledger = replace(org, questions=None)  # nothing is adopted by being read
        exchange = Exchange(by_the_ledger, upstream, read, identity, user, record, ask, reader)
        await check_conversations(exchange)  # 404
        org.audit.note(READ, replace(both, conversation=record.conversation))
        await ticket.spend()  # 429
        await relay(exchange, answer, running)  # 502, 504


async def known(org: Org, upstream: Upstream, match: Match, person: Person) -> str:
    """The id of the person at the vendor; a stranger, and what is no reading, are not found."""
    user = None
    if is_reading(upstream.destination.vendor, match.operation):
        user = await org.ledger.known_user_id(upstream.name, person)
    if user is None:
        raise NotFound
    return user


def is_reading(vendor: Vendor, operation: Operation) -> bool:
    """Whether it lists a person's conversations or shows one, and does nothing.

    What is named in a field is a session, and no conversation: an MCP stream is nobody's to read.
    A list that says nowhere whose it is, is a person's where the vendor is told them by a field.
    """
    changes = operation.thinks or operation.calls_tool or operation.opens or operation.takes_body
    places = (*operation.user, *operation.conversation)
    about = bool(places) and all(isinstance(place, (Query, Variable)) for place in places)
    told = any("{user}" in template for template in vendor.fields.values())
    listed = told and bool(operation.no_conversation) and not places
    return operation.methods == ("GET",) and not changes and (about or listed)
