import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.pages import page


def items(count: int) -> list[dict[str, str]]:
    return [{"id": f"item-{number}"} for number in range(count)]


@given(st.integers(0, 60), st.integers(1, 100))
def test_walking_the_pages_meets_each_item_once(count, limit):
    met, query = [], {"limit": str(limit)}
    while True:
        answer = page(items(count), query)
        assert len(answer["data"]) <= limit
        assert answer["pagination"]["total"] == count
        met += answer["data"]
        if not answer["pagination"]["hasMore"]:
            break
        query = {"limit": str(limit), "cursor": answer["pagination"]["cursor"]}
    assert met == items(count)
    assert answer["pagination"]["cursor"] is None


def test_a_page_has_twenty_unless_asked_otherwise():
    assert len(page(items(30), {})["data"]) == 20


def test_a_cursor_keeps_its_place_when_something_new_comes_first():
    first = page(items(4), {"limit": "2"})
    later = [{"id": "new"}, *items(4)]
    second = page(later, {"limit": "2", "cursor": first["pagination"]["cursor"]})
    assert second["data"] == items(4)[2:]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "ten", "¹"])
def test_refuses_a_limit_out_of_range(limit):
    with pytest.raises(ValueError, match="limit"):
        page(items(3), {"limit": limit})


@pytest.mark.parametrize("cursor", ["x", "%%%", "aXRlbS05OQ", "é"])
def test_refuses_a_cursor_that_is_none(cursor):
    with pytest.raises(ValueError, match="cursor"):
        page(items(3), {"cursor": cursor})
