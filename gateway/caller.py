"""Who makes a request of the host application's own: what its routes find in `scope["gateway"]`.

Nobody is signed in until a route asks: most requests of an application are for pictures and pages.
Then it is done once, and `request.state.identity` has it as well.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from gateway.core.errors import CredentialsMissing, MisdirectedRequest, NotFound
from gateway.core.identity import Identity

SCOPE_KEY = "gateway"
STATE_KEY = "identity"


class Caller:
    """Who makes one request.

    `find` authenticates; `state` is the request's own, `request.state` to Starlette.
    """

    def __init__(
        self, find: Callable[[], Awaitable[Identity]], state: MutableMapping[str, Any]
    ) -> None:
        self._find = find
        self._state = state
        self._asked = asyncio.Lock()
        self._found: Identity | None = None
        self._looked = False

    async def identity(self) -> Identity | None:
        """Who it is; None where the request shows no credential.

        Raises:
            GatewayError: it shows one that is bad, or two that contradict each other. Where a route
                does not catch it, GatewayMiddleware answers for it.
        """
        async with self._asked:
            if not self._looked:
                self._found = await self._look()
                self._looked = True
            return self._found

    async def _look(self) -> Identity | None:
        try:
            identity = await self._find()
        except (CredentialsMissing, MisdirectedRequest, NotFound):  # or no org stands here
            return None
        self._state[STATE_KEY] = identity
        return identity


def known(identity: Identity, state: MutableMapping[str, Any]) -> Caller:
    """A caller who is signed in already."""
    state[STATE_KEY] = identity

    async def find() -> Identity:
        return identity

    return Caller(find, state)
