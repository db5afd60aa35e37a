import json

import pytest

from gateway.core import errors, problem
from gateway.core.errors import GatewayError
from gateway.core.formats import sse
from gateway.core.formats.sse import EventStreamSplitter
from gateway.vendors import VENDORS


def every_error() -> list[GatewayError]:
    found: list[type[GatewayError]] = [GatewayError]
    for kind in found:
        found.extend(kind.__subclasses__())
    return [
        kind(("GET",)) if kind is errors.MethodNotAllowed else kind()  # type: ignore[arg-type]
        for kind in found
    ]


@pytest.mark.parametrize("error", every_error(), ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("shape", [None, *(v.problem for v in VENDORS.values())])
def test_every_error_has_an_answer_in_every_shape(error: GatewayError, shape) -> None:  # type: ignore[no-untyped-def]
    answer = problem.of_error(error, shape, "req-1")
    fields = dict(answer.fields)
    assert answer.status == (shape.statuses if shape else {}).get(error.code, error.status)
    assert fields[b"x-gateway-error"].decode() == error.code
    assert fields[b"proxy-status"].decode() == (
        f'gateway; error={error.error_type}; details="{error.code}"'
    )
    media = "application/json" if shape else "application/problem+json"
    assert fields[b"content-type"].decode() == media
    assert int(fields[b"content-length"]) == len(answer.content)
    json.loads(answer.content)
    data, name = problem.last_event(error, shape, "req-1")
    assert name == (shape.event_name if shape else "error")
    (event,) = EventStreamSplitter().feed(sse.event(data, name))
    assert json.loads(event.data) == json.loads(data)


def test_outside_a_vendors_routes_the_answer_is_a_problem_of_rfc_9457() -> None:
    answer = problem.of_error(errors.NotFound(), None, "req-1")
    assert (b"content-type", b"application/problem+json") in answer.fields
    assert json.loads(answer.content) == {
        "title": "Not Found",
        "status": 404,
        "detail": "Not found",
        "code": "not_found",
        "request_id": "req-1",
    }


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConversationNotFound(), "RESOURCE_NOT_FOUND"),
        (errors.CredentialsMissing(), "AUTH_MISSING_API_KEY"),
        (errors.AmbiguousJson(), "VALIDATION_INVALID_JSON"),
        (errors.BadRequest(), "VALIDATION_INVALID_BODY"),
        (errors.LedgerUnavailable(), "SERVICE_UNDER_MAINTENANCE"),
    ],
)
def test_on_chatbase_routes_its_sdks_find_their_own_codes(error: GatewayError, code: str) -> None:
    answer = problem.of_error(error, VENDORS["chatbase"].problem, "req-1")
    assert json.loads(answer.content)["error"]["code"] == code


def test_a_missing_credential_is_challenged_without_an_error_code() -> None:
    fields = dict(problem.of_error(errors.CredentialsMissing(), None, "r").fields)
    assert fields[b"www-authenticate"] == b'Bearer realm="gateway"'


@pytest.mark.parametrize("error", [errors.CredentialsInvalid(), errors.CredentialsExpired()])
def test_a_bad_credential_is_challenged_as_an_invalid_token(error: GatewayError) -> None:
    fields = dict(problem.of_error(error, None, "r").fields)
    assert fields[b"www-authenticate"].decode() == (
        f'Bearer realm="gateway", error="invalid_token", error_description="{error.title}"'
    )


@pytest.mark.parametrize("error", every_error(), ids=lambda error: type(error).__name__)
def test_a_title_can_be_quoted_in_a_field(error: GatewayError) -> None:
    """RFC 6750 section 3: no quote, no backslash, ASCII only."""
    assert error.title.isascii()
    assert error.title.isprintable()
    assert not set('"\\') & set(error.title)


def test_says_when_to_come_back_and_what_is_allowed() -> None:
    busy = dict(problem.of_error(errors.Overloaded(retry_after=3), None, "r").fields)
    assert busy[b"retry-after"] == b"3"
    wrong = dict(problem.of_error(errors.MethodNotAllowed(("GET", "POST")), None, "r").fields)
    assert wrong[b"allow"] == b"GET, POST"


def test_says_that_an_error_is_the_vendors_own() -> None:
    assert problem.received(429) == b"gateway; received-status=429"


def test_a_challenge_says_where_it_is_written_who_signs_people_in() -> None:
    """RFC 9728 section 5.1."""
    where = "https://chat.acme.example/.well-known/oauth-protected-resource/mcp"
    answer = problem.of_error(errors.CredentialsMissing(), None, "r", metadata=where)
    challenge = dict(answer.fields)[b"www-authenticate"].decode()
    assert challenge == f'Bearer realm="gateway", resource_metadata="{where}"'


def test_a_server_of_tools_repeats_the_id_that_was_asked_with() -> None:
    shape = VENDORS["mcp"].problem
    answer = problem.of_error(errors.NotFound(), shape, "r", asked=7)
    assert json.loads(answer.content)["id"] == 7
    assert json.loads(problem.last_event(errors.NotFound(), shape, "r", 7)[0])["id"] == 7


def test_json_is_what_is_said_of_it_where_nothing_else_is() -> None:
    answer = problem.of_json({"a": 1})
    assert (answer.status, answer.content) == (200, b'{"a":1}')
    assert answer.fields == [(b"content-type", b"application/json"), (b"content-length", b"7")]
