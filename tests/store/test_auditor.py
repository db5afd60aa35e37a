from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.ports import Record
from gateway.store.audit import AuditEvent
from gateway.store.auditor import Auditor
from gateway.store.sums import FIRST
from tests.store.test_usage import record

pytestmark = pytest.mark.anyio


class Trail(list[AuditEvent]):
    def add(self, event: AuditEvent) -> None:
        self.append(event)

    @property
    def said(self) -> list[str]:
        return [event.event for event in self]


@pytest.fixture
def trail() -> Trail:
    return Trail()


@pytest.fixture
async def auditor(trail: Trail) -> AsyncIterator[Auditor]:
    auditor = Auditor(trail)
    yield auditor
    auditor.close()


async def test_says_each_time_that_staff_read(auditor: Auditor, trail: Trail) -> None:
    for _ in range(FIRST + 5):
        auditor.note("staff_read", record(actor="dora"))
    assert trail.said == ["staff_read"] * (FIRST + 5)
    assert {(event.subject, event.actor, event.times) for event in trail} == {("alice", "dora", 1)}


async def test_says_who_spoke_as_whom_once_an_hour(
    auditor: Auditor, trail: Trail, time_machine: Any
) -> None:
    time_machine.move_to("2026-11-22T10:00:00Z")
    for _ in range(3):
        auditor.record(record(actor="svc"))
    auditor.record(record(upstream="docs", actor="svc"))
    auditor.record(record(subject="bob", user="bob"))
    time_machine.move_to("2026-11-22T11:00:00Z")
    auditor.record(record(actor="svc"))
    assert trail.said == ["spoke"] * 4
    first = trail[0]
    assert (first.org, first.subject, first.actor, first.user_id) == (
        "org_123",
        "alice",
        "svc",
        "u_alice",
    )
    assert (first.upstream, first.operation, first.times) == ("support", "chat", 1)


async def test_says_who_was_refused_and_why(auditor: Auditor, trail: Trail) -> None:
    """Row Z-12: no denied request is missing."""
    auditor.record(record(status=404, code="conversation_not_found", conversation=""))
    (refused,) = trail
    assert (refused.event, refused.code, refused.subject) == (
        "refused",
        "conversation_not_found",
        "alice",
    )


async def test_strangers_are_counted_and_fill_no_disk(auditor: Auditor, trail: Trail) -> None:
    """Row N-15."""
    for _ in range(1000):
        auditor.record(record(subject="", user="", status=401, code="credentials_invalid"))
    assert len(trail) == FIRST
    auditor.close()
    assert (trail[-1].times, trail[-1].subject) == (1000 - FIRST, None)


async def test_what_goes_wrong_at_the_vendor_is_no_refusal(auditor: Auditor, trail: Trail) -> None:
    auditor.record(record(status=502, code="upstream_unreachable"))
    assert trail == []


async def test_says_who_read_which_history(auditor: Auditor, trail: Trail) -> None:
    for conversation in ("c-1", "c-1", "c-2"):
        auditor.record(record(method="GET", operation="messages", conversation=conversation))
    auditor.record(record(method="GET", operation="messages", subject="bob"))
    read = [event for event in trail if event.event == "history_read"]
    assert [(event.subject, event.conversation) for event in read] == [
        ("alice", "c-1"),
        ("alice", "c-2"),
        ("bob", "c-1"),
    ]


async def test_says_what_the_pipelines_note_and_quotes_no_names(
    auditor: Auditor, trail: Trail
) -> None:
    auditor.note("identity_overridden", record(spoofed=["body:userId", "query:CANARY"]))
    auditor.note("key_refused", record())
    auditor.note("conversation_denied", record())  # its code says so
    assert trail.said == ["identity_overridden", "key_refused"]
    assert trail[0].detail == '{"overridden": {"body": 1, "query": 1}}'


async def test_our_own_pages_are_nobodys_history(auditor: Auditor, trail: Trail) -> None:
    auditor.record(record(method="GET", operation="", upstream="", conversation=""))
    assert trail.said == ["spoke"]


async def test_a_name_that_no_database_takes_is_written_all_the_same(
    auditor: Auditor, trail: Trail
) -> None:
    broken = Record(request_id="r", method="GET", started=0.0, status=403, code="x")
    broken.subject = "half \ud83d of a pair"
    auditor.record(broken)
    assert trail[0].subject is not None
    trail[0].subject.encode()
