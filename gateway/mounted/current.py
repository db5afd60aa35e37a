"""Who is asking, for a route of a FastAPI application inside `GatewayMiddleware`.

    @app.get("/me")
    async def me(who: CurrentIdentity): ...

Whoever shows no credential, or a bad one, is answered 401 with `application/problem+json`; the
application may have an exception handler of its own for `gateway.core.errors.Unauthenticated`.
"""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from gateway.core.errors import CredentialsMissing
from gateway.core.people.identity import Identity
from gateway.mounted.caller import SCOPE_KEY, Caller

__all__ = ["CurrentIdentity", "current_identity"]


async def current_identity(connection: HTTPConnection) -> Identity:
    """The identity of whoever makes this request; for a WebSocket route too.

    Raises:
        Unauthenticated: there is none.
        RuntimeError: no GatewayMiddleware stands around this route.
    """
    caller = connection.scope.get(SCOPE_KEY)
    if not isinstance(caller, Caller):
        raise RuntimeError(
            "CurrentIdentity needs app.add_middleware(GatewayMiddleware, config=…) on the "
            "application, or on one that it is mounted in"
        )
    identity = await caller.identity()
    if identity is None:
        raise CredentialsMissing
    return identity


CurrentIdentity = Annotated[Identity, Depends(current_identity)]
