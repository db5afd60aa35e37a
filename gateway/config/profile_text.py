"""A profile as the TOML it is read from: what is printed, and read again, is equal.

What says nothing has no line, so that a profile shows what it is and no more.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.config.place import written
from gateway.config.profile_kinds import NULL
from gateway.core.formats.strictjson import JsonValue
from gateway.core.profile.place import Place
from gateway.core.profile.vendor import (
    Callback,
    ContactBook,
    Lookup,
    Metered,
    Operation,
    ProblemShape,
    Vendor,
)


def profile_table(vendor: Vendor) -> dict[str, Any]:
    """A profile as `VendorTable` reads it."""
    table = {
        "title": vendor.title,
        "base_url": vendor.base_url,
        "documents": vendor.documents,
        "fields": vendor.fields,
        "user_id": vendor.user_id,
        "credential_fields": vendor.credential_fields,
        "widget": vendor.widget,
        "closed": vendor.closed,
        "operations": {name: _operation(one) for name, one in vendor.operations.items()},
        "problem": None if vendor.problem is None else _problem(vendor.problem),
        "lookup": None if vendor.lookup is None else _lookup(vendor.lookup),
        "contacts": None if vendor.contacts is None else _contacts(vendor.contacts),
        "events": None if vendor.events is None else _events(vendor.events),
    }
    return {name: _toml(value) for name, value in table.items() if value}


def _operation(operation: Operation) -> dict[str, Any]:
    table = {
        "method": operation.method,
        "path": operation.path,
        "user": _places(operation.user),
        "conversation": _places(operation.conversation),
        "opens": _places(operation.opens),
        "must_continue": operation.must_continue,
        "opens_more": operation.opens_more,
        "blank_opens": operation.blank_opens,
        "answers_user": _places(operation.answers_user),
        "usage": _places(operation.usage),
        "metered": None if operation.metered is None else _metered(operation.metered),
        "members": sorted(operation.members),
        "files": sorted(operation.files),
        "inner": {pointer: sorted(some) for pointer, some in operation.inner.items()},
        "containers": _places(operation.containers),
        "flat": _places(operation.flat),
        "values": {pointer: _in_order(some) for pointer, some in operation.values.items()},
        "query": sorted(operation.query),
        "fields": sorted(operation.fields),
        "field_values": {name: sorted(some) for name, some in operation.field_values.items()},
        "response_fields": sorted(operation.response_fields),
        "settable": sorted(operation.settable),
        "websocket": operation.websocket,
        "subprotocols": sorted(operation.subprotocols),
        "messages": {name: _message(one) for name, one in operation.messages.items()},
        "mcp": operation.mcp,
        "json_lines": operation.json_lines,
        "says": _places(operation.says),
        "thinks": operation.thinks,
        "calls_tool": operation.calls_tool,
        "no_conversation": operation.no_conversation,
    }
    return {name: value for name, value in table.items() if value}


def _message(rules: Operation) -> dict[str, Any]:
    """What an operation says of a body, and no more."""
    return {key: value for key, value in _operation(rules).items() if key not in {"method", "path"}}


def _problem(problem: ProblemShape) -> dict[str, Any]:
    codes = {str(key): code for key, code in problem.codes.items()}
    event = {} if problem.event is None else {"event": problem.event}
    name = {"event_name": problem.event_name} if problem.event_name else {}
    statuses = {"statuses": problem.statuses} if problem.statuses else {}
    shown_codes = {"codes": codes} if codes else {}
    return {"body": problem.body, **event, **name, **shown_codes, **statuses}


def _metered(metered: Metered) -> dict[str, str]:
    return {
        "when": written(metered.when),
        "ask": written(metered.ask),
        "empty": written(metered.empty),
    }


def _lookup(lookup: Lookup) -> dict[str, Any]:
    table = {
        "path": lookup.path,
        "query": lookup.query,
        "items": None if lookup.items is None else written(lookup.items),
        "conversation": _places(lookup.conversation),
        "owner": _places(lookup.owner),
    }
    return {name: value for name, value in table.items() if value}


def _contacts(book: ContactBook) -> dict[str, Any]:
    table = {
        "path": book.path,
        "contacts": book.contacts,
        "user": book.user,
        "own": sorted(book.own),
        "others": book.others,
        "pair": list(book.pair or ()),
        "most": book.most,
        "refused": None if book.refused is None else written(book.refused),
        "definitions": book.definitions,
        "removes": book.removes,
    }
    return {name: value for name, value in table.items() if value}


def _events(events: Callback) -> dict[str, Any]:
    table = {
        "signature": events.signature,
        "field": events.field,
        "prefix": events.prefix,
        "type": _places(events.kind),
        "unnamed": events.unnamed,
        "id": _places(events.id),
        "time": _places(events.time),
        "conversation": _places(events.conversation),
        "user": _places(events.user),
        "test": _places(events.trial),
    }
    return {name: value for name, value in table.items() if value}


def _places(places: Iterable[Place]) -> list[str]:
    return [written(place) for place in places]


def _in_order(some: Iterable[JsonValue]) -> list[JsonValue]:
    return sorted(some, key=json.dumps)


def _toml(value: Any) -> Any:
    """`value` as TOML can say it: there is no null, and `${` begins a reference."""
    if value is None:
        return NULL
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, Mapping):
        return {name: _toml(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_toml(inner) for inner in value]
    return value
