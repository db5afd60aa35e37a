"""The query, read in the one way all servers read it."""

import re
from urllib.parse import unquote_to_bytes

from gateway.core.errors import BadRequest, UriTooLong
from gateway.core.profile.names import fold

MAX_QUERY = 8192
MAX_PARAMETERS = 100

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def parse_query(raw_query: bytes) -> tuple[tuple[str, str], ...]:
    """The parameters of a query, decoded once (WHATWG URL section 5.1).

    Raises:
        BadRequest: a name stands twice, or something in it is no UTF-8 or a control character.
        UriTooLong: more than 8,192 bytes or 100 parameters.
    """
    if not raw_query:
        return ()
    if len(raw_query) > MAX_QUERY or raw_query.count(b"&") >= MAX_PARAMETERS:
        raise UriTooLong("The query is too long")
    pairs = []
    for item in raw_query.split(b"&"):
        if item:
            name, _, value = item.partition(b"=")
            pairs.append((_decoded(name), _decoded(value)))
    if len({fold(name) for name, _ in pairs}) != len(pairs):
        raise BadRequest("A query parameter stands twice")
    return tuple(pairs)


def _decoded(raw: bytes) -> str:
    if _BAD_ESCAPE.search(raw):
        raise BadRequest("A percent sign in the query encodes nothing")
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("The query is not UTF-8") from error
    if _CONTROL.search(text):
        raise BadRequest("The query has a control character")
    return text
