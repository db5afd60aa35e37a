import pytest

from gateway.core.people.identity import ERASED, OPAQUE
from gateway.store.database import Database
from gateway.store.opening import opened
from gateway.store.people.pseudonyms import (
    fresh_user_id,
    key_for_erasing,
    known_key,
    pseudonym,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]


async def test_the_key_is_made_once_and_kept(database: Database, url: str) -> None:
    assert await database.read(known_key) is None
    other = await opened(url)
    keys = [await one.start(one.commit(key_for_erasing)) for one in (database, other)]
    assert keys == [await database.read(known_key)] * 2
    assert len(keys[0]) == 32
    await other.aclose()


def test_no_delimiter_makes_two_names_one() -> None:
    found = {
        pseudonym(b"k" * 32, *names)
        for names in (("a", "b:c"), ("a:b", "c"), ("a", "b", "c"), ("a", "bc"), ("ab", "c"))
    }
    assert len(found) == 5
    assert all(ERASED.fullmatch(one) for one in found)
    assert pseudonym(b"k" * 32, "a", "b") != pseudonym(b"l" * 32, "a", "b")


def test_an_id_that_no_vendor_has_seen_looks_like_any_opaque_one() -> None:
    assert OPAQUE.fullmatch(fresh_user_id())
    assert fresh_user_id() != fresh_user_id()
