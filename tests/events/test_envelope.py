"""How a receiver is told of an event."""

import json

from gateway.core.events.event import Event
from gateway.events.envelope import envelope, moment

EVENT = Event(
    id="evt_1",
    source="id:e-1",
    org="org_acme",
    upstream="support",
    kind="lead.created",
    at=1_766_000_000_123,
    subject="alice",
    user="u_1",
    conversation="7",
    data=b'{"subject":"mallory"}',
)


def test_our_word_stands_at_the_top_and_the_vendors_in_data() -> None:
    assert json.loads(envelope(EVENT)) == {
        "type": "lead.created",
        "timestamp": "2025-12-17T19:33:20.123Z",
        "id": "evt_1",
        "org": "org_acme",
        "upstream": "support",
        "subject": "alice",
        "user": "u_1",
        "conversation": "7",
        "data": {"subject": "mallory"},
    }


def test_a_moment_is_utc() -> None:
    assert moment(0) == "1970-01-01T00:00:00.000Z"
