"""The orgs that are not listed: each is made when it is first asked for.

What a claim says becomes part of everybody's identity, so it is taken as it is or not at all; and
what an org that is listed is called, be it by its name or its external_id, is never another org.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection

from gateway.core.people.identity import EXTERNAL_ID
from gateway.orgs.org import Org

MOST = 10_000  # that are kept, of 4 KiB each; one is made in 30 µs


class OtherOrgs:
    """Keeps the `Orgs` promise of `site`: all but those that are `taken`.

    `make` is given the external_id. Those asked for last are kept. One that is let go while it is
    at work goes on working: what it must not forget is not in it, and its connections are closed
    when they come to rest or soon after.
    """

    def __init__(
        self, make: Callable[[str], Org], *, taken: Collection[str], most: int = MOST
    ) -> None:
        self._make = make
        self._taken = frozenset(taken)
        self._most = most
        self._made: OrderedDict[str, Org] = OrderedDict()

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._made)

    def __contains__(self, external_id: str) -> bool:
        return external_id not in self._taken and EXTERNAL_ID.fullmatch(external_id) is not None

    def __getitem__(self, external_id: str) -> Org:
        """The org of this external_id.

        Raises:
            KeyError: it is not contained.
        """
        org = self._made.get(external_id)
        if org is None:
            if external_id not in self:
                raise KeyError(external_id)
            org = self._made[external_id] = self._make(external_id)
            if len(self._made) > self._most:
                self._made.popitem(last=False)
        self._made.move_to_end(external_id)
        return org
