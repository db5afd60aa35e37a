"""The settings, frozen: the long form, in which nothing is left to be inferred.

Names are those of the file, except where Python has the word already: `agents` is `agent`.
Durations are seconds, sizes bytes. Of orgs, upstreams and sign-ins `…Table` is what a file may
write, and `…Settings` what it means: names, paths and inherited values filled in
(`config/meaning.py`). Every other table means just what is written.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from annotated_types import Le
from pydantic import Field, SecretStr

from gateway.config.allowances import LimitsTable, SharedCounters, VendorLimit
from gateway.config.contacts import ContactsTable
from gateway.config.events import EventsTable
from gateway.config.kinds import (
    Agents,
    Count,
    Json,
    Listen,
    Name,
    Networks,
    OneOrMore,
    Pointer,
    Secrets,
    SomeTexts,
    Templates,
    Text,
    UrlPath,
    UserHeader,
)
from gateway.config.operators import Admin, Audit, Traces
from gateway.config.profile import VendorTable
from gateway.config.profile_kinds import Profile
from gateway.config.sign_ins import SharedSignIns, SignIns
from gateway.config.sign_ins.table import SharedTable
from gateway.config.table import Table
from gateway.config.tool_names import AllowedTools
from gateway.config.tools import ToolTable
from gateway.config.units import Bytes, Seconds
from gateway.config.widget import WidgetTable
from gateway.core.people.identity import UserIdRule


class Server(Table):
    listen: Listen = Field(default="127.0.0.1:8080", description="Address and port to serve at.")
    workers: Annotated[Count, Le(256)] = Field(
        default=1, description="Processes; limits over several need [shared]."
    )
    trusted_proxies: Networks = Field(
        default=(), description="Networks whose Forwarded and X-Forwarded-* fields are believed."
    )
    max_body: Annotated[int, Bytes("1KiB", "64MiB")] = Field(
        default=1024**2, description="Of a JSON body; larger is 413."
    )
    max_header: Annotated[int, Bytes("1KiB", "1MiB")] = Field(
        default=32 * 1024, description="Of a whole request head; larger is 431."
    )
    header_timeout: Annotated[float, Seconds("100ms", "5m")] = Field(
        default=10.0, description="For a whole request head."
    )
    body_timeout: Annotated[float, Seconds("100ms", "1h")] = Field(
        default=30.0, description="For a whole request body."
    )
    max_connections: Count = Field(default=10_000, description="Of clients, at one time.")
    drain_delay: Annotated[float, Seconds("0s", "10m")] = Field(
        default=5.0, description="On SIGTERM: readyz is 503, connections are still accepted."
    )
    drain: Annotated[float, Seconds("0s", "1d")] = Field(
        default=30.0, description="And then running answers may finish."
    )


class IdentitySettings(Table):
    secret: SecretStr | None = Field(
        default=None, description="For opaque user ids. Absent: made once and kept in the store."
    )


class Store(Table):
    url: str = Field(
        default="sqlite:///gateway.db",
        repr=False,
        description="Who owns which conversation is kept here.",
    )
    retention: Annotated[float, Seconds("1d", "36500d")] = Field(
        default=400 * 86400.0,
        description="Of usage and audit rows, and of which events came; ownership is kept.",
    )
    dead_events: Annotated[float, Seconds("1h", "36500d")] = Field(
        default=30 * 86400.0, description="How long events are kept that could not be delivered."
    )
    batch_interval: Annotated[float, Seconds("10ms", "10s")] = Field(
        default=0.2, description="Usage and audit rows are written together, this often."
    )
    spool: Text | None = Field(
        default=None,
        description="Folder where these wait while the store is away; default: beside a file.",
    )
    spool_max: Annotated[int, Bytes("64KiB", "512GiB")] = Field(
        default=256 * 1024**2, description="Of all that wait there; what is more is lost."
    )


class Timeouts(Table):
    connect: Annotated[float, Seconds("10ms", "5m")] = Field(default=5.0, description="With TLS.")
    first_byte: Annotated[float, Seconds("10ms", "1h")] = Field(
        default=120.0, description="From the request sent to the answer's head."
    )
    idle: Annotated[float, Seconds("10ms", "1h")] = Field(
        default=120.0, description="Between two pieces of an answer."
    )
    total: Annotated[float, Seconds("10ms", "1d")] = Field(
        default=900.0, description="Of a whole exchange."
    )
    recheck: Annotated[float, Seconds("1s", "1h")] = Field(
        default=30.0, description="Of a WebSocket: between two looks whether the person still may."
    )
    websocket: Annotated[float, Seconds("1s", "30d")] = Field(
        default=86_400.0, description="Of a whole WebSocket: then the client connects again."
    )


class UpstreamTable(Table):
    vendor: Text = Field(description="The profile: one of `gateway vendors`, or of [vendors].")
    base_url: Text | None = Field(
        default=None,
        description='The vendor\'s origin, and a prefix if any; or "app:", the application that '
        "GatewayMiddleware wraps.",
    )
    key: Secrets = Field(
        default=(), description="The first is used; the next, once, on the vendor's 401."
    )
    path: UrlPath | None = Field(default=None, description='The mount; default "/<upstream>".')
    agents: Agents = Field(
        default=(), alias="agent", description='Which agents the key opens to users, or "*".'
    )
    user_header: UserHeader = Field(
        default="x-external-user-id", description='On every request; "" turns it off.'
    )
    user_id: UserIdRule | None = Field(default=None, description="Default: the org's.")
    fields: Templates = Field(
        default={},
        repr=False,
        description="More fields; {key} {user} {org} {roles} {subject} stand for values.",
    )
    default_roles: Annotated[tuple[Text, ...], OneOrMore()] = Field(
        default=(), description="Where the vendor wants one and the sign-in says none."
    )
    set: Mapping[Pointer, Json] = Field(
        default={}, repr=False, description="JSON members the server decides, by JSON Pointer."
    )
    operations: SomeTexts | None = Field(
        default=None, description="Narrows the profile; absent: all it declares."
    )
    timeouts: Timeouts = Field(default=Timeouts(), description="Clocks of one exchange.")
    end_streams_at_expiry: bool = Field(
        default=False, description="End an answer when its credential expires; else at `total`."
    )
    max_connections: Count = Field(
        default=1000, description="To this vendor, at one time; in HTTP/2 requests are what counts."
    )
    vendor_limit: VendorLimit | None = Field(
        default=None, description="What the vendor takes for this key, shared fairly by people."
    )
    assertion: bool = Field(
        default=False, description="Send a signed statement of who is asking with every request."
    )
    max_body: Annotated[int, Bytes("1KiB", "64MiB")] | None = Field(
        default=None, description="Default: the server's."
    )
    allowed_tools: AllowedTools | None = Field(
        default=None,
        description='Of an MCP server, by role; "*" is everybody, or every tool. Absent: all.',
    )
    user_arguments: Mapping[Text, Text] = Field(
        default={},
        description='Of tools of an MCP server, which get the user id: by tool, or "*".',
    )
    tools: Mapping[Name, ToolTable] = Field(
        default={}, description="What the vendor may call for a person it talks to, by name."
    )
    widget: WidgetTable | None = Field(
        default=None, description="What the vendor's own widget is shown of who sits before it."
    )
    proxy: Text | None = Field(
        default=None,
        repr=False,
        description="The egress proxy that leads to the vendor: http://[user:password@]host:port.",
    )
    contacts: ContactsTable | None = Field(
        default=None, description="What the vendor is to know of people."
    )
    events: EventsTable | None = Field(
        default=None, description="What the vendor tells of, and who is told of that."
    )
    http2: bool = Field(
        default=False, description="Speak HTTP/2 with the vendor; it must choose that by ALPN."
    )
    traceparent: bool = Field(
        default=False, description="Tell the vendor of which trace a request is, by that field."
    )


THE_APP = "app:"


class UpstreamSettings(UpstreamTable):
    """A vendor as one org uses it."""

    name: str = Field(exclude=True)
    profile: Profile = Field(exclude=True, repr=False)  # what `vendor` names
    base_url: str  # no slash at its end
    path: str
    user_id: UserIdRule
    max_body: Annotated[int, Bytes("1KiB", "64MiB")]

    @property
    def is_app(self) -> bool:
        """Whether it is the application itself that we stand in."""
        return self.base_url == THE_APP


class OrgTable(Table):
    hosts: SomeTexts = Field(default=(), description="Exact names; absent: any host.")
    path: UrlPath = Field(default="/", description="Prefix below which this org stands.")
    origins: SomeTexts = Field(
        default=(), description="From which browsers may call with cookies, beside the same origin."
    )
    external_id: Text | None = Field(
        default=None,
        description="What an org claim must say; part of every user's identity, so it never "
        "changes. Default: the org's key.",
    )
    user_id: UserIdRule = Field(default="auto", description="How people are named to vendors.")
    unknown_conversations: Literal["deny", "ask"] = Field(
        default="deny",
        description="What nobody here opened: nobody's, or ask the vendor whose it is.",
    )
    on_spoof: Literal["drop", "refuse"] = Field(
        default="drop",
        description="A request that says who is asking: drop that and count, or refuse.",
    )
    anonymous: bool = Field(
        default=False, description="Whether people who have not signed in may chat, one a browser."
    )
    staff: SomeTexts = Field(
        default=(), description="Roles whose people may read what others said; each read is told."
    )
    sign_in: SignIns = Field(default=(), description="Who is asking; absent: the shared ones.")
    upstreams: Mapping[Name, UpstreamTable] = Field(default={}, description="The vendors, by name.")
    limits: LimitsTable = Field(default=LimitsTable(), description="Of people, and of all of them.")


class OrgSettings(OrgTable):
    """One company: who its people are, and which vendors they reach."""

    name: str = Field(exclude=True)
    external_id: str
    upstreams: Mapping[str, UpstreamSettings]

    @property
    def shares_sign_ins(self) -> bool:
        """Whether it has the shared ones, and so none of its own."""
        return any(isinstance(one, SharedTable) for one in self.sign_in)


class Settings(Table):
    """The long form of a whole configuration: what is built and run."""

    version: Literal[1]
    server: Server
    identity: IdentitySettings
    store: Store
    audit: Audit
    admin: Admin | None
    traces: Traces | None
    shared: SharedCounters | None
    vendors: Mapping[str, VendorTable]  # of the file itself
    profiles: Mapping[str, Profile] = Field(exclude=True, repr=False)  # and those that ship
    sign_in: SharedSignIns  # the shared ones; each org has those that are for it as well
    orgs: Mapping[str, OrgSettings]  # `EVERY_ORG` among them, where it was written
