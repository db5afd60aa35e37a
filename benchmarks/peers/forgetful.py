"""`gateway serve` that remembers nothing: what ledger, usage and audit cost is the difference.

    python -m benchmarks.peers.forgetful --config FILE

No configuration leaves them out, so this process has classes of its own in their place.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from gateway.assemble.keeping import Sinks
from gateway.cli.serve import command
from gateway.core.people.identity import Person
from gateway.ports import AuditSink, FaultSink, UsageSink, Whose
from gateway.store.ledger import Ledger


class LogAndMetrics(Sinks):
    """Tells the log, which is the first, and the metrics, which are the last."""

    def __init__(
        self, later: Sequence[UsageSink], audit: Sequence[AuditSink], faults: FaultSink, **_: object
    ) -> None:
        super().__init__([later[0], later[-1]], [audit[0], audit[-1]], faults)


class Nobodys(Ledger):
    """A ledger of one wish: whatever is asked, it is theirs."""

    def remembered_user_id(self, upstream: str, person: Person) -> str | None:
        return person.subject

    async def whose(self, upstream: str, conversation: str, person: Person) -> Whose:
        return Whose.THEIRS

    async def claim(self, upstream: str, conversation: str, person: Person) -> bool:
        return True

    async def was_named(self, upstream: str, person: Person, user_id: str) -> bool:
        return True


if __name__ == "__main__":
    for module, its in (
        ("gateway.assemble.process", {"Sinks": LogAndMetrics}),
        ("gateway.store.store", {"Ledger": Nobodys}),
    ):
        vars(import_module(module)).update(its)
    command(Path(sys.argv[-1]), None)
