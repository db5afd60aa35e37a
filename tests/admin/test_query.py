import base64
import json

import pytest

from gateway.admin.query import OF_EVERY_LIST, cursor_of, wanted
from gateway.core.errors import BadRequest
from gateway.store.listings import conversations_of, events_of
from gateway.store.reports import Filter, report

KNOWN = ("by", *OF_EVERY_LIST)
ORGS = {"acme": "org_123"}


def test_a_query_says_what_is_wanted() -> None:
    query = [
        ("by", "day"),
        ("org", "acme"),
        ("user", "alice"),
        ("since", "2026-11-22"),
        ("limit", "7"),
    ]
    found = wanted(query, KNOWN, ORGS)
    assert found.which == Filter(org="org_123", user="alice", since=1_795_305_600_000)
    assert (found.by, found.limit, found.form) == ("day", 7, "json")


def test_without_one_there_are_defaults() -> None:
    found = wanted([], KNOWN, ORGS)
    assert (found.which, found.by, found.limit) == (Filter(), "user", 100)


def test_an_org_that_need_not_be_listed_is_its_external_id() -> None:
    assert wanted([("org", "org_9")], KNOWN, ORGS | {"*": "*"}).which.org == "org_9"


@pytest.mark.parametrize(
    "query",
    [
        pytest.param([("nonsense", "1")], id="unknown"),
        pytest.param([("limit", "1"), ("limit", "2")], id="twice"),
        pytest.param([("user", "")], id="empty"),
        pytest.param([("user", "a\0b")], id="NUL"),
        pytest.param([("user", "a\ufffdb")], id="no UTF-8"),
        pytest.param([("limit", "0")], id="no rows"),
        pytest.param([("limit", "101")], id="too many"),
        pytest.param([("limit", "-1")], id="negative"),
        pytest.param([("limit", "1" * 5000)], id="digits"),
        pytest.param([("limit", "000000001" + "0" * 6)], id="too many, after what looks few"),
        pytest.param([("limit", "000000001" + "0" * 5000)], id="digits, after what looks few"),
        pytest.param([("limit", "٣")], id="another alphabet's digit"),
        pytest.param([("by", "name")], id="no such grouping"),
        pytest.param([("format", "xml")], id="no such format"),
        pytest.param([("since", "then")], id="no time"),
        pytest.param([("until", "9999-99-99")], id="no day"),
        pytest.param([("org", "nobody")], id="no such org"),
    ],
)
def test_what_is_not_understood_is_refused(query: list[tuple[str, str]]) -> None:
    with pytest.raises(BadRequest):
        wanted(query, KNOWN, ORGS)


LISTS = {
    "users": (report("user", Filter()), {"org": "acme", "user": "alice"}),
    "days": (report("day", Filter()), {"org": "acme", "day": 86_400_000}),
    "exchanges": (report("exchange", Filter()), {"id": b"\x01\xff"}),
    "events": (events_of(Filter()), {"id": b"\x00"}),
    "conversations": (
        conversations_of(Filter()),
        {"org": "a", "upstream": "b", "conversation": "c\u2028"},
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_cursor_stands_for_a_row(name: str) -> None:
    of, row = LISTS[name]
    cursor = cursor_of(of, row)
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert wanted([("cursor", cursor)], KNOWN, ORGS).after(of) == list(row.values())


def made(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("name", "cursor"),
    [
        pytest.param("users", "!!!", id="no base64"),
        pytest.param("users", "AA", id="no JSON"),
        pytest.param("users", made({"org": "acme"}), id="no list"),
        pytest.param("users", made(["acme"]), id="too short"),
        pytest.param("users", made(["acme", 7]), id="a number for a name"),
        pytest.param("users", made(["acme", "a\0"]), id="NUL"),
        pytest.param("users", made(["acme", "\ud800"]), id="half a pair"),
        pytest.param("days", made(["acme", "2026-11-22"]), id="a name for a time"),
        pytest.param("days", made(["acme", True]), id="true for a time"),
        pytest.param("days", made(["acme", 2**70]), id="too large a time"),
        pytest.param("events", made(["zz"]), id="no id"),
        pytest.param("events", made(["' OR 1=1"]), id="SQL"),
        pytest.param("users", base64.b64encode(b"[" * 100_000).decode(), id="nesting"),
    ],
)
def test_a_cursor_of_ones_own_making_is_refused(name: str, cursor: str) -> None:
    with pytest.raises(BadRequest):
        wanted([("cursor", cursor)], KNOWN, ORGS).after(LISTS[name][0])
