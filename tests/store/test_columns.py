from typing import get_args

import pytest

from gateway.store.columns import columns_of, moment, of_conversation, of_event
from gateway.store.reports import By
from tests.store.trails import event

CONTRACT = [
    "org", "user", "upstream", "requests", "conversations", "tool_calls", "tokens_in", "tokens_out",
    "credits", "refused", "interrupted", "first_seen", "last_seen",
]  # fmt: skip


@pytest.mark.parametrize("by", get_args(By))
def test_every_report_has_the_columns_that_were_promised(by: By) -> None:
    assert set(CONTRACT) <= set(columns_of(by))
    assert len(set(columns_of(by))) == len(columns_of(by))


def test_times_are_of_utc() -> None:
    assert moment(1_800_000_000_001) == "2027-01-15T08:00:00.001Z"


def test_a_conversation_is_shown_with_its_time() -> None:
    row = {"org": "acme", "upstream": "s", "conversation": "c", "user": "a", "opened_at": 0}
    assert of_conversation(row)["opened_at"] == "1970-01-01T00:00:00.000Z"


def test_of_an_event_no_hash_and_no_salt_is_shown() -> None:
    from gateway.store.audit import linked

    row = linked(event(1), None)
    shown = of_event(row | {"user": row["subject"]})
    assert {"salt", "hash", "personal", "previous"}.isdisjoint(shown)
    assert (shown["user"], shown["time"]) == ("alice", "2024-10-04T12:00:01.000Z")
