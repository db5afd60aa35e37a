from pathlib import Path

import pytest

from gateway.store.errors import StoreError
from gateway.store.schema import HEAD
from gateway.store.state import state
from gateway.store.store import Store
from tests.store.conftest import Direct
from tests.support import postgres

pytestmark = pytest.mark.anyio


async def test_a_store_in_its_newest_form_says_so(url: str, kind: str, tmp_path: Path) -> None:
    await (await Store.open(url)).aclose()
    found = await state(url)
    assert (found.form, found.is_newest) == (HEAD, True)
    assert found.size > 4096
    named = {
        "sqlite": f"the file {tmp_path}/gateway.db",
        "postgresql": "of PostgreSQL at 127.0.0.1",
    }
    assert named[kind] in found.where


async def test_looking_makes_none(path: Path) -> None:
    with postgres.database() as empty:
        for url in (f"sqlite:///{path}", empty):
            found = await state(url)
            assert (found.form, found.is_newest) == (None, False)
    assert list(path.parent.iterdir()) == []


async def test_where_none_can_be_made_there_is_no_state(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name, why in (("none/x.db", "is not a directory"), ("folder", "is a directory")):
        with pytest.raises(StoreError, match=why):
            await state(f"sqlite:///{tmp_path}/{name}")


async def test_an_older_one_stays_as_it_is(url: str, direct: Direct) -> None:
    await (await Store.open(url)).aclose()
    direct("UPDATE gateway_schema SET version_num = '0000'")
    found = await state(url)
    assert (found.form, found.is_newest) == ("0000", False)
    assert direct("SELECT version_num FROM gateway_schema") == [("0000",)]


async def test_one_of_a_newer_gateway_is_refused(url: str, direct: Direct) -> None:
    await (await Store.open(url)).aclose()
    direct("UPDATE gateway_schema SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"newer gateway .*9999"):
        await state(url)


async def test_a_file_that_is_none_is_refused(path: Path) -> None:
    path.write_bytes(b"a note, no database" * 500)
    with pytest.raises(StoreError, match="is not a SQLite database"):
        await state(f"sqlite:///{path}")
