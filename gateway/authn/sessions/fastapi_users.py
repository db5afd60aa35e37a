"""FastAPI-Users' `JWTStrategy`: an HS256 token without an issuer, in a cookie or as a bearer token.

One secret often signs its tokens for a lost password and for a new address too; their audience
tells those apart.
"""

from collections.abc import Callable, Sequence

from gateway.authn.claims import JwtRules, identify
from gateway.authn.keys import shared_secrets
from gateway.authn.places import Authorization, Cookie
from gateway.authn.sessions.sign_in import SessionRules, names_orgs_by
from gateway.authn.token import Token, parse
from gateway.authn.verifier import Credential
from gateway.core.errors import CredentialsInvalid
from gateway.core.people.identity import Vouched
from gateway.ports import Clock

AUDIENCE = "fastapi-users:auth"
ALGORITHM = "HS256"


class FastApiUsersSignIn:
    """Keeps `Verifier`. `clock` is in seconds since the epoch."""

    def __init__(
        self, cookie: str, secrets: Sequence[str], rules: SessionRules, *, clock: Clock
    ) -> None:
        self.places = (Authorization(), Cookie(cookie))
        self.names_orgs_by = names_orgs_by(rules)
        self._keys = shared_secrets(secrets, (ALGORITHM,))
        self._rules = _as_claims(rules)
        self._clock = clock

    async def verify(self, credential: Credential) -> Vouched | None:
        """As `Verifier` has it; None: it is another's token, or for another purpose."""
        token = parse(credential.text)
        if not _is_ours(token):
            return None
        if token.algorithm != ALGORITHM or token.type not in {None, "jwt"}:
            raise CredentialsInvalid("The token is not one of FastAPI-Users: HS256, of type JWT")
        keys = await self._keys.find(token.kid, token.algorithm)
        if not any(key.verifies(ALGORITHM, token.signed, token.signature) for key in keys):
            raise CredentialsInvalid("The session is not signed by its app")
        return identify(token.claims, self._rules, now=self._clock())


def _is_ours(token: Token) -> bool:
    named = token.claims.get("aud")
    return "iss" not in token.claims and AUDIENCE in (named if isinstance(named, list) else [named])


def _as_claims(rules: SessionRules) -> JwtRules:
    may_vouch_for: Callable[[str], bool] = rules.may_vouch_for
    return JwtRules(
        issuer=AUDIENCE,  # names none: whose token it is, its secret says
        audience=(AUDIENCE,),
        algorithms=(ALGORITHM,),
        user_claim=rules.user_key,
        org_claim=rules.org_key,
        roles_claim=rules.roles_key,
        may_vouch_for=may_vouch_for,
        remember=rules.remember,
        leeway=0.0,
    )
