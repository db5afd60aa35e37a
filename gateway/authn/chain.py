"""All sign-ins of one org, and what several credentials in one request mean.

A credential is bad, good, or expired. A bad one ends the request even beside a good one, else
whoever can add a cookie or a field could make a forged token pass unnoticed. Good ones must all
speak of one person. An expired one counts as absent beside a good one.

A cookie is a credential only where `core.request.origin` says so; elsewhere it counts for nothing.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from gateway.authn.algorithms import family
from gateway.authn.forwarded import ForwardingSecret, names_no_page
from gateway.authn.jwt import JwtSignIn
from gateway.authn.membership import WithMembership
from gateway.authn.org_from import asked_for
from gateway.authn.places import Authorization, Place
from gateway.authn.verifier import Credential, Nobody, Verifier
from gateway.core.errors import (
    AmbiguousCredentials,
    BadRequest,
    CredentialsExpired,
    CredentialsInvalid,
    CredentialsMissing,
    GatewayError,
    KeysUnavailable,
    OriginRefused,
)
from gateway.core.people.identity import Identity, Vouched
from gateway.core.request.origin import cookie_is_credential
from gateway.ports import Inbound

_BEARER = Authorization()
_NO_ORIGIN = "A cookie is a credential only beside an Origin, and the request has none"
# Where several sign-ins refuse one credential, who came closest to taking it is told of.
_CLOSEST = (KeysUnavailable, CredentialsExpired, GatewayError)


class Chain:
    """Sign-ins beside each other; `origins` may use their cookies beside the site's own.

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
        own = (place for verifier in verifiers for place in verifier.places)
        self._places: tuple[Place, ...] = tuple(dict.fromkeys([_BEARER, *own]))
        self._fields = frozenset(place.field for place in self._places)
        self._of_bearers = () if None in self._fields else _remembering(verifiers)

    def recall(self, ask: Inbound) -> Vouched | None:
        """Whom a bearer token speaks of, if it is the only credential and was verified lately.

        None: ask `judge`, which comes to the same and takes longer.
        """
        if not self._of_bearers:
            return None
        fields, shown = self._fields, None
        for line in ask.fields:
            if line[0] in fields:
                if shown is not None:
                    return None
                shown = line
        if shown is None or shown[0] != b"authorization":
            return None
        value = shown[1]
        if value[:7] != b"Bearer ":
            return None
        token = value[7:].decode("latin-1")
        for sign_in in self._of_bearers:
            if (vouched := sign_in.recall(token)) is not None:
                return vouched
        return None

    async def judge(
        self, ask: Inbound, *, enough: Callable[[Vouched], bool]
    ) -> list[list[Vouched]]:
        """For each good credential, what the sign-ins that take it say, until one says `enough`.

        Raises:
            CredentialsMissing, CredentialsInvalid, CredentialsExpired, OriginRefused: there is
                none, or one that is bad.
            AmbiguousCredentials: more than one where there may be one.
            KeysUnavailable: that cannot be known now.
        """
        good: list[list[Vouched]] = []
        expired: CredentialsExpired | None = None
        for credential in self.shown(ask):
            try:
                good.append(await self._judge(credential, enough))
            except CredentialsExpired as error:
                expired = error
        speaking = [taken for taken in good if taken]
        if not speaking:
            raise expired or CredentialsMissing
        return speaking

    def shown(self, ask: Inbound) -> list[Credential]:
        """The credentials there are; at least one."""
        found = ((place, place.read(ask)) for place in self._places)
        shown = [Credential(place, text, ask) for place, text in found if text is not None]
        if any(_is_added(one) for one in shown) and not self._believes_cookies(ask):
            shown = [one for one in shown if not _is_added(one)]
            if not shown:
                raise OriginRefused(_NO_ORIGIN if names_no_page(ask.fields) else "")
        if not shown:
            raise CredentialsMissing
        return shown

    def _believes_cookies(self, ask: Inbound) -> bool:
        return cookie_is_credential(
            ask.fields,
            method=ask.method,
            scheme=ask.scheme,
            host=ask.host,
            origins=self._origins,
        )

    async def _judge(
        self, credential: Credential, enough: Callable[[Vouched], bool]
    ) -> list[Vouched]:
        """What one credential is worth to the sign-ins that read its place.

        Empty: it is a good one, of nobody.
        """
        taken: list[Vouched] = []
        of_nobody = False
        refusals: list[GatewayError] = []
        for verifier in self._verifiers:
            if credential.place not in verifier.places:
                continue
            try:
                vouched = await verifier.verify(credential)
            except GatewayError as error:
                refusals.append(error)
                continue
            if vouched is Nobody.NOBODY:
                of_nobody = True
            elif vouched is not None:
                taken.append(vouched)
                if enough(vouched):
                    break
        if taken or of_nobody:
            return taken
        for kind in _CLOSEST:
            for refusal in refusals:
                if isinstance(refusal, kind):
                    raise refusal
        raise CredentialsInvalid("The credential is of no sign-in this organisation has")


class SignIns:
    """The sign-ins of one org, by its external_id; the rest is as for a `Chain`.

    `org_from` are the places where a request may say which org it means.
    """

    def __init__(
        self,
        verifiers: Sequence[Verifier],
        *,
        org: str,
        origins: Collection[str] = (),
        org_from: Sequence[str] = (),
    ) -> None:
        self.chain = Chain(verifiers, origins=origins)
        self._org = org
        self._org_from = tuple(org_from)

    async def authenticate(self, ask: Inbound) -> Identity:
        """Who is asking.

        Raises:
            CredentialsMissing, CredentialsInvalid, CredentialsExpired, WrongOrg, OriginRefused:
                nobody we know.
            AmbiguousCredentials: more than one credential where there may be one, or two people.
            BadRequest: it says that it is for another org.
            KeysUnavailable: that cannot be known now.
        """
        known = self.chain.recall(ask)
        identity = await self._judged(ask) if known is None else known.within(self._org)
        if self._org_from and asked_for(ask.fields, self._org_from) not in {None, self._org}:
            raise BadRequest("The request names two organisations")
        return identity

    async def _judged(self, ask: Inbound) -> Identity:
        judged = await self.chain.judge(ask, enough=self._speaks_for_us)
        found = [taken[-1].within(self._org) for taken in judged]
        if len({identity.person for identity in found}) > 1:
            raise AmbiguousCredentials("The request carries the credentials of two people")
        actor = next((one.actor for one in found if one.actor is not None), None)
        # Who forwarded them is told, whatever else came.
        return found[0] if found[0].actor == actor else replace(found[0], actor=actor)

    def _speaks_for_us(self, vouched: Vouched) -> bool:
        return vouched.speaks_for(self._org)


def _is_added(credential: Credential) -> bool:
    """Whether a browser, or a proxy before us, has added it to what some page sent."""
    if isinstance(credential.place, ForwardingSecret):
        return not names_no_page(credential.ask.fields)
    return credential.place.is_cookie


def _remembering(verifiers: Sequence[Verifier]) -> tuple[JwtSignIn, ...]:
    """The sign-ins that judge bearer tokens, if each is for another issuer; else none.

    If one of them remembers a token, it means nothing to the others, which need not be asked.
    """
    found = [verifier for verifier in verifiers if _BEARER in verifier.places]
    known = tuple(verifier for verifier in found if isinstance(verifier, JwtSignIn))
    alone = len(known) == len(found) == len({verifier.issuer for verifier in known})
    return known if alone else ()


def _check_families(verifiers: Sequence[Verifier]) -> None:
    """Refuse shared secrets and public keys for one issuer, be it by two sign-ins."""
    families: dict[str, str] = {}
    for verifier in verifiers:
        sign_in = verifier.sign_in if isinstance(verifier, WithMembership) else verifier
        if isinstance(sign_in, JwtSignIn):
            own = family(sign_in.algorithms)
            if families.setdefault(sign_in.issuer, own) != own:
                raise ValueError("algorithms: shared secrets and public keys never mix")
