import pytest

from gateway.core import errors, failure


def test_what_is_nobodys_doing_here_can_be_tried_again_or_not() -> None:
    assert failure.Unavailable().retry_after == 1
    assert failure.UpstreamTimeout().retry_after is None
    assert str(failure.UpstreamMalformed("why")) == "why"
    assert failure.UpstreamMalformed(proxy_error="x").error_type == "x"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (failure.UpstreamUnreachable(), ""),
        (failure.UpstreamUnreachable(proxy_error="dns_error"), "dns_error"),
        (failure.UpstreamMalformed("A redirect"), "A redirect"),
        (failure.UpstreamMalformed("Why", proxy_error="tls_x"), "tls_x: Why"),
        (errors.CredentialsInvalid("The audience is another"), "The audience is another"),
        (errors.ConversationNotFound(), ""),
        (errors.BadRequest("This takes no query 'eyJ0b2tlbg'"), ""),
        (errors.AmbiguousJson("'eyJ0b2tlbg' stands twice"), ""),
    ],
)
def test_operators_hear_the_reason_but_never_what_a_client_wrote(
    error: failure.GatewayError, reason: str
) -> None:
    assert error.reason == reason


def test_it_is_of_the_one_tree() -> None:
    assert errors.GatewayError is failure.GatewayError
    assert issubclass(errors.NotFound, failure.GatewayError)


@pytest.mark.parametrize(
    ("kind", "status", "code", "proxy_error"),
    [
        (failure.GatewayError, 500, "internal", "proxy_internal_error"),
        (failure.UpstreamError, 502, "upstream_malformed", "http_protocol_error"),
        (failure.UpstreamMalformed, 502, "upstream_malformed", "http_protocol_error"),
        (failure.UpstreamUnreachable, 502, "upstream_unreachable", "destination_unavailable"),
        (failure.UpstreamBrokeOff, 502, "upstream_broke_off", "http_response_incomplete"),
        (
            failure.UpstreamCredentialsRefused,
            502,
            "upstream_credentials_refused",
            "http_request_denied",
        ),
        (failure.UpstreamTimeout, 504, "upstream_timeout", "http_response_timeout"),
        (failure.Unavailable, 503, "overloaded", "proxy_internal_response"),
        (failure.KeysUnavailable, 503, "keys_unavailable", "proxy_internal_response"),
        (failure.LedgerUnavailable, 503, "ledger_unavailable", "proxy_internal_response"),
        (failure.Overloaded, 503, "overloaded", "connection_limit_reached"),
    ],
)
def test_each_has_its_status_its_code_and_its_word_for_proxies(
    kind: type[failure.GatewayError], status: int, code: str, proxy_error: str
) -> None:
    """RFC 9209 section 2.3 has the words."""
    one = kind()
    assert (one.status, one.code, one.error_type) == (status, code, proxy_error)
    assert str(one) == one.detail == one.title
