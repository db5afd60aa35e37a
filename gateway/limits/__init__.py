"""How much one person may ask for, and how much all of an org may.

    org.py      the `Limits` port: what is asked for a request, and what a refusal says
    named.py    each limit by its name
    counts.py   the promise of whatever counts; `local.py` does in this process, `shared.py` at a
                Redis or Valkey with `scripts.py`, sent by `pipeline.py`, and `standby.py` does
                while that is away

An org without limits has `Unlimited`, and pays nothing for those of others.
"""

from collections.abc import Sequence

from gateway.core.people.identity import Person
from gateway.core.profile.vendor import Operation
from gateway.ports import Limits, Record, Ticket


class Uncounted(Ticket):
    """Holds nothing."""

    async def spend(self) -> None:
        return

    async def again(self) -> None:
        return

    async def renew(self) -> None:
        return

    async def end(self, error: BaseException | None = None) -> None:
        return


UNCOUNTED = Uncounted()


class Unlimited(Limits):
    """Admits everybody."""

    def admit(self, person: Person, upstream: str, operation: Operation, record: Record) -> Ticket:
        return UNCOUNTED

    def told(self, upstream: str, operation: Operation) -> Sequence[str]:
        return ()
