import pytest

from gateway.core.profile.problem_shape import ProblemShape

SHAPE = ProblemShape(
    body={"error": {"code": "{code}", "message": "{message}"}, "raw": ["{status}", 7, None]},
    codes={404: "NOT_FOUND", "conversation_not_found": "NO_CONVERSATION"},
)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        pytest.param(404, "conversation_not_found", "NO_CONVERSATION", id="by our code"),
        pytest.param(404, "not_found", "NOT_FOUND", id="by the status"),
        pytest.param(418, "teapot", "TEAPOT", id="by neither"),
    ],
)
def test_a_problem_speaks_the_vendors_language(status: int, code: str, expected: str) -> None:
    assert SHAPE.render(status=status, code=code, message="No {code} here") == {
        "error": {"code": expected, "message": "No {code} here"},
        "raw": [status, 7, None],
    }


def test_a_stream_ends_with_the_event_of_the_vendor_or_with_its_problem() -> None:
    said = {"status": 504, "code": "upstream_timeout", "message": "Too late"}
    assert SHAPE.render_event(**said) == SHAPE.render(**said)
    shape = ProblemShape(
        body={}, event={"type": "error", "text": "{message}", "c": "{gateway_code}"}
    )
    assert shape.render_event(**said) == {
        "type": "error",
        "text": "Too late",
        "c": "upstream_timeout",
    }
    with pytest.raises(TypeError):
        shape.codes["x"] = "y"  # type: ignore[index]
    with pytest.raises(TypeError):
        shape.statuses["x"] = 200  # type: ignore[index]
    assert shape.event_name == ""
