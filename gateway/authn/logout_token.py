"""Logout tokens of one provider: OpenID Connect Back-Channel Logout 1.0, section 2.6.

Rules:

1. It is signed by a key of the sign-in, with one of its algorithms, and is of this issuer.
2. Nothing else that the provider signs passes for one: it must hold the one event, must not hold a
   `nonce`, and its `typ` is its own, or JWT, or absent, as older providers have it.
3. It is for one of our clients, is not expired, and names a person or a session, or both.
4. It has an id, so that one that comes twice is known.
"""

from dataclasses import dataclass

from gateway.authn import claim_set
from gateway.authn.keys import KeySource, check_signature
from gateway.authn.token import Token
from gateway.core.errors import BadRequest, CredentialsInvalid
from gateway.core.formats.strictjson import JsonObject
from gateway.core.people.logout import Logout
from gateway.ports import Clock

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TYPES = frozenset({None, "logout+jwt", "jwt"})
MAX_NAME = 512  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutRules:
    """Whose words count. `clients` are what we are called at the provider."""

    realm: str
    issuer: str
    clients: tuple[str, ...]
    algorithms: tuple[str, ...]
    leeway: float = 30.0  # seconds


class LogoutTokens:
    """Reads the logout tokens of one provider. `clock` is in seconds since the epoch."""

    def __init__(self, rules: LogoutRules, keys: KeySource, *, clock: Clock) -> None:
        self.issuer = rules.issuer
        self._rules = rules
        self._keys = keys
        self._clock = clock

    async def read(self, token: Token) -> Logout:
        """What a token says.

        Raises:
            BadRequest: it is none that counts here.
            KeysUnavailable: that cannot be known now.
        """
        if token.type not in TYPES:
            raise BadRequest("The logout token is of another type")
        try:
            await check_signature(token, self._rules.algorithms, self._keys)
        except CredentialsInvalid as error:
            raise BadRequest("The logout token is not signed by its issuer") from error
        claims = token.claims
        _check_event(claims)
        self._check_addressee(claims)
        issued_at, expires_at = self._times(claims)
        subject, session = _name(claims, "sub"), _name(claims, "sid")
        if subject is None and session is None:
            raise BadRequest("The logout token names neither a person nor a session")
        name = _name(claims, "jti")
        if name is None:
            raise BadRequest("The logout token has no id")
        return Logout(
            realm=self._rules.realm,
            subject=subject,
            session=session,
            issued_at=issued_at,
            expires_at=expires_at,
            id=name,
        )

    def _check_addressee(self, claims: JsonObject) -> None:
        if claims.get("iss") != self._rules.issuer:
            raise BadRequest("The logout token is of another issuer")
        named = claim_set.audience(claims)
        if named is None:
            raise BadRequest("The logout token is for nobody")
        if not any(one in self._rules.clients for one in named):
            raise BadRequest("The logout token is for another client")

    def _times(self, claims: JsonObject) -> tuple[float, float]:
        """When it was issued and when it expires."""
        now, leeway = self._clock(), self._rules.leeway
        issued_at, expires_at = _date(claims, "iat"), _date(claims, "exp")
        if now + leeway < issued_at:
            raise BadRequest("The logout token is of a time to come")
        if now >= expires_at + leeway:
            raise BadRequest("The logout token has expired")
        return issued_at, expires_at + leeway


def _check_event(claims: JsonObject) -> None:
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise BadRequest("The token tells of no logout")
    if "nonce" in claims:
        raise BadRequest("The token has a nonce, as an ID token has, and no logout token")


def _name(claims: JsonObject, claim: str) -> str | None:
    if claim not in claims:
        return None
    name = claims[claim]
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise BadRequest(f"The logout token's `{claim}` is no name of usual form")
    return name


def _date(claims: JsonObject, claim: str) -> float:
    """A NumericDate (RFC 7519 section 2)."""
    seconds = claims.get(claim)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise BadRequest(f"The logout token's `{claim}` is not a number of seconds")
    if not 0 <= seconds <= claim_set.END_OF_TIME:
        raise BadRequest(f"The logout token's `{claim}` is no time")
    return float(seconds)
