import re

import pytest

from gateway.core import errors
from gateway.core.errors import (
    CredentialsMissing,
    GatewayError,
    MethodNotAllowed,
    Unauthenticated,
    Unavailable,
)


def tree(root: type[GatewayError] = GatewayError) -> list[type[GatewayError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in tree(child))]


def made(kind: type[GatewayError]) -> GatewayError:
    return MethodNotAllowed(("GET",)) if kind is MethodNotAllowed else kind()


# The table of CONTRACT.md section 6, as far as its features exist; 500 is our own fault.
CODES = {
    "bad_request": 400,
    "ambiguous_json": 400,
    "ambiguous_credentials": 400,
    "bad_path": 400,
    "spoofed_identity": 400,
    "org_required": 400,
    "header_mismatch": 400,
    "credentials_missing": 401,
    "credentials_invalid": 401,
    "credentials_expired": 401,
    "wrong_org": 403,
    "origin_refused": 403,
    "identity_not_representable": 403,
    "blocked": 403,
    "not_found": 404,
    "conversation_not_found": 404,
    "method_not_offered": 404,
    "tool_not_found": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "idempotency_conflict": 409,
    "content_too_large": 413,
    "uri_too_long": 414,
    "unsupported_media_type": 415,
    "expectation_failed": 417,
    "misdirected_request": 421,
    "user_limit": 429,
    "org_limit": 429,
    "budget_exhausted": 429,
    "fields_too_large": 431,
    "internal": 500,
    "upstream_unreachable": 502,
    "upstream_broke_off": 502,
    "upstream_credentials_refused": 502,
    "upstream_malformed": 502,
    "keys_unavailable": 503,
    "ledger_unavailable": 503,
    "overloaded": 503,
    "upstream_timeout": 504,
    "loop_detected": 508,
}

# RFC 9209 section 2.3, those we use.
PROXY_ERRORS = {
    "connection_limit_reached",
    "destination_not_found",
    "destination_unavailable",
    "http_protocol_error",
    "http_request_denied",
    "http_request_error",
    "http_response_incomplete",
    "http_response_timeout",
    "proxy_internal_error",
    "proxy_internal_response",
    "proxy_loop_detected",
}


def test_every_code_has_the_status_that_was_promised() -> None:
    assert {kind.code: kind.status for kind in tree()} == CODES


@pytest.mark.parametrize("kind", tree(), ids=lambda kind: kind.__name__)
def test_every_error_says_what_it_is(kind: type[GatewayError]) -> None:
    error = made(kind)
    assert re.fullmatch(r"[a-z_]+", error.code)
    assert error.title
    assert error.detail
    assert str(error) == error.detail
    assert error.error_type in PROXY_ERRORS


def test_every_error_is_drawn_in_the_tree() -> None:
    drawn = set(re.findall(r"[A-Z][A-Za-z]+", errors.__doc__ or ""))
    assert {kind.__name__ for kind in tree()} <= drawn


@pytest.mark.parametrize("kind", tree(Unavailable), ids=lambda kind: kind.__name__)
def test_who_is_told_to_come_back_is_told_when(kind: type[Unavailable]) -> None:
    assert kind().retry_after == 1
    assert kind(retry_after=30).retry_after == 30


@pytest.mark.parametrize("kind", tree(Unauthenticated), ids=lambda kind: kind.__name__)
def test_a_missing_credential_is_not_called_invalid(kind: type[Unauthenticated]) -> None:
    expected = None if kind is CredentialsMissing else "invalid_token"
    assert kind.challenge_error == expected


def test_a_refused_method_says_which_would_do() -> None:
    error = MethodNotAllowed(("GET", "POST"))
    assert error.allow == ("GET", "POST")
    assert "GET, POST" in error.detail


def test_one_error_may_say_more_than_its_kind() -> None:
    error = errors.UpstreamUnreachable("No route", retry_after=5, proxy_error="dns_error")
    assert (error.detail, error.retry_after, error.error_type) == ("No route", 5, "dns_error")
