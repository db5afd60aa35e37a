"""The answers the gateway makes itself, in the shape their reader understands.

On a vendor's routes that is the vendor's own error body, so that its SDKs work; elsewhere
`application/problem+json` (RFC 9457). Our stable code always stands in `x-gateway-error` and, with
the kind of error, in `proxy-status` (RFC 9209): "is it you or the vendor?"
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from gateway.core.errors import GatewayError, MethodNotAllowed, Unauthenticated
from gateway.core.formats import strictjson
from gateway.core.formats.strictjson import JsonValue
from gateway.core.profile.vendor import ProblemShape
from gateway.core.request.idempotency import AskedAlready

PROXY_NAME = "gateway"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of our own."""

    status: int
    fields: Sequence[tuple[bytes, bytes]]
    content: bytes


def of_error(
    error: GatewayError,
    shape: ProblemShape | None,
    request_id: str,
    *,
    asked: JsonValue = None,
    metadata: str | None = None,
) -> Answer:
    """The answer for an exchange that ended with `error`.

    `asked` is the id of a JSON-RPC request, `metadata` where a client reads who signs people in.
    """
    fields = [
        (b"x-gateway-error", error.code.encode("ascii")),
        (b"proxy-status", _proxy_status(error)),
    ]
    if error.retry_after is not None:
        fields.append((b"retry-after", str(error.retry_after).encode("ascii")))
    if isinstance(error, Unauthenticated):
        fields.append((b"www-authenticate", _challenge(error, metadata)))
    if isinstance(error, AskedAlready):
        fields.extend(error.fields)
    if isinstance(error, MethodNotAllowed):
        fields.append((b"allow", ", ".join(error.allow).encode("ascii")))
    body: JsonValue
    status = error.status
    if shape is None:
        media, body = b"application/problem+json", _problem(error, request_id)
    else:
        media = b"application/json"
        body = shape.render(status=status, code=error.code, message=error.detail, asked=asked)
        status = shape.statuses.get(error.code, status)
    return of_json(body, status=status, fields=fields, media=media)


def of_json(
    body: JsonValue,
    *,
    status: int = 200,
    fields: Sequence[tuple[bytes, bytes]] = (),
    media: bytes = b"application/json",
) -> Answer:
    """A JSON answer."""
    content = strictjson.dumps(body)
    length = str(len(content)).encode("ascii")
    return Answer(status, [(b"content-type", media), (b"content-length", length), *fields], content)


def last_event(
    error: GatewayError, shape: ProblemShape | None, request_id: str, asked: JsonValue = None
) -> tuple[bytes, str]:
    """What a stream that must end early says before it is cut off: an event's data, and name."""
    if shape is None:
        return strictjson.dumps(_problem(error, request_id)), "error"
    rendered = shape.render_event(
        status=error.status, code=error.code, message=error.detail, asked=asked
    )
    return strictjson.dumps(rendered), shape.event_name


def _problem(error: GatewayError, request_id: str) -> JsonValue:
    return {
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
    }


def _proxy_status(error: GatewayError) -> bytes:
    return f'{PROXY_NAME}; error={error.error_type}; details="{error.code}"'.encode("ascii")


def received(status: int) -> bytes:
    """`proxy-status` of an answer that is the vendor's own."""
    return f"{PROXY_NAME}; received-status={status}".encode("ascii")


def _challenge(error: Unauthenticated, metadata: str | None) -> bytes:
    parts = ['realm="gateway"']
    if error.challenge_error is not None:  # RFC 6750 section 3.1: no credential, no error code
        # The titles are ours: ASCII, no quote, no backslash, as RFC 6750 section 3 wants them.
        parts += [f'error="{error.challenge_error}"', f'error_description="{error.title}"']
    if metadata is not None:  # RFC 9728 section 5.1
        parts.append(f'resource_metadata="{metadata}"')
    return f"Bearer {', '.join(parts)}".encode("ascii")
