"""The vendor's own widget on a page of ours: what it is shown of who sits before it.

A page asks, and only for whoever is signed in: there is nothing in the question that could name
anybody, and a question that tries is refused. Visitors get no proof, for they have proven nothing.
The user id is the one that the API knows them by, so that both have one history.
"""

from gateway.core import problem
from gateway.core.errors import BadRequest, NotFound, SpoofedIdentity
from gateway.core.problem import Answer
from gateway.core.profile.vendor import Operation
from gateway.core.request.route import Match
from gateway.exchange import read_call, user_id
from gateway.orgs.org import Org
from gateway.ports import Inbound, Record
from gateway.steps.welcome import signed_in

SHOW = Match(
    "widget",
    Operation(method="GET", path="/widget", no_conversation="who somebody is, and no more"),
    {},
)
MAX_BODY = 1024  # bytes that are read to see that there are none


async def show(org: Org, named: str, upstream: str, ask: Inbound, record: Record) -> Answer:
    """The proof for the widget of one upstream, for the person who asks.

    Raises:
        NotFound: this org has no such widget, or another org was named.
        BadRequest, SpoofedIdentity: the question says more than it may.
        GatewayError: as `SignIn.authenticate`, `Ticket` and `WidgetProofs.show` do.
    """
    widget = org.widgets.get(upstream) if named == org.name else None
    if widget is None:
        raise NotFound
    record.upstream, record.operation = upstream, SHOW.name
    identity = await signed_in(org, ask, record)
    org.seen.note(identity)
    async with org.limits.admit(identity.person, upstream, SHOW.operation, record):
        user = await user_id(org, widget.upstream, identity, record)
        read = await read_call(org, widget.upstream, SHOW, ask, record)
        if any(one.startswith("query:") for one in read.spoofed):
            raise SpoofedIdentity
        if read.dropped or await ask.body(MAX_BODY):
            raise BadRequest("This takes neither parameters nor a body")
        shown = await widget.proofs.show(identity, user, ask, record)
    return problem.of_json(
        {
            "widget": widget.upstream.destination.vendor.name,
            "user_id": user,
            **shown.proof,
            "expires_in": int(shown.lasts),
        }
    )
