"""The decisions about one request, one after another, without anything being sent.

The steps are those of `dispatch` and `exchange`, called in their order on a copy of the org whose
ledger only reads and whose audit keeps nothing. Not judged is what depends on requests before this
one: what limits leave, which idempotency keys are taken, how many tools have answered in a row; nor
the parts of a form.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gateway.core import problem
from gateway.core.errors import GatewayError, NotFound
from gateway.core.formats import fields as http
from gateway.core.formats.strictjson import JsonObject
from gateway.core.people.identity import Identity, propose_user_id
from gateway.core.problem import Answer
from gateway.core.profile.vendor import ProblemShape
from gateway.core.request import route
from gateway.core.request.plan import VendorRequest
from gateway.core.request.route import Segments
from gateway.dispatch import THE_APPLICATION, House
from gateway.exchange import (
    check_conversations,
    check_origin,
    check_tools,
    read_call,
    user_id,
)
from gateway.exchange import route as find_operation
from gateway.orgs.org import Exchange, Org, Upstream
from gateway.orgs.site import Site
from gateway.ports import ConversationLedger, Fields, Inbound, Record
from gateway.steps.idempotency import repeatable
from gateway.steps.welcome import authenticate

MASK = "****"
MADE_THEN = b"(made with each request)"  # in place of a traceparent


@dataclass(slots=True)
class Explanation:
    """What happens to a request: the steps taken, then either what leaves or what comes back."""

    record: Record
    steps: list[tuple[str, str]] = field(default_factory=list)  # name, what was found
    request: VendorRequest | None = None  # the vendor's key masked
    upstream: Upstream | None = None
    problem: ProblemShape | None = None  # how an error would look
    answer: Answer | None = None  # the refusal the client gets; then nothing leaves
    code: str = ""

    def note(self, name: str, found: str) -> None:
        self.steps.append((name, found))


class Unanswered:
    """An `Answering` of which nobody gets anything."""

    started = False

    def add(self, fields: Fields) -> None:
        """Keep nothing."""

    async def start(self, status: int, fields: Fields) -> None:
        """Keep nothing."""

    async def chunk(self, content: bytes) -> None:
        """Keep nothing."""

    async def end(self) -> None:
        """Keep nothing."""

    async def cut(self) -> None:
        """Keep nothing."""

    def writer(self) -> None:
        """Keep nothing."""


class Unsigned:
    """`Assertions` that are worth nothing: what is shown may be copied."""

    def sign(self, identity: Identity, **_: object) -> str:
        return MASK

    def jwk_set(self) -> JsonObject:
        return {"keys": []}


class Unheard:
    """An `AuditSink` that keeps nothing: looking at a request is no event."""

    def note(self, event: str, record: Record) -> None:
        """Keep nothing."""


async def explain(
    house: House, ask: Inbound, record: Record, reading: Callable[[Org], ConversationLedger]
) -> Explanation:
    """Take a request through the decisions. `reading` gives an org's ledger, to be read only."""
    explanation = Explanation(record)
    try:
        await _decide(house, ask, explanation, reading)
    except GatewayError as error:
        explanation.code = error.code
        explanation.answer = problem.of_error(error, explanation.problem, record.request_id)
        explanation.note("refused", f"{error.status} {error.code}: {error.detail}")
    return explanation


async def _decide(
    house: House,
    ask: Inbound,
    explanation: Explanation,
    reading: Callable[[Org], ConversationLedger],
) -> None:
    record = explanation.record
    http.check(ask.fields)
    site, below = house.sites.find(ask.host, route.segments(ask.raw_path))
    path = _led_to(site, below)
    explanation.problem = site.problem(path)
    found = await site.find(ask)
    explanation.problem = found.org.problem(path)
    org = replace(found.org, ledger=reading(found.org), audit=Unheard(), questions=None)
    record.org, record.org_id = org.name, org.external_id
    explanation.note("org", f"{org.name} (external_id {org.external_id}), by {found.by}")
    try:
        upstream, match = find_operation(org, path, ask, record)
    except NotFound:
        explanation.note("operation", _why_none(org, path, ask.method))
        raise
    if upstream.assertions is not None:
        upstream = replace(upstream, assertions=Unsigned())
    explanation.upstream = upstream
    vendor = upstream.destination.vendor
    explanation.note("upstream", f"{upstream.name}: {vendor.title}")
    explanation.note("operation", f"{match.name}: {ask.method} {match.operation.path}")
    check_origin(org, match, ask)
    explanation.note("credentials", "; ".join(await org.telling(ask)))
    identity = await authenticate(org, ask, Unanswered(), record)
    explanation.note("identity", _who(identity))
    limits = org.limits.told(upstream.name, match.operation)
    explanation.note("limits", "; ".join(limits) or "none")
    user = await user_id(org, upstream, identity, record)
    explanation.note("user id", _named(org, upstream, identity, user))
    call = await read_call(org, upstream, match, ask, record)
    explanation.note("left out", ", ".join(record.dropped) or "nothing")
    explanation.note("spoofed", ", ".join(record.spoofed) or "nothing")
    exchange = Exchange(org, upstream, call, identity, user, record, ask)
    if found.org.questions is not None and call.conversations:
        explanation.note("unknown", "of a conversation nobody here opened, the vendor is asked")
    await check_conversations(exchange)
    explanation.note("conversation", _whose(call.conversations, match.operation.opens))
    check_tools(exchange)
    if (key := repeatable(exchange)) is not None:
        explanation.note("idempotency key", f"{key}: asked for once, for a day")
    explanation.request = exchange.request(MASK)
    if upstream.told_trace:
        explanation.request = explanation.request.of_trace(MADE_THEN)


def _why_none(org: Org, path: Segments, method: str) -> str:
    """What no client is told: how far the path leads."""
    try:
        upstream, below = org.upstreams.find(None, path)
    except NotFound:
        return "none: this path begins as no upstream's `path` does"
    vendor = upstream.destination.vendor
    try:
        match = upstream.table.match(method, below)
    except NotFound:
        told = f"no operation of {vendor.name} that {upstream.name} offers has it"
        return f"none: what follows {upstream.name}'s path is /{'/'.join(below)}, and {told}"
    return f"{match.name}, but its agent is not among `agent` of {upstream.name}"


def _led_to(site: Site, path: Segments) -> Segments:
    """The path, or where it leads at the application that we stand in: its URLs are its own."""
    there = (*THE_APPLICATION, *path)
    return there if _is_declared(site, there) and not _is_declared(site, path) else path


def _is_declared(site: Site, path: Segments) -> bool:
    try:
        return bool(site.methods(path))
    except NotFound:
        return False


def _who(identity: Identity) -> str:
    roles = f", roles {', '.join(identity.roles)}" if identity.roles else ""
    return f"{identity.subject}{roles}"


def _named(org: Org, upstream: Upstream, identity: Identity, user: str) -> str:
    """The user id, and why it is this one."""
    if user == identity.subject:
        return f"{user} (the subject itself)"
    why = "the rule is opaque" if upstream.user_id_rule == "opaque" else "the subject does not fit"
    proposed = propose_user_id(
        identity.person,
        rule=upstream.user_id_rule,
        pattern=upstream.user_id_pattern,
        secret=org.secret,
    )
    if user != proposed:
        return f"{user} (the id this person first had here; it stays)"
    rule = upstream.destination.vendor.user_id
    return f"{user} (opaque: {why} {rule}; another user_claim could avoid it)"


def _whose(conversations: Sequence[str], opens: Sequence[object]) -> str:
    if conversations:
        return f"{', '.join(conversations)}: theirs"
    return "none named; the answer opens one" if opens else "none named"
