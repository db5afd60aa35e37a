"""Who a gateway serves: orgs, the vendors each stands before, and one call of one person.

Built once, by `assemble`, except for the `Exchange`.
"""

import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from gateway.core.answer.keywatch import Keys, KeyWatch
from gateway.core.answer.observe import Observer
from gateway.core.errors import NotFound
from gateway.core.mcp.answers import Editing
from gateway.core.mcp.tools import ToolRules
from gateway.core.people.identity import Identity, UserIdRule
from gateway.core.people.seal import Seal
from gateway.core.profile.vendor import Operation, ProblemShape
from gateway.core.request.call import Call
from gateway.core.request.destination import Destination
from gateway.core.request.directory import Directory
from gateway.core.request.plan import VendorRequest, plan
from gateway.core.request.route import Segments, Table
from gateway.ports import (
    Admission,
    Askings,
    Assertions,
    AuditSink,
    Contacts,
    ConversationLedger,
    Fields,
    Inbound,
    Limits,
    Questions,
    ReadsForms,
    Record,
    Rounds,
    Seen,
    SignIn,
    Telling,
    Transport,
    Visitors,
)
from gateway.ports.socket import Sockets
from gateway.ports.widgets import WidgetProofs


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """A vendor as one org uses it."""

    name: str
    authority: str  # host and port of the vendor, as Host will say
    destination: Destination
    table: Table
    keys: tuple[str, ...] = field(repr=False)  # the first is used; the next, once, on a 401
    secrets: tuple[str, ...] = field(default=(), repr=False)  # what else it must not quote
    transport: Transport
    user_id_rule: UserIdRule
    user_id_pattern: re.Pattern[str]
    agents: frozenset[str] | None = None  # None: every one the key opens
    tools: ToolRules | None = None  # None: everybody may use every tool
    max_body: int = 1024 * 1024  # bytes
    reads_forms: ReadsForms | None = None  # None: it takes none
    total: float = 900.0  # seconds an exchange may take
    assertions: Assertions | None = None  # None: the vendor gets no statement of ours
    audience: str = ""  # whom such a statement is for
    contacts: Contacts | None = None  # None: what is known of people stays here
    sockets: Sockets | None = None  # None: it has no WebSockets
    recheck: float = 30.0  # seconds between two looks whether who has one still may
    longest: float = 86_400.0  # seconds one may be open
    ends_at_expiry: bool = False  # whether an answer ends when its credential does
    told_trace: bool = False  # whether it hears of which trace a request is

    @cached_property
    def quoted(self) -> Keys:
        """The keys and secrets, as an answer must not quote them."""
        return Keys((*self.keys, *self.secrets))


@dataclass(frozen=True, kw_only=True)
class Widget:
    """The own widget of a vendor, as the org's pages have it."""

    upstream: Upstream
    proofs: WidgetProofs


@dataclass(frozen=True, kw_only=True)
class Org:
    """A customer of the gateway: whom it signs in, and which vendors it stands in front of."""

    name: str
    external_id: str
    sign_in: SignIn
    upstreams: Directory[Upstream]
    ledger: ConversationLedger
    audit: AuditSink
    limits: Limits
    secret: bytes = field(repr=False)  # for opaque user ids
    seen: Seen
    admission: Admission
    telling: Telling
    rounds: Rounds
    origins: tuple[str, ...] = ()
    refuse_spoofs: bool = False
    staff: frozenset[str] = frozenset()  # roles whose people may read what others said
    visitors: Visitors | None = None  # None: whoever has not signed in is nobody
    askings: Askings | None = None  # None: a key that says so keeps nothing from being asked twice
    questions: Questions | None = None  # None: a conversation nobody here opened is nobody's
    named_in: tuple[bytes, ...] = ()  # fields that may say that a request means this org
    forwarded_in: frozenset[bytes] = frozenset()  # fields in which a proxy says who is asking
    widgets: Mapping[str, Widget] = field(default_factory=dict)  # by the upstream's name
    issuers: tuple[str, ...] = ()  # of tokens its sign-ins take, where a client may get one

    def seal(self, upstream: Upstream, subject: str) -> Seal:
        """What a vendor gives this person to bring back is sealed with."""
        return Seal(self.secret, self.external_id, upstream.name, subject)

    def problem(self, path: Segments) -> ProblemShape | None:
        """The error shape of the vendor on whose route `path` is; None elsewhere."""
        try:
            upstream, _ = self.upstreams.find(None, path)
        except NotFound:
            return None
        return upstream.destination.vendor.problem


@dataclass(frozen=True, slots=True)
class Upload:
    """A form on its way to the vendor, piece by piece."""

    content_type: bytes
    pieces: AsyncGenerator[bytes, None]


@dataclass(slots=True, repr=False)
class Exchange:
    """One call, decided; and who watches its answer, once there is one."""

    org: Org
    upstream: Upstream
    call: Call  # until its answer comes
    identity: Identity
    user: str
    record: Record
    ask: Inbound
    reader: Identity | None = None  # of staff, who asks in this person's place
    head: tuple[int, Fields] = (0, ())  # of the answer, until it is out
    observer: Observer | None = None
    upload: Upload | None = None  # the form that goes on, in place of a body
    operation: Operation = field(init=False)
    watch: KeyWatch = field(init=False)  # for our keys in the answer

    def __post_init__(self) -> None:
        self.operation = self.call.operation
        self.watch = KeyWatch(self.upstream.quoted)

    @property
    def tools(self) -> frozenset[str] | None:
        """The tools this person may use; None: every one."""
        if self.upstream.tools is None:
            return None
        return self.upstream.tools.of(
            self.identity.roles or self.upstream.destination.default_roles
        )

    def editing(self, session: str) -> Editing | None:
        """What an answer in this session is changed by; None: none is."""
        if not self.operation.mcp:
            return None
        return Editing(self.org.seal(self.upstream, self.identity.subject), session, self.tools)

    @property
    def asking(self) -> Identity:
        """Who must be let in when it begins."""
        return self.reader or self.identity

    @property
    def ends_at(self) -> float | None:
        """When the answer must have ended, in seconds since the epoch."""
        return self.asking.expires_at if self.upstream.ends_at_expiry else None

    @property
    def going_on(self) -> Identity:
        """Who must be let in while the answer comes; signed in only where it ends with that."""
        asking = self.asking
        if self.upstream.ends_at_expiry or asking.session is None:
            return asking
        return replace(asking, session=None)

    def request(self, key: str) -> VendorRequest:
        assertions = self.upstream.assertions
        planned = plan(
            self.upstream.destination,
            self.call,
            identity=self.identity,
            user=self.user,
            key=key,
            request_id=self.record.request_id,
            statement=None if assertions is None else self._statement(assertions),
        )
        if self.upload is None:
            return planned
        return planned.streaming(self.upload.pieces, content_type=self.upload.content_type)

    def _statement(self, assertions: Assertions) -> str:
        return assertions.sign(
            self.identity,
            user=self.user,
            audience=self.upstream.audience,
            conversation=next(iter(self.call.conversations), None),
        )
