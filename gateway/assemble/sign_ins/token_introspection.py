"""Settings of a sign-in by opaque tokens → what asks about them."""

import time
from collections.abc import Awaitable, Callable
from secrets import token_hex

from gateway.assemble.parts import Parts
from gateway.assemble.sign_ins.making import Making, named
from gateway.assemble.sign_ins.probed import ProbeFailed
from gateway.authn.fetch import FetchFailed, send
from gateway.authn.places import place_of
from gateway.authn.remote import Remote
from gateway.authn.token_introspection import IntrospectionRules, TokenIntrospection, question
from gateway.authn.verdicts import Verdicts
from gateway.config.sign_ins.token_introspection import TokenIntrospectionSettings
from gateway.core.errors import KeysUnavailable
from gateway.core.people.identity import Vouched


def build(settings: TokenIntrospectionSettings, making: Making) -> TokenIntrospection:
    return TokenIntrospection(
        rules_of(settings, making),
        Remote(named("introspection_url", settings.introspection_url)),
        making.keep(Verdicts[Vouched](settings.cache)),
        clock=time.time,
    )


def rules_of(settings: TokenIntrospectionSettings, making: Making) -> IntrospectionRules:
    return IntrospectionRules(
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
        remember=making.remember,
        leeway=settings.leeway,
    )


def probe(settings: TokenIntrospectionSettings) -> Callable[[], Awaitable[str]]:
    """What asks the server about a token that is none of its own."""
    url = settings.introspection_url
    remote = Remote(named("introspection_url", url))

    async def ask() -> str:
        rules = rules_of(settings, Making(parts=Parts(), vendors=()))
        fields, content = question(rules, token_hex(16))
        try:
            reply = await send("POST", url, fields=fields, content=content)
            answer = remote.read(reply)
        except FetchFailed as error:
            raise ProbeFailed(f"{url} does not answer: {error}") from error
        except KeysUnavailable as error:
            why = "it refuses client_id and client_secret" if reply.status == 401 else "not 200"
            raise ProbeFailed(f"{url} answers {reply.status}: {why}") from error
        if answer.get("active") is not False:
            raise ProbeFailed(f"{url} does not say `active` is false of a token made up just now")
        return f"{url} knows no token that is none, as it must"

    return ask
