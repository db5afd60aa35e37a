import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.people.identity import Person
from gateway.store import moving as module
from gateway.store.address import Address, address
from gateway.store.errors import StoreError
from gateway.store.inbox import EventInbox
from gateway.store.moving import move
from gateway.store.outbox import EventOutbox
from gateway.store.schema import metadata
from gateway.store.store import Store
from tests.events.test_envelope import EVENT
from tests.store.conftest import Direct, locked
from tests.support import postgres
from tests.support.ports import free_port

pytestmark = pytest.mark.anyio

ALICE, BOB = Person("acme", "alice"), Person("acme", "bob")


@pytest.fixture
def target() -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture
async def filled(url: str, path: Path) -> Path:
    """A store with people, conversations and a secret."""
    store = await Store.open(url)
    await store.identity_secret()
    names = (f"c-{number}" for number in range(3000))
    await asyncio.gather(*(store.ledger.claim("support", name, ALICE) for name in names))
    await store.ledger.claim("support", "odd: caf\u00e9 \\N \t\n\U0001f600", BOB)
    await store.ledger.user_id("support", ALICE, "alice")
    await store.ledger.become(Person("acme", "visitor"), ALICE)
    for number in range(3):
        event = replace(EVENT, id=f"e{number}", source=f"id:{number}")
        assert await EventInbox(store.database, lambda: None).put(event, ("webhook a",))
    await store.aclose()
    return path


def silent(done: int, all_of_them: int) -> None:
    assert 0 <= done <= all_of_them


def everything(url: str) -> dict[str, set[tuple[object, ...]]]:
    return {
        table.name: set(Direct(url)(f"SELECT * FROM {table.name}"))  # noqa: S608
        for table in metadata.sorted_tables
    }


async def test_all_of_it_arrives(filled: Path, url: str, target: str) -> None:
    told: list[tuple[int, int]] = []
    counts = await move(filled, address(target), lambda *one: told.append(one))
    assert counts["conversations"] == 3001
    assert everything(target) == everything(url)
    assert told[-1] == (sum(counts.values()), sum(counts.values()))
    old, new = await Store.open(url), await Store.open(target)
    assert await new.identity_secret() == await old.identity_secret()
    assert await new.ledger.owner("acme", "support", "odd: caf\u00e9 \\N \t\n\U0001f600") == BOB
    assert not await new.ledger.claim("support", "c-1", BOB)
    await old.aclose()
    await new.aclose()


async def test_events_go_on_after_those_that_were_there(filled: Path, target: str) -> None:
    await move(filled, address(target), silent)
    store = await Store.open(target)
    inbox, outbox = EventInbox(store.database, lambda: None), EventOutbox(store.database)
    assert not await inbox.put(replace(EVENT, source="id:1"), ("webhook a",))
    assert await inbox.put(replace(EVENT, id="new", source="id:new"), ("webhook a",))
    (lane,) = await outbox.hold(await outbox.due((), 10))
    assert [due.event.id for due in await outbox.next(lane, 10)] == ["e0", "e1", "e2", "new"]
    await store.aclose()


async def test_a_target_in_use_is_left_alone(filled: Path, target: str) -> None:
    store = await Store.open(target)
    await store.ledger.claim("support", "c-1", BOB)
    await store.aclose()
    before = everything(target)
    with pytest.raises(StoreError, match="is in use already: there are rows in conversations"):
        await move(filled, address(target), silent)
    assert everything(target) == before


async def test_a_second_time_is_refused(filled: Path, target: str) -> None:
    await move(filled, address(target), silent)
    with pytest.raises(StoreError, match="is in use already"):
        await move(filled, address(target), silent)


async def test_of_two_at_once_one_is_refused(filled: Path, target: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(filled)) as old, closing(sqlite3.connect(copy)) as new:
        old.backup(new)
    both = (move(one, address(target), silent) for one in (filled, copy))
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert [type(one) for one in outcomes].count(StoreError) == 1
    assert len(everything(target)["conversations"]) == 3001


@pytest.mark.parametrize("at", [1, 2, 4])
async def test_one_that_is_interrupted_leaves_nothing_and_can_be_said_again(
    filled: Path, target: str, at: int
) -> None:
    calls = 0

    def stop(done: int, all_of_them: int) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await move(filled, address(target), stop)
    assert not any(everything(target).values())
    await move(filled, address(target), silent)
    assert len(everything(target)["conversations"]) == 3001


async def test_what_does_not_all_arrive_is_not_kept(
    filled: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = module._count
    monkeypatch.setattr(module, "_count", lambda *given: count(*given) + 1)
    with pytest.raises(StoreError, match="arrived: nothing is kept"):
        await move(filled, address(target), silent)
    assert not any(everything(target).values())


async def test_what_postgresql_cannot_hold_is_said(filled: Path, target: str) -> None:
    with closing(sqlite3.connect(filled)) as connection, connection:
        connection.execute(
            "INSERT INTO conversations VALUES ('acme', 's', 'CANARY' || char(0), 'a', 0)"
        )
    with pytest.raises(StoreError, match="conversations holds what PostgreSQL cannot") as refusal:
        await move(filled, address(target), silent)
    assert "CANARY" not in str(refusal.value)
    assert not any(everything(target).values())


async def test_a_file_that_somebody_writes_to_is_refused(filled: Path, target: str) -> None:
    with locked(filled), pytest.raises(StoreError, match=r"cannot be read as a store: .*locked"):
        await move(filled, address(target), silent)


async def test_nobody_writes_to_the_file_meanwhile(filled: Path, target: str) -> None:
    refused = 0

    def try_to_write(done: int, all_of_them: int) -> None:
        nonlocal refused
        with closing(sqlite3.connect(filled, timeout=0)) as other:
            try:
                other.execute("INSERT INTO secrets VALUES ('late', '')")
            except sqlite3.OperationalError:
                refused += 1

    await move(filled, address(target), try_to_write)
    assert refused


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read as a store"),
        (b"", "cannot be read as a store"),
        (b"no database" * 1000, "cannot be read as a store"),
    ],
)
async def test_what_is_no_store_is_refused(
    path: Path, target: str, content: bytes | None, reason: str
) -> None:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreError, match=reason):
        await move(path, address(target), silent)
    assert path.exists() is (content is not None)


async def test_an_older_form_is_migrated_first(filled: Path, target: str) -> None:
    with closing(sqlite3.connect(filled)) as connection, connection:
        connection.execute("UPDATE gateway_schema SET version_num = '0000'")
    with pytest.raises(StoreError, match=r"is in the form 0000.*: run `gateway db migrate`"):
        await move(filled, address(target), silent)


async def test_a_server_that_is_not_there_is_said(filled: Path) -> None:
    nowhere: Address = address(f"postgresql://u:CANARY@127.0.0.1:{free_port()}/x")
    with pytest.raises(StoreError, match="cannot be reached") as refusal:
        await move(filled, nowhere, silent)
    assert "CANARY" not in str(refusal.value)
