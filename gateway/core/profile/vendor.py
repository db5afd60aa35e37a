"""What a vendor's profile is made of: where a user id stands, which operations end users may reach.

A vendor's key opens its whole API. So a profile is an allow-list of operations, and of the members,
parameters and fields of each (`operation`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from gateway.core.events.callback import Callback
from gateway.core.profile.contact import ContactBook
from gateway.core.profile.metered import Metered
from gateway.core.profile.operation import TEMPLATE, Operation, frozen, message
from gateway.core.profile.paths import LoosePath
from gateway.core.profile.place import Body, Header, Place, Query, Variable
from gateway.core.profile.problem_shape import ProblemShape

__all__ = [
    "Body",
    "Callback",
    "ContactBook",
    "Header",
    "Lookup",
    "Metered",
    "Operation",
    "Place",
    "ProblemShape",
    "Query",
    "Variable",
    "Vendor",
    "WidgetProof",
    "message",
    "plain",
]

# What a vendor's own widget is shown of who sits before it; see `gateway.pages.widgets`.
WidgetProof = Literal["jwt", "user_hash", "user_id", "client_secret"]


def plain(*members: str) -> Mapping[str, frozenset[str]]:
    """For `inner`: members that hold a text. Of an object in place of it nothing passes: a vendor
    that takes what it finds would find somebody else in it.
    """
    return {f"/{name}": frozenset() for name in members}


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """Where to ask, with our key, who owns a conversation; never offered to users.

    In `path` and `query`, {conversation}, {user} and the variables of the operation's own path
    stand for values. Where the answer is a list, `items` leads to its array, and `owner` and
    `conversation` are places in each item. An answer without an owner means nobody's: deny.
    """

    path: str
    owner: tuple[Body, ...]
    conversation: tuple[Body, ...] = ()  # which one the answer speaks of, where it says so
    query: Mapping[str, str] = field(default_factory=dict)
    items: Body | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "query", frozen(self.query))
        if self.items is not None and not self.conversation:
            raise ValueError("items: need a conversation to be told apart by")


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """A vendor's API as end users may use it.

    `fields` are sent always; in them {key} {user} {org} {roles} {subject} stand for values.
    `user_id` is the vendor's rule for user ids; the whole id must match.
    `base_url` is None where every customer has their own.
    `credential_fields` is where the vendor's SDKs put their key, and so where the user's token
    may stand, beside Authorization. `told_org` says whether the vendor learns the org. `closed` are
    paths of the back office in which a segment stands where an operation has a variable. `contacts`
    is where the gateway itself writes what is known of people. `widget` are the proofs its own
    widget takes of who sits before it, the usual one first.
    """

    name: str
    title: str
    base_url: str | None
    fields: Mapping[str, str]
    user_id: str
    operations: Mapping[str, Operation]
    closed: tuple[str, ...] = ()
    problem: ProblemShape | None = None
    lookup: Lookup | None = None
    contacts: ContactBook | None = None
    events: Callback | None = None  # what it tells of by itself
    credential_fields: tuple[str, ...] = ()
    widget: tuple[WidgetProof, ...] = ()
    documents: tuple[str, ...] = ()  # where the vendor says so

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", frozen(self.fields))
        object.__setattr__(self, "operations", frozen(self.operations))
        for path in self.closed:
            if not TEMPLATE.fullmatch(path):
                raise ValueError(
                    f"closed: not a path of plain segments and {{variables}}: {path!r}"
                )
        try:
            re.compile(self.user_id)
        except re.error as error:
            raise ValueError(f"user_id: no regular expression: {error}") from error

    def takes_for_another(self, template: str, path: str, *names: str) -> bool:
        """Whether a path made of `template` is that of another call here, of whatever method, since
        one of the variables of these names says a word that stands in that call's path.

        So a user "export" would have everybody's data, where /users/export is beside /users/{user}.
        """
        ours, parts = LoosePath.of(template), path[1:].casefold().split("/")
        # To Rails and others `export.json` is `export`, in another format.
        read = (parts, [part.partition(".")[0] for part in parts])
        others = [other for other in self._paths if other.is_plainer(ours, names)]
        return any(other.fits(one) for other in others for one in read)

    @cached_property
    def _paths(self) -> tuple[LoosePath, ...]:
        """All that it is known to have, whether end users may reach them or not."""
        paths = [*self.closed, *(operation.path for operation in self.operations.values())]
        if self.contacts is not None:
            paths += [self.contacts.path, self.contacts.definitions or self.contacts.path]
        return tuple(map(LoosePath.of, paths))

    @property
    def is_mcp(self) -> bool:
        """Whether its clients are MCP's, which look up who signs people in (RFC 9728)."""
        return any(operation.mcp for operation in self.operations.values())

    @property
    def told_org(self) -> bool:
        return any("{org}" in template for template in self.fields.values())

    @property
    def told_roles(self) -> bool:
        return any("{roles}" in template for template in self.fields.values())

    @property
    def has_agents(self) -> bool:
        return any("{agent}" in operation.path for operation in self.operations.values())
