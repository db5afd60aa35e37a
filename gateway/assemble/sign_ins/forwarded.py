"""Settings of a forwarded sign-in → what believes it."""

from gateway.assemble.sign_ins.making import Making
from gateway.authn.forwarded import ForwardedRules, ForwardedSignIn
from gateway.config.model import OrgSettings
from gateway.config.sign_ins.forwarded import ForwardedSettings


def build(settings: ForwardedSettings, making: Making) -> ForwardedSignIn:
    return ForwardedSignIn(
        ForwardedRules(
            user_field=field_name(settings.forwarded),
            org_field=None if settings.org_field is None else field_name(settings.org_field),
            may_vouch_for=making.may_vouch_for,
            roles_field=None if settings.roles_field is None else field_name(settings.roles_field),
            secrets=tuple(secret.get_secret_value() for secret in settings.shared_secret),
            actor=settings.actor,
        )
    )


def forwarded_fields(org: OrgSettings) -> frozenset[bytes]:
    """The fields in which any sign-in of an org has a person forwarded."""
    return frozenset(
        field_name(name)
        for one in org.sign_in
        if isinstance(one, ForwardedSettings)
        for name in (one.forwarded, one.org_field, one.roles_field)
        if name is not None
    )


def field_name(written: str) -> bytes:
    """A field's name as requests have it here: in lower case."""
    return written.lower().encode("ascii")
