"""What a vendor's own widget is shown of the person before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.core.people.identity import Identity
from gateway.core.record import Record
from gateway.ports.wire import Inbound


@dataclass(frozen=True, slots=True)
class Shown:
    """`proof` is what the widget is given, by name; `lasts` is for how long, in seconds."""

    proof: Mapping[str, str]
    lasts: float


class WidgetProofs(Protocol):
    async def show(self, identity: Identity, user: str, ask: Inbound, record: Record) -> Shown:
        """Proof that `user`, as the vendor knows them, is before the widget.

        Raises `UpstreamError`, `UpstreamTimeout`, `Overloaded` where the vendor has to be asked.
        """
        ...
