"""Everything that can go wrong with an exchange, as one tree.

    GatewayError
    ├── BadRequest 400    AmbiguousJson, AmbiguousCredentials, BadPath, SpoofedIdentity, OrgRequired
    ├── Unauthenticated 401       CredentialsMissing, CredentialsInvalid, CredentialsExpired
    ├── Forbidden 403             WrongOrg, OriginRefused, IdentityNotRepresentable, Blocked
    ├── NotFound 404              ConversationNotFound
    ├── MethodNotAllowed 405, RequestTimeout 408, IdempotencyConflict 409, LengthRequired 411,
    │   ContentTooLarge 413, UriTooLong 414, UnsupportedMediaType 415, ExpectationFailed 417,
    │   MisdirectedRequest 421, FieldsTooLarge 431, LoopDetected 508
    ├── TooManyRequests 429       UserLimit, OrgLimit, BudgetExhausted
    ├── UpstreamError 502         UpstreamUnreachable, UpstreamBrokeOff, UpstreamMalformed,
    │                             UpstreamCredentialsRefused
    ├── UpstreamTimeout 504
    └── Unavailable 503           KeysUnavailable, LedgerUnavailable, Overloaded

`detail` is written for the caller: never a token, key, claim, vendor body or vendor URL in it.
Statuses are those of RFC 9110, 6585 and 5842; `proxy_error` is a type of RFC 9209 section 2.3.
"""

from typing import ClassVar


class GatewayError(Exception):
    """An exchange ends with an answer of our own: `status`, our stable `code`, and `detail`."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "The gateway failed"
    proxy_error: ClassVar[str] = "proxy_internal_error"
    after: ClassVar[int | None] = None

    def __init__(
        self, detail: str = "", *, retry_after: int | None = None, proxy_error: str | None = None
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.retry_after = self.after if retry_after is None else retry_after  # seconds
        self.error_type = proxy_error or self.proxy_error


class BadRequest(GatewayError):
    status = 400
    code = "bad_request"
    title = "The request is malformed"
    proxy_error = "http_request_error"


class AmbiguousJson(BadRequest):
    code = "ambiguous_json"
    title = "Two JSON parsers could read this body differently"


class AmbiguousCredentials(BadRequest):
    code = "ambiguous_credentials"
    title = "The request carries credentials that contradict each other"


class BadPath(BadRequest):
    code = "bad_path"
    title = "The path is not in its one plain spelling"


class SpoofedIdentity(BadRequest):
    code = "spoofed_identity"
    title = "The request names a user; who is asking comes from the sign-in alone"


class OrgRequired(BadRequest):
    code = "org_required"
    title = "This person belongs to several organisations: say which one is meant"


class Unauthenticated(GatewayError):
    """No credential, or a bad one. The answer carries a Bearer challenge (RFC 6750 section 3)."""

    status = 401
    code = "credentials_invalid"
    title = "The credential is not valid"
    proxy_error = "http_request_denied"
    challenge_error: ClassVar[str | None] = "invalid_token"


class CredentialsMissing(Unauthenticated):
    code = "credentials_missing"
    title = "Sign in first: the request carries no credential"
    challenge_error = None


class CredentialsInvalid(Unauthenticated):
    pass


class CredentialsExpired(Unauthenticated):
    code = "credentials_expired"
    title = "The credential has expired: sign in again"


class Forbidden(GatewayError):
    status = 403
    code = "wrong_org"
    title = "Not allowed"
    proxy_error = "http_request_denied"


class WrongOrg(Forbidden):
    title = "The sign-in does not vouch for this organisation"


class OriginRefused(Forbidden):
    code = "origin_refused"
    title = "A cookie is no credential for a request from another origin"


class IdentityNotRepresentable(Forbidden):
    code = "identity_not_representable"
    title = "This person's id does not fit the upstream's rule for user ids"


class Blocked(Forbidden):
    code = "blocked"
    title = "An operator has blocked this account"  # the person's own, or all of their org


class NotFound(GatewayError):
    status = 404
    code = "not_found"
    title = "Not found"
    proxy_error = "destination_not_found"


class ConversationNotFound(NotFound):
    """Another's conversation and no conversation: the same words for both."""

    code = "conversation_not_found"
    title = "Conversation not found"
    proxy_error = "http_request_denied"


class MethodNotAllowed(GatewayError):
    status = 405
    code = "method_not_allowed"
    title = "The resource does not support this method"
    proxy_error = "http_request_denied"

    def __init__(self, allow: tuple[str, ...]) -> None:
        super().__init__(f"Allowed here: {', '.join(allow)}")
        self.allow = allow


class RequestTimeout(GatewayError):
    status = 408
    code = "request_timeout"
    title = "The request took too long to arrive"
    proxy_error = "http_request_error"


class IdempotencyConflict(GatewayError):
    status = 409
    code = "idempotency_conflict"
    title = "This has been asked for already"
    proxy_error = "http_request_denied"


class LengthRequired(GatewayError):
    status = 411
    code = "length_required"
    title = "The request needs a Content-Length"
    proxy_error = "http_request_error"


class ContentTooLarge(GatewayError):
    status = 413
    code = "content_too_large"
    title = "The body is larger than this gateway takes"
    proxy_error = "http_request_error"


class UriTooLong(GatewayError):
    status = 414
    code = "uri_too_long"
    title = "The request target is too long"
    proxy_error = "http_request_error"


class UnsupportedMediaType(GatewayError):
    status = 415
    code = "unsupported_media_type"
    title = "Send the body as application/json, without a content coding"
    proxy_error = "http_request_error"


class ExpectationFailed(GatewayError):
    status = 417
    code = "expectation_failed"
    title = "Only 100-continue can be expected"
    proxy_error = "http_request_error"


class MisdirectedRequest(GatewayError):
    status = 421
    code = "misdirected_request"
    title = "No organisation of this gateway stands under this host"
    proxy_error = "http_request_denied"


class TooManyRequests(GatewayError):
    """A limit of the gateway's own; whose, says the code. `retry_after` is always given."""

    status = 429
    code = "user_limit"
    title = "Too many requests"
    proxy_error = "http_request_denied"


class UserLimit(TooManyRequests):
    title = "This person asks more than one person may"


class OrgLimit(TooManyRequests):
    code = "org_limit"
    title = "This organisation asks more than it may"


class BudgetExhausted(TooManyRequests):
    code = "budget_exhausted"
    title = "The budget is used up"


class FieldsTooLarge(GatewayError):
    status = 431
    code = "fields_too_large"
    title = "The request's fields are too many or too large"
    proxy_error = "http_request_error"


class LoopDetected(GatewayError):
    status = 508
    code = "loop_detected"
    title = "The request has been through this gateway already"
    proxy_error = "proxy_loop_detected"


class UpstreamError(GatewayError):
    status = 502
    code = "upstream_malformed"
    title = "The upstream's answer cannot be used"
    proxy_error = "http_protocol_error"


class UpstreamUnreachable(UpstreamError):
    code = "upstream_unreachable"
    title = "The upstream cannot be reached"
    proxy_error = "destination_unavailable"


class UpstreamBrokeOff(UpstreamError):
    code = "upstream_broke_off"
    title = "The upstream broke off its answer"
    proxy_error = "http_response_incomplete"


class UpstreamMalformed(UpstreamError):
    pass


class UpstreamCredentialsRefused(UpstreamError):
    code = "upstream_credentials_refused"
    title = "The upstream refused the gateway's own credential"
    proxy_error = "http_request_denied"


class UpstreamTimeout(GatewayError):
    status = 504
    code = "upstream_timeout"
    title = "The upstream did not answer in time"
    proxy_error = "http_response_timeout"


class Unavailable(GatewayError):
    status = 503
    code = "overloaded"
    title = "The gateway cannot serve this now"
    proxy_error = "proxy_internal_response"
    after = 1


class KeysUnavailable(Unavailable):
    code = "keys_unavailable"
    title = "Whether this credential is good cannot be known now; it may be"


class LedgerUnavailable(Unavailable):
    code = "ledger_unavailable"
    title = "Who owns this conversation cannot be looked up or recorded now"


class Overloaded(Unavailable):
    title = "Too many requests wait for this upstream"
    proxy_error = "connection_limit_reached"
