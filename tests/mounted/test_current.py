"""`CurrentIdentity` of FastAPI; tests/test_middleware.py drives it over sockets."""

import pytest
from starlette.requests import HTTPConnection

from gateway.core.errors import CredentialsMissing
from gateway.core.people.identity import Identity
from gateway.mounted.caller import Caller, known
from gateway.mounted.current import current_identity

pytestmark = pytest.mark.anyio
ALICE = Identity("acme", "alice")


def connection(**scope: object) -> HTTPConnection:
    return HTTPConnection({"type": "http", "headers": [], **scope})


async def test_is_whoever_the_gateway_says() -> None:
    assert await current_identity(connection(gateway=known(ALICE, {}))) is ALICE


async def test_is_never_nobody() -> None:
    async def nobody() -> Identity:
        raise CredentialsMissing

    with pytest.raises(CredentialsMissing):
        await current_identity(connection(gateway=Caller(nobody, {})))


@pytest.mark.parametrize("scope", [{}, {"gateway": "alice"}, {"identity": ALICE}])
async def test_takes_nobody_elses_word(scope: dict[str, object]) -> None:
    with pytest.raises(RuntimeError, match="add_middleware"):
        await current_identity(connection(**scope))
