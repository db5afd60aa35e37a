"""A proxy or backend of ours has signed the person in, and says who it is in a field.

It proves itself by a secret in `X-Gateway-Secret`: an address can be anybody's on that network.
Without that field the others count for nothing; with a wrong one the request is refused.

A proxy adds its secret to whatever a browser sends, as a browser adds a cookie. So a request made
by a page counts only where a cookie would; a backend's own, which names no page, always.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.authn import claim_set
from gateway.authn.verifier import Credential, Nobody
from gateway.core.errors import BadRequest, CredentialsInvalid
from gateway.core.formats import fields as http
from gateway.core.formats.fields import FORWARDING_SECRET, Fields
from gateway.core.people.identity import Vouched
from gateway.ports import Inbound


@dataclass(frozen=True, slots=True)
class ForwardingSecret:
    """The field in which whoever forwards proves itself."""

    field = FORWARDING_SECRET
    is_cookie = True  # in what it means: the browser's user did not send it

    def read(self, ask: Inbound) -> str | None:
        found = http.single(ask.fields, FORWARDING_SECRET)
        return found.decode("latin-1") if found else None


def names_no_page(fields: Fields) -> bool:
    """Whether no page made a request: of one that may change something every browser says so."""
    return not any(name in {b"origin", b"sec-fetch-site"} for name, _ in fields)


@dataclass(frozen=True, kw_only=True)
class ForwardedRules:
    """The names of the fields, in lower case, and who may write them, by what secrets.

    `may_vouch_for` says of an org, by its external_id, whether the forwarder's word counts for it.

    Raises:
        ValueError: there is no secret.
    """

    user_field: bytes
    org_field: bytes | None = None
    may_vouch_for: Callable[[str], bool] = lambda org: True
    roles_field: bytes | None = None
    secrets: tuple[str, ...] = field(repr=False)
    actor: str

    def __post_init__(self) -> None:
        if not self.secrets or "" in self.secrets:
            raise ValueError("shared_secret: whoever forwards has one")


class ForwardedSignIn:
    """Believes those who have the secret."""

    def __init__(self, rules: ForwardedRules) -> None:
        self.places = (ForwardingSecret(),)
        by = None if rules.org_field is None else rules.org_field.decode("ascii")
        self.names_orgs_by = by and f"the field {by} of {rules.actor}"
        self._rules = rules
        self._secrets = [secret.encode() for secret in rules.secrets]

    async def verify(self, credential: Credential) -> Vouched | Nobody:
        """Whom a request is forwarded for.

        Raises:
            CredentialsInvalid: the secret is not the forwarder's.
            BadRequest: what it says could be read in two ways.
        """
        if not self._is_ours(credential.text.encode("latin-1")):
            raise CredentialsInvalid("The secret is not that of whoever may forward here")
        rules, fields = self._rules, credential.ask.fields
        subject = one_name(fields, rules.user_field)
        if subject is None:
            return Nobody.NOBODY
        roles = several_names(fields, rules.roles_field) if rules.roles_field else ()
        return Vouched(subject, roles, orgs=self._orgs(fields), actor=rules.actor)

    def _orgs(self, fields: Fields) -> frozenset[str] | None:
        if self._rules.org_field is None:
            return None
        org = one_name(fields, self._rules.org_field)
        return frozenset(filter(self._rules.may_vouch_for, () if org is None else (org,)))

    def _is_ours(self, shown: bytes) -> bool:
        """Every secret is compared, and in full, so that time tells nothing of any."""
        same = [hmac.compare_digest(shown, secret) for secret in self._secrets]
        return any(same)


def one_name(fields: Fields, name: bytes) -> str | None:
    """What a field says that names one person or org; None where it names none.

    Proxies join two lines of one name with a comma (RFC 9110 section 5.3), so a comma may stand
    between what a client wrote and what the forwarder did.

    Raises:
        BadRequest: it stands twice, has a comma, or is no text, or one of blanks.
    """
    found = http.single(fields, name)
    if not found:
        return None
    shown = name.decode("ascii")
    if b"," in found:
        raise BadRequest(f"The field {shown} holds a list")
    text = _text(found, shown)
    if not text.strip():
        raise BadRequest(f"The field {shown} holds nothing but blanks")
    if len(text) > claim_set.MAX_SUBJECT:
        raise BadRequest(f"The field {shown} is longer than {claim_set.MAX_SUBJECT} characters")
    return text


def several_names(fields: Fields, name: bytes) -> tuple[str, ...]:
    """What a field says that is a list, with commas.

    Raises:
        BadRequest: it stands twice, is no text, or has more than 256 items.
    """
    found = http.single(fields, name)
    items = [item.strip(" \t") for item in _text(found or b"", name.decode("ascii")).split(",")]
    named = tuple(item for item in items if item)
    if len(named) > claim_set.MAX_ROLES:
        raise BadRequest(
            f"The field {name.decode('ascii')} has more than {claim_set.MAX_ROLES} items"
        )
    return named


def _text(found: bytes, name: str) -> str:
    try:
        return found.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest(f"The field {name} is not UTF-8") from None
