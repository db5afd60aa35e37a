"""Everything that can go wrong with an exchange, as one tree.

    GatewayError
    ├── BadRequest 400            AmbiguousJson, AmbiguousCredentials, BadPath, SpoofedIdentity,
    │                             OrgRequired, HeaderMismatch
    ├── Unauthenticated 401       CredentialsMissing, CredentialsInvalid, CredentialsExpired
    ├── Forbidden 403             WrongOrg, OriginRefused, IdentityNotRepresentable, Blocked
    ├── NotFound 404              ConversationNotFound, MethodNotOffered, ToolNotFound
    ├── IdempotencyConflict 409   AskedAlready (core.request.idempotency)
    ├── MethodNotAllowed 405, RequestTimeout 408,
    │   ContentTooLarge 413, UriTooLong 414, UnsupportedMediaType 415, ExpectationFailed 417,
    │   MisdirectedRequest 421, FieldsTooLarge 431, LoopDetected 508
    ├── TooManyRequests 429       UserLimit, OrgLimit, BudgetExhausted
    ├── UpstreamError 502         UpstreamUnreachable, UpstreamBrokeOff, UpstreamMalformed,
    │                             UpstreamCredentialsRefused; NotTaken (gateway.contacts)
    ├── UpstreamTimeout 504
    └── Unavailable 503           KeysUnavailable, LedgerUnavailable, Overloaded; Stopping
                                  (gateway.steps.interrupt)

`detail` is written for the caller: never a token, key, claim, vendor body or vendor URL in it.
Statuses are those of RFC 9110, 6585 and 5842; `proxy_error` is a type of RFC 9209 section 2.3.
"""

from typing import ClassVar

from gateway.core.failure import GatewayError as GatewayError
from gateway.core.failure import KeysUnavailable as KeysUnavailable
from gateway.core.failure import LedgerUnavailable as LedgerUnavailable
from gateway.core.failure import Overloaded as Overloaded
from gateway.core.failure import Unavailable as Unavailable
from gateway.core.failure import UpstreamBrokeOff as UpstreamBrokeOff
from gateway.core.failure import UpstreamCredentialsRefused as UpstreamCredentialsRefused
from gateway.core.failure import UpstreamError as UpstreamError
from gateway.core.failure import UpstreamMalformed as UpstreamMalformed
from gateway.core.failure import UpstreamTimeout as UpstreamTimeout
from gateway.core.failure import UpstreamUnreachable as UpstreamUnreachable


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


class HeaderMismatch(BadRequest):
    code = "header_mismatch"
    title = "A field says something else than the body it repeats"


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


class MethodNotOffered(NotFound):
    """Of JSON-RPC, not of HTTP."""

    code = "method_not_offered"
    title = "No such method"
    proxy_error = "http_request_denied"


class ToolNotFound(NotFound):
    """A tool that is not this person's to use and no tool: the same words for both."""

    code = "tool_not_found"
    title = "Unknown tool"
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
