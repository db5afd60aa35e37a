"""What the gateway says of a person to a service of the company's own, in a signed statement.

A JWT (RFC 7519) that names who asks, for whom, and at whose address: a service that checks it need
not trust its network, and one that is shown it cannot show it to another.

| claim | says |
|---|---|
| `iss` | this gateway |
| `aud` | the one address it is for |
| `sub` | the person, as their own sign-in names them |
| `org` | the org, by its external_id; the same `sub` in another org is somebody else |
| `user` | the id the vendor knows them by |
| `roles` | as the sign-in says |
| `act` | who speaks for them, where it is somebody else (RFC 8693 section 4.1) |
| `conversation`, `tool` | what the request is about, where it is about one |
| `iat`, `exp`, `jti` | good for a minute, and once |
"""

from typing import Any

from gateway.core.people.identity import Identity

FIELD = "x-gateway-assertion"
ISSUER = "chat-identity-gateway"
TYPE = "gateway-assertion+jwt"  # no token of another kind is taken for one (RFC 8725 section 3.11)
LIFETIME = 60  # seconds


def claims(
    identity: Identity,
    *,
    user: str,
    audience: str,
    now: float,
    jti: str,
    conversation: str | None = None,
    tool: str | None = None,
) -> dict[str, Any]:
    """The statement; `now` is in seconds since the epoch."""
    said: dict[str, Any] = {
        "iss": ISSUER,
        "aud": audience,
        "sub": identity.subject,
        "org": identity.org,
        "user": user,
        "roles": list(identity.roles),
        "iat": int(now),
        "exp": int(now) + LIFETIME,
        "jti": jti,
    }
    if identity.actor is not None:
        said["act"] = {"sub": identity.actor}
    if conversation is not None:
        said["conversation"] = conversation
    if tool is not None:
        said["tool"] = tool
    return said
