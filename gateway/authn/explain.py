"""What each credential of a request is worth to each sign-in, in words, for `gateway explain`.

Of a credential its place is said; of a token that nobody takes also what is compared with the
configuration, so that the difference can be seen.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from gateway.authn.chain import Chain
from gateway.authn.places import Place
from gateway.authn.token import parse
from gateway.authn.verifier import Credential, Nobody, Verifier
from gateway.core.errors import CredentialsInvalid, GatewayError
from gateway.core.formats.strictjson import JsonObject, JsonValue
from gateway.ports import Inbound

_DATES = ("exp", "nbf", "iat")
_COMPARED = ("iss", "aud", "azp", "client_id", "token_type", *_DATES)  # none of them is a secret
_MOST_SHOWN = 120  # characters of a claim, and of the names of all others


async def explain(chain: Chain, names: Mapping[Verifier, str], ask: Inbound) -> Sequence[str]:
    """A line for each credential and each sign-in that reads its place."""
    try:
        shown = chain.shown(ask)
    except GatewayError as error:
        return [error.detail]
    lines: list[str] = []
    for credential in shown:
        place, taken = place_of(credential.place), False
        for verifier, name in names.items():
            if credential.place in verifier.places:
                worth, is_good = await _judged(verifier, credential)
                lines.append(f"{place} by {name}: {worth}")
                taken |= is_good
        if not taken and (written := _unverified(credential.text)):
            lines.append(f"{place} says, unverified, {written}")
    return lines or ["none of them stands where a sign-in looks"]


def place_of(place: Place) -> str:
    """Where a credential stands, as a configuration names it."""
    kind = type(place).__name__.lower()
    name = getattr(place, "name", None) or ", ".join(getattr(place, "names", ()))
    return f"{kind}:{name}" if name else kind


async def _judged(verifier: Verifier, credential: Credential) -> tuple[str, bool]:
    """What a credential is worth to a sign-in, and whether that takes it."""
    try:
        vouched = await verifier.verify(credential)
    except GatewayError as error:
        return f"{error.code}: {error.detail}", False
    if vouched is None:
        return "not of its kind", False
    return ("good, and of nobody" if vouched is Nobody.NOBODY else vouched.subject), True


def _unverified(text: str) -> str:
    """What a token says for comparison, in the ASCII of JSON; nothing of what is no token."""
    try:
        token = parse(text)
    except CredentialsInvalid:
        return ""
    header = {"alg": token.algorithm, "kid": token.kid, "typ": token.type}
    written: JsonObject = {name: value for name, value in header.items() if value is not None}
    written |= {name: token.claims[name] for name in _COMPARED if name in token.claims}
    others = sorted(token.claims.keys() - set(_COMPARED))
    shown = ", ".join(f"{name} {_shown(name, value)}" for name, value in written.items())
    return f"{shown}; and has {_cut(', '.join(json.dumps(name)[1:-1] for name in others) or '-')}"


def _shown(name: str, value: JsonValue) -> str:
    shown = _cut(json.dumps(value))
    if name not in _DATES or not isinstance(value, (int, float)):
        return shown
    try:
        date = datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        return shown
    return f"{shown} ({date:%Y-%m-%dT%H:%M:%SZ})"


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
