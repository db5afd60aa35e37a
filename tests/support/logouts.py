"""Logout tokens as a provider would send them, of an issuer of the tests."""

from typing import Any
from urllib.parse import urlencode

from gateway.authn.logout_token import EVENT
from tests.support.tokens import Issuer
from tests.support.wire import Answer, raw_request, wire

PATH = "/_gateway/backchannel-logout"
FORM = ("Content-Type", "application/x-www-form-urlencoded")


def logout_token(
    issuer: Issuer, sub: object = "alice", *, algorithm: str = "HS256", **claims: Any
) -> str:
    """One that counts for the client `gateway`, unless claims say otherwise."""
    now = int(issuer.clock())
    said = {"aud": "gateway", "jti": f"j{now}", "exp": now + 120, "events": {EVENT: {}}, **claims}
    return issuer.token(sub, algorithm=algorithm, header={"typ": "logout+jwt"}, **said)


def posting(token: str, **more: str) -> bytes:
    """The request by which a provider sends it."""
    return raw_request("POST", PATH, [FORM], urlencode({"logout_token": token, **more}).encode())


async def sent(url: str, token: str) -> Answer:
    return await wire(url, posting(token))
