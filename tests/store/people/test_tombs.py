import time

import pytest

from gateway.store.database import Database
from gateway.store.people.pseudonyms import key_for_erasing, pseudonym
from gateway.store.people.tombs import LATE, Tomb, is_late, tombs_of
from tests.store.conftest import Direct

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]


async def test_a_tomb_is_found_by_the_name_that_is_no_more(
    database: Database, direct: Direct
) -> None:
    people = [("acme", "alice"), ("globex", "alice"), ("acme", "bob")]
    assert await database.read(lambda connection: tombs_of(connection, people)) == {}
    key = await database.start(database.commit(key_for_erasing))
    assert await database.read(lambda connection: tombs_of(connection, people)) == {}
    name = pseudonym(key, "acme", "alice")
    direct("INSERT INTO erased VALUES ('acme', ?, 'erased_x', 5)", name)
    found = await database.read(lambda connection: tombs_of(connection, people))
    assert found == {("acme", "alice"): Tomb("erased_x", 5)}
    assert await database.read(lambda connection: tombs_of(connection, [])) == {}


def test_it_covers_what_was_before() -> None:
    assert Tomb("x", 5).covers(5)
    assert not Tomb("x", 5).covers(6)
    now = int(time.time() * 1000)
    assert is_late(now - int(LATE * 1000) - 1)
    assert not is_late(now)
