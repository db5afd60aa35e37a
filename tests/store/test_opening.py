import subprocess
import sys
from pathlib import Path

import pytest

from gateway.store.errors import StoreError
from gateway.store.opening import is_there, opened
from tests.support import postgres

pytestmark = pytest.mark.anyio


async def test_tells_whether_there_is_a_store(path: Path) -> None:
    with postgres.database() as empty:
        for url in (f"sqlite:///{path}", empty):
            assert not await is_there(url)
            assert not await is_there(url)  # looking made none
            database = await opened(url)
            await database.ping()
            await database.aclose()
            assert await is_there(url)


async def test_refuses_what_is_no_url_of_either() -> None:
    for url in ("postgresql://u:CANARY@db", "mysql://u:CANARY@db/x", "gateway.db"):
        with pytest.raises(StoreError, match=r"store\.url") as refusal:
            await opened(url)
        assert "CANARY" not in str(refusal.value)


def test_a_store_in_a_file_needs_no_postgresql(path: Path) -> None:
    script = (
        "import asyncio, sys; from gateway.store.store import Store; "
        f"asyncio.run(Store.open('sqlite:///{path}')); "
        "ours = 'gateway.store.postgres', 'gateway.store.prepare_sqlite'; "
        "print([name for name in sys.modules if name.startswith(('psycopg', *ours))])"
    )
    assert subprocess.check_output([sys.executable, "-c", script]).strip() == (
        b"['gateway.store.prepare_sqlite']"
    )


def test_says_what_to_install_where_the_driver_is_missing() -> None:
    script = (
        "import asyncio, sys; sys.modules['psycopg'] = None; "
        "from gateway.store.opening import opened; asyncio.run(opened('postgresql://db/x'))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "pip install 'chat-identity-gateway[postgres]'" in done.stderr
