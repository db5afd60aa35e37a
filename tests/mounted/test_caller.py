"""Who makes a request of the application's own: asked once, and only by whoever wants to know."""

import asyncio
from typing import Any

import pytest

from gateway.core.errors import (
    CredentialsInvalid,
    CredentialsMissing,
    GatewayError,
    MisdirectedRequest,
    NotFound,
)
from gateway.core.people.identity import Identity
from gateway.mounted.caller import Caller, known

pytestmark = pytest.mark.anyio
ALICE = Identity("acme", "alice")


async def test_is_looked_up_once_however_often_it_is_asked() -> None:
    asked = 0

    async def find() -> Identity:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return ALICE

    state: dict[str, Any] = {}
    caller = Caller(find, state)
    assert state == {}
    assert await asyncio.gather(caller.identity(), caller.identity()) == [ALICE, ALICE]
    assert await caller.identity() is ALICE
    assert asked == 1
    assert state == {"identity": ALICE}


@pytest.mark.parametrize("error", [CredentialsMissing(), MisdirectedRequest(), NotFound()])
async def test_is_nobody_where_nobody_signs_in(error: GatewayError) -> None:
    async def find() -> Identity:
        raise error

    state: dict[str, Any] = {}
    assert await Caller(find, state).identity() is None
    assert state == {}


async def test_a_bad_credential_is_not_nobody() -> None:
    async def find() -> Identity:
        raise CredentialsInvalid

    caller = Caller(find, {})
    for _ in range(2):
        with pytest.raises(CredentialsInvalid):
            await caller.identity()


async def test_one_who_is_known_is_not_asked_for_again() -> None:
    state: dict[str, Any] = {}
    assert await known(ALICE, state).identity() is ALICE
    assert state == {"identity": ALICE}
