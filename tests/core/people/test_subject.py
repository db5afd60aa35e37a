import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import BadPath
from gateway.core.people.subject import segment_of, subject_of
from gateway.core.request.route import SEGMENT


@pytest.mark.parametrize(
    ("subject", "segment"),
    [
        ("alice", "alice"),
        ("alice@acme.example", "alice@acme.example"),
        ("auth0|7f3a", "b64:YXV0aDB8N2YzYQ"),
        ("..", "b64:Li4"),
        ("b64:YQ", "b64:YjY0OllR"),
        ("ü/%", "b64:w7wvJQ"),
        ("a/W", "b64:YS9X"),
    ],
)
def test_a_subject_has_a_segment(subject: str, segment: str) -> None:
    assert segment_of(subject) == segment
    assert subject_of(segment) == subject


def test_a_subject_that_has_no_utf_8_has_a_segment() -> None:
    """Nobody comes by it, and no list of people fails for it."""
    assert segment_of("\ud800") == "b64:7aCA"


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=100))
def test_there_and_back(subject: str) -> None:
    segment = segment_of(subject)
    assert subject_of(segment) == subject
    assert len(segment) > 256 or SEGMENT.fullmatch(segment)


@pytest.mark.parametrize(
    "segment",
    [
        pytest.param("b64:", id="nobody"),
        pytest.param("b64:YWxpY2U", id="one who can stand plainly"),
        pytest.param("b64:YXV0aDB8N2YzYQ==", id="padded"),
        pytest.param("b64:YXV0aDB8N2YzYR", id="bits left over"),
        pytest.param("b64:YXV0a@DB8N2YzYQ", id="a character beyond the alphabet"),
        pytest.param("b64:a", id="no whole byte"),
        pytest.param("b64:_w", id="no UTF-8"),
        pytest.param("b64:7aCA", id="half a surrogate pair"),
    ],
)
def test_no_other_spelling_is_anybody(segment: str) -> None:
    with pytest.raises(BadPath):
        subject_of(segment)
