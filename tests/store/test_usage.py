from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from gateway.core.errors import ConversationNotFound
from gateway.ports import Record
from gateway.store.schema import usage
from gateway.store.store import Store
from gateway.store.usage import UsageLog, UsageRow, row_of, text
from tests.store.conftest import Direct

pytestmark = pytest.mark.anyio


def record(**facts: Any) -> Record:
    known = {
        "request_id": "r-1",
        "method": "POST",
        "started": 0.0,
        "org": "acme",
        "org_id": "org_123",
        "upstream": "support",
        "operation": "chat",
        "subject": "alice",
        "user": "u_alice",
        "conversation": "c-1",
        "status": 200,
        "bytes_in": 10,
        "bytes_out": 20,
        "usage": {"credits": 2, "prompt_tokens": 7, "completion_tokens": 3},
        "duration_ms": 12.6,
        "first_byte_ms": 3.4,
    }
    return Record(**known | facts)


class Finished(NamedTuple):
    """What `row_of` is given."""

    record: Record
    time: float


def finished(time: float) -> Finished:
    return Finished(record(), time)


def rows(direct: Direct) -> list[dict[str, Any]]:
    names = [column.name for column in usage.c]
    found = direct(f"SELECT {', '.join(names)} FROM usage ORDER BY id")  # noqa: S608
    return [dict(zip(names, row, strict=True)) for row in found]


Keep = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture
def keep(store: Store, direct: Direct, tmp_path: Path) -> Keep:
    async def kept(*records: Record) -> list[dict[str, Any]]:
        log = UsageLog(store.database, tmp_path / "spool")
        for one in records:
            log.record(one)
        await log.batches.aclose()
        return rows(direct)

    return kept


def test_a_row_has_the_columns_of_the_table_in_their_order() -> None:
    assert UsageRow.__struct_fields__ == tuple(usage.c.keys())


async def test_keeps_one_row_an_exchange(keep: Keep) -> None:
    (row,) = await keep(record())
    assert row.pop("id")[:6] == row["time"].to_bytes(6, "big")
    assert row.pop("time") > 1_700_000_000_000
    assert row == {
        "org": "org_123",
        "subject": "alice",
        "upstream": "support",
        "operation": "chat",
        "conversation": "c-1",
        "request_id": "r-1",
        "status": 200,
        "code": "",
        "interrupted": "",
        "bytes_in": 10,
        "bytes_out": 20,
        "tokens_in": 7,
        "tokens_out": 3,
        "credits": 2.0,
        "tool_calls": 0,
        "milliseconds": 13,
        "first_byte": 3,
        "actor": "",
    }


async def test_amounts_and_names_are_kept_to_the_bit(keep: Keep) -> None:
    costs = [0.1 + 0.2, 5e-324, 123456789.125, 2.0**53]
    names = ["Zoë", "日本 \U0001f600", 'a "b" \\c\\n', "%s {} ' --"]
    made = [
        record(usage={"credits": cost, "input_tokens": 2**53}, conversation=name, bytes_out=2**62)
        for cost, name in zip(costs, names, strict=True)
    ]
    found = await keep(*made)
    assert {row["conversation"]: row["credits"] for row in found} == dict(
        zip(names, costs, strict=True)
    )
    assert {(row["tokens_in"], row["bytes_out"]) for row in found} == {(2**53, 2**62)}


async def test_refused_and_interrupted_exchanges_are_kept_too(keep: Keep) -> None:
    refused = record(status=404, code=ConversationNotFound.code, conversation="", usage={})
    left = record(interrupted="client", first_byte_ms=None)
    found = await keep(refused, left)
    assert {(row["code"], row["interrupted"], row["first_byte"]) for row in found} == {
        ("conversation_not_found", "", 3),
        ("", "client", None),
    }


async def test_what_nobody_signed_in_for_is_nobodys_usage(keep: Keep) -> None:
    assert await keep(record(subject="", status=401)) == []


async def test_a_request_id_that_a_client_sends_twice_counts_twice(keep: Keep) -> None:
    assert len(await keep(record(), record())) == 2


def test_a_tool_call_that_was_refused_is_none() -> None:
    assert row_of(record(tool_calls=1), 1.0).tool_calls == 1
    assert row_of(record(tool_calls=1, code="not_found"), 1.0).tool_calls == 0


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param("half \ud83d of a pair", id="lone surrogate"),
        pytest.param("nul \0 here", id="NUL"),
        pytest.param("\0" + "".join(map(chr, range(0x40000, 0x40200))), id="N-14 without end"),
    ],
)
async def test_a_name_that_no_database_holds_is_kept_as_one_that_is_nobodys(
    keep: Keep, subject: str
) -> None:
    escaped = text(subject)
    assert escaped.startswith("\ufffd")
    assert escaped[1:].isascii()
    assert len(escaped) <= 513
    (row,) = await keep(record(subject=subject))
    assert row["subject"] == escaped


ODD = ["line\nbreak", "\u202ereversed", "zero\u200bwidth", "\ufffdmark", "\ue000private"]


@pytest.mark.parametrize("name", ["alice", "DOMAIN\\alice", "a b", "Zoë", "日本", "", *ODD])
async def test_a_name_that_can_be_kept_stays(keep: Keep, name: str) -> None:
    """For by it a person's rows are found, and erased."""
    assert text(name) == name
    if name:
        (row,) = await keep(record(subject=name))
        assert row["subject"] == name


def test_a_row_comes_back_from_a_line_as_it_was() -> None:
    row = row_of(record(), 1_800_000_000.5)
    assert msgspec.json.decode(msgspec.json.encode(row), type=UsageRow) == row
    assert b"\n" not in msgspec.json.encode(row)


async def test_says_who_spoke_for_somebody(keep: Keep) -> None:
    spoken = record()
    spoken.actor = "backend"
    (row,) = await keep(spoken)
    assert row["actor"] == "backend"


def test_a_line_of_an_older_version_can_be_read() -> None:
    row = row_of(record(), 1_800_000_000)
    line = msgspec.json.decode(msgspec.json.encode(row))
    del line["actor"]
    assert msgspec.json.Decoder(UsageRow).decode(msgspec.json.encode(line)) == row
