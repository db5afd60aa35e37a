"""Settings of an upstream's events → where they come in, and who is told of them."""

import hashlib
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from gateway.assemble.parts import Parts
from gateway.assemble.tools import build_check, service_at
from gateway.callback import NAME, Inbox
from gateway.config.events import EventsTable
from gateway.config.model import OrgSettings, UpstreamSettings
from gateway.config.tools import VerifyTable
from gateway.core.events.callback import Callback
from gateway.core.events.patience import Waits
from gateway.core.events.signature import Check, webhook_secret
from gateway.events.delivery import Address
from gateway.events.receivers import Analytics, Webhook
from gateway.ports import Receiver
from gateway.telemetry.ndjson import LinesOfEvents

if TYPE_CHECKING:
    from gateway.assemble.orgs import Shared

AT_ONCE = 16  # attempts with one receiver


@dataclass(frozen=True, slots=True)
class EventRoutes:
    """Where events come in, by org, upstream and name; and who is told of them, by target."""

    inboxes: dict[tuple[str, str, str], Inbox] = field(default_factory=dict)
    addresses: dict[str, Address] = field(default_factory=dict)


def build_events(settings: OrgSettings, shared: "Shared", parts: Parts) -> EventRoutes:
    """The events of an org; what they hold open is closed with `parts`."""
    routes = EventRoutes()
    for upstream in settings.upstreams.values():
        events, callback = upstream.events, upstream.profile.events
        if events is None or callback is None:
            continue
        addresses = _addresses(events, settings, upstream, shared, parts.stack)
        routes.addresses.update(addresses)
        routes.inboxes[settings.name, upstream.name, NAME] = Inbox(
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
    return routes


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
    return {
        _name(org, upstream, kind, where): Address(
            org=org.name,
            receiver=receiver,
            waits=Waits(events.first_wait, events.longest_wait),
            at_once=1 if kind == "lines" else AT_ONCE,
            tries=events.tries,
            give_up=events.give_up,
        )
        for kind, where, receiver in _receivers(events, shared, stack)
    }


def _name(org: OrgSettings, upstream: UpstreamSettings, kind: str, where: str) -> str:
    """What operators see, and the store keeps: of a URL no more than its host and a mark."""
    mark = hashlib.sha256("\0".join([org.external_id, upstream.name, kind, where]).encode())
    shown = urlsplit(where).netloc if kind == "webhook" else where
    return f"{kind} {shown} {mark.hexdigest()[:8]}"


def _receivers(
    events: EventsTable, shared: "Shared", stack: AsyncExitStack
) -> Iterator[tuple[str, str, Receiver]]:
    """Each with its kind, and where it is."""
    secrets = tuple(webhook_secret(one.get_secret_value()) for one in events.sign)
    seconds = events.timeout
    for url in events.deliver:
        line, target = service_at(url, seconds, shared, stack, at_once=AT_ONCE)
        yield "webhook", url, Webhook(line=line, target=target, secrets=secrets, timeout=seconds)
    if (ga4 := events.ga4) is not None:
        line, target = service_at(ga4.url, seconds, shared, stack, at_once=AT_ONCE)
        secret = ga4.api_secret.get_secret_value()
        asked = urlencode({"measurement_id": ga4.measurement_id, "api_secret": secret})
        analytics = Analytics(
            line=line, target=f"{target}?{asked}", names=ga4.names, timeout=seconds
        )
        yield "ga4", ga4.measurement_id, analytics
    if events.lines is not None:
        yield "lines", events.lines, LinesOfEvents(events.lines)
