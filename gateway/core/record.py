"""What is noted of one exchange while it goes."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.core.formats.strictjson import JsonValue
from gateway.core.limits.quota import Quota
from gateway.core.trace import Trace


@dataclass(slots=True)
class Record:
    """What one exchange did, filled as it goes: the log line, the usage row, what `explain` shows.

    Never message text, tokens, cookies, keys or bodies.
    """

    request_id: str
    method: str
    started: float  # seconds, monotonic
    org: str = ""
    org_id: str = ""  # its external_id, which never changes
    upstream: str = ""
    operation: str = ""
    subject: str = ""
    actor: str = ""
    user: str = ""
    conversation: str = ""
    asked: JsonValue = None  # the id of a JSON-RPC request, for an answer to it
    status: int = 0
    upstream_status: int = 0
    code: str = ""  # our error code
    reason: str = ""  # and what more is known of it
    dropped: Sequence[str] = ()  # unlisted names, "body:temperature"
    spoofed: Sequence[str] = ()  # those that named people
    usage: dict[str, float] | None = None  # until there is any
    tool_calls: int = 0
    quotas: Sequence[Quota] = ()  # limits that count it; until its head is out
    bytes_in: int = 0
    bytes_out: int = 0
    first_byte_ms: float | None = None
    duration_ms: float = 0.0
    interrupted: str = ""  # "client", "upstream", "timeout", "gateway": who ended it early
    trace: Trace | None = None  # None: nobody asks for one
