"""What the sign-ins of one process are made with."""

from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass

from gateway.core.vendor import Vendor


@dataclass(frozen=True, kw_only=True)
class Making:
    """What there is to make one sign-in of, beside its settings.

    `may_vouch_for` says of an org, by its external_id, whether the sign-in's word counts for it;
    what the sign-in holds open is closed with `stack`.
    """

    stack: AsyncExitStack
    vendors: Collection[Vendor]
    may_vouch_for: Callable[[str], bool] = lambda org: True
