"""Settings of contacts → what keeps them at the vendor."""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from gateway.assemble.parts import Parts
from gateway.assemble.sign_ins.probed import ProbeFailed
from gateway.assemble.watched import State
from gateway.assemble.wire import Wire, build_wire
from gateway.config.contacts import ContactsTable
from gateway.config.model import OrgSettings, UpstreamSettings
from gateway.contacts.office import Office
from gateway.contacts.push import Desk
from gateway.contacts.sync import ContactSync
from gateway.core.errors import GatewayError
from gateway.core.events.signature import Bearer
from gateway.core.profile.contact import ContactBook
from gateway.core.request.contact_call import back_office
from gateway.core.request.destination import Destination
from gateway.net.upstream.resting import Resting
from gateway.ports import Contacts
from gateway.store.cutoffs import Key
from gateway.store.people.admission import people_of

if TYPE_CHECKING:
    from gateway.assemble.orgs import Shared

Of: TypeAlias = tuple[str, str]  # the names of an org and of an upstream
NO_DESKS: Mapping[Of, Desk] = {}
PROBING = "1.1 gateway"  # in Via, of requests that ask and change nobody
FIRST_BYTE = 30.0  # seconds, for a thousand contacts


def build_desks(org: OrgSettings, shared: "Shared", parts: Parts) -> Mapping[Of, Desk]:
    """Where contacts of an org are pushed, and what keeps them at its vendors."""
    return {
        (org.name, upstream.name): build_desk(org, upstream, upstream.contacts, book, shared, parts)
        for upstream in org.upstreams.values()
        if upstream.contacts is not None and (book := upstream.profile.contacts) is not None
    }


def build_desk(
    org: OrgSettings,
    settings: UpstreamSettings,
    table: ContactsTable,
    book: ContactBook,
    shared: "Shared",
    parts: Parts,
) -> Desk:
    line = build_line(settings, shared.resting)
    sync = ContactSync(
        name=settings.name,
        org=org.external_id,
        claims=table.attributes,
        agents=agents_of(settings, book),
        office=build_office(org, settings, book, line, via=shared.via),
        notes=shared.store.contacts,
        ledger=shared.store.ledger,
        audit=shared.audit,
    )

    def changed(keys: Collection[Key] | None) -> None:
        sync.forget(people_of(keys or ()))

    parts.stack.callback(shared.store.cutoffs.watch(changed))
    parts.stack.push_async_callback(line.aclose)
    parts.stack.push_async_callback(sync.aclose)
    parts.watch(f"contacts of {org.name} at {settings.name}", lambda: state(sync))
    tokens = tuple(token.get_secret_value() for token in table.token)
    return Desk(
        org=org.name,
        external_id=org.external_id,
        upstream=settings.name,
        book=book,
        check=Bearer(tokens) if tokens else None,
        user_id_rule=settings.user_id,
        user_id_pattern=re.compile(settings.profile.user_id),
        secret=shared.secret,
        ledger=shared.store.ledger,
        notes=shared.store.contacts,
        contacts=sync,
        audit=shared.audit,
    )


def contacts_at(desk: Desk | None) -> Contacts | None:
    return None if desk is None else desk.contacts


def build_line(settings: UpstreamSettings, resting: Resting | None = None) -> Wire:
    """Connections that chat does not share."""
    return build_wire(settings, first_byte=FIRST_BYTE, idle=FIRST_BYTE, at_once=2, resting=resting)


def build_office(
    org: OrgSettings,
    settings: UpstreamSettings,
    book: ContactBook,
    line: Wire,
    *,
    via: str,
) -> Office:
    destination = Destination(
        vendor=settings.profile,
        base_path=urlsplit(settings.base_url).path.rstrip("/"),
        fields=settings.fields,
        via=via,
    )
    return Office(
        line=line,
        destination=back_office(destination),
        book=book,
        keys=tuple(key.get_secret_value() for key in settings.key),
        org=org.external_id,
    )


def state(sync: ContactSync) -> State:
    """Whether contacts get through, and how many wait."""
    return State(ok=not sync.failures, says=f"{sync.waiting} wait" if sync.waiting else "")


def probe(
    org: OrgSettings, settings: UpstreamSettings, *, apply: bool
) -> Callable[[], Awaitable[str]]:
    """What asks a vendor which attributes it knows; with `apply`, it is told of those it lacks."""

    async def ask() -> str:
        table, book = settings.contacts, settings.profile.contacts
        if table is None or book is None or not book.definitions:
            return "this vendor is not asked which attributes it knows"
        line = build_line(settings)
        try:
            office = build_office(org, settings, book, line, via=PROBING)
            return await _defined(office, agents_of(settings, book), table, apply=apply)
        except GatewayError as error:
            message = f"{line.authority} cannot be asked about attributes: {error.detail}"
            raise ProbeFailed(message) from error
        finally:
            await line.aclose()

    return ask


def may_remove(settings: UpstreamSettings) -> bool:
    """Whether contacts of people who are erased can be removed there by us."""
    book = settings.profile.contacts
    return settings.contacts is not None and book is not None and book.removes


async def remove(org: OrgSettings, settings: UpstreamSettings, user: str) -> None:
    """Remove the contact of this user id, of every agent.

    Raises:
        GatewayError: it may be there still.
    """
    book = settings.profile.contacts
    if book is None:
        return
    line = build_line(settings)
    try:
        office = build_office(org, settings, book, line, via=PROBING)
        for agent in agents_of(settings, book):
            await office.remove(agent, user)
    finally:
        await line.aclose()


async def _defined(
    office: Office, agents: Sequence[str], table: ContactsTable, *, apply: bool
) -> str:
    kinds = table.types
    wanted = sorted({*table.attributes, *kinds} - office.book.own)
    findings: list[str] = []
    for agent in agents:
        known = await office.defined(agent, anew=True)
        missing = [name for name in wanted if known is not None and name not in known]
        for name in missing if apply else ():
            await office.define(agent, name, kinds.get(name, "text"))
        if missing:
            named = ", ".join(f"{name} ({kinds.get(name, 'text')})" for name in missing)
            findings.append(f"{agent or 'it'} {'now has' if apply else 'does not have'} {named}")
    if findings and not apply:
        raise ProbeFailed(
            f"{'; '.join(findings)}: left out of contacts until `gateway check --probe --apply` "
            "defines them"
        )
    return "; ".join(findings) or "every attribute is known there"


def agents_of(settings: UpstreamSettings, book: ContactBook) -> Sequence[str]:
    return settings.agents if book.by_agent else ("",)
