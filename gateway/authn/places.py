"""Where in a request a credential stands: "authorization", "cookie:NAME" or "field:NAME".

Parameters are no such place: URLs are logged, kept in histories and sent on as referrers.
"""

from gateway.core import fields as http
from gateway.core.errors import CredentialsInvalid
from gateway.core.fields import COOKIE_NAME, NEVER_PASSED, TOKEN, Fields

AUTHORIZATION = "authorization"
_COOKIE = "cookie:"
_FIELD = "field:"


def check_place(place: str) -> str:
    """Whether a place is one.

    Raises:
        ValueError: it is none.
    """
    name = place.partition(":")[2].encode("ascii", "replace")
    is_cookie = place.startswith(_COOKIE) and COOKIE_NAME.fullmatch(name)
    is_field = place.startswith(_FIELD) and TOKEN.fullmatch(name)
    if place != AUTHORIZATION and not is_cookie and not is_field:
        raise ValueError(f'from: "authorization", "cookie:NAME" or "field:name", not {place!r}')
    if is_field and name.decode("ascii") in NEVER_PASSED:
        raise ValueError(f"from: the field of {place!r} has a meaning of its own")
    return place


def is_cookie(place: str) -> bool:
    """Whether a browser adds what stands there by itself."""
    return place.startswith(_COOKIE)


def read(fields: Fields, place: str) -> str | None:
    """The credential that stands at a place; None where there is none.

    An empty field or cookie is none: that is how clients and servers take one back.

    Raises:
        AmbiguousCredentials: there are two, or a cookie that parsers read differently.
        CredentialsInvalid: the Authorization field is malformed.
    """
    if place == AUTHORIZATION:
        return _bearer(fields)
    name = place.partition(":")[2]
    if is_cookie(place):
        return http.cookie(fields, name) or None
    return http.bearer(fields, name.encode("ascii")) or None


def _bearer(fields: Fields) -> str | None:
    token = http.bearer(fields)
    if token is not None:
        return token
    # Another scheme (RFC 9110 section 11.4) may be for a proxy before us; a misspelt one is not.
    written = b"".join(http.values(fields, b"authorization"))
    if written and not TOKEN.fullmatch(written.partition(b" ")[0].lower()):
        raise CredentialsInvalid("The Authorization field is not 'Bearer', one space and a token")
    return None
