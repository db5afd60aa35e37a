"""Contacts: at a vendor that keeps them, of an org with a name, from a sign-in that says things."""

from collections.abc import Iterator, Mapping

from gateway.config.contacts import ContactsTable
from gateway.config.kinds import EVERY_ORG
from gateway.config.mistake import Finding, Path
from gateway.config.model import OrgSettings, UpstreamSettings
from gateway.config.rules.tools import weakness
from gateway.core.profile.contact import ContactBook

SILENT = frozenset({"forwarded"})  # sign-ins that say a name, and nothing of who has it


def check(orgs: Mapping[str, OrgSettings]) -> Iterator[Finding]:
    """The findings about the contacts of every upstream."""
    for name, org in orgs.items():
        for upstream in org.upstreams.values():
            if upstream.contacts is not None:
                path: Path = ("orgs", name, "upstreams", upstream.name, "contacts")
                yield from _check(org, upstream, upstream.contacts, path)


def _check(
    org: OrgSettings, upstream: UpstreamSettings, contacts: ContactsTable, path: Path
) -> Iterator[Finding]:
    book = upstream.profile.contacts
    if org.name == EVERY_ORG:
        yield Finding(path, "contacts are of one org, and here none is named: list the org")
    if upstream.is_app:
        yield Finding(path, "the application keeps its own")
    elif book is None:
        yield Finding(path, f"where {upstream.vendor} keeps contacts is not known")
    else:
        yield from _fitting(book, upstream, contacts, path)
    if not contacts.attributes and not contacts.token:
        yield Finding(path, "says nothing: attributes, or a token for a service that pushes them")
    if contacts.attributes and all(one.type in SILENT for one in org.sign_in):
        yield Finding(
            (*path, "attributes"), "no sign-in of this org says more than who somebody is"
        )
    for token in contacts.token:
        if (message := weakness("bearer", token)) is not None:
            yield Finding((*path, "token"), message)


def _fitting(
    book: ContactBook, upstream: UpstreamSettings, contacts: ContactsTable, path: Path
) -> Iterator[Finding]:
    if book.by_agent and "*" in upstream.agents:
        yield Finding(path, "this vendor keeps contacts by agent: say which in `agent`")
    for name in contacts.attributes:
        if name in {book.user, book.others}:
            yield Finding(
                (*path, "attributes", name), "is the vendor's own name for something else"
            )
        if not book.others and name not in book.own:
            known = ", ".join(sorted(book.own))
            yield Finding((*path, "attributes", name), f"this vendor takes {known} alone")
    if contacts.types and not book.definitions:
        yield Finding((*path, "types"), "this vendor is not told of attributes")
