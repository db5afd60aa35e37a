from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.admin.current import Current
from gateway.core.errors import Unavailable
from tests.admin.stage import Operators, operators

pytestmark = [pytest.mark.anyio, pytest.mark.one_process("looks inside of one")]


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Operators]:
    async with operators(tmp_path) as there:
        yield there


async def test_readers_wait_for_each_other_until_a_reload(there: Operators) -> None:
    now = Current(there.stage.gateway)
    lists = now.lists
    assert now.lists is lists
    await there.stage.gateway.reload(there.stage.gateway.settings)
    assert now.lists is not lists
    assert (now.orgs, now.names) == ({"default": "default"}, {"default": "default"})


async def test_says_so_while_the_gateway_is_not_open(there: Operators) -> None:
    now = Current(there.stage.gateway)
    await there.stage.gateway.aclose()
    for ask in (lambda: now.assembled, lambda: now.lists, lambda: now.people):
        with pytest.raises(Unavailable):
            ask()
