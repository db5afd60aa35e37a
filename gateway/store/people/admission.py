"""Who may speak no longer: a person whom an operator blocked, or all of an org."""

from collections.abc import Collection

from gateway.core.errors import Blocked
from gateway.core.people.identity import Identity, Person
from gateway.ports import Admission
from gateway.store.cutoffs import Cutoffs, Key

PERSON, ORG = "person", "org"  # kinds of facts
EVERYBODY = ""  # the name that an org is blocked by


class Blocks(Admission):
    """Keeps the `Admission` promise by what is cut off."""

    def __init__(self, cutoffs: Cutoffs) -> None:
        self._cutoffs = cutoffs

    def check(self, identity: Identity) -> None:
        facts = self._cutoffs.known()
        person, org = (PERSON, identity.org, identity.subject), (ORG, identity.org, EVERYBODY)
        if person in facts or org in facts:
            before = self._cutoffs.before
            if before(*person) or before(*org):
                raise Blocked


def people_of(keys: Collection[Key]) -> set[Person]:
    """The people among facts."""
    return {Person(scope, name) for kind, scope, name in keys if kind == PERSON}
