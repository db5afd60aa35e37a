"""How a receiver is told of an event, be it a webhook or a line of a file.

Who it is about is our word and stands at the top. What the vendor said is in `data`, as it said it:
what stands in there about people is the vendor's word.
"""

from datetime import UTC, datetime

from gateway.core.events.event import Event
from gateway.core.formats import strictjson


def envelope(event: Event) -> bytes:
    """One JSON text; type, timestamp and data as Standard Webhooks has them."""
    head = strictjson.dumps(
        {
            "type": event.kind,
            "timestamp": moment(event.at),
            "id": event.id,
            "org": event.org,
            "upstream": event.upstream,
            "subject": event.subject,
            "user": event.user,
            "conversation": event.conversation,
        }
    )
    return head[:-1] + b',"data":' + event.data + b"}"


def moment(at: int) -> str:
    """A time in milliseconds as RFC 3339 has it, in UTC."""
    text = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
