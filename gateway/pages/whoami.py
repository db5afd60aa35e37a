"""Who is asking, as they may see themselves."""

from gateway.core import problem
from gateway.core.people.identity import VISITOR, Identity
from gateway.core.problem import Answer
from gateway.orgs.org import Org


def who(org: Org, identity: Identity) -> Answer:
    """A person, as they may see themselves."""
    return problem.of_json(
        {
            "org": org.name,
            "subject": identity.subject,
            "anonymous": VISITOR.fullmatch(identity.subject) is not None,
            "roles": list(identity.roles),
            "expires_at": identity.expires_at,
        }
    )
