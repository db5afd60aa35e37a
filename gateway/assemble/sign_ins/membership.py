"""Settings of any sign-in that has a `membership` → the sign-in with the look-up beside it."""

from gateway.assemble.sign_ins.making import Making, named
from gateway.authn.membership import MembershipRules, WithMembership
from gateway.authn.remote import Remote
from gateway.authn.verdicts import Verdicts
from gateway.authn.verifier import Verifier
from gateway.config.sign_ins.table import SignInTable


def beside(sign_in: Verifier, settings: SignInTable, making: Making) -> Verifier:
    """The sign-in, which vouches for every org it names, and the look-up."""
    if settings.membership is None:
        return sign_in
    secret = settings.membership_secret
    rules = MembershipRules(
        url=settings.membership,
        secret=None if secret is None else secret.get_secret_value(),
        may_vouch_for=making.may_vouch_for,
    )
    verdicts = making.keep(Verdicts[frozenset[str]](settings.membership_cache))
    return WithMembership(
        sign_in, rules, Remote(named("membership", settings.membership)), verdicts
    )
