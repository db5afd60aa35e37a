"""A place as TOML writes it: `body:/userId`, `query:user`, `path:user`, `field:x-user`.

What is read is in its one spelling, so that a place written and read again is the same.
"""

import re
from collections.abc import Callable, Mapping

from gateway.core.profile.place import Body, Header, Place, Query, Variable

FORMS = '"body:/pointer", "query:name", "path:name" or "field:name"'

_VARIABLE = re.compile(r"[a-z][a-z_]*")


def place(written: str) -> Place:
    """The place `written` says.

    Raises:
        ValueError: it says none.
    """
    kind, _, name = written.partition(":")
    read = _KINDS.get(kind)
    if read is None or not name:
        raise ValueError(f"must be {FORMS}")
    return read(name)


def body(written: str) -> Body:
    """The place in a body `written` says.

    Raises:
        ValueError: it says another place, or none.
    """
    found = place(written)
    if not isinstance(found, Body):
        raise ValueError('must be "body:/pointer"')
    return found


def written(found: Place) -> str:
    """How a profile in TOML writes a place."""
    if isinstance(found, Body):
        return f"body:{found.pointer}"
    if isinstance(found, Header):
        return f"field:{found.name}"
    return f"{'query' if isinstance(found, Query) else 'path'}:{found.name}"


def _body(pointer: str) -> Body:
    found = Body(pointer)
    try:
        _ = found.tokens
    except ValueError:
        raise ValueError("must be a JSON Pointer: '/' first, and '~' written '~0'") from None
    return found


def _query(name: str) -> Query:
    if not name.isprintable():
        raise ValueError("has a character that does not show")
    return Query(name)


def _variable(name: str) -> Variable:
    if not _VARIABLE.fullmatch(name):
        raise ValueError("must name a {variable} of the path: lower case and '_'")
    return Variable(name)


def _header(name: str) -> Header:
    return Header(name.lower())


_KINDS: Mapping[str, Callable[[str], Place]] = {
    "body": _body,
    "query": _query,
    "path": _variable,
    "field": _header,
}
