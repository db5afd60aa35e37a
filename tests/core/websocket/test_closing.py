import pytest

from gateway.core import errors
from gateway.core.websocket.closing import Closing, carried, of_error


@pytest.mark.parametrize("code", [*range(1000, 1004), *range(1007, 1015), 3000, 4001, 4999])
def test_what_may_be_sent_is_carried(code: int) -> None:
    assert carried(code, "why", otherwise=1001) == Closing(code, "why")


@pytest.mark.parametrize("code", [0, 999, 1004, 1006, 1015, 1016, 2000, 2999, 5000, -1])
def test_what_no_endpoint_may_send_is_told_otherwise(code: int) -> None:
    assert carried(code, "why", otherwise=1014) == Closing(1014, "")


def test_a_close_without_a_code_is_a_normal_one() -> None:
    assert carried(1005, "", otherwise=1014) == Closing(1000)


@pytest.mark.parametrize("reason", ["x" * 200, "é" * 100, "\ud800" * 50])
def test_a_reason_fits_a_close_frame(reason: str) -> None:
    assert len(carried(1000, reason, otherwise=1001).reason.encode()) <= 123
    assert carried(1000, "x" * 124, otherwise=1001) == Closing(1000, "x" * 123)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.BadRequest(), 1008),
        (errors.CredentialsExpired(), 1008),
        (errors.ConversationNotFound(), 1008),
        (errors.Blocked(), 1008),
        (errors.UnsupportedMediaType(), 1003),
        (errors.ContentTooLarge(), 1009),
        (errors.UserLimit(), 1013),
        (errors.LedgerUnavailable(), 1013),
        (errors.Overloaded(), 1001),
        (errors.UpstreamMalformed(), 1014),
        (errors.UpstreamTimeout(), 1014),
        (errors.GatewayError(), 1011),
    ],
)
def test_what_we_say_ourselves_has_our_code_as_its_reason(
    error: errors.GatewayError, code: int
) -> None:
    assert of_error(error) == Closing(code, error.code)
