"""Settings of an org → the org, with a pool of its own to each of its vendors."""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cached_property, partial
from urllib.parse import urlsplit

from gateway.assemble.contacts import NO_DESKS, Of, contacts_at
from gateway.assemble.egress import way_out
from gateway.assemble.host import NO_HOST, Host
from gateway.assemble.limits import Counting, build_limits
from gateway.assemble.parts import Parts
from gateway.assemble.process import Process
from gateway.assemble.sign_ins import (
    Made,
    issuers_of,
    org_places,
    shared_sign_ins,
    sign_ins_of,
)
from gateway.assemble.sign_ins.forwarded import forwarded_fields
from gateway.assemble.signing_out import BackChannel
from gateway.assemble.tools import build_tool
from gateway.assemble.traced import traced_sockets, traced_transport
from gateway.assemble.widgets import build_widget
from gateway.assemble.wire import Wire, build_wire
from gateway.authn.assertions import Assertions
from gateway.authn.chain import SignIns
from gateway.authn.explain import explain
from gateway.authn.org_from import field_of
from gateway.authn.seen import SeenLately
from gateway.authn.visitors import Visitors, signing_key
from gateway.callback import Inbox
from gateway.config.model import OrgSettings, Settings, UpstreamSettings
from gateway.config.rules.secrets import secret_members, secret_texts
from gateway.contacts.push import Desk
from gateway.core.mcp.tools import ToolRules
from gateway.core.problem import PROXY_NAME
from gateway.core.request.destination import Destination
from gateway.core.request.directory import Directory, Stand
from gateway.core.request.route import Segments, Table, segments, table
from gateway.dispatch import THE_APPLICATION
from gateway.events.delivery import Address
from gateway.limits.questions import AskedLately
from gateway.limits.rounds import ToolRounds
from gateway.net.form import MultipartReader
from gateway.net.upstream.in_process import InProcessTransport
from gateway.net.upstream.resting import Resting
from gateway.net.upstream.websocket import WebSocketTransport
from gateway.orgs.org import Org, Upstream
from gateway.orgs.tools import Tools
from gateway.ports import Admission, AuditSink, Contacts, EventQueue
from gateway.store.store import Store
from gateway.toolcall import Tool


@dataclass(kw_only=True)
class Shared:
    """What all orgs of one configuration share; never a connection."""

    store: Store
    secret: bytes = field(repr=False)
    audit: AuditSink
    admission: Admission
    questions: AskedLately
    counting: Counting
    sign_ins: Made
    resting: Resting
    inbox: EventQueue
    spans: bool = False  # whether exchanges have them
    host: Host = NO_HOST
    back_channel: BackChannel | None = None
    seen: SeenLately = field(default_factory=SeenLately)
    rounds: ToolRounds = field(default_factory=ToolRounds)
    tools: Tools = field(default_factory=Tools)
    contacts: dict[Of, Desk] = field(default_factory=dict)
    inboxes: dict[tuple[str, str, str], Inbox] = field(default_factory=dict)
    addresses: dict[str, Address] = field(default_factory=dict)  # who is told of events
    tables: dict[tuple[str, tuple[str, ...] | None], Table] = field(default_factory=dict)

    @classmethod
    def of(cls, ours: Process, settings: Settings, parts: Parts) -> "Shared":
        return cls(
            store=ours.store,
            secret=ours.secret,
            audit=ours.sinks,
            admission=ours.admission,
            questions=ours.questions,
            counting=ours.counting,
            sign_ins=shared_sign_ins(settings, parts, ours.host, ours.back_channel),
            resting=ours.resting,
            spans=ours.traces is not None,
            inbox=ours.inbox,
            host=ours.host,
            back_channel=ours.back_channel,
            seen=ours.seen,
            rounds=ours.rounds,
        )

    @cached_property
    def assertions(self) -> Assertions:
        return Assertions(self.secret)

    @cached_property
    def visitors_key(self) -> bytes:
        return signing_key(self.secret)

    @cached_property
    def via(self) -> str:
        """Our name in Via: one for all replicas of a deployment, another for every other one."""
        mark = hmac.new(self.secret, b"via", hashlib.sha256).hexdigest()[:12]
        return f"1.1 {PROXY_NAME}-{mark}"

    def table(self, settings: UpstreamSettings) -> Table:
        """The operations of an upstream: one table for all that have the same."""
        key = (settings.vendor, settings.operations)
        if key not in self.tables:
            self.tables[key] = table(settings.profile, settings.operations)
        return self.tables[key]


def build_org(
    settings: OrgSettings, shared: Shared, parts: Parts, desks: Mapping[Of, Desk] = NO_DESKS
) -> Org:
    """An org; what only it holds open is closed with `parts`."""
    places = org_places([settings])
    verifiers = sign_ins_of(settings, shared.sign_ins, parts, shared.host, shared.back_channel)
    sign_in = SignIns(
        verifiers, org=settings.external_id, origins=settings.origins, org_from=places
    )
    names = {
        verifier: f"sign_in[{index}], {table.type}"
        for index, (table, verifier) in enumerate(zip(settings.sign_in, verifiers, strict=True))
    }
    upstreams = {
        name: build_upstream(
            one,
            shared,
            parts.stack,
            org_path=settings.path,
            contacts=contacts_at(desks.get((settings.name, name))),
        )
        for name, one in settings.upstreams.items()
    }
    return Org(
        name=settings.name,
        external_id=settings.external_id,
        sign_in=sign_in,
        telling=partial(explain, sign_in.chain, names),
        upstreams=Directory(
            Stand(upstreams[name], (), standing_at(one)) for name, one in settings.upstreams.items()
        ),
        ledger=shared.store.ledger,
        askings=shared.store.askings,
        audit=shared.audit,
        limits=build_limits(settings, shared.counting),
        seen=shared.seen,
        rounds=shared.rounds,
        admission=shared.admission,
        secret=shared.secret,
        origins=settings.origins,
        refuse_spoofs=settings.on_spoof == "refuse",
        staff=frozenset(settings.staff),
        visitors=(
            Visitors(settings.external_id, shared.visitors_key, settings.origins)
            if settings.anonymous
            else None
        ),
        questions=shared.questions if settings.unknown_conversations == "ask" else None,
        named_in=tuple(field_of(place) for place in places),
        forwarded_in=forwarded_fields(settings),
        widgets={
            name: build_widget(one, one.widget, upstreams[name])
            for name, one in settings.upstreams.items()
            if one.widget is not None
        },
        issuers=issuers_of(settings.sign_in),
    )


def tool_rules(allowed: Mapping[str, Sequence[str]]) -> ToolRules:
    return ToolRules({role: frozenset(names) for role, names in allowed.items()})


def build_tools(
    settings: OrgSettings, shared: Shared, stack: AsyncExitStack
) -> dict[tuple[str, str, str], Tool]:
    """The tools of an org, or of all that are not listed: by org, upstream and name."""
    return {
        (settings.name, upstream.name, name): build_tool(
            name, tool, settings, upstream, shared, stack
        )
        for upstream in settings.upstreams.values()
        for name, tool in upstream.tools.items()
    }


def standing_at(settings: UpstreamSettings) -> Segments:
    """Where an upstream stands below its org: the application itself, at the application's URLs."""
    return THE_APPLICATION if settings.is_app else segments(settings.path)


def build_transport(settings: UpstreamSettings, shared: Shared) -> "Wire | InProcessTransport":
    if settings.is_app:
        return InProcessTransport(
            shared.host.app,
            first_byte=settings.timeouts.first_byte,
            idle=settings.timeouts.idle,
            max_running=settings.max_connections,
        )
    return build_wire(
        settings,
        first_byte=settings.timeouts.first_byte,
        idle=settings.timeouts.idle,
        at_once=settings.max_connections,
        resting=shared.resting,
    )


def build_sockets(settings: UpstreamSettings) -> WebSocketTransport | None:
    """None: in an application that is its own upstream there is nobody to shake hands with."""
    if settings.is_app:
        return None
    base = urlsplit(settings.base_url)
    return WebSocketTransport(
        origin=f"{base.scheme}://{base.netloc}",
        connect=settings.timeouts.connect,
        max_open=settings.max_connections,
        through=way_out(settings),
    )


def build_upstream(
    settings: UpstreamSettings,
    shared: Shared,
    stack: AsyncExitStack,
    *,
    org_path: str = "/",
    contacts: Contacts | None = None,
) -> Upstream:
    """An upstream; `org_path` is where the URLs of an application begin that is the upstream."""
    vendor = settings.profile
    base_path = org_path if settings.is_app else urlsplit(settings.base_url).path
    transport = build_transport(settings, shared)
    stack.push_async_callback(transport.aclose)
    return Upstream(
        name=settings.name,
        authority=transport.authority,
        destination=Destination(
            vendor=vendor,
            base_path=base_path.rstrip("/"),
            user_header=settings.user_header,
            fields=settings.fields,
            decided=settings.set,
            default_roles=settings.default_roles,
            told_by=settings.user_arguments,
            via=shared.via,
        ),
        table=shared.table(settings),
        keys=tuple(key.get_secret_value() for key in settings.key),
        secrets=(
            *secret_texts({**vendor.fields, **settings.fields}),
            *(text for _, text in secret_members(settings.set)),
        ),
        transport=traced_transport(transport, settings, spans=shared.spans),
        sockets=traced_sockets(build_sockets(settings), settings, spans=shared.spans),
        recheck=settings.timeouts.recheck,
        longest=settings.timeouts.websocket,
        user_id_rule=settings.user_id,
        user_id_pattern=re.compile(vendor.user_id),
        agents=None if "*" in settings.agents else frozenset(settings.agents),
        tools=None if settings.allowed_tools is None else tool_rules(settings.allowed_tools),
        max_body=settings.max_body,
        reads_forms=MultipartReader,
        total=settings.timeouts.total,
        assertions=shared.assertions if settings.assertion else None,
        audience=settings.base_url,
        contacts=contacts,
        ends_at_expiry=settings.end_streams_at_expiry,
        told_trace=settings.traceparent,
    )
