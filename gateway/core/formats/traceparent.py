"""The field `traceparent`: of which trace a request is, and what in it has made it.

W3C Trace Context, section 3.2: version 00 alone, 55 octets, lower case. Whatever else stands there
is ignored and never mended, and so are several.
"""

import re
from typing import NamedTuple

from gateway.core.formats.fields import Fields, values

NAME = b"traceparent"
SAMPLED = 0x01  # of the flags, the only one that version 00 knows

_WRITTEN = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


class TraceParent(NamedTuple):
    """What a `traceparent` says; ids in hexadecimal, lower case, and never all zero."""

    trace_id: str  # 32 digits
    span_id: str  # 16 digits
    sampled: bool

    @property
    def field(self) -> bytes:
        """As it is written."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}".encode("ascii")


def read(fields: Fields) -> TraceParent | None:
    """What the one `traceparent` among these says; None where there is none that is one."""
    found = values(fields, NAME)
    written = _WRITTEN.fullmatch(found[0]) if len(found) == 1 else None
    if written is None:
        return None
    trace_id, span_id, flags = (part.decode("ascii") for part in written.groups())
    if not int(trace_id, 16) or not int(span_id, 16):
        return None
    return TraceParent(trace_id, span_id, bool(int(flags, 16) & SAMPLED))
