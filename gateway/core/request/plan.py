"""Call + identity + vendor → the vendor's request, built from nothing.

What leaves: method, path from checked variables, listed parameters, the listed members of a body
parsed strictly and written anew, the vendor's credential, the trusted user id in the vendor's place
and in a field of its own. Identity is written or the request is refused: never left out.
"""

from collections.abc import AsyncGenerator, Collection, Iterable
from urllib.parse import quote

import msgspec

from gateway.core.errors import IdentityNotRepresentable
from gateway.core.formats import pointer, strictjson, traceparent
from gateway.core.formats.strictjson import JsonObject, JsonValue
from gateway.core.mcp import messages as mcp
from gateway.core.mcp import mirror
from gateway.core.people import assertion
from gateway.core.people.identity import Identity, is_plain
from gateway.core.profile.guard import EVERY
from gateway.core.profile.operation import Operation
from gateway.core.request.call import Call
from gateway.core.request.destination import Destination, visible
from gateway.core.request.route import SEGMENT

ACCEPT = b"application/json, text/event-stream"
USER_AGENT = b"chat-identity-gateway"


class VendorRequest(msgspec.Struct, frozen=True):
    """What leaves. `target` is path and query; Host and framing are the transport's to write."""

    method: str
    target: str
    fields: tuple[tuple[bytes, bytes], ...]
    content: bytes | None
    stream: AsyncGenerator[bytes, None] | None = (
        None  # in its place: content that is sent as it comes
    )

    def streaming(
        self, pieces: AsyncGenerator[bytes, None], *, content_type: bytes
    ) -> "VendorRequest":
        """The same, with content of this type that is sent as it comes."""
        fields = (*self.fields, (b"content-type", content_type))
        return VendorRequest(self.method, self.target, fields, None, pieces)

    def of_trace(self, written: bytes) -> "VendorRequest":
        """The same, with this `traceparent` and no other, whatever a profile has let through."""
        others = (one for one in self.fields if one[0] != traceparent.NAME)
        fields = (*others, (traceparent.NAME, written))
        return VendorRequest(self.method, self.target, fields, self.content, self.stream)


def plan(
    destination: Destination,
    call: Call,
    *,
    identity: Identity,
    user: str,
    key: str,
    request_id: str,
    statement: str | None = None,
) -> VendorRequest:
    """The request to send for `call`, saying that `user` asks.

    `statement` is our signed word for that (`core.people.assertion`), where the vendor gets it.

    Raises:
        IdentityNotRepresentable: a name of this person or org cannot stand where it must.
    """
    if not is_plain(user):
        raise IdentityNotRepresentable
    operation = call.operation
    content = _content(destination, operation, call, user)
    fields = _ours(call, has_content=content is not None)
    fields[b"x-request-id"] = request_id.encode("ascii")
    fields[b"via"] = destination.via.encode("ascii")
    chosen = _chosen(operation, call) if operation.field_values else ()
    destination.write(fields, identity=identity, user=user, key=key, but=chosen)
    for name in operation.user_places.fields:
        fields[name] = visible(user)
    if call.asked is not None and destination.told_by:
        fields.update(_repeating(destination, call, user))
    if statement is not None:
        fields[assertion.FIELD.encode("ascii")] = visible(statement)
    target = _target(destination, operation, call, user)
    return VendorRequest(call.method, target, tuple(fields.items()), content)


_OURS = {b"accept": ACCEPT, b"accept-encoding": b"identity", b"user-agent": USER_AGENT}
_OURS_WITH_CONTENT = {b"accept": ACCEPT, b"content-type": b"application/json", **_OURS}


def _ours(call: Call, *, has_content: bool) -> dict[bytes, bytes]:
    """What of the client's fields goes on, and ours: of one name, the later ones win."""
    ours = _OURS_WITH_CONTENT if has_content else _OURS
    return {**dict(call.fields), **ours} if call.fields else ours.copy()


def _chosen(operation: Operation, call: Call) -> Collection[bytes]:
    """What a client says in a field that has values to choose from, it may say; else we say it."""
    return [name for name, _ in call.fields if name.decode("ascii") in operation.field_values]


def _target(destination: Destination, operation: Operation, call: Call, user: str) -> str:
    variables, places = call.variables, operation.user_places
    if places.variables:
        variables = {**variables, **dict.fromkeys(places.variables, _as_segment(user))}
    path = operation.path_format % variables
    if places.variables:
        refuse_another(destination, operation.path, path, *places.variables)
    path = destination.base_path + path
    if not call.query and not places.parameters:
        return path
    query = [*call.query, *((name, user) for name in places.parameters)]
    rendered = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
    return f"{path}?{rendered}"


def refuse_another(destination: Destination, template: str, path: str, *names: str) -> None:
    """Refuse a name by which the path made of `template` becomes another one of the vendor's.

    Raises:
        IdentityNotRepresentable: it does.
    """
    if destination.vendor.takes_for_another(template, path, *names):
        raise IdentityNotRepresentable


def _as_segment(user: str) -> str:
    if not SEGMENT.fullmatch(user):  # a dot segment has been refused: it is not plain
        raise IdentityNotRepresentable
    return user


def _content(destination: Destination, operation: Operation, call: Call, user: str) -> bytes | None:
    if call.asked is not None:
        return _messages(destination, call.asked, user)
    places = operation.user_places.bodies
    if operation.files:
        return None  # a form: `core.request.form` writes the user into it
    if call.body is None:
        if places:
            raise IdentityNotRepresentable
        return None
    body = dict(call.body)
    if destination.decisions:
        settable = operation.members | operation.settable
        for tokens, value in destination.decisions:
            if not settable.isdisjoint({tokens[0], EVERY}):
                pointer.put(body, tokens, value)
    for tokens in places:
        pointer.put(body, tokens, user)
    metered = operation.metered
    if metered is not None and metered.needs(body):
        pointer.put(body, metered.ask.tokens, True)
    return strictjson.dumps(body)


def _messages(destination: Destination, asked: mcp.Asked, user: str) -> bytes:
    messages: list[JsonValue] = [_told(destination, one, user) for one in asked.messages]
    return strictjson.dumps(messages if asked.is_batch else messages[0])


def _told(destination: Destination, message: JsonObject, user: str) -> JsonObject:
    """A message with the user id where its tool is told for whom it works."""
    told = dict(message)
    argument = _argument_for_user(destination, message)
    if argument is not None:
        pointer.put(told, ("params", "arguments", argument), user)
    return told


def _repeating(destination: Destination, call: Call, user: str) -> Iterable[tuple[bytes, bytes]]:
    """The fields that repeat the argument in which our user id stands now; a batch has none."""
    message = call.asked.messages[0] if call.asked is not None else {}
    argument = _argument_for_user(destination, message)
    if argument is None:
        return ()
    return mirror.of_user(call.fields, _told(destination, message, user), argument, user)


def _argument_for_user(destination: Destination, message: JsonObject) -> str | None:
    if message.get("method") != mcp.CALL:
        return None
    told_by = destination.told_by
    return told_by.get(str(mcp.params_of(message)["name"])) or told_by.get(EVERY)
