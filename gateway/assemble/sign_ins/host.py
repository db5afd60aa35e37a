"""Settings of a sign-in by the application → what asks it."""

import time

from gateway.assemble.sign_ins.making import Making
from gateway.authn.host import HostSignIn
from gateway.config.sign_ins.host import HostSignInSettings


def build(settings: HostSignInSettings, making: Making) -> HostSignIn:
    return HostSignIn(
        making.host.identify,
        clock=time.time,
        says_org=settings.org,
        cookies=settings.cookies,
        may_vouch_for=making.may_vouch_for,
    )
