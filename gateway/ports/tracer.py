"""Who says of which trace an exchange is."""

from typing import Protocol

from gateway.core.trace import Trace
from gateway.ports.wire import Inbound


class Tracer(Protocol):
    def begin(self, ask: Inbound) -> Trace:
        """The trace of an exchange that begins. Never raises, whatever the request says."""
        ...
