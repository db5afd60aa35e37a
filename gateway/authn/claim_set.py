"""What a JSON object says of a person: the claims of a token, a session, a host app's answer.

A name is literal, or a JSON Pointer (RFC 6901) where it begins with "/".
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TypeGuard

from gateway.core.errors import CredentialsInvalid
from gateway.core.formats import pointer, strictjson
from gateway.core.formats.strictjson import JsonObject, JsonValue
from gateway.core.people.identity import Scalar
from gateway.core.profile.contact import is_attribute

MAX_ROLES = 256
MAX_ORGS = 256
MAX_AUDIENCES = 100
MAX_SUBJECT = 512  # characters
END_OF_TIME = 253_402_300_799  # the year 9999: a date beyond it is in milliseconds


def tokens(name: str) -> pointer.Tokens:
    """The way to the member of this name."""
    return pointer.parse(name) if name.startswith("/") else (name,)


def value(claims: JsonObject, name: str) -> JsonValue:
    """The value of a member; None where it is absent, or null."""
    return next(iter(pointer.find(claims, tokens(name))), None)


def subject(claims: JsonObject, name: str) -> str | None:
    """Who stands at `name`, as an application writes it: text, or a number of its database.

    None: nobody does. That is how applications say so: with nothing, null, false, 0 or "".

    Raises:
        CredentialsInvalid: what stands there is no person's name.
    """
    found = value(claims, name)
    if found is None or found is False or found == "" or (type(found) is int and found == 0):
        return None
    if type(found) is int and found > 0:
        return str(found)
    if isinstance(found, str) and found.strip() and len(found) <= MAX_SUBJECT:
        return found
    raise CredentialsInvalid("The user is neither text of at most 512 characters nor a number")


def token_user(claims: JsonObject, name: str) -> str:
    """Who stands at `name` of a token: text, as its issuer writes it.

    Raises:
        CredentialsInvalid: nobody does.
    """
    found = value(claims, name)
    if not isinstance(found, str) or not found.strip() or len(found) > MAX_SUBJECT:
        raise CredentialsInvalid(
            "The token names no user: the claim must be text of at most 512 characters"
        )
    return found


def audience(claims: JsonObject) -> list[str] | None:
    """Whom a token says it is for (RFC 7519 section 4.1.3); None: it says it in no known way."""
    found = claims.get("aud")
    named: JsonValue = [found] if isinstance(found, str) else found
    return named if are_strings(named, most=MAX_AUDIENCES) else None


def check_audience(claims: JsonObject, ours: Collection[str]) -> None:
    """Refuse a token that is for somebody else.

    Raises:
        CredentialsInvalid: it is for none of `ours`.
    """
    named = audience(claims)
    if named is None:
        raise CredentialsInvalid("The token has no audience: a string, or a list of at most 100")
    if not any(one in ours for one in named):
        raise CredentialsInvalid("The token's audience is not this gateway's")


def check_required(claims: JsonObject, required: Mapping[str, Scalar]) -> None:
    """Refuse a token that does not say what it must.

    Raises:
        CredentialsInvalid: it does not.
    """
    for name, wanted in required.items():
        if not strictjson.same(value(claims, name), wanted):
            raise CredentialsInvalid("The token lacks a claim this gateway requires")


def actor(claims: JsonObject, name: str | None) -> str | None:
    """Who acts for the person, as an application writes it: an operator who looks with their eyes.

    Raises:
        CredentialsInvalid: what stands there is no name.
    """
    return None if name is None else subject(claims, name)


def moment(found: JsonValue) -> float:
    """Seconds since the epoch: a NumericDate (RFC 7519 section 2), or a date and time with its
    offset (RFC 3339).

    Raises:
        CredentialsInvalid: it is neither.
    """
    seconds: float | None = None
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        seconds = float(found)
    elif isinstance(found, str):
        seconds = _seconds(found)
    if seconds is None or not -END_OF_TIME <= seconds <= END_OF_TIME:
        raise CredentialsInvalid("A date is not a number of seconds")
    return seconds


def _seconds(written: str) -> float | None:
    try:
        told = datetime.fromisoformat(written)
    except ValueError:
        return None
    return told.timestamp() if told.tzinfo is not None else None


def roles(claims: JsonObject, name: str | None) -> tuple[str, ...]:
    """The roles that stand at `name`; none where it is None, or nothing stands there.

    Raises:
        CredentialsInvalid: what stands there is no string, and no list of them.
    """
    found = value(claims, name) if name else None
    if found is None:
        return ()
    named: JsonValue = [found] if isinstance(found, str) else found
    if not are_strings(named, most=MAX_ROLES):
        raise CredentialsInvalid("The roles are not a string or a list of at most 256")
    return tuple(named)


def orgs(
    claims: JsonObject, name: str | None, may_vouch_for: Callable[[str], bool]
) -> frozenset[str] | None:
    """The orgs that stand at `name`, as far as the sign-in may vouch for them.

    None: it is not said there whose people they are.

    Raises:
        CredentialsInvalid: there are more than 256.
    """
    if name is None:
        return None
    found = value(claims, name)
    named = found if isinstance(found, list) else [found]
    if len(named) > MAX_ORGS:
        raise CredentialsInvalid("More than 256 organisations are named")
    return frozenset(one for one in named if isinstance(one, str) and may_vouch_for(one))


def attributes(claims: JsonObject, names: Collection[str]) -> Mapping[str, Scalar]:
    """What stands at each of `names`, as far as it is short text, a number, true or false."""
    found: dict[str, Scalar] = {}
    for name in names:
        written = value(claims, name)
        if isinstance(written, (str, int, float)) and is_attribute(written):
            found[name] = written
    return MappingProxyType(found)


def are_strings(found: object, *, most: int) -> TypeGuard[list[str]]:
    """Whether it is a list of strings with text, `most` at most."""
    return (
        isinstance(found, list)
        and len(found) <= most
        and all(isinstance(one, str) and one for one in found)
    )
