from typing import Any

import pytest

from gateway.store import chain
from gateway.store.audit import linked
from gateway.store.schema import audit
from tests.store.trails import event


def row() -> dict[str, Any]:
    return linked(event(1), None)


def test_every_column_counts() -> None:
    columns = {column.name for column in audit.c}
    counted = {*chain.PERSONAL, *chain.IMPERSONAL}
    assert columns - counted == {"salt", "personal", "previous", "hash"}


@pytest.mark.parametrize("name", [*chain.IMPERSONAL, "personal", "previous"])
def test_the_hash_changes_with_each_impersonal_column(name: str) -> None:
    before = row()
    after = before | {name: b"other" if isinstance(before[name], bytes) else "other"}
    assert chain.link(after) != before["hash"]


@pytest.mark.parametrize("name", chain.PERSONAL)
def test_the_digest_changes_with_each_personal_column(name: str) -> None:
    before = row()
    assert chain.personal(before | {name: "other"}) != before["personal"]
    assert chain.personal(before | {name: None}) != chain.personal(before | {name: ""})


def test_the_hash_says_nothing_of_a_person_without_the_salt() -> None:
    one, other = row(), row()
    assert one["personal"] != other["personal"]
    erased = one | dict.fromkeys((*chain.PERSONAL, "salt"))
    assert chain.link(erased) == one["hash"]


def test_two_columns_are_never_read_as_one() -> None:
    assert chain.link(row() | {"event": "a", "code": "b"}) != chain.link(
        row() | {"event": "ab", "code": ""}
    )


def test_orgs_begin_apart() -> None:
    assert chain.beginning("a") != chain.beginning("b")


def test_a_day_is_of_utc() -> None:
    assert [chain.day_of(time) for time in (0, 86_399_999, 86_400_000)] == [0, 0, 1]
