"""Who is asking: somebody who signed in, or where an org has visitors, one of them.

A visitor who has become a person is a visitor no more: their cookie may still lie in a browser that
others use now, and must not open what is that person's.
"""

from gateway.core.errors import BadRequest, CredentialsInvalid, CredentialsMissing
from gateway.core.people.identity import Identity
from gateway.orgs.org import Org
from gateway.ports import Answering, ConversationLedger, Inbound, Record, Visitors


async def authenticate(org: Org, ask: Inbound, answer: Answering, record: Record) -> Identity:
    """Who is asking.

    Raises:
        GatewayError: as `SignIn.authenticate` does; `LedgerUnavailable` for a visitor.
    """
    try:
        identity = await org.sign_in.authenticate(ask)
    except CredentialsMissing:
        if org.visitors is None or not org.visitors.may_come(ask):
            raise
        identity = await visiting(org.visitors, org.ledger, ask, answer)
    else:
        refuse_ours(identity)
    let_in(org, identity, record)
    org.seen.note(identity)
    return identity


async def signed_in(org: Org, ask: Inbound, record: Record | None = None) -> Identity:
    """Whom a sign-in vouches for, and nobody has blocked; who it is, is noted in `record`."""
    identity = await org.sign_in.authenticate(ask)
    refuse_ours(identity)
    let_in(org, identity, record)
    return identity


def refuse_ours(identity: Identity) -> None:
    """Refuse whom no sign-in may vouch for."""
    if identity.has_our_name:
        raise CredentialsInvalid("The subject has the shape of a name that only the gateway gives")


def let_in(org: Org, identity: Identity, record: Record | None) -> None:
    """Note who it is, and refuse whoever may speak no longer."""
    if record is not None:
        record.subject = identity.subject
        record.actor = identity.actor or ""
    org.admission.check(identity)


async def visiting(
    visitors: Visitors, ledger: ConversationLedger, ask: Inbound, answer: Answering
) -> Identity:
    """The visitor of this browser; a new one where it has none."""
    known = visitors.known(ask)
    if known is not None and not await ledger.has_become(known.person):
        return known
    identity, fields = visitors.new()
    answer.add(fields)
    return identity


async def claim(org: Org, ask: Inbound, answer: Answering, record: Record) -> bool:
    """Make what this browser's visitor has, the person's who signs in beside it.

    Whether it is theirs now: a visitor who has become another person before stays that person.
    The cookie is taken back in any case.
    """
    identity = await signed_in(org, ask, record)
    if org.visitors is None or not org.visitors.may_come(ask):
        raise BadRequest("Only a page of this site can claim what its visitor has")
    visitor = org.visitors.known(ask)
    answer.add(org.visitors.forget())
    if visitor is None:
        return False
    claimed = await org.ledger.become(visitor.person, identity.person)
    if claimed:
        org.audit.note("visitor_claimed", record)
    return claimed
