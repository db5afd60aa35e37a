"""Conversations that were opened around the gateway: asking the vendor whose they are.

A help for moving in, and no more: a few questions a minute a person, and a miss is remembered for
ten seconds. For visitors nobody is asked: they are as many as somebody likes, and by a name of ours
nobody was known anywhere before. Only `deny` promises that another's conversation and none take
equal time.
"""

from gateway.core.formats import strictjson
from gateway.core.formats.fields import first, media_type
from gateway.core.people.identity import VISITOR
from gateway.core.profile.vendor import Lookup
from gateway.core.request.lookup import plan_lookup, read_owner
from gateway.orgs.org import Exchange
from gateway.ports import VendorResponse
from gateway.steps.errand import read_whole
from gateway.steps.interrupt import within

PATIENCE = 10.0  # seconds


async def adopt(exchange: Exchange, conversation: str) -> bool:
    """Whether a conversation nobody here has opened is this person's, by the vendor's own word.

    Raises:
        UpstreamError, UpstreamTimeout: the vendor cannot be asked.
        LedgerUnavailable: it cannot be recorded.
        Blocked: they may speak no longer.
    """
    org, upstream = exchange.org, exchange.upstream
    lookup, person = upstream.destination.vendor.lookup, exchange.identity.person
    if lookup is None or org.questions is None or VISITOR.fullmatch(person.subject):
        return False
    if not org.questions.may_ask(upstream.name, conversation, person):
        return False
    async with within(PATIENCE):
        owner = await ask_owner(exchange, lookup, conversation)
    if owner != exchange.user:
        return False
    org.admission.check(exchange.identity, since=exchange.record.started)  # it took its time
    adopted = await org.ledger.claim(upstream.name, conversation, person)
    if adopted:
        exchange.record.conversation = conversation
        org.audit.note("conversation_adopted", exchange.record)
    return adopted


async def ask_owner(exchange: Exchange, lookup: Lookup, conversation: str) -> str | None:
    """The user id the vendor names as the owner; None where it names none."""
    request = plan_lookup(
        exchange.upstream.destination,
        lookup,
        exchange.call,
        conversation,
        identity=exchange.identity,
        user=exchange.user,
        key=exchange.upstream.keys[0] if exchange.upstream.keys else "",
        request_id=exchange.record.request_id,
    )
    # An id that spells another call of the vendor's: "export" would be everybody's conversations.
    asked, to = request.target.partition("?")[0], exchange.upstream.destination
    path = asked.removeprefix(to.base_path)
    if to.vendor.takes_for_another(lookup.path, path, "conversation", "user"):
        return None
    async with exchange.upstream.transport.open(request, exchange) as response:
        if response.status != 200 or not is_json(response):
            return None
        content = await read_whole(response)
    try:
        return read_owner(lookup, strictjson.loads_leniently(content or b""), conversation)
    except ValueError:
        return None


def is_json(response: VendorResponse) -> bool:
    media = media_type(first(response.fields, b"content-type"))
    return media is not None and media.is_json
