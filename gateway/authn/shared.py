"""The sign-ins that orgs at one host and path share: which of these orgs a request is for.

The org claim of every credential there is must name it. Where a claim names several, the request
may say which is meant; it never gets one that is not in the claim. Which orgs there are is not
looked at here: so no answer of this module tells whether somebody else's org exists.
"""

from collections.abc import Collection, Sequence

from gateway.authn.chain import Chain
from gateway.authn.org_from import asked_for, field_of
from gateway.authn.verifier import Verifier
from gateway.core.errors import AmbiguousCredentials, WrongOrg
from gateway.ports import Inbound, Named


class SharedSignIns:
    """Keeps the `SharedSignIn` port. `origins` are those of all the orgs."""

    def __init__(
        self,
        sign_ins: Sequence[Verifier],
        *,
        origins: Collection[str] = (),
        org_from: Sequence[str] = (),
    ) -> None:
        self._chain = Chain(sign_ins, origins=origins)
        self._org_from = tuple(org_from)
        by = dict.fromkeys(one.names_orgs_by for one in sign_ins if one.names_orgs_by is not None)
        self._by_claim = " or ".join(by)
        fields = ", ".join(field_of(place).decode("ascii") for place in org_from)
        self._by_field = f"the field {fields}, one of {self._by_claim}"

    async def orgs(self, ask: Inbound) -> Named:
        """As the port has it."""
        known = self._chain.recall(ask)
        judged = (
            await self._chain.judge(ask, enough=lambda _: False) if known is None else [[known]]
        )
        claimed = [frozenset[str]().union(*(one.orgs or () for one in taken)) for taken in judged]
        asked = asked_for(ask.fields, self._org_from)
        if asked is not None:
            if not all(asked in orgs for orgs in claimed):
                raise WrongOrg
            return Named(frozenset({asked}), self._by_field)
        if not all(claimed):
            raise WrongOrg
        common = claimed[0].intersection(*claimed[1:])
        if not common:
            raise AmbiguousCredentials("The request carries the credentials of two people")
        return Named(common, self._by_claim)
