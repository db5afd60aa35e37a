"""Opaque tokens, asked about at the authorization server (RFC 7662).

The server knows the tokens of all its clients and for all its resources, so what it says of one is
judged as the claims of a JWT are: `iss`, `aud` or `client_id`, `exp`, `nbf`, `token_type`. Where no
audience is configured, an `aud` that is there must name the gateway itself, by its client id.

| the server answers | means |
|---|---|
| `"active": true`, and all the rest is as it must be | the person |
| any other `active` | 401 |
| no `active`, another status than 200, no JSON, late, or nothing | 503: the token may be good |
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal
from urllib.parse import quote_plus, urlencode

from gateway.authn import claim_set
from gateway.authn.fetch import send
from gateway.authn.introspect import BEARER
from gateway.authn.places import Place
from gateway.authn.remote import Remote
from gateway.authn.token import MAX_TOKEN
from gateway.authn.verdicts import Verdict, Verdicts, digest
from gateway.authn.verifier import Credential
from gateway.core.errors import CredentialsExpired, CredentialsInvalid
from gateway.core.formats.strictjson import JsonObject, JsonValue
from gateway.core.people.identity import Scalar, Vouched
from gateway.ports import Clock

ABSENT = "absent"  # among `types`: one that is not said
# Tokens that only who holds their key may show, which nobody here can check (RFC 8705, RFC 9449),
# and those of somebody acting for somebody else (RFC 8693 section 4.1).
_REFUSED = frozenset({"cnf", "act"})


@dataclass(frozen=True, kw_only=True)
class IntrospectionRules:
    """Where the server is asked, as whom, and what it must say of a token.

    `user_claim`, `org_claim`, `roles_claim` and the names in `require` are literal names, or JSON
    Pointers where they begin with "/". `may_vouch_for` says of an org, by its external_id, whether
    the server's word counts for it.
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    client_auth: Literal["basic", "post"] = "basic"
    places: tuple[Place, ...]
    issuer: str | None = None
    audience: tuple[str, ...] = ()
    client: tuple[str, ...] = ()
    require: Mapping[str, Scalar] = field(default_factory=dict)
    types: tuple[str, ...] = ("Bearer",)
    user_claim: str = "sub"
    org_claim: str | None = None
    may_vouch_for: Callable[[str], bool] = lambda org: True
    roles_claim: str | None = None
    remember: tuple[str, ...] = ()  # what else of an answer is kept, for contacts
    leeway: float = 30.0  # seconds


class TokenIntrospection:
    """Asks the authorization server at `rules.url`."""

    def __init__(
        self,
        rules: IntrospectionRules,
        remote: Remote,
        verdicts: Verdicts[Vouched],
        *,
        clock: Clock,
    ) -> None:
        self.places = rules.places
        self.names_orgs_by = rules.org_claim and f"the claim {rules.org_claim}"
        self._rules = rules
        self._remote = remote
        self._verdicts = verdicts
        self._clock = clock

    async def verify(self, credential: Credential) -> Vouched:
        """Whom a token speaks of, as the server says now or said lately.

        Raises:
            CredentialsInvalid, CredentialsExpired: it is no good.
            KeysUnavailable: the server does not say.
        """
        token = credential.text
        if len(token) > MAX_TOKEN or not BEARER.fullmatch(token):
            raise CredentialsInvalid("The token is longer than 16 KiB, or no bearer token")
        return await self._verdicts.get(digest(token), partial(self._ask, token))

    async def _ask(self, token: str) -> Verdict[Vouched]:
        fields, content = question(self._rules, token)
        reply = await self._remote.ask(
            partial(send, "POST", self._rules.url, fields=fields, content=content)
        )
        answer = self._remote.read(reply)
        if "active" not in answer:
            raise self._remote.unusable("it does not say whether the token is active")
        vouched = judge(answer, self._rules, now=self._clock())
        return Verdict(vouched, expires_at=vouched.expires_at)


def question(rules: IntrospectionRules, token: str) -> tuple[dict[str, str], bytes]:
    """The fields and the form of a question (RFC 7662 section 2.1, RFC 6749 section 2.3.1)."""
    form = {"token": token, "token_type_hint": "access_token"}
    fields = {"content-type": "application/x-www-form-urlencoded"}
    if rules.client_auth == "post":
        form |= {"client_id": rules.client_id, "client_secret": rules.client_secret}
    else:
        pair = f"{quote_plus(rules.client_id)}:{quote_plus(rules.client_secret)}"
        fields["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
    return fields, urlencode(form).encode("ascii")


def judge(answer: JsonObject, rules: IntrospectionRules, *, now: float) -> Vouched:
    """Whom a token speaks of, by what its server says of it.

    Raises:
        CredentialsInvalid: it is not active, or not meant for this sign-in.
        CredentialsExpired: all is well with it, but for the time.
    """
    if answer["active"] is not True:
        raise CredentialsInvalid("The authorization server does not know the token as a good one")
    if not _REFUSED.isdisjoint(answer):
        raise CredentialsInvalid("The token is bound to a key, or is of somebody acting for others")
    if not _is_of_a_type(answer, rules):
        raise CredentialsInvalid("The token is of a type that is no sign-in here, or of none said")
    if rules.issuer is not None and answer.get("iss") != rules.issuer:
        raise CredentialsInvalid("The token is of another issuer")
    _check_addressee(answer, rules)
    claim_set.check_required(answer, rules.require)
    expires = _check_times(answer, rules, now)
    subject = claim_set.token_user(answer, rules.user_claim)
    roles = claim_set.roles(answer, rules.roles_claim)
    orgs = claim_set.orgs(answer, rules.org_claim, rules.may_vouch_for)
    attributes = claim_set.attributes(answer, rules.remember)
    return Vouched(subject, roles, expires, orgs, attributes=attributes)


def _is_of_a_type(answer: JsonObject, rules: IntrospectionRules) -> bool:
    """Whether it is a token to sign in by, by its type or, where none is said, by its audience.

    oidc-provider says of a refresh token that it is active, and neither type nor audience.
    """
    kind = answer.get("token_type")
    if kind is None:
        return ABSENT in rules.types or _is_addressed(answer, rules)
    # RFC 6749 section 5.1: the name of a token's type has no case.
    return isinstance(kind, str) and kind.lower() in {word.lower() for word in rules.types}


def _is_addressed(answer: JsonObject, rules: IntrospectionRules) -> bool:
    """Whether an audience is checked: the configured one, or else, where one is said, our name."""
    return bool(rules.audience) or ("aud" in answer and not rules.client)


def _check_addressee(answer: JsonObject, rules: IntrospectionRules) -> None:
    if rules.client and answer.get("client_id") not in rules.client:
        raise CredentialsInvalid("The token was not issued to a client that may come here")
    if _is_addressed(answer, rules):
        claim_set.check_audience(answer, rules.audience or (rules.client_id,))


def _check_times(answer: JsonObject, rules: IntrospectionRules, now: float) -> float | None:
    """When the token expires, where that is said."""
    for name in ("nbf", "iat"):
        if answer.get(name) is not None and now + rules.leeway < _date(answer[name]):
            raise CredentialsInvalid("The token is not valid yet")
    if answer.get("exp") is None:
        return None
    expires = _date(answer["exp"])
    if now >= expires + rules.leeway:
        raise CredentialsExpired
    return expires


def _date(found: JsonValue) -> float:
    if isinstance(found, str):
        raise CredentialsInvalid("A date of the token is not a number of seconds")
    return claim_set.moment(found)
