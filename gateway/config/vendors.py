"""All profiles an upstream may name: those that ship, and `[vendors.NAME]` of a file.

A profile in TOML becomes what the shipped ones are made of, and is judged by the same checks: what
contradicts itself is a finding at its key.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gateway.config.mistake import Finding, Path
from gateway.config.place import body, place
from gateway.config.profile import (
    CallbackTable,
    ContactBookTable,
    LookupTable,
    MessageTable,
    MeteredTable,
    OperationTable,
    ProblemTable,
    VendorTable,
)
from gateway.config.profile_kinds import NULL
from gateway.config.shape import Reading
from gateway.core.formats.strictjson import JsonValue
from gateway.core.profile.vendor import (
    Callback,
    ContactBook,
    Lookup,
    Metered,
    Operation,
    ProblemShape,
    Vendor,
    message,
)
from gateway.vendors import VENDORS

Built = TypeVar("Built")


@dataclass(frozen=True, slots=True)
class Profiles:
    """All that an upstream may name. `broken` are profiles of the file with a mistake in them."""

    known: Mapping[str, Vendor]
    broken: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = field(default=(), repr=False)


SHIPPED = Profiles(VENDORS)
PLACE: Path = ("vendors",)


def profiles(reading: Reading) -> Profiles:
    """The shipped profiles, and those of a file."""
    own: dict[str, Vendor] = {}
    findings: list[Finding] = []
    for name, table in reading.file.vendors.items():
        built = _Building((*PLACE, name), findings).vendor(name, table)
        if built is not None and not reading.speaks_of_a_hole((*PLACE, name)):
            own[name] = built
    taken_out = {str(name) for hole in reading.holes if hole[:1] == PLACE for name in hole[1:2]}
    broken = {*reading.file.vendors, *taken_out} - own.keys()
    return Profiles({**VENDORS, **own, **VENDORS}, frozenset(broken), tuple(findings))


class _Building:
    """One profile in the making."""

    def __init__(self, path: Path, findings: list[Finding]) -> None:
        self._path = path
        self._findings = findings

    def vendor(self, name: str, table: VendorTable) -> Vendor | None:
        """The profile; None where something keeps it from being one, which is a finding then."""
        before = len(self._findings)
        operations = {
            key: self._built(("operations", key), one, ("method", "path"), operation)
            for key, one in table.operations.items()
        }
        if not operations:
            self._note(("operations",), "is required: nothing would be reachable")
        problem = self._built(("problem",), table.problem, ("body",), _problem)
        lookup = self._built(("lookup",), table.lookup, ("path", "owner"), _lookup)
        contacts = self._built(("contacts",), table.contacts, ("path", "user"), _contacts)
        events = self._built(("events",), table.events, ("signature",), _events)
        if len(self._findings) > before:
            return None

        def whole(table: VendorTable) -> Vendor:
            return Vendor(
                name=name,
                title=table.title or name,
                base_url=table.base_url,
                fields={field.lower(): template for field, template in table.fields.items()},
                user_id=table.user_id,
                operations={key: one for key, one in operations.items() if one is not None},
                closed=table.closed,
                problem=problem,
                lookup=lookup,
                contacts=contacts,
                events=events,
                credential_fields=table.credential_fields,
                widget=table.widget,
                documents=table.documents,
            )

        return self._built((), table, (), whole)

    def _built(
        self,
        at: Path,
        table: Any,
        required: tuple[str, ...],
        build: Callable[[Any], Built],
    ) -> Built | None:
        if table is None:
            return None
        missing = [key for key in required if not getattr(table, key)]
        for key in missing:
            self._note((*at, key), "is required")
        if missing:
            return None
        try:
            return build(table)
        except ValueError as error:
            # "user, conversation: …": the core says which of its fields, and those are our keys.
            where, _, message = str(error).partition(": ")
            self._note((*at, where.partition(",")[0]), message)
            return None

    def _note(self, at: Path, message: str) -> None:
        self._findings.append(Finding((*self._path, *at), message))


def operation(table: OperationTable) -> Operation:
    """Raises `ValueError` where it contradicts itself: "KEY: what is wrong"."""
    return Operation(
        method=table.method[0] if len(table.method) == 1 else table.method,
        path=table.path,
        user=tuple(map(place, table.user)),
        conversation=tuple(map(place, table.conversation)),
        opens=tuple(map(place, table.opens)),
        must_continue=table.must_continue,
        opens_more=table.opens_more,
        blank_opens=table.blank_opens,
        answers_user=tuple(map(body, table.answers_user)),
        usage=tuple(map(body, table.usage)),
        metered=None if table.metered is None else _metered(table.metered),
        members=frozenset(table.members),
        files=frozenset(table.files),
        inner={pointer: frozenset(some) for pointer, some in table.inner.items()},
        containers=tuple(map(body, table.containers)),
        flat=tuple(map(body, table.flat)),
        values={pointer: frozenset(map(_scalar, some)) for pointer, some in table.values.items()},
        query=frozenset(table.query),
        fields=frozenset(table.fields),
        field_values={name: frozenset(some) for name, some in table.field_values.items()},
        response_fields=frozenset(table.response_fields),
        settable=frozenset(table.settable),
        websocket=table.websocket,
        subprotocols=frozenset(table.subprotocols),
        messages={name: _message(one) for name, one in table.messages.items()},
        mcp=table.mcp,
        json_lines=table.json_lines,
        says=tuple(map(body, table.says)),
        thinks=table.thinks,
        calls_tool=table.calls_tool,
        no_conversation=table.no_conversation or "",
    )


def _message(table: MessageTable) -> Operation:
    return message(
        user=tuple(map(body, table.user)),
        conversation=tuple(map(body, table.conversation)),
        members=frozenset(table.members),
        inner={pointer: frozenset(some) for pointer, some in table.inner.items()},
        containers=tuple(map(body, table.containers)),
        flat=tuple(map(body, table.flat)),
        values={pointer: frozenset(map(_scalar, some)) for pointer, some in table.values.items()},
        thinks=table.thinks,
        calls_tool=table.calls_tool,
    )


def _metered(table: MeteredTable) -> Metered:
    return Metered(when=body(table.when), ask=body(table.ask), empty=body(table.empty))


def _problem(table: ProblemTable) -> ProblemShape:
    return ProblemShape(
        body=_members(table.body),
        codes={int(key) if key.isdigit() else key: code for key, code in table.codes.items()},
        statuses=table.statuses,
        event=None if table.event is None else _members(table.event),
        event_name=table.event_name,
    )


def _lookup(table: LookupTable) -> Lookup:
    return Lookup(
        path=table.path,
        owner=tuple(map(body, table.owner)),
        conversation=tuple(map(body, table.conversation)),
        query=table.query,
        items=None if table.items is None else body(table.items),
    )


def _contacts(table: ContactBookTable) -> ContactBook:
    if table.pair and len(table.pair) != 2:
        raise ValueError("pair: the name of a name, and that of a value")
    return ContactBook(
        path=table.path,
        user=table.user,
        contacts=table.contacts,
        own=frozenset(table.own),
        others=table.others,
        pair=(table.pair[0], table.pair[1]) if table.pair else None,
        most=table.most,
        refused=None if table.refused is None else body(table.refused),
        definitions=table.definitions,
        removes=table.removes,
    )


def _events(table: CallbackTable) -> Callback:
    return Callback(
        signature=table.signature or "bearer",
        field=table.field,
        prefix=table.prefix,
        kind=tuple(map(body, table.type)),
        unnamed=table.unnamed,
        id=tuple(map(body, table.id)),
        time=tuple(map(body, table.time)),
        conversation=tuple(map(body, table.conversation)),
        user=tuple(map(body, table.user)),
        trial=tuple(map(body, table.test)),
    )


def _members(written: Mapping[str, Any]) -> dict[str, JsonValue]:
    return {name: _json(value) for name, value in written.items()}


def _json(written: Any) -> JsonValue:
    if isinstance(written, Mapping):
        return _members(written)
    if isinstance(written, (list, tuple)):
        return [_json(item) for item in written]
    return _scalar(written)


def _scalar(written: Any) -> JsonValue:
    value: JsonValue = None if written == NULL else written
    return value
