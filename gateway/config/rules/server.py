"""The server, the store, the audit trail, what replicas share, and the identity secret."""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from urllib.parse import urlsplit

from gateway.authn.fetch import check_url
from gateway.config.allowances import LimitsTable
from gateway.config.mistake import Finding
from gateway.config.model import Settings
from gateway.config.operators import Admin, Traces
from gateway.config.rules import unencrypted
from gateway.config.rules.secrets import weakness
from gateway.config.urls import base_url, url
from gateway.store.address import address, is_postgres
from gateway.store.errors import StoreError

_SQLITE = "sqlite:///"
_DATABASE = re.compile(r"(?:/[0-9]{0,4})?")
_SOCKET_DATABASE = re.compile(r"(?:db=[0-9]{1,4})?")


def check(settings: Settings) -> Iterator[Finding]:
    """The findings about what all orgs share."""
    yield from _store(settings.store.url)
    yield from _workers(settings)
    yield from _told(settings.audit.head)
    if settings.admin is not None:
        yield from _admin(settings.admin, settings.server.listen)
    if settings.traces is not None:
        yield from _traces(settings.traces)
    if settings.shared is not None:
        yield from _shared(settings.shared.url)
    secret = settings.identity.secret
    if secret is not None and (message := weakness(secret, least=32)) is not None:
        yield Finding(("identity", "secret"), message)


def _workers(settings: Settings) -> Iterator[Finding]:
    if settings.server.workers == 1 or settings.shared is not None:
        return
    for name, org in settings.orgs.items():
        if org.limits != LimitsTable() or any(one.vendor_limit for one in org.upstreams.values()):
            message = f"each would count the limits of {name} for itself: several need [shared]"
            yield Finding(("server", "workers"), message)
            return
        for upstream in org.upstreams.values():
            if any(tool.verify.standard_webhooks for tool in upstream.tools.values()):
                message = (
                    f"each would hear a call of the tools of {name} once: several need [shared]"
                )
                yield Finding(("server", "workers"), message)
                return


def _store(url: str) -> Iterator[Finding]:
    path = ("store", "url")
    name = url.removeprefix(_SQLITE)
    if is_postgres(url):
        yield from _postgres(url)
    elif name == url:
        yield Finding(
            path, 'must begin with "sqlite:///", as in "sqlite:///gateway.db", or "postgresql://"'
        )
    elif not name.strip("/") or name.startswith((":", "file:")):
        yield Finding(path, "must name a file: in memory, who owns what is lost with the process")
    elif "?" in name or "#" in name:
        yield Finding(path, "must be a path and nothing more")


def _admin(admin: Admin, public: str) -> Iterator[Finding]:
    if admin.listen == public:
        yield Finding(("admin", "listen"), "is where people come in: it must be another port")
    if (message := weakness(admin.token, least=16, by="it could be guessed")) is not None:
        yield Finding(("admin", "token"), message)
    if not url(f"http://{admin.listen}").stays_here:
        yield Finding(
            ("admin", "listen"),
            "is not a loopback address, and what it answers is not encrypted: the token can be "
            "read on the way",
            "warning",
        )


def _traces(traces: Traces) -> Iterator[Finding]:
    if not _is_there("opentelemetry.exporter.otlp.proto.http"):
        message = "needs the extra otel: pip install 'chat-identity-gateway[otel]'"
        yield Finding(("traces",), message)
    path = ("traces", "endpoint")
    try:
        found = base_url(traces.endpoint)
    except ValueError as error:
        yield Finding(path, str(error))
        return
    if found.path.rstrip("/").endswith("/v1/traces"):
        yield Finding(path, "must be without /v1/traces: that is added")
    yield from unencrypted.check(traces.endpoint, path, unencrypted.LISTEN)


def _is_there(module: str) -> bool:
    """Whether a module is installed; some that it stands in may be, by another package."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _told(head: str | None) -> Iterator[Finding]:
    if head is not None and "://" in head:
        try:
            check_url(head)
        except ValueError as error:
            yield Finding(("audit", "head"), str(error))


def _postgres(url: str) -> Iterator[Finding]:
    if find_spec("psycopg") is None:
        message = "needs the extra postgres: pip install 'chat-identity-gateway[postgres]'"
        yield Finding(("store", "url"), message)
    try:
        address(url)
    except StoreError as error:
        yield Finding(("store", "url"), str(error).removeprefix("store.url "))


def _shared(url: str) -> Iterator[Finding]:
    path = ("shared", "url")
    if find_spec("redis") is None:
        message = "needs the extra redis: pip install 'chat-identity-gateway[redis]'"
        yield Finding(("shared",), message)
    try:
        parts = urlsplit(url)
        is_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        yield Finding(path, "is no URL")
        return
    if parts.scheme not in {"redis", "rediss", "unix"}:
        message = 'must begin with "redis://", "rediss://" or "unix://"; a Valkey is a redis:// one'
        yield Finding(path, message)
    elif parts.scheme == "unix":
        if not parts.path.strip("/") or not _SOCKET_DATABASE.fullmatch(parts.query):
            yield Finding(
                path, 'must be as in "unix:///run/valkey.sock" or with "?db=0" at its end'
            )
    elif not is_host or not _DATABASE.fullmatch(parts.path) or parts.query or parts.fragment:
        yield Finding(path, 'must be as in "redis://127.0.0.1:6379/0"')
