"""Settings of a sign-in by opaque tokens → what asks about them."""

import time

from gateway.assemble.sign_ins.making import Making, named
from gateway.authn.asked import Asked
from gateway.authn.places import place_of
from gateway.authn.remembered import Remembered
from gateway.authn.token_introspection import IntrospectionRules, TokenIntrospection
from gateway.config.sign_ins.token_introspection import TokenIntrospectionSettings
from gateway.core.identity import Vouched


def build(settings: TokenIntrospectionSettings, making: Making) -> TokenIntrospection:
    rules = IntrospectionRules(
        url=settings.introspection_url,
        client_id=settings.client_id,
        client_secret=settings.client_secret.get_secret_value(),
        client_auth=settings.client_auth,
        places=tuple(map(place_of, settings.places or making.default_places())),
        issuer=settings.issuer,
        audience=settings.audience,
        client=settings.client,
        require=settings.require,
        types=settings.types,
        user_claim=settings.user_claim,
        org_claim=settings.org_claim,
        may_vouch_for=making.may_vouch_for,
        roles_claim=settings.roles_claim,
        leeway=settings.leeway,
    )
    return TokenIntrospection(
        rules,
        Asked(named("introspection_url", settings.introspection_url)),
        making.remembered(Remembered[Vouched](settings.cache)),
        clock=time.time,
    )
