"""An event of a vendor, joined with whom it is about."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at an upstream. `subject` and `user` are None where it is nobody's.

    `id` is ours and the same for every receiver and every attempt; `source` is what the vendor
    knows it by, as `core.events.callback` has it.
    """

    id: str
    source: str
    org: str  # external_id
    upstream: str
    kind: str
    at: int  # milliseconds since the epoch, when it came
    subject: str | None
    user: str | None  # as the upstream knows them
    conversation: str | None
    data: bytes  # one JSON text
