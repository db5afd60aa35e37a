"""One JWT sign-in, of one org or of many: a token in, the person it speaks of out.

PyJWT verifies the signature, with one key of this sign-in's own; what a token is and what it must
say is decided here (SECURITY.md ME-13 to ME-15 has what PyJWT alone lets by).

Verified tokens are remembered until they expire, and for a minute at most, so that one can be
taken back by its key or its org within that time. A token is remembered by the whole of it, by the
SHA-256 of the whole where it is long; each sign-in has a memory of its own, so none answers for
another. Only success is remembered: a refusal is worked out anew each time, and nothing that a
stranger sends is kept. Nothing of it is about an org, but for the orgs the token names: so one
verification does, whichever of them asks.

To look a token up by itself takes a microsecond, by its digest four (docs/decisions/024). A
dictionary compares two texts only where their hashes are equal, by a hash that is keyed anew in
each process: how long it takes tells nothing of what is remembered.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from gateway.authn.claims import JwtRules, identify
from gateway.authn.keys import KeySource, check_signature
from gateway.authn.places import place_of
from gateway.authn.token import MAX_TOKEN, parse
from gateway.authn.verifier import Credential
from gateway.core.errors import CredentialsInvalid
from gateway.core.people.identity import Vouched
from gateway.ports import Clock, Sessions

REMEMBERED = 60.0  # seconds
MAX_REMEMBERED = 10_000  # tokens
LONG = 2048  # characters: longer ones are remembered by a digest, so that all are 25 MB at most


@dataclass(frozen=True, slots=True)
class _Verdict:
    vouched: Vouched
    since: float
    until: float  # seconds since the epoch


class JwtSignIn:
    """Verifies the tokens of one issuer.

    `clock` is in seconds since the epoch. `sessions` tells which have ended, where the issuer says.

    Raises:
        ValueError: none of the keys is for any of the algorithms.
    """

    def __init__(
        self, rules: JwtRules, keys: KeySource, *, clock: Clock, sessions: Sessions | None = None
    ) -> None:
        if (rules.realm is None) is not (sessions is None):
            raise ValueError("whose sessions end is said, and where to look; or neither")
        if keys.algorithms.isdisjoint(rules.algorithms):
            raise ValueError("algorithms: none of them fits the keys")
        self.places = tuple(place_of(place) for place in rules.places)
        self.issuer = rules.issuer
        self.algorithms = rules.algorithms
        self.names_orgs_by = rules.org_claim and f"the claim {rules.org_claim}"
        self._rules = rules
        self._keys = keys
        self._clock = clock
        self._sessions = sessions
        self._verified: OrderedDict[str | bytes, _Verdict] = OrderedDict()  # the first ends first

    async def verify(self, credential: Credential) -> Vouched | None:
        """Whom a credential speaks of. None: it is a token of another issuer.

        Raises:
            CredentialsInvalid, CredentialsExpired: it is no good.
            KeysUnavailable: it cannot be verified now.
        """
        known = self.recall(credential.text)
        if known is not None:
            return known
        vouched = await self._vouched(credential.text)
        return None if vouched is None else self._still(vouched)

    def recall(self, text: str) -> Vouched | None:
        """Whom a token speaks of that was verified lately. None: ask `verify`.

        Raises:
            CredentialsExpired, KeysUnavailable: as `verify`.
        """
        size = len(text)
        if size > MAX_TOKEN:  # before a hash is spent on it
            return None
        verdict = self._verified.get(text if size <= LONG else _digest(text))
        # A clock that was set back must not stretch the minute: hence `since`.
        if verdict is None or not verdict.since <= self._clock() < verdict.until:
            return None
        vouched = verdict.vouched
        return vouched if vouched.session is None else self._still(vouched)

    def _still(self, vouched: Vouched) -> Vouched:
        """The same, unless its session has ended since: that is looked at each time."""
        if vouched.session is not None and self._sessions is not None:
            self._sessions.check(vouched.session)
        return vouched

    async def _vouched(self, text: str) -> Vouched | None:
        token = parse(text)
        if token.claims.get("iss") != self._rules.issuer:
            return None
        if token.type is not None and token.type not in self._rules.types:
            raise CredentialsInvalid("The token is of a type that is no sign-in here")
        await check_signature(token, self._rules.algorithms, self._keys)
        now = self._clock()
        vouched = identify(token.claims, self._rules, now=now)
        self._remember(text if len(text) <= LONG else _digest(text), vouched, now)
        return vouched

    def _remember(self, name: str | bytes, vouched: Vouched, now: float) -> None:
        expires = now if vouched.expires_at is None else vouched.expires_at + self._rules.leeway
        until = min(expires, now + REMEMBERED)
        self._verified.pop(name, None)
        self._verified[name] = _Verdict(vouched, now, until)
        if len(self._verified) > MAX_REMEMBERED:
            self._verified.popitem(last=False)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
