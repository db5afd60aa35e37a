"""Which exchanges are worth a line in the audit trail, and what it says.

- `spoke`: a person was heard at an upstream, once an hour: whom a sign-in vouched for, who spoke
  for them, and as whom the upstream knows them.
- `history_read`: they read what was said, once an hour for each conversation or list.
- `refused`: they, or a stranger, were refused, with our code.
- `staff_read`: somebody else read it, by their role: each time, never as a sum.
- what the pipelines note: `identity_overridden`, `key_refused` (the next key was used), and so on.

Never message text, tokens, cookies, keys or bodies; of names that were dropped only how many.
"""

import json
import time
from collections import Counter
from collections.abc import Hashable
from typing import Any, Protocol

from gateway.core.lru import LruCache
from gateway.ports import AuditSink, Record, UsageSink
from gateway.store.audit import AuditEvent, happened
from gateway.store.sums import Sums
from gateway.store.usage import text

HOUR = 3600
REMEMBERED = 65_536  # people who were heard
READS = frozenset({"GET", "HEAD"})
# Each of these is also a refusal, whose code says the same.
SAID_BY_CODE = frozenset({"conversation_denied"})
EACH = frozenset({"staff_read"})


class Trail(Protocol):
    def add(self, event: AuditEvent) -> None: ...


class Auditor(UsageSink, AuditSink):
    """Keeps both ports by telling a trail."""

    def __init__(self, trail: Trail) -> None:
        self._trail = trail
        self._sums: Sums[dict[str, Any]] = Sums(self._tell)
        self._heard: LruCache[Hashable, int] = LruCache(REMEMBERED)  # the hour it was

    def record(self, record: Record) -> None:
        if 400 <= record.status < 500 and record.code:
            self._often("refused", record)
        elif record.subject and not record.code and record.status < 400:
            if self._is_new(record.upstream, record):
                self._tell(_facts("spoke", record), 1)
            if record.method in READS and record.operation:
                read = (record.upstream, record.operation, record.conversation)
                if self._is_new(read, record):
                    self._often("history_read", record)

    def note(self, event: str, record: Record) -> None:
        if event in EACH:
            self._tell(_facts(event, record), 1)
        elif event not in SAID_BY_CODE:
            self._often(event, record)

    def close(self) -> None:
        """Tell what was counted so far."""
        self._sums.close()

    def _is_new(self, what: Hashable, record: Record) -> bool:
        """Whether that is the first of it this hour, by this person."""
        key, hour = (what, record.org_id, record.subject, record.actor), int(time.time()) // HOUR
        if self._heard.get(key) == hour:
            return False
        self._heard.keep(key, hour)
        return True

    def _often(self, event: str, record: Record) -> None:
        facts = _facts(event, record)
        rough = (event, record.org_id, record.code)
        key = (*rough, record.subject, record.upstream, record.operation)
        nobodys = {name: facts[name] for name in ("event", "org", "code")}
        self._sums.add(key, facts, beyond=(rough, nobodys))

    def _tell(self, facts: dict[str, Any], times: int) -> None:
        self._trail.add(happened(**facts, times=times))


def _facts(event: str, record: Record) -> dict[str, Any]:
    dropped = dict(Counter(name.partition(":")[0] for name in record.spoofed))
    return {
        "event": event,
        "org": text(record.org_id),
        "code": record.code,
        "upstream": text(record.upstream),
        "operation": text(record.operation),
        "subject": _known(record.subject),
        "actor": _known(record.actor),
        "user_id": _known(record.user),
        "conversation": _known(record.conversation),
        "request_id": _known(record.request_id),
        "detail": json.dumps({"overridden": dropped}) if dropped else None,
    }


def _known(name: str) -> str | None:
    return text(name) if name else None
