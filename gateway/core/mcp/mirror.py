"""The fields in which a request to an MCP server repeats its body (SEP-2243).

From 2026-07-28 on every request has them: whoever routes by a field and whoever acts by the body
must see one thing. So what differs is refused, in older versions too, and what passes is written
anew. Which argument a field repeats only the tool's schema says, and the server holds it to that;
here it must be some argument's value.
"""

import base64
import binascii
import re
from collections.abc import Collection, Iterator, Mapping

from gateway.core.errors import BadRequest, HeaderMismatch
from gateway.core.formats.fields import VISIBLE, Fields, single
from gateway.core.formats.strictjson import JsonObject, JsonValue
from gateway.core.mcp.messages import NAMED, Asked, params_of
from gateway.core.profile.names import fold, names_people

VERSION = b"mcp-protocol-version"
METHOD = b"mcp-method"
NAME = b"mcp-name"
ARGUMENT = b"mcp-param-"  # and a name that the tool's schema gives it

WITH_SESSIONS = frozenset({"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"})
WITH_BATCHES = frozenset({None, "2025-03-26"})  # 2025-06-18 took them out again

_VERSION_IN_BODY = "io.modelcontextprotocol/protocolVersion"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CODED = re.compile(r"=\?base64\?(.*)\?=")
_DECIMAL = re.compile(r"-?[0-9]{1,16}(?:\.0{1,16})?")


def mirrored(asked: Asked, fields: Fields) -> tuple[tuple[bytes, bytes], ...]:
    """The fields that repeat the body, written anew.

    Raises:
        HeaderMismatch: one of them differs from the body, or is missing where its era wants it.
        BadRequest: no version, or a batch where there are none.
    """
    version = version_of(fields)
    given = _given(fields)
    if asked.is_batch:
        if version not in WITH_BATCHES or given:
            raise BadRequest("This version of MCP has no batches")
        return ()
    message = asked.messages[0]
    is_modern = version is not None and version not in WITH_SESSIONS
    said = _meta(message).get(_VERSION_IN_BODY)
    if said != version and (said is not None or (is_modern and "id" in message)):
        raise HeaderMismatch("MCP-Protocol-Version differs from what the body says")
    if is_modern and "method" not in message:
        raise BadRequest("This version of MCP has no answers by clients")
    expected = _expected(message)
    required = expected if is_modern and "id" in message else {}
    for name in {*required, *(given.keys() & {METHOD, NAME})}:
        if name not in given or _decoded(given[name]) != expected.get(name):
            raise HeaderMismatch(f"{name.decode('ascii')} is missing or differs from the body")
    arguments = {_decoded(given[name]) for name in given.keys() - {METHOD, NAME}}
    if arguments and not _are_arguments(arguments, params_of(message).get("arguments")):
        raise HeaderMismatch("A field repeats an argument that the body does not have")
    return tuple((name, _encoded(_decoded(value))) for name, value in given.items())


def of_user(
    fields: Fields, message: JsonObject, argument: str, user: str
) -> Iterator[tuple[bytes, bytes]]:
    """Of `fields`, those that repeat an argument, and now have to repeat the user id instead.

    The `argument` of `message` holds the user id now. A field is written anew if it repeated that
    one, if its name means a person, or if nothing in the arguments has its value any more.
    """
    arguments = params_of(message).get("arguments")
    for name, value in fields:
        if not name.startswith(ARGUMENT):
            continue
        called = name.removeprefix(ARGUMENT).decode("ascii")
        is_it = names_people(called) or fold(called) == fold(argument)
        if is_it or not _are_arguments({_decoded(value)}, arguments):
            yield name, _encoded(user)


def version_of(fields: Fields) -> str | None:
    """The version of MCP that a request says it has.

    Raises:
        BadRequest: it says none, or two.
    """
    value = single(fields, VERSION)
    if value is None:
        return None
    version = value.decode("latin-1")
    if not _DATE.fullmatch(version):
        raise BadRequest("MCP-Protocol-Version is no version")
    return version


def _given(fields: Fields) -> Mapping[bytes, bytes]:
    given: dict[bytes, bytes] = {}
    for name, value in fields:
        if name in {METHOD, NAME} or name.startswith(ARGUMENT):
            if name in given:
                raise HeaderMismatch("A field that repeats the body stands twice")
            given[name] = value
    return given


def _meta(message: JsonObject) -> JsonObject:
    meta = params_of(message).get("_meta")
    return meta if isinstance(meta, dict) else {}


def _expected(message: JsonObject) -> dict[bytes, str]:
    method = message.get("method")
    if not isinstance(method, str):
        return {}
    named = params_of(message).get(NAMED[method]) if method in NAMED else None
    return {METHOD: method} | ({NAME: named} if isinstance(named, str) else {})


def _decoded(value: bytes) -> str:
    text = value.decode("latin-1")
    coded = _CODED.fullmatch(text)
    try:
        if coded is not None:
            return base64.b64decode(coded[1], validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise HeaderMismatch("A field that repeats the body is no base 64 of UTF-8") from error
    if not VISIBLE.fullmatch(text):
        raise HeaderMismatch("A field that repeats the body has characters beyond visible ASCII")
    return text


def _encoded(text: str) -> bytes:
    if VISIBLE.fullmatch(text) and not _CODED.fullmatch(text):
        return text.encode("ascii")
    return b"=?base64?" + base64.b64encode(text.encode("utf-8")) + b"?="


def _are_arguments(texts: Collection[str], arguments: JsonValue) -> bool:
    """Whether each of these values is that of some argument: only the tool's schema says which.

    The arguments are gone through once: of a hundred fields each could stand for any of a mebibyte.
    """
    said: set[str] = set()
    numbers: set[float] = set()
    for value in _scalars(arguments):
        if isinstance(value, bool):
            said.add("true" if value else "false")
        elif isinstance(value, str):
            said.add(value)
        elif isinstance(value, (int, float)):
            numbers.add(value)
    # "42" and 42.0 are one number (SEP-2243, "Server Validation").
    return all(
        text in said or (_DECIMAL.fullmatch(text) is not None and float(text) in numbers)
        for text in texts
    )


def _scalars(value: JsonValue) -> Iterator[JsonValue]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _scalars(inner)
    elif not isinstance(value, list):
        yield value
