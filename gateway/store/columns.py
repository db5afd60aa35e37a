"""Rows as people and programs read them: names, times and order are part of the contract."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.events.envelope import moment
from gateway.store.reports import COUNTS, By

CONVERSATION = ("org", "upstream", "conversation", "user", "opened_at")
EVENT = (
    "id", "time", "org", "number", "event", "code", "user", "actor", "user_id", "upstream",
    "operation", "conversation", "request_id", "times", "detail",
)  # fmt: skip
DELIVERY = (
    "id", "time", "org", "upstream", "type", "user", "conversation", "target", "state", "tries",
    "status", "reason", "died_at",
)  # fmt: skip
OF_AN_EXCHANGE = (
    "status", "code", "interrupted_by", "bytes_in", "bytes_out", "milliseconds", "first_byte",
    "actor",
)  # fmt: skip


def of_usage(by: By, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as people and programs read it, its columns in the order of the documents."""
    facts = dict(row)
    if by == "exchange":
        facts = _of_exchange(facts)
    for name, form in (("day", "%Y-%m-%d"), ("month", "%Y-%m")):
        if name in facts:
            facts[name] = datetime.fromtimestamp(facts[name] / 1000, UTC).strftime(form)
    if "new" in facts:
        facts["new_users"] = facts.pop("new")
        facts["returning_users"] = facts["users"] - facts["new_users"]
    for name in ("first_seen", "last_seen"):
        facts[name] = moment(facts[name])
    facts["credits"] = round(float(facts["credits"]), 6)
    for name in COUNTS:
        if name != "credits":
            facts[name] = int(facts[name])
    return {name: facts[name] for name in columns_of(by)}


def _of_exchange(facts: dict[str, Any]) -> dict[str, Any]:
    was_refused = bool(facts["code"]) and 400 <= facts["status"] < 500
    return facts | {
        "id": str(uuid.UUID(bytes=facts["id"])),
        "time": moment(facts["time"]),
        "requests": 1,
        "conversations": int(bool(facts["conversation"])),
        "refused": int(was_refused),
        "interrupted_by": facts["interrupted"],
        "interrupted": int(bool(facts["interrupted"])),
        "first_seen": facts["time"],
        "last_seen": facts["time"],
    }


def columns_of(by: By) -> list[str]:
    """The columns of a report."""
    own = {
        "day": ["day"],
        "month": ["month"],
        "conversation": ["conversation"],
        "exchange": ["id", "time", "operation", "conversation", "request_id"],
    }.get(by, [])
    people = [] if by in {"user", "exchange"} else ["users"]
    people += ["new_users", "returning_users"] if by == "month" else []
    after = [*OF_AN_EXCHANGE] if by == "exchange" else []
    return ["org", *own, "user", "upstream", *people, *COUNTS, "first_seen", "last_seen", *after]


def of_conversation(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the list of conversations."""
    return {**row, "opened_at": moment(row["opened_at"] * 1000)}


def of_event(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the audit trail; of somebody who was erased, nothing."""
    facts = {**row, "id": str(uuid.UUID(bytes=row["id"])), "time": moment(row["time"])}
    return {name: facts[name] for name in EVENT}


def of_delivery(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of what is to be delivered."""
    died = row["died_at"]
    facts = {
        **row,
        "time": moment(row["at"]),
        "type": row["kind"],
        "state": "waiting" if died is None else "dead",
        "died_at": None if died is None else moment(died),
    }
    return {name: facts[name] for name in DELIVERY}
