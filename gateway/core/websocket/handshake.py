"""What a handshake offers as subprotocols (RFC 6455 section 11.3.4): a credential among them.

A page cannot put a field into a handshake. So the SDKs of browsers put their key there, as
`openai-insecure-api-key.KEY` or `bearer.TOKEN`: a bearer token as good as in Authorization, that
never reaches the vendor, nor goes back to the client.
"""

import re

from gateway.core.errors import BadRequest
from gateway.core.formats.fields import Fields, values

OFFER = b"sec-websocket-protocol"
CREDENTIALS = (b"openai-insecure-api-key.", b"bearer.")
MAX_OFFERED = 20

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2


def offered(fields: Fields) -> tuple[str, ...]:
    """The subprotocols a handshake offers, in its order.

    Raises:
        BadRequest: one is no token, or there are more than 20.
    """
    found = _split(fields)
    if len(found) > MAX_OFFERED or not all(map(_TOKEN.fullmatch, found)):
        raise BadRequest("The subprotocols of the handshake are not tokens, or too many")
    return tuple(one.decode("ascii") for one in found)


def _split(fields: Fields) -> list[bytes]:
    lines = b",".join(values(fields, OFFER))
    return [one.strip(b" \t") for one in lines.split(b",")] if lines else []


def with_credential(fields: Fields) -> Fields:
    """The fields, with a token among the subprotocols where any other client would put it.

    With another one beside it there are two, which the sign-in refuses.
    """
    tokens = [
        one.removeprefix(prefix)
        for one in _split(fields)
        for prefix in CREDENTIALS
        if one.startswith(prefix)
    ]
    return [*fields, *((b"authorization", b"Bearer " + token) for token in tokens)]


def passed(fields: Fields, listed: frozenset[str]) -> tuple[str, ...]:
    """The subprotocols that the vendor is offered; never a credential."""
    return tuple(one for one in dict.fromkeys(offered(fields)) if one in listed)
