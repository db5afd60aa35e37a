"""Settings of a tool → what carries a vendor's calls to it."""

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final, Literal, cast
from urllib.parse import urlsplit

from pydantic import SecretStr

from gateway.assemble.traced import traced_service
from gateway.config.model import OrgSettings, UpstreamSettings
from gateway.config.place import place
from gateway.config.tools import ToolTable, VerifyTable
from gateway.core.events.signature import Bearer, Check, Hmac, StandardWebhooks, webhook_secret
from gateway.net.upstream.clocks import Clocks
from gateway.net.upstream.http1 import Http1Transport
from gateway.toolcall import NamedAt, Tool, operation_of

if TYPE_CHECKING:
    from gateway.assemble.orgs import Shared

AT_ONCE: Final = 1000  # requests to one service


def build_tool(
    name: str,
    settings: ToolTable,
    org: OrgSettings,
    upstream: UpstreamSettings,
    shared: "Shared",
    stack: AsyncExitStack,
) -> Tool:
    wire, target = service_at(settings.url, settings.timeout, shared, stack)
    return Tool(
        name=name,
        org=org.name,
        external_id=org.external_id,
        upstream=upstream.name,
        check=build_check(settings.verify),
        user=_named_at(settings.user),
        conversation=None if settings.conversation is None else _named_at(settings.conversation),
        audience=settings.url,
        target=target,
        transport=traced_service(wire, settings.url, operation_of(name), spans=shared.spans),
        assertions=shared.assertions,
        ledger=shared.store.ledger,
        audit=shared.audit,
        seen=shared.seen,
        admission=shared.admission,
        once=shared.counting.once,
        via=shared.via,
        total=settings.timeout,
        max_body=settings.max_body,
        now=time.time,
    )


def service_at(
    url: str, seconds: float, shared: "Shared", stack: AsyncExitStack, *, at_once: int = AT_ONCE
) -> tuple[Http1Transport, str]:
    """What leads to a service of the company's own, and the target of a request to it."""
    address = urlsplit(url)
    transport = Http1Transport(
        origin=f"{address.scheme}://{address.netloc}",
        clocks=Clocks(connect=min(5.0, seconds), first_byte=seconds, idle=seconds),
        max_connections=at_once,
        resting=shared.resting,
    )
    stack.push_async_callback(transport.aclose)
    query = f"?{address.query}" if address.query else ""
    return transport, (address.path or "/") + query


def build_check(settings: VerifyTable) -> Check:
    """How a caller proves who it is, as `config/rules/tools.py` has let it by."""
    if settings.bearer:
        return Bearer(tuple(_values(settings.bearer)))
    if settings.standard_webhooks:
        return StandardWebhooks(tuple(map(webhook_secret, _values(settings.standard_webhooks))))
    keys = tuple(value.encode() for value in _values(settings.hmac_sha256 or settings.hmac_sha1))
    algorithm: Literal["sha256", "sha1"] = "sha256" if settings.hmac_sha256 else "sha1"
    return Hmac(algorithm, settings.field or "", keys, settings.prefix)


def _values(secrets: Sequence[SecretStr]) -> list[str]:
    return [secret.get_secret_value() for secret in secrets]


def _named_at(written: str) -> NamedAt:
    return cast("NamedAt", place(written))  # a variable of a path has been refused
