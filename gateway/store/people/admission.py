"""Who may speak no longer: a person whom an operator blocked, or all of an org."""

import time
from collections.abc import Collection

from gateway.core.errors import Blocked
from gateway.core.people.identity import Identity, Person
from gateway.ports import Admission
from gateway.store.cutoffs import Cutoffs, Key

PERSON, ORG = "person", "org"  # kinds of facts
EVERYBODY = ""  # the name that an org is blocked by
LONGEST = 3600.0  # seconds, and more than a request takes from its sign-in to its vendor


class Blocks(Admission):
    """Keeps the `Admission` promise by what is cut off."""

    def __init__(self, cutoffs: Cutoffs) -> None:
        self._cutoffs = cutoffs
        self._changed: dict[Person, float] = {}  # when it was heard of last, by the monotonic clock
        cutoffs.watch(self._hear)

    def _hear(self, keys: Collection[Key] | None) -> None:
        now = time.monotonic()
        lately = {who: at for who, at in self._changed.items() if now - at < LONGEST}
        self._changed = lately | dict.fromkeys(people_of(keys or ()), now)

    def check(self, identity: Identity, *, since: float | None = None) -> None:
        facts = self._cutoffs.known()
        person, org = (PERSON, identity.org, identity.subject), (ORG, identity.org, EVERYBODY)
        if person in facts or org in facts:
            before = self._cutoffs.before
            if before(*person) or before(*org):
                raise Blocked
        if since is not None and self._changed.get(identity.person, since) > since:
            raise Blocked


def people_of(keys: Collection[Key]) -> set[Person]:
    """The people among facts."""
    return {Person(scope, name) for kind, scope, name in keys if kind == PERSON}
