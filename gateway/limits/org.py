"""The limits of one org: what is asked of the counters for a request, and in which words refused.

Cheap refusals come first, and a refusal counts nothing. A request is counted before its body is
read: `per_user` and `per_org`, requests and answers under way. Just before the vendor is called,
the budgets are held and the vendor's own limit is shared out (`core.limits.fairshare`).

State is kept by the org's external_id and not here: an org may be let go and made again.
"""

from collections.abc import Sequence

from gateway.core.people.identity import Person
from gateway.core.profile.vendor import Operation
from gateway.limits.calendar import Calendar
from gateway.limits.counts import Counts
from gateway.limits.keys import Keys
from gateway.limits.rules import Rules
from gateway.limits.terms import Limited, Terms, terms_of
from gateway.limits.ticket import Counted
from gateway.ports import Limits, Record, Ticket


class OrgLimits(Limits):
    """Keeps the `Limits` port for the org of `external_id`."""

    def __init__(
        self, external_id: str, rules: Rules, counts: Counts, keys: Keys, calendar: Calendar
    ) -> None:
        self._counts = counts
        self._keys = keys
        self._calendar = calendar
        limited, org = Limited(rules), keys.org(external_id)
        self._terms = {
            (name, costs, listens): Terms(
                limited, org, upstream, rules.reserve, costs=costs, listens=listens
            )
            for name, upstream in rules.upstreams.items()
            for costs, listens in ((True, False), (False, False), (False, True))
        }

    def admit(self, person: Person, upstream: str, operation: Operation, record: Record) -> Ticket:
        terms = self._terms[upstream, operation.costs, operation.listens]
        own = terms_of(terms, person, self._keys)
        return Counted(own, record, self._counts, self._calendar)

    def told(self, upstream: str, operation: Operation) -> Sequence[str]:
        return self._terms[upstream, operation.costs, operation.listens].words()
