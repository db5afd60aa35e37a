import asyncio
from pathlib import Path

import pytest

from gateway.core.errors import LedgerUnavailable
from gateway.core.people.identity import Person
from gateway.store.errors import StoreError
from gateway.store.store import Store
from tests.store.conftest import Direct

pytestmark = pytest.mark.anyio


async def test_the_identity_secret_is_made_once(store: Store) -> None:
    secrets = await asyncio.gather(*(store.identity_secret() for _ in range(10)))
    assert len(set(secrets)) == 1
    assert len(secrets[0]) == 32


async def test_two_stores_have_two_secrets(store: Store, tmp_path: Path) -> None:
    other = await Store.open(f"sqlite:///{tmp_path / 'other.db'}")
    assert await other.identity_secret() != await store.identity_secret()
    await other.aclose()


@pytest.mark.parametrize("value", [b"", b"short", "text" * 20])
async def test_a_secret_that_is_none_is_not_used(
    store: Store, path: Path, direct: Direct, value: bytes | str
) -> None:
    direct("INSERT INTO secrets VALUES ('identity', ?)", value)
    with pytest.raises(LedgerUnavailable):
        await store.identity_secret()


async def test_ping_follows_the_file(store: Store, path: Path) -> None:
    await store.ping()
    path.rename(path.with_name("away.db"))
    with pytest.raises(LedgerUnavailable):
        await store.ping()
    path.with_name("away.db").rename(path)
    await store.ping()


async def test_a_closed_store_refuses(store: Store) -> None:
    await store.aclose()
    alice = Person("acme", "alice")
    with pytest.raises(LedgerUnavailable):
        await store.ping()
    with pytest.raises(LedgerUnavailable):
        await store.ledger.claim("support", "c-1", alice)
    with pytest.raises(LedgerUnavailable):
        await store.ledger.owner("acme", "support", "c-1")
    with pytest.raises(LedgerUnavailable):
        await store.ledger.user_id("support", alice, "alice")


async def test_opens_a_file_whose_name_means_something_in_a_url(tmp_path: Path) -> None:
    path = tmp_path / "a #1 café.db"
    store = await Store.open(f"sqlite:///{path}")
    assert await store.ledger.claim("support", "c-1", Person("acme", "alice"))
    await store.aclose()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


async def test_refuses_what_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        await Store.open(f"sqlite:///{tmp_path}")
    with pytest.raises(StoreError):
        await Store.open("sqlite:///:memory:")
