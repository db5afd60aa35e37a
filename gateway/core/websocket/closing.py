"""How a WebSocket ends, in a close code and a few words (RFC 6455 section 7.4).

What one side says is carried to the other, but for codes that no endpoint may send. What we say
ourselves is one of our own codes (`errors`) as the reason.
"""

from dataclasses import dataclass

from gateway.core.errors import (
    ContentTooLarge,
    GatewayError,
    Overloaded,
    TooManyRequests,
    Unavailable,
    UnsupportedMediaType,
    UpstreamError,
    UpstreamTimeout,
)

NORMAL = 1000
GOING_AWAY = 1001
UNSUPPORTED = 1003
NO_CODE = 1005  # never sent: a close frame had none
POLICY = 1008
TOO_LARGE = 1009
FAULT = 1011
TRY_LATER = 1013
BAD_GATEWAY = 1014

MAX_REASON = 123  # bytes, section 5.5.1
_SENDABLE = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})


@dataclass(frozen=True, slots=True)
class Closing:
    """A close code, and why."""

    code: int
    reason: str = ""


def carried(code: int, reason: str, *, otherwise: int) -> Closing:
    """What the other side is told when one side has closed with this; `otherwise` without a word.

    Registered codes and those of applications pass, 3000 to 4999; others are no endpoint's to send.
    """
    if code == NO_CODE:
        return Closing(NORMAL)
    if code not in _SENDABLE and not 3000 <= code <= 4999:
        return Closing(otherwise)
    return Closing(code, _short(reason))


def of_error(error: GatewayError) -> Closing:
    """What both sides are told when we end it."""
    return Closing(_code(error), error.code)


def _code(error: GatewayError) -> int:
    match error:
        case Overloaded():  # an open one ends so only where the gateway stops
            return GOING_AWAY
        case ContentTooLarge():
            return TOO_LARGE
        case UnsupportedMediaType():
            return UNSUPPORTED
        case TooManyRequests() | Unavailable():
            return TRY_LATER
        case UpstreamError() | UpstreamTimeout():
            return BAD_GATEWAY
    return POLICY if error.status < 500 else FAULT


def _short(reason: str) -> str:
    return reason.encode("utf-8", "replace")[:MAX_REASON].decode("utf-8", "ignore")
