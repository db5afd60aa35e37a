"""What a JSON object says of a person: the claims of a token, a session, a host app's answer.

A name is literal, or a JSON Pointer (RFC 6901) where it begins with "/".
"""

from collections.abc import Callable
from typing import TypeGuard

from gateway.core import pointer
from gateway.core.errors import CredentialsInvalid
from gateway.core.strictjson import JsonObject, JsonValue

MAX_ROLES = 256
MAX_ORGS = 256


def tokens(name: str) -> pointer.Tokens:
    """The way to the member of this name."""
    return pointer.parse(name) if name.startswith("/") else (name,)


def value(said: JsonObject, name: str) -> JsonValue:
    """The value of a member; None where it is absent, or null."""
    return next(pointer.find(said, tokens(name)), None)


def roles(said: JsonObject, name: str | None) -> tuple[str, ...]:
    """The roles that stand at `name`; none where it is None, or nothing stands there.

    Raises:
        CredentialsInvalid: what stands there is no string, and no list of them.
    """
    found = value(said, name) if name else None
    if found is None:
        return ()
    named: JsonValue = [found] if isinstance(found, str) else found
    if not are_strings(named, most=MAX_ROLES):
        raise CredentialsInvalid("The roles are not a string or a list of at most 256")
    return tuple(named)


def orgs(
    said: JsonObject, name: str | None, may_vouch_for: Callable[[str], bool]
) -> frozenset[str] | None:
    """The orgs that stand at `name`, as far as the sign-in may vouch for them.

    None: it is not said there whose people they are.

    Raises:
        CredentialsInvalid: there are more than 256.
    """
    if name is None:
        return None
    found = value(said, name)
    named = found if isinstance(found, list) else [found]
    if len(named) > MAX_ORGS:
        raise CredentialsInvalid("More than 256 organisations are named")
    return frozenset(one for one in named if isinstance(one, str) and may_vouch_for(one))


def are_strings(found: object, *, most: int) -> TypeGuard[list[str]]:
    """Whether it is a list of strings with text, `most` at most."""
    return (
        isinstance(found, list)
        and len(found) <= most
        and all(isinstance(one, str) and one for one in found)
    )
