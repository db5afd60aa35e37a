"""Which orgs a person belongs to, as the host app says where the sign-in does not.

The app is asked about the person, never by a person: only one whose credential is good already
causes a question. What a token does say is not widened: one that names an org is for that org.

    GET /orgs?user=alice                     and `Authorization: Bearer …`, where a secret is given
    200 {"orgs": ["org_1", "org_2"]}         by external_id
    404                                      none

Anything else, late, or nothing is a 503: nobody is let in, nor told that they may not.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import quote

from gateway.authn import claim_set
from gateway.authn.fetch import send
from gateway.authn.remote import Remote
from gateway.authn.verdicts import Verdict, Verdicts, digest
from gateway.authn.verifier import Credential, Nobody, Verifier
from gateway.core.people.identity import Vouched

Orgs = frozenset[str]


@dataclass(frozen=True, kw_only=True)
class MembershipRules:
    """Where the app is asked, and whom it may name: orgs, by their external_id."""

    url: str
    secret: str | None = field(default=None, repr=False)
    may_vouch_for: Callable[[str], bool] = lambda org: True


class WithMembership:
    """A sign-in, and the look-up beside it.

    `sign_in` itself vouches for every org it names; which of them count is asked here, and so it
    shows whether it named any.
    """

    def __init__(
        self,
        sign_in: Verifier,
        rules: MembershipRules,
        remote: Remote,
        verdicts: Verdicts[Orgs],
    ) -> None:
        self.sign_in = sign_in
        self.places = sign_in.places
        by = (sign_in.names_orgs_by, "the membership the host app tells")
        self.names_orgs_by = " or ".join(one for one in by if one is not None)
        self._rules = rules
        self._remote = remote
        self._verdicts = verdicts

    async def verify(self, credential: Credential) -> Vouched | Nobody | None:
        """As the sign-in does, with the person's orgs.

        Raises:
            KeysUnavailable: the app does not say, beside what the sign-in raises.
        """
        vouched = await self.sign_in.verify(credential)
        if not isinstance(vouched, Vouched):
            return vouched
        orgs = vouched.orgs or await self._orgs_of(vouched.subject)
        return replace(vouched, orgs=frozenset(filter(self._rules.may_vouch_for, orgs)))

    async def _orgs_of(self, subject: str) -> Orgs:
        return await self._verdicts.get(digest(subject), partial(self._ask, subject))

    async def _ask(self, subject: str) -> Verdict[Orgs]:
        url, secret = self._rules.url, self._rules.secret
        url += f"{'&' if '?' in url else '?'}user={quote(subject, safe='', errors='surrogatepass')}"
        fields = {} if secret is None else {"authorization": f"Bearer {secret}"}
        reply = await self._remote.ask(partial(send, "GET", url, fields=fields))
        if reply.status == 404:
            return Verdict(frozenset(), keep=False)
        found = self._remote.read(reply).get("orgs")
        if not claim_set.are_strings(found, most=claim_set.MAX_ORGS):
            raise self._remote.unusable("`orgs` is no list of at most 256 strings")
        return Verdict(frozenset(found), keep=bool(found))
