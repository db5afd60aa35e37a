"""Which of the shared sign-ins may vouch for an org.

"*" means the orgs that no sign-in names: naming an org says who alone may vouch for it.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence

from gateway.config.kinds import EVERY_ORG
from gateway.config.sign_ins.table import SharedTable


class Vouching:
    """Orgs are given by external_id, sign-ins by their index. All look-ups are by table."""

    def __init__(self, sign_ins: Sequence[SharedTable]) -> None:
        self._by_org: dict[str, list[int]] = defaultdict(list)
        for index, sign_in in enumerate(sign_ins):
            for org in dict.fromkeys(sign_in.orgs or (EVERY_ORG,)):
                self._by_org[org].append(index)

    def of(self, external_id: str) -> Sequence[int]:
        """The sign-ins that may vouch for one org."""
        return self._by_org.get(external_id) or self._by_org.get(EVERY_ORG) or ()

    def beyond(self, listed: Collection[str]) -> Sequence[int]:
        """The sign-ins that may vouch for some org that is not `listed`."""
        found = (
            index for org, those in self._by_org.items() if org not in listed for index in those
        )
        return sorted(set(found))
