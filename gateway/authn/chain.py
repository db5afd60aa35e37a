"""All sign-ins of one org, and what several credentials in one request mean.

A credential is bad, good, or expired. A bad one ends the request even beside a good one, else
whoever can add a cookie or a field could make a forged token pass unnoticed. Good ones must all
speak of one person. An expired one counts as absent beside a good one.

A cookie is a credential only where `core.origin` says so; elsewhere it counts for nothing.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from gateway.authn.algorithms import family
from gateway.authn.jwt import JwtSignIn
from gateway.authn.places import AUTHORIZATION, is_cookie, read
from gateway.core.errors import (
    AmbiguousCredentials,
    CredentialsExpired,
    CredentialsInvalid,
    CredentialsMissing,
    GatewayError,
    KeysUnavailable,
    OriginRefused,
    WrongOrg,
)
from gateway.core.identity import Identity
from gateway.core.origin import cookie_is_credential
from gateway.ports import Inbound

# Where several sign-ins refuse one credential, who came closest to taking it is told of.
_CLOSEST = (KeysUnavailable, CredentialsExpired, WrongOrg, GatewayError)


class Verifier(Protocol):
    """One sign-in: judges credentials of one kind."""

    @property
    def places(self) -> Sequence[str]:
        """Where its credentials may stand."""
        ...

    async def verify(self, credential: str) -> Identity | None:
        """None: not of my kind. Raises a `GatewayError`: mine, and bad."""
        ...


class SignIns:
    """The sign-ins of one org; `origins` may use its cookies beside the org's own.

    Raises:
        ValueError: there are none, or two that must not stand beside each other.
    """

    def __init__(self, verifiers: Sequence[Verifier], *, origins: Collection[str] = ()) -> None:
        if not verifiers:
            raise ValueError("an org needs a sign-in")
        _check_families(verifiers)
        self._verifiers = tuple(verifiers)
        self._origins = frozenset(origins)
        # A bearer token is looked at even where no sign-in takes one: it is none of ours then.
        places = [AUTHORIZATION, *(place for one in verifiers for place in one.places)]
        self._places = tuple(dict.fromkeys(places))

    async def authenticate(self, ask: Inbound) -> Identity:
        """Who is asking.

        Raises:
            CredentialsMissing, CredentialsInvalid, CredentialsExpired, WrongOrg, OriginRefused:
                nobody we know.
            AmbiguousCredentials: more than one credential where there may be one, or two people.
            KeysUnavailable: that cannot be known now.
        """
        shown = [(place, read(ask.fields, place)) for place in self._places]
        believed = [(place, one) for place, one in shown if one is not None]
        if any(is_cookie(place) for place, _ in believed) and not self._believes_cookies(ask):
            believed = [(place, one) for place, one in believed if not is_cookie(place)]
            if not believed:
                raise OriginRefused
        if not believed:
            raise CredentialsMissing
        return await self._agree(believed)

    def _believes_cookies(self, ask: Inbound) -> bool:
        return cookie_is_credential(
            ask.fields,
            method=ask.method,
            scheme=ask.scheme,
            host=ask.host,
            origins=self._origins,
        )

    async def _agree(self, shown: Sequence[tuple[str, str]]) -> Identity:
        """The one person all credentials speak of."""
        good: list[Identity] = []
        expired = CredentialsExpired()
        for place, credential in shown:
            try:
                good.append(await self._judge(place, credential))
            except CredentialsExpired as error:
                expired = error
        if not good:
            raise expired
        if len({identity.person for identity in good}) > 1:
            raise AmbiguousCredentials("The request carries the credentials of two people")
        return good[0]

    async def _judge(self, place: str, credential: str) -> Identity:
        """Whom one credential speaks of, by the sign-ins that read this place."""
        refusals: list[GatewayError] = []
        for verifier in self._verifiers:
            if place not in verifier.places:
                continue
            try:
                identity = await verifier.verify(credential)
            except GatewayError as error:
                refusals.append(error)
                continue
            if identity is not None:
                return identity
        for kind in _CLOSEST:
            for refusal in refusals:
                if isinstance(refusal, kind):
                    raise refusal
        raise CredentialsInvalid("The credential is of no sign-in this organisation has")


def _check_families(verifiers: Sequence[Verifier]) -> None:
    """Refuse shared secrets and public keys for one issuer, be it by two sign-ins."""
    families: dict[str, str] = {}
    for one in verifiers:
        if isinstance(one, JwtSignIn):
            own = family(one.algorithms)
            if families.setdefault(one.issuer, own) != own:
                raise ValueError("algorithms: shared secrets and public keys never mix")
