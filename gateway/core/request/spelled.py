"""What clients write: the one spelling of an id, and a name fit to be shown."""

from gateway.core.errors import BadRequest
from gateway.core.request.route import SEGMENT


def canonical_id(value: object) -> str:
    """The one spelling of a conversation id: `7` and "7" are one, `true` and "07" are others.

    Raises:
        BadRequest: it is no id.
    """
    if isinstance(value, str) and SEGMENT.fullmatch(value):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value)
    raise BadRequest("A conversation is named by something that is no conversation id")


def shown(name: str) -> str:
    """A client's name, fit for a log line and for an answer."""
    start = name[:64]
    return start if start.isprintable() else "".join(c if c.isprintable() else "?" for c in start)
