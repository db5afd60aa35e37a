"""The host app's own "who am I": whoever shows its cookie or its token is whom it says.

The one credential goes to the app, written anew, by a GET; nothing else of the request does.

| the app answers | means |
|---|---|
| 200 and a JSON object with a user | that person |
| 200 and a JSON object without one | a credential of nobody, as though it were not there |
| 401, 403 | a token: it is bad. A cookie: it counts as expired, for browsers keep old ones |
| anything else, late, or nothing | 503: the credential may be good |
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from gateway.authn import claim_set
from gateway.authn.fetch import send
from gateway.authn.places import Cookie, Place
from gateway.authn.remote import Remote
from gateway.authn.token import MAX_TOKEN
from gateway.authn.verdicts import Verdict, Verdicts, digest
from gateway.authn.verifier import Credential, Nobody
from gateway.core.errors import CredentialsExpired, CredentialsInvalid
from gateway.core.formats.strictjson import JsonObject
from gateway.core.people.identity import Vouched
from gateway.ports import Clock

BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 section 2.1
NOT_SIGNED_IN = frozenset({401, 403})


@dataclass(frozen=True, kw_only=True)
class IntrospectRules:
    """Where the app is asked, and what of its answer counts.

    Keys are literal names, or JSON Pointers where they begin with "/". `may_vouch_for` says of an
    org, by its external_id, whether the app's word counts for it.
    """

    url: str
    places: tuple[Place, ...]
    user_key: str
    org_key: str | None = None
    may_vouch_for: Callable[[str], bool] = lambda org: True
    roles_key: str | None = None
    expires_key: str | None = None
    actor_key: str | None = None
    remember: tuple[str, ...] = ()  # what else of an answer is kept, for contacts


class IntrospectSignIn:
    """Asks the host app at `rules.url`."""

    def __init__(
        self,
        rules: IntrospectRules,
        remote: Remote,
        verdicts: Verdicts[Vouched | Nobody],
        *,
        clock: Clock,
    ) -> None:
        self.places = rules.places
        self.names_orgs_by = rules.org_key and f"{rules.org_key} of the host app's answer"
        self._rules = rules
        self._remote = remote
        self._verdicts = verdicts
        self._clock = clock

    async def verify(self, credential: Credential) -> Vouched | Nobody | None:
        """Whom a credential speaks of, as the app says now or said lately.

        Raises:
            CredentialsInvalid, CredentialsExpired: the app knows nobody by it.
            KeysUnavailable: the app does not say.
        """
        name, value = field_of(credential)
        return await self._verdicts.get(
            digest(name, value), partial(self._ask, name, value, credential.place.is_cookie)
        )

    async def _ask(self, name: str, value: str, is_cookie: bool) -> Verdict[Vouched | Nobody]:
        reply = await self._remote.ask(partial(send, "GET", self._rules.url, fields={name: value}))
        if reply.status in NOT_SIGNED_IN:
            if is_cookie:
                raise CredentialsExpired("The application does not know this session: sign in")
            raise CredentialsInvalid("The application does not know this token")
        answer = self._remote.read(reply)
        try:
            vouched = self._whom(answer)
        except CredentialsInvalid as error:
            raise self._remote.unusable(error.detail) from error
        if vouched is None:
            return Verdict(Nobody.NOBODY, keep=False)
        if vouched.expires_at is not None and vouched.expires_at <= self._clock():
            raise CredentialsExpired
        return Verdict(vouched, expires_at=vouched.expires_at)

    def _whom(self, answer: JsonObject) -> Vouched | None:
        rules = self._rules
        subject = claim_set.subject(answer, rules.user_key)
        if subject is None:
            return None
        expires = claim_set.value(answer, rules.expires_key) if rules.expires_key else None
        return Vouched(
            subject,
            claim_set.roles(answer, rules.roles_key),
            None if expires is None else claim_set.moment(expires),
            claim_set.orgs(answer, rules.org_key, rules.may_vouch_for),
            actor=claim_set.actor(answer, rules.actor_key),
            attributes=claim_set.attributes(answer, rules.remember),
        )


def field_of(credential: Credential) -> tuple[str, str]:
    """The field that shows a credential to whoever is asked, in its one plain spelling.

    Raises:
        CredentialsInvalid: it is longer than any, or no bearer token.
    """
    text, place = credential.text, credential.place
    if len(text) > MAX_TOKEN:
        raise CredentialsInvalid("The credential is longer than 16 KiB")
    if place.is_cookie:
        return "cookie", f"{place.name}={text}" if isinstance(place, Cookie) else text
    if not BEARER.fullmatch(text):
        raise CredentialsInvalid("The token has characters that bearer tokens lack")
    return "authorization", f"Bearer {text}"
