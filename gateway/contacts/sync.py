"""Contacts of one upstream, written in the background: never in the way of who chats.

rule 1: `saw` and `pushed` put a name on a list and return. The list has a bound; who does not fit
        on it is written when they come again.
rule 2: What is on the list is written together, after `DEBOUNCE`: the last word of each person.
rule 3: What the vendor has already is not written again: a digest of it is in the store.
rule 4: While the vendor or the store is away the list waits, longer each time. What the vendor has
        understood and does not take is not tried again until it changes.
rule 5: What the company's own service has pushed is in the store, and survives the process.
"""

import asyncio
import logging
import random
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from gateway.contacts.office import NotTaken, Office
from gateway.core.errors import GatewayError
from gateway.core.formats import pointer
from gateway.core.formats.strictjson import JsonObject
from gateway.core.people.identity import Identity, Person, Scalar
from gateway.core.profile.contact import ATTRIBUTE, Attributes, digest, fitted, is_attribute
from gateway.ports import AuditSink, ContactNotes, Contacts, ConversationLedger, Noted, Record

LOG = logging.getLogger("gateway.contacts")

DEBOUNCE = 1.0  # seconds
LONGEST_PAUSE = 300.0  # seconds between two attempts
MOST_WAITING = 10_000  # people
REMEMBERED = 65_536  # people whose last word is known, and so need not be looked up
LOOKED_UP = 3600.0  # seconds after which they are all the same: attributes may be new at the vendor
MAX_NAMED = 1000
A_MOMENT = 50  # people looked at without letting others run: a millisecond
TOGETHER = 20  # people written before it is noted, where a vendor takes them one by one


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody's user id, and what their sign-in said; None: that is to be looked up, or is not
    known."""

    user: str | None
    attributes: Attributes | None


@dataclass(slots=True)
class Due:
    """What is to be written of one person: a contact for each agent."""

    contacts: Sequence[JsonObject]
    digest: bytes
    noted: Noted


@dataclass(kw_only=True)
class ContactSync(Contacts):
    """Keeps the `Contacts` port. Within a running event loop, from `saw` on."""

    name: str  # of the upstream
    org: str  # external_id
    claims: Mapping[str, str]  # the vendor's attribute → what the sign-in calls it
    agents: Sequence[str]
    office: Office
    notes: ContactNotes
    ledger: ConversationLedger
    audit: AuditSink
    debounce: float = DEBOUNCE
    most: int = MOST_WAITING
    _waiting: dict[str, Said] = field(default_factory=dict, init=False)
    _seen: dict[str, tuple[Said, float]] = field(default_factory=dict, init=False)  # and when
    _task: "asyncio.Task[None] | None" = field(default=None, init=False)
    _named: set[tuple[str, str]] = field(default_factory=set, init=False)
    _forgotten: set[str] = field(default_factory=set, init=False)  # while something is under way
    _closed: bool = field(default=False, init=False)
    failures: int = field(default=0, init=False)  # in a row
    left_out: int = field(default=0, init=False)  # people, for want of room

    @property
    def waiting(self) -> int:
        """People whose contact is to be written, or looked at."""
        return len(self._waiting)

    def saw(self, identity: Identity, user: str) -> None:
        said = Said(user, attributes_of(identity, self.claims))
        if not said.attributes or self._is_known(identity.subject, said):
            return
        if self._put(identity.subject, said):
            self._seen[identity.subject] = said, time.monotonic()
            if len(self._seen) > REMEMBERED:
                del self._seen[next(iter(self._seen))]

    def pushed(self, person: Person, user: str) -> None:
        self._put(person.subject, Said(user, self._last_word(person.subject)))

    def recall(self, subjects: Collection[str]) -> None:
        """Take up what an earlier process has left undone of these people."""
        for subject in subjects:
            if subject not in self._waiting:
                self._put(subject, Said(None, self._last_word(subject)))

    def forget(self, people: Collection[Person]) -> None:
        """Forget what these people's sign-ins said, be it written or not."""
        for person in people:
            if person.org == self.org:
                self._waiting.pop(person.subject, None)
                self._seen.pop(person.subject, None)
                self._forgotten.add(person.subject)

    async def aclose(self) -> None:
        """Stop; what is left is known when people come again, or is in the store."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def _is_known(self, subject: str, said: Said) -> bool:
        last = self._seen.get(subject)
        return last is not None and last[0] == said and time.monotonic() - last[1] < LOOKED_UP

    def _last_word(self, subject: str) -> Attributes | None:
        last = self._seen.get(subject)
        return None if last is None else last[0].attributes

    def _put(self, subject: str, said: Said) -> bool:
        if self._closed or (len(self._waiting) >= self.most and subject not in self._waiting):
            self.left_out += 1
            return False
        self._waiting[subject] = said
        self._run()
        return True

    def _run(self) -> None:
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        """Write until nothing is left."""
        pause = self.debounce
        while self._waiting:
            await asyncio.sleep(pause)
            pause = await self._turn()
        self._task = None

    async def _turn(self) -> float:
        """Write some; how many seconds to wait before the next."""
        some: dict[str, Said] = {}
        self._forgotten.clear()
        try:
            together = self.office.book.most if self.office.book.contacts else TOGETHER
            for subject in list(self._waiting)[:together]:
                some[subject] = self._waiting.pop(subject)
            await self._write(some)
        except GatewayError as error:
            self._put_back(some)
            return self._later(error)
        except Exception:
            LOG.exception("contacts at %s are lost, by a fault of the gateway's own", self.name)
            return LONGEST_PAUSE
        self.failures = 0
        return self.debounce

    def _put_back(self, some: Mapping[str, Said]) -> None:
        """Wait with them again, before those who came later; a later word of theirs stays."""
        again = {one: said for one, said in some.items() if one not in self._forgotten}
        self._waiting = {**again, **self._waiting}

    def _later(self, error: GatewayError) -> float:
        self.failures += 1
        if self.failures in {1, 10} or self.failures % 100 == 0:
            LOG.warning(
                "contacts at %s of %s wait (%d): %s",
                self.name,
                self.org,
                self.waiting,
                error.detail,
            )
        pause = min(self.debounce * 2.0 ** min(self.failures, 20), LONGEST_PAUSE)
        # Spread: several processes would come back together.
        return max(pause * random.uniform(0.8, 1.2), float(error.retry_after or 0))  # noqa: S311 - a pause

    async def _write(self, some: Mapping[str, Said]) -> None:
        """Write what the vendor does not have of these people, and note that it has it."""
        noted = await self.notes.noted(self.org, self.name, some)
        due: dict[str, Due] = {}
        for number, (subject, said) in enumerate(some.items()):
            due[subject] = await self._due(subject, said, noted.get(subject, Noted()))
            if number % A_MOMENT == A_MOMENT - 1:
                await asyncio.sleep(0)
        new = {one: it for one, it in due.items() if it.contacts and it.digest != it.noted.sent}
        most = self.office.book.most
        for index, agent in enumerate(self.agents):
            contacts = [(subject, it.contacts[index]) for subject, it in new.items()]
            for start in range(0, len(contacts), most):
                await self._send(agent, contacts[start : start + most])
        digests = {one: it.digest for one, it in new.items()}
        settled = {one: it.noted.owed for one, it in due.items() if it.noted.owed is not None}
        if digests or settled:
            await self.notes.sent(self.org, self.name, digests, settled)

    async def _due(self, subject: str, said: Said, noted: Noted) -> Due:
        """What is known of a person, as each agent takes it; the sign-in's word goes first."""
        attributes = {**noted.pushed, **(said.attributes or {})}
        user = said.user or await self.ledger.known_user_id(self.name, Person(self.org, subject))
        contacts: list[JsonObject] = []
        for agent in self.agents if attributes and user is not None else ():
            known = await self.office.defined(agent)
            taken, unknown = fitted(self.office.book, attributes, known)
            self._name(agent, unknown)
            contacts.append(self.office.book.contact(user or "", taken))
        return Due(contacts, digest([*self.agents, *contacts]), noted)

    async def _send(self, agent: str, contacts: Sequence[tuple[str, JsonObject]]) -> None:
        """Write contacts; where one of them keeps the vendor from taking any, all but that one."""
        try:
            self._name(agent, await self.office.write(agent, [one for _, one in contacts]))
        except NotTaken as error:
            if len(contacts) > 1:
                half = len(contacts) // 2
                await self._send(agent, contacts[:half])
                await self._send(agent, contacts[half:])
            else:
                self._note_not_taken(contacts[0][0], error)

    def _note_not_taken(self, subject: str, error: NotTaken) -> None:
        LOG.warning("a contact at %s of %s is not taken: %s", self.name, self.org, error.detail)
        record = Record(request_id=self.office.request_id, method="POST", started=time.monotonic())
        record.org = record.org_id = self.org
        record.upstream, record.operation, record.subject = self.name, "contacts", subject
        self.audit.note("contact_not_taken", record)

    def _name(self, agent: str, names: frozenset[str]) -> None:
        """Say once which attributes the vendor does not take."""
        new = sorted(
            name for name in names if ATTRIBUTE.fullmatch(name) and (agent, name) not in self._named
        )
        if new and len(self._named) < MAX_NAMED:
            self._named |= {(agent, name) for name in new}
            LOG.warning(
                "contacts at %s of %s%s: the vendor does not take %s, which is left out; where it "
                "can be told of attributes, `gateway check --probe --apply` does",
                self.name,
                self.org,
                f", agent {agent}" if agent else "",
                ", ".join(new),
            )


def attributes_of(identity: Identity, claims: Mapping[str, str]) -> dict[str, Scalar | None]:
    """The vendor's attributes, as far as a sign-in has said them."""
    found = {name: said_of(identity.attributes, claim) for name, claim in claims.items()}
    return {name: value for name, value in found.items() if value is not None}


def said_of(attributes: Mapping[str, Scalar], claim: str) -> Scalar | None:
    """What stands under a claim's name; an application may say it without the pointer's slash."""
    found: object = attributes.get(claim)
    if found is None and claim.startswith("/"):
        found = next(iter(pointer.find({**attributes}, pointer.parse(claim))), None)
    return found if isinstance(found, (str, int, float)) and is_attribute(found) else None
