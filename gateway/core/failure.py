"""What goes wrong at the vendor, or here, and is not the caller's doing; see `errors`."""

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

    @property
    def reason(self) -> str:
        """What is known beside `code`, for the log: which check failed, what the network did.

        Of a malformed request nothing: its words may name what the client wrote.
        """
        if self.status == 400:
            return ""
        network = "" if self.error_type == self.proxy_error else self.error_type
        told = "" if self.detail == self.title else self.detail
        return ": ".join(filter(None, (network, told)))


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
    """`cause` is the database's word for it, for the log: `SQLITE_FULL`, never a value of a row."""

    code = "ledger_unavailable"
    title = "Who owns this conversation cannot be looked up or recorded now"

    def __init__(
        self, detail: str = "", *, retry_after: int | None = None, cause: str = ""
    ) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.cause = cause

    @property
    def reason(self) -> str:
        return self.cause or super().reason


class Overloaded(Unavailable):
    title = "Too many requests wait for this upstream"
    proxy_error = "connection_limit_reached"
