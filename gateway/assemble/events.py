"""Settings of an upstream's events → where they come in, and who is told of them."""

import hashlib
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from pydantic import SecretStr

from gateway.assemble.parts import Parts
from gateway.assemble.tools import build_check
from gateway.callback import NAME, Inbox
from gateway.config.events import AnalyticsTable, EventsTable
from gateway.config.model import OrgSettings, UpstreamSettings
from gateway.config.tools import VerifyTable
from gateway.core.callback import Callback
from gateway.core.patience import Waits
from gateway.core.signature import Check, webhook_secret
from gateway.delivery import Address
from gateway.net.http1 import Http1Transport
from gateway.ports import Receiver
from gateway.receivers import Analytics, Webhook
from gateway.telemetry.ndjson import LinesOfEvents

if TYPE_CHECKING:
    from gateway.assemble.orgs import Shared

AT_ONCE = 16  # attempts with one receiver


@dataclass(frozen=True, slots=True)
class Told:
    """Where events come in, by org, upstream and name; and who is told of them, by target."""

    inboxes: dict[tuple[str, str, str], Inbox] = field(default_factory=dict)
    addresses: dict[str, Address] = field(default_factory=dict)


def build_events(settings: OrgSettings, shared: "Shared", parts: Parts) -> Told:
    """The events of an org; what they hold open is closed with `parts`."""
    told = Told()
    for upstream in settings.upstreams.values():
        events, callback = upstream.events, upstream.profile.events
        if events is None or callback is None:
            continue
        addresses = _addresses(events, settings, upstream, shared, parts.stack)
        told.addresses.update(addresses)
        told.inboxes[settings.name, upstream.name, NAME] = Inbox(
            org=settings.name,
            external_id=settings.external_id,
            upstream=upstream.name,
            check=_check(events, callback, upstream),
            callback=callback,
            targets=tuple(addresses),
            queue=shared.inbox,
            ledger=shared.store.ledger,
            audit=shared.audit,
            max_age=events.max_age,
            max_body=events.max_body,
        )
    return told


def _check(events: EventsTable, callback: Callback, upstream: UpstreamSettings) -> Check:
    """How the vendor proves who it is: as is written, else as it does, else by its own key."""
    if events.verify is not None:
        return build_check(events.verify)
    known_by: dict[str, Any] = {
        callback.signature: events.secret or upstream.key,
        "field": callback.field,
        "prefix": callback.prefix,
    }
    return build_check(VerifyTable.model_construct(**known_by))


def _addresses(
    events: EventsTable,
    org: OrgSettings,
    upstream: UpstreamSettings,
    shared: "Shared",
    stack: AsyncExitStack,
) -> dict[str, Address]:
    """Those who are told, by a name that stays while they are the same."""

    def post(url: str) -> Http1Transport:
        transport = _transport(url, events.timeout, shared)
        stack.push_async_callback(transport.aclose)
        return transport

    secrets = tuple(webhook_secret(one.get_secret_value()) for one in events.sign)
    found: dict[str, Address] = {}

    def add(kind: str, where: str, receiver: Receiver, at_once: int = AT_ONCE) -> None:
        mark = hashlib.sha256("\0".join([org.external_id, upstream.name, kind, where]).encode())
        shown = urlsplit(where).netloc if kind == "webhook" else where
        found[f"{kind} {shown} {mark.hexdigest()[:8]}"] = Address(
            org=org.name,
            receiver=receiver,
            waits=Waits(events.first_wait, events.longest_wait),
            at_once=at_once,
            tries=events.tries,
            give_up=events.give_up,
        )

    for url in events.deliver:
        webhook = Webhook(
            post=post(url), target=_target(url), secrets=secrets, timeout=events.timeout
        )
        add("webhook", url, webhook)
    if events.ga4 is not None:
        analytics = Analytics(
            post=post(events.ga4.url),
            target=_collecting(events.ga4),
            names=events.ga4.names,
            timeout=events.timeout,
        )
        add("ga4", events.ga4.measurement_id, analytics)
    if events.lines is not None:
        add("lines", events.lines, LinesOfEvents(events.lines), at_once=1)
    return found


def _transport(url: str, seconds: float, shared: "Shared") -> Http1Transport:
    address = urlsplit(url)
    return Http1Transport(
        origin=f"{address.scheme}://{address.netloc}",
        connect=min(5.0, seconds),
        first_byte=seconds,
        idle=seconds,
        max_connections=AT_ONCE,
        resting=shared.resting,
    )


def _target(url: str) -> str:
    address = urlsplit(url)
    return (address.path or "/") + (f"?{address.query}" if address.query else "")


def _collecting(settings: AnalyticsTable) -> str:
    secret: SecretStr = settings.api_secret
    asked = {"measurement_id": settings.measurement_id, "api_secret": secret.get_secret_value()}
    return f"{urlsplit(settings.url).path or '/'}?{urlencode(asked)}"
