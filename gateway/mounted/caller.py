"""Who makes a request of the host application's own: what its routes find in `scope["gateway"]`.

Nobody is signed in until a route asks: most requests of an application are for pictures and pages.
Then it is done once, and `request.state.identity` has it as well.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Protocol

from gateway.core.errors import CredentialsMissing, MisdirectedRequest, NotFound
from gateway.core.people.identity import Identity, Scalar

SCOPE_KEY = "gateway"
STATE_KEY = "identity"


class Pushing(Protocol):
    """Where an application says what it knows of people (`gateway.mounted.host_contacts`)."""

    async def upsert(
        self,
        upstream: str,
        subject: str,
        attributes: Mapping[str, Scalar | None],
        *,
        org: str | None = None,
    ) -> None: ...


class Caller:
    """Who makes one request.

    `find` authenticates; `state` is the request's own, `request.state` to Starlette. `contacts` is
    where the application may say what it knows of people; None in an operation that is ours.
    """

    def __init__(
        self,
        find: Callable[[], Awaitable[Identity]],
        state: MutableMapping[str, Any],
        contacts: Pushing | None = None,
    ) -> None:
        self.contacts = contacts
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
