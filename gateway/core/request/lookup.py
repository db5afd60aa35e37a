"""Asking a vendor, with our own key, whose a conversation is.

A conversation that was opened around the gateway is nobody's here. Where an org says so (`ask`), a
vendor that knows its owner is believed when it names the very user id of the person who asks.
"""

from gateway.core.formats import pointer
from gateway.core.formats.strictjson import JsonValue
from gateway.core.people.identity import Identity
from gateway.core.profile.vendor import Lookup, Operation
from gateway.core.request.call import Call
from gateway.core.request.destination import Destination
from gateway.core.request.plan import VendorRequest, plan


def plan_lookup(
    destination: Destination,
    lookup: Lookup,
    call: Call,
    conversation: str,
    *,
    identity: Identity,
    user: str,
    key: str,
    request_id: str,
) -> VendorRequest:
    """The request that asks; `call` is the one that named the conversation."""
    words = {"{conversation}": conversation, "{user}": user}
    variables = {**call.variables, "conversation": conversation, "user": user}
    operation = Operation(method="GET", path=lookup.path)
    asking = Call(
        "lookup",
        operation,
        variables,
        "GET",
        query=tuple((name, words.get(value, value)) for name, value in lookup.query.items()),
    )
    return plan(destination, asking, identity=identity, user=user, key=key, request_id=request_id)


def read_owner(lookup: Lookup, document: JsonValue, conversation: str) -> str | None:
    """The user id that owns `conversation`, as the answer has it; None where it does not say."""
    items = [document] if lookup.items is None else pointer.find(document, lookup.items.tokens)
    for item in items:
        for one in item if isinstance(item, list) else [item]:
            if _speaks_of(lookup, one, conversation):
                return _owner(lookup, one)
    return None


def _speaks_of(lookup: Lookup, item: JsonValue, conversation: str) -> bool:
    named = [value for place in lookup.conversation for value in pointer.find(item, place.tokens)]
    return all(str(value) == conversation for value in named) and (bool(named) or not lookup.items)


def _owner(lookup: Lookup, item: JsonValue) -> str | None:
    found = [value for place in lookup.owner for value in pointer.find(item, place.tokens)]
    owners = {value for value in found if isinstance(value, str) and value}
    return owners.pop() if len(owners) == 1 else None
