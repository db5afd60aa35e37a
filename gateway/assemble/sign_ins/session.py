"""Settings of a session sign-in → what verifies cookies by it."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from gateway.assemble.sign_ins.making import Making
from gateway.authn.sessions.authjs import AuthJsFormat
from gateway.authn.sessions.django import DjangoFormat
from gateway.authn.sessions.express import ExpressFormat
from gateway.authn.sessions.fastapi_users import FastApiUsersSignIn
from gateway.authn.sessions.flask import FlaskFormat
from gateway.authn.sessions.format import Format
from gateway.authn.sessions.sign_in import SessionRules, SessionSignIn
from gateway.authn.sessions.starlette import StarletteFormat
from gateway.authn.verifier import Verifier
from gateway.config.sign_ins.session import SessionSettings, filled_in

_Timed: TypeAlias = Callable[..., Format]  # of a cookie and secrets, with a max_age
_Untimed: TypeAlias = Callable[[str, Sequence[str]], Format]

_TIMED: Mapping[str, _Timed] = {
    "starlette": StarletteFormat,
    "flask": FlaskFormat,
    "django": DjangoFormat,
}
_UNTIMED: Mapping[str, _Untimed] = {
    "express": ExpressFormat,
    "authjs": AuthJsFormat,
}


def build(settings: SessionSettings, making: Making) -> Verifier:
    meant = filled_in(settings)
    cookie, max_age = meant["cookie"], meant["max_age"]
    secrets = [secret.get_secret_value() for secret in settings.secret]
    rules = SessionRules(
        user_key=meant["user_key"],
        org_key=settings.org_key,
        roles_key=settings.roles_key,
        actor_key=meant["actor_key"],
        remember=making.remember,
        may_vouch_for=making.may_vouch_for,
    )
    if settings.framework == "fastapi-users":
        return FastApiUsersSignIn(cookie, secrets, rules, clock=time.time)
    if settings.framework in _TIMED:
        form = _TIMED[settings.framework](cookie, secrets, max_age=max_age)
    else:
        form = _UNTIMED[settings.framework](cookie, secrets)
    return SessionSignIn(form, rules, clock=time.time)
