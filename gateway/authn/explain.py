"""What each credential of a request is worth to each sign-in, in words, for `gateway explain`.

Of a credential only its place is said.
"""

from collections.abc import Mapping, Sequence

from gateway.authn.chain import Chain
from gateway.authn.places import Place
from gateway.authn.verifier import Credential, Nobody, Verifier
from gateway.core.errors import GatewayError
from gateway.ports import Inbound


async def explain(chain: Chain, names: Mapping[Verifier, str], ask: Inbound) -> Sequence[str]:
    """A line for each credential and each sign-in that reads its place."""
    try:
        shown = chain.shown(ask)
    except GatewayError as error:
        return [error.detail]
    return [
        f"{place_of(credential.place)} by {name}: {await _worth(verifier, credential)}"
        for credential in shown
        for verifier, name in names.items()
        if credential.place in verifier.places
    ] or ["none of them stands where a sign-in looks"]


def place_of(place: Place) -> str:
    """Where a credential stands, as a configuration names it."""
    kind = type(place).__name__.lower()
    name = getattr(place, "name", None) or ", ".join(getattr(place, "names", ()))
    return f"{kind}:{name}" if name else kind


async def _worth(verifier: Verifier, credential: Credential) -> str:
    try:
        vouched = await verifier.verify(credential)
    except GatewayError as error:
        return f"{error.code}: {error.detail}"
    if vouched is None:
        return "not of its kind"
    return "good, and of nobody" if vouched is Nobody.NOBODY else vouched.subject
