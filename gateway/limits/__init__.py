"""How much one person may ask for, and how much all of an org may.

Limits come with their own settings (`limits`, `vendor_limit`, `shared`). Until then those keys are
configuration errors, for nothing is accepted and then not enforced, and everybody is admitted.
"""

from contextlib import AbstractContextManager, nullcontext

from gateway.core.identity import Identity
from gateway.ports import Limits


class Unlimited(Limits):
    """Admits everybody."""

    def admit(self, identity: Identity, upstream: str) -> AbstractContextManager[None]:
        return nullcontext()
