"""One sign-in by session: a cookie in, the person it speaks of out.

Nothing is remembered: opening a session costs as much as finding it in a memory would.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.authn import claim_set
from gateway.authn.sessions.format import Format
from gateway.authn.verifier import Credential, Nobody
from gateway.core.people.identity import Vouched
from gateway.ports import Clock


@dataclass(frozen=True, kw_only=True)
class SessionRules:
    """Where a session says who it is; names as `authn.claim_set` has them.

    At `actor_key` stands who acts for the user, where somebody does. `may_vouch_for` says of an
    org, by its external_id, whether the app's word counts for it.
    """

    user_key: str
    org_key: str | None = None
    roles_key: str | None = None
    actor_key: str | None = None
    remember: tuple[str, ...] = ()  # what else of a session is kept, for contacts
    may_vouch_for: Callable[[str], bool] = lambda org: True


def names_orgs_by(rules: SessionRules) -> str | None:
    return rules.org_key and f"the session's {rules.org_key}"


class SessionSignIn:
    """Keeps `Verifier`. `clock` is in seconds since the epoch."""

    def __init__(self, form: Format, rules: SessionRules, *, clock: Clock) -> None:
        self.places = tuple(form.places)
        self.names_orgs_by = names_orgs_by(rules)
        self._format = form
        self._rules = rules
        self._clock = clock

    async def verify(self, credential: Credential) -> Vouched | Nobody:
        """As `Verifier` has it; `NOBODY`: nobody has signed in there yet."""
        session = self._format.open(credential.text, now=self._clock())
        rules = self._rules
        subject = claim_set.subject(session.claims, rules.user_key)
        if subject is None:
            return Nobody.NOBODY
        return Vouched(
            subject,
            claim_set.roles(session.claims, rules.roles_key),
            session.expires_at,
            claim_set.orgs(session.claims, rules.org_key, rules.may_vouch_for),
            actor=claim_set.actor(session.claims, rules.actor_key),
            attributes=claim_set.attributes(session.claims, rules.remember),
        )
