"""Call + identity + vendor → the vendor's request, built from nothing.

What leaves: method, path from checked variables, listed parameters, the listed members of a body
parsed strictly and written anew, the vendor's credential, the trusted user id in the vendor's place
and in a field of its own. Identity is written or the request is refused: never left out.
"""

import json
import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from gateway.core import assertion, mcp, pointer, strictjson
from gateway.core.call import Call
from gateway.core.errors import IdentityNotRepresentable
from gateway.core.fields import VISIBLE
from gateway.core.guard import EVERY
from gateway.core.identity import Identity, is_plain
from gateway.core.place import Header, Query, Variable, bodies
from gateway.core.route import SEGMENT
from gateway.core.strictjson import JsonObject, JsonValue
from gateway.core.vendor import Vendor

_WORD = re.compile(r"\{(key|user|org|roles|subject)\}")
_UNSAYABLE = "\n"  # no field can hold it, so only those who are told the roles are refused
ACCEPT = b"application/json, text/event-stream"
USER_AGENT = b"chat-identity-gateway"


@dataclass(frozen=True, slots=True)
class VendorRequest:
    """What leaves. `target` is path and query; Host and framing are the transport's to write."""

    method: str
    target: str
    fields: tuple[tuple[bytes, bytes], ...]
    content: bytes | None
    stream: AsyncGenerator[bytes, None] | None = (
        None  # in its place: content that is sent as it comes
    )


@dataclass(frozen=True, kw_only=True)
class Destination:
    """A vendor as one org's configuration has it: what all plans for it share."""

    vendor: Vendor
    base_path: str = ""  # what stands before the operations' paths; no slash at its end
    user_header: str = "x-external-user-id"  # "": none
    fields: Mapping[str, str] = field(default_factory=dict)  # the org's own, templates alike
    decided: Mapping[str, JsonValue] = field(default_factory=dict)  # pointer → value
    default_roles: tuple[str, ...] = ()
    told_by: Mapping[str, str] = field(default_factory=dict)  # tool → argument: the user id
    via: str = "1.1 gateway"


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

    `statement` is our signed word for that (`core.assertion`), where the vendor gets it.

    Raises:
        IdentityNotRepresentable: a name of this person or org cannot stand where it must.
    """
    if not is_plain(user):
        raise IdentityNotRepresentable
    content = _content(destination, call, user)
    words = _words(destination, identity, user, key)
    fields = _fields(destination, call, words, request_id, has_content=content is not None)
    if statement is not None:
        fields = (*fields, (assertion.FIELD.encode("ascii"), visible(statement)))
    return VendorRequest(
        method=call.method,
        target=_target(destination, call, user),
        fields=fields,
        content=content,
    )


def _words(destination: Destination, identity: Identity, user: str, key: str) -> Mapping[str, str]:
    roles = identity.roles or destination.default_roles
    return {
        "key": key,
        "user": user,
        "org": identity.org,
        "roles": roles_as_json(roles),
        "subject": identity.subject,
    }


def roles_as_json(roles: tuple[str, ...]) -> str:
    """A JSON array, in ASCII; what `visible` refuses where a role is no text."""
    try:
        "".join(roles).encode("utf-8")
    except UnicodeEncodeError:
        return _UNSAYABLE
    # A field holds ASCII; JSON can say everything else in it.
    return json.dumps(roles, ensure_ascii=True, separators=(",", ":"))


def _target(destination: Destination, call: Call, user: str) -> str:
    variables = dict(call.match.variables)
    for place in call.operation.user:
        if isinstance(place, Variable):
            variables[place.name] = _as_segment(user)
    path = re.sub(r"\{\+?([a-z_]+)\}", lambda found: variables[found[1]], call.operation.path)
    query = [
        *call.query,
        *((place.name, user) for place in call.operation.user if isinstance(place, Query)),
    ]
    rendered = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
    return destination.base_path + path + (f"?{rendered}" if rendered else "")


def _as_segment(user: str) -> str:
    if not SEGMENT.fullmatch(user):  # a dot segment has been refused: it is not plain
        raise IdentityNotRepresentable
    return user


def _content(destination: Destination, call: Call, user: str) -> bytes | None:
    if call.asked is not None:
        return _messages(destination, call.asked, user)
    places = bodies(call.operation.user)
    if call.operation.files:
        return None  # a form: `core.form` writes the user into it
    if call.body is None:
        if places:
            raise IdentityNotRepresentable
        return None
    body = dict(call.body)
    settable = call.operation.members | call.operation.settable
    for written, value in destination.decided.items():
        tokens = pointer.parse(written)
        if not settable.isdisjoint({tokens[0], EVERY}):
            pointer.put(body, tokens, value)
    for place in places:
        pointer.put(body, place.tokens, user)
    metered = call.operation.metered
    if metered is not None and metered.needs(body):
        pointer.put(body, metered.ask.tokens, True)
    return strictjson.dumps(body)


def _messages(destination: Destination, asked: mcp.Asked, user: str) -> bytes:
    messages: list[JsonValue] = []
    for one in asked.messages:
        message = dict(one)
        argument = _argument_for_user(destination, message)
        if argument is not None:
            pointer.put(message, ("params", "arguments", argument), user)
        messages.append(message)
    return strictjson.dumps(messages if asked.is_batch else messages[0])


def _argument_for_user(destination: Destination, message: JsonObject) -> str | None:
    if message.get("method") != mcp.CALL:
        return None
    told_by = destination.told_by
    return told_by.get(str(mcp.params_of(message)["name"])) or told_by.get(EVERY)


def _fields(
    destination: Destination,
    call: Call,
    words: Mapping[str, str],
    request_id: str,
    *,
    has_content: bool,
) -> tuple[tuple[bytes, bytes], ...]:
    ours: dict[str, bytes] = {"accept": ACCEPT}
    if has_content:
        ours["content-type"] = b"application/json"
    ours |= {
        "accept-encoding": b"identity",
        "user-agent": USER_AGENT,
        "x-request-id": request_id.encode("ascii"),
        "via": destination.via.encode("ascii"),
    }
    passed = {name.decode("ascii"): value for name, value in call.fields}
    templates = {**destination.vendor.fields, **destination.fields}
    if not words["key"]:  # a server of one's own may take none
        templates = {name: one for name, one in templates.items() if "{key}" not in one}
    # What a client says in a field that has values to choose from, it may say; else we say it.
    said = {name for name in passed if name in call.operation.field_values}
    written = {
        name: _filled(template, words) for name, template in templates.items() if name not in said
    }
    for place in call.operation.user:
        if isinstance(place, Header):
            written[place.name] = visible(words["user"])
    if destination.user_header:
        written[destination.user_header] = visible(words["user"])
    # Later ones win: nothing a client sent can stand in for what we write.
    return tuple(
        (name.encode("ascii"), value) for name, value in {**passed, **ours, **written}.items()
    )


def _filled(template: str, words: Mapping[str, str]) -> bytes:
    # One pass: a subject that reads "{key}" stays those five characters.
    return visible(_WORD.sub(lambda found: words[found[1]], template))


def visible(value: str) -> bytes:
    """A field's value. Raises `IdentityNotRepresentable` where a field cannot hold it."""
    if not VISIBLE.fullmatch(value):
        raise IdentityNotRepresentable
    return value.encode("ascii")
