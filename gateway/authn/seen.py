"""What people's sign-ins said of them last, for when somebody else speaks of them.

Roles are what a credential says now; a vendor that calls back has none. Of somebody who has not
been here since this process began nothing is known, and they have no roles. So whoever has none
need not be remembered: visitors, who are as many as somebody likes, displace nobody.
"""

from collections import OrderedDict
from collections.abc import Iterable

from gateway.core.people.identity import Identity, Person

REMEMBERED = 65_536  # people


class SeenLately:
    """Keeps the `Seen` port."""

    def __init__(self) -> None:
        self._seen: OrderedDict[Person, tuple[str, ...]] = OrderedDict()  # who came last is last

    def note(self, identity: Identity) -> None:
        """Remember who just signed in."""
        if not identity.roles:
            self._seen.pop(identity.person, None)
            return
        self._seen[identity.person] = identity.roles
        self._seen.move_to_end(identity.person)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def forget(self, people: Iterable[Person]) -> None:
        """Forget these: whoever comes next by such a name may be somebody else."""
        for person in people:
            self._seen.pop(person, None)

    def identity(self, person: Person) -> Identity:
        """The person, as far as is known."""
        return Identity(person.org, person.subject, roles=self._seen.get(person, ()))
