"""What the company's own service says of a person, for a vendor's contact of theirs.

    PUT /_gateway/contacts/acme/support/alice
    authorization: Bearer SERVICE-TOKEN
    {"plan": "pro", "seats": 12, "phonenumber": null}

It is the whole of what the service says: what it said before is replaced. What is left out is left
as the vendor has it; null clears it there. What a sign-in says of a person goes first.

The token is the service's own, compared in constant time. No credential of a person's is looked at:
nobody writes their own contact.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core import problem
from gateway.core.errors import BadRequest, MethodNotAllowed, NotFound
from gateway.core.events.signature import Bearer, verify
from gateway.core.formats import fields as http
from gateway.core.formats import strictjson
from gateway.core.people.identity import (
    Person,
    Scalar,
    UserIdRule,
    is_ours_to_give,
    propose_user_id,
)
from gateway.core.people.subject import subject_of
from gateway.core.problem import Answer
from gateway.core.profile.contact import (
    ATTRIBUTE,
    MAX_ATTRIBUTES,
    MAX_TEXT,
    ContactBook,
    is_attribute,
)
from gateway.ports import AuditSink, ContactNotes, Contacts, ConversationLedger, Inbound, Record

MAX_BODY = 64 * 1024  # bytes
MAX_SUBJECT = 512  # characters, as of a sign-in
PUSHED = "contact_pushed"  # the event in the audit trail


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Where contacts of one upstream of one org are pushed."""

    org: str  # its name in the configuration
    external_id: str
    upstream: str
    book: ContactBook
    check: Bearer | None  # None: nobody may, over HTTP
    user_id_rule: UserIdRule
    user_id_pattern: re.Pattern[str]
    secret: bytes = field(repr=False)
    ledger: ConversationLedger
    notes: ContactNotes
    contacts: Contacts
    audit: AuditSink


async def push_contact(desk: Desk, segment: str, ask: Inbound, record: Record) -> Answer:
    """Take what a service says of the person that `segment` names. Raises a `GatewayError`."""
    if desk.check is None:
        raise NotFound
    if ask.method != "PUT":
        raise MethodNotAllowed(("PUT",))
    record.org, record.org_id = desk.org, desk.external_id
    record.upstream, record.operation = desk.upstream, "contacts"
    # Before the body: a stranger cannot make us read one.
    verify(desk.check, ask.fields, b"", now=time.time())  # 401
    subject = subject_of(segment)  # 400
    http.check_plain_json(ask.fields)  # 415
    said = strictjson.loads(await ask.body(MAX_BODY))  # 413, 400
    if not isinstance(said, dict):
        raise BadRequest("What is said of a person is a JSON object")
    await upsert(desk, subject, said, record)  # 400, 403, 503
    return problem.of_json({"accepted": True}, status=202)


async def upsert(desk: Desk, subject: str, said: Mapping[str, object], record: Record) -> None:
    """Note what is said, durably; the vendor has it some time later.

    Raises:
        BadRequest: it cannot be said of a person, or of this one.
        IdentityNotRepresentable, LedgerUnavailable: nothing is noted.
    """
    attributes = checked(desk.book, said)
    if is_ours_to_give(subject) or not subject.strip() or len(subject) > MAX_SUBJECT:
        raise BadRequest("Whom it is about is somebody who signs in, by 512 characters at most")
    person = Person(desk.external_id, subject)
    proposed = propose_user_id(
        person, rule=desk.user_id_rule, pattern=desk.user_id_pattern, secret=desk.secret
    )
    user = await desk.ledger.user_id(desk.upstream, person, proposed)
    await desk.notes.push(desk.upstream, person, attributes)
    record.subject, record.user = subject, user
    desk.audit.note(PUSHED, record)
    desk.contacts.pushed(person, user)


def checked(book: ContactBook, said: Mapping[str, object]) -> dict[str, Scalar | None]:
    """The attributes that are said.

    Raises:
        BadRequest: one of them is none.
    """
    if len(said) > MAX_ATTRIBUTES:
        raise BadRequest(f"A contact has {MAX_ATTRIBUTES} attributes at most")
    attributes: dict[str, Scalar | None] = {}
    for name, value in said.items():
        if not ATTRIBUTE.fullmatch(name) or name in {book.user, book.others}:
            raise BadRequest("An attribute's name is letters, digits, '_' and '-', 64 at most")
        if value is None:
            attributes[name] = None
        elif isinstance(value, (str, int, float)) and is_attribute(value):
            attributes[name] = value
        else:
            raise BadRequest(
                f"An attribute is text of {MAX_TEXT} characters at most, a number, true, false "
                "or null"
            )
    return attributes
