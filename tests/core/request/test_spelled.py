import pytest

from gateway.core.errors import BadRequest
from gateway.core.request.spelled import canonical_id, shown


@pytest.mark.parametrize(("written", "one"), [(7, "7"), ("7", "7"), ("07", "07"), ("a-b", "a-b")])
def test_an_id_has_one_spelling(written: object, one: str) -> None:
    assert canonical_id(written) == one


@pytest.mark.parametrize("written", [True, None, -1, 1.0, "", "a/b", "a b", "x" * 257, ["7"], {}])
def test_what_is_no_id_is_refused(written: object) -> None:
    with pytest.raises(BadRequest):
        canonical_id(written)


def test_a_name_is_shown_fit_for_a_line() -> None:
    assert shown("a\nb\x00" + "x" * 100) == "a?b?" + "x" * 60
