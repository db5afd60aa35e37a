"""What the claims of a signed token must say (RFC 7519 section 4.1), and whom they then name.

Every claim is compared with its type: `true` is not "true", and a number is no user. Nothing is
repaired: no trimming, no case, no number made text, or two people could become one. A refusal says
which check failed and quotes no value.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gateway.authn import claim_set
from gateway.authn.algorithms import family
from gateway.authn.places import check_place
from gateway.core.errors import CredentialsExpired, CredentialsInvalid
from gateway.core.formats.strictjson import JsonObject, JsonValue
from gateway.core.people.identity import Scalar, Session, Vouched

MAX_LEEWAY = 60.0  # seconds

# Tokens of another kind, of two people, or no bearer tokens; a signature alone does not tell.
_OTHER_KINDS: Mapping[str, str] = {
    "events": "The token is a security event, not a sign-in",  # RFC 8417: logout tokens among them
    "act": "The token is of somebody acting for somebody else",  # RFC 8693 section 4.1
    # RFC 7800, as DPoP and mTLS have it: whoever has only the token, has it from somebody.
    "cnf": "The token is bound to a key, and whether it is shown with that cannot be seen here",
}


@dataclass(frozen=True, kw_only=True)
class JwtRules:
    """What is demanded of one issuer's tokens.

    `user_claim`, `org_claim`, `roles_claim` and the names in `require` are literal names, or JSON
    Pointers where they begin with "/". `places` are "authorization", "cookie:NAME", "field:NAME".
    `may_vouch_for` says of an org, by its external_id, whether the issuer's word counts for it.
    A token counts for `max_age` seconds after it was issued, at most. `realm` is whose people these
    are, where the issuer says who has signed out.

    Raises:
        ValueError: they would let everybody in, or nobody; the text says which.
    """

    issuer: str
    audience: tuple[str, ...] = ()
    client: tuple[str, ...] = ()
    require: Mapping[str, Scalar] = field(default_factory=dict)
    algorithms: tuple[str, ...]
    places: tuple[str, ...] = ("authorization",)
    user_claim: str = "sub"
    org_claim: str | None = None
    may_vouch_for: Callable[[str], bool] = lambda org: True
    roles_claim: str | None = None
    remember: tuple[str, ...] = ()  # what else of a token is kept, for contacts
    leeway: float = 30.0  # seconds
    types: tuple[str, ...] = ("JWT", "at+jwt")
    max_age: float | None = None
    realm: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "require", MappingProxyType(dict(self.require)))
        if not self.issuer:
            raise ValueError("a sign-in needs an issuer")
        if not self.audience and not self.client:
            raise ValueError("audience: required, unless client is given")
        if "" in (*self.audience, *self.client):
            raise ValueError("audience: an empty string names nobody")
        if not 0 <= self.leeway <= MAX_LEEWAY:
            raise ValueError("leeway: from 0 to 60 seconds")
        family(self.algorithms)
        if not self.places:
            raise ValueError("from: a credential stands somewhere")
        for place in self.places:
            check_place(place)
        for claim in (self.user_claim, self.org_claim, self.roles_claim, *self.require):
            if claim is not None and (not claim or "*" in claim_set.tokens(claim)):
                raise ValueError("a claim is one value: it has a name, and no '*' in its pointer")
        object.__setattr__(
            self, "types", tuple(one.lower().removeprefix("application/") for one in self.types)
        )


def identify(claims: JsonObject, rules: JwtRules, *, now: float) -> Vouched:
    """Whom a token speaks of, whose signature and issuer are verified already.

    Raises:
        CredentialsInvalid: the token is not meant for this sign-in.
        CredentialsExpired: all is well with it, but for the time.
    """
    _check_kind(claims)
    if rules.audience:
        claim_set.check_audience(claims, rules.audience)
    _check_client(claims, rules)
    claim_set.check_required(claims, rules.require)
    expires = _check_times(claims, rules, now)
    subject = claim_set.token_user(claims, rules.user_claim)
    roles = claim_set.roles(claims, rules.roles_claim)
    if now >= expires + rules.leeway:
        raise CredentialsExpired
    orgs = claim_set.orgs(claims, rules.org_claim, rules.may_vouch_for)
    session = None if rules.realm is None else _session(claims, rules.realm)
    attributes = claim_set.attributes(claims, rules.remember)
    return Vouched(subject, roles, expires, orgs, attributes=attributes, session=session)


def _check_kind(claims: JsonObject) -> None:
    for name, detail in _OTHER_KINDS.items():
        if name in claims:
            raise CredentialsInvalid(detail)


def _check_client(claims: JsonObject, rules: JwtRules) -> None:
    """`azp` (OpenID Connect Core section 2) and `client_id` (RFC 9068): those there are, agree."""
    if not rules.client:
        return
    named = [claims[name] for name in ("azp", "client_id") if name in claims]
    if not named or not all(one in rules.client for one in named):
        raise CredentialsInvalid("The token was not issued to a client that may come here")


def _check_times(claims: JsonObject, rules: JwtRules, now: float) -> float:
    """When the token expires; whether it has is asked last."""
    for name in ("nbf", "iat"):
        if name in claims and now + rules.leeway < _date(claims[name]):
            raise CredentialsInvalid("The token is not valid yet")
    if "exp" not in claims:
        raise CredentialsInvalid("The token does not expire")
    expires = _date(claims["exp"])
    return expires if rules.max_age is None else min(expires, _issued_at(claims) + rules.max_age)


def _issued_at(claims: JsonObject) -> float:
    if "iat" not in claims:
        raise CredentialsInvalid("The token does not say when it was issued")
    return _date(claims["iat"])


def _session(claims: JsonObject, realm: str) -> Session:
    """What a logout may end. A `sid` that is no name is none: then any session's end is its own."""
    subject, session = (
        name if isinstance(name, str) and name else None
        for name in (claims.get("sub"), claims.get("sid"))
    )
    if subject is None and session is None:
        raise CredentialsInvalid("The token names neither a `sub` nor a `sid` that could sign out")
    return Session(realm, subject or "", session, _issued_at(claims))


def _date(value: JsonValue) -> float:
    """A NumericDate (RFC 7519 section 2): seconds since the epoch."""
    seconds = None if isinstance(value, bool) or not isinstance(value, (int, float)) else value
    if seconds is None or not -claim_set.END_OF_TIME <= seconds <= claim_set.END_OF_TIME:
        raise CredentialsInvalid("A date in the token is not a number of seconds")
    return float(seconds)
