import pytest

from gateway.store import verify as module
from gateway.store.database import Database
from gateway.store.heads import tell_heads
from gateway.store.verify import Head, verify
from tests.store.conftest import Direct
from tests.store.trails import DAY, event, put

pytestmark = pytest.mark.anyio


@pytest.fixture
async def trail(database: Database) -> Database:
    """Two orgs, two days."""
    for day in (DAY, DAY + 1):
        for org in ("acme", "globex"):
            await put(database, *(event(number, org=org, day=day) for number in range(5)))
    return database


async def whats(database: Database) -> set[tuple[str, int, str]]:
    return {(one.org, one.number, one.what) for one in (await verify(database)).faults}


async def test_a_trail_that_nobody_touched_is_sound(
    trail: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGE", module._PAGE.limit(3))
    monkeypatch.setattr(module, "PAGE", 3)
    verdict = await verify(trail)
    assert (verdict.rows, verdict.orgs, verdict.erased, verdict.faults) == (20, 2, 0, [])
    assert (await verify(trail, org="globex")).rows == 10
    assert (await verify(trail, org="nobody")).rows == 0


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        pytest.param(
            "UPDATE audit SET event = 'history_read' WHERE org = 'acme' AND number = 4",
            {("acme", 4, "was edited")},
            id="an edited row",
        ),
        pytest.param(
            "UPDATE audit SET subject = 'mallory' WHERE org = 'acme' AND number = 4",
            {("acme", 4, "was edited where it names people")},
            id="another person",
        ),
        pytest.param(
            "UPDATE audit SET subject = NULL WHERE org = 'acme' AND number = 4",
            {("acme", 4, "was edited where it names people")},
            id="a person made nobody",
        ),
        pytest.param(
            "UPDATE audit SET salt = NULL WHERE org = 'acme' AND number = 4",
            {("acme", 4, "was edited where it names people")},
            id="a name that can no longer be checked",
        ),
        pytest.param(
            "DELETE FROM audit WHERE org = 'acme' AND number = 4",
            {("acme", 5, "follows 3: rows between them are gone")},
            id="a removed row",
        ),
        pytest.param(
            "DELETE FROM audit WHERE org = 'acme' AND number = 10",
            {("acme", 10, "rows that its head counts are gone")},
            id="a removed last row",
        ),
        pytest.param(
            "DELETE FROM audit WHERE org = 'acme'",
            {("acme", 10, "rows that its head counts are gone")},
            id="all rows of an org",
        ),
    ],
)
async def test_what_was_changed_shows(
    trail: Database, direct: Direct, statement: str, found: set[tuple[str, int, str]]
) -> None:
    """Row Z-12."""
    direct(statement)
    assert await whats(trail) == found


async def test_rows_that_changed_places_show(trail: Database, direct: Direct) -> None:
    for before, after in ((4, 99), (5, 4), (99, 5)):
        direct("UPDATE audit SET number = ? WHERE org = 'acme' AND number = ?", after, before)
    found = {(org, number) for org, number, _ in await whats(trail)}
    assert found == {("acme", 4), ("acme", 5), ("acme", 6)}


async def test_rows_of_another_org_show(trail: Database, direct: Direct) -> None:
    direct("UPDATE audit SET org = 'zenith' WHERE org = 'globex'")
    direct("UPDATE audit_heads SET org = 'zenith' WHERE org = 'globex'")
    assert ("zenith", 1, "is not the first") in await whats(trail)


async def test_what_the_store_cannot_tell_a_head_told_elsewhere_can(
    trail: Database, direct: Direct
) -> None:
    told: list[Head] = []

    async def tell(heads: list[Head]) -> None:
        told.extend(heads)

    await tell_heads(trail, tell, today=DAY + 2)
    assert not (await verify(trail, told)).faults
    # The last rows go, and the head is made to fit: the store alone looks sound.
    direct("DELETE FROM audit WHERE org = 'acme' AND number > 8")
    (last,) = direct("SELECT hash FROM audit WHERE org = 'acme' AND number = 8")
    direct("UPDATE audit_heads SET number = 8, hash = ? WHERE org = 'acme'", last[0])
    assert not (await verify(trail)).faults
    verdict = await verify(trail, told)
    assert verdict.compared == 4
    assert [(one.org, one.number) for one in verdict.faults] == [("acme", 10)]


async def test_a_trail_made_anew_does_not_fit_the_heads_told_before(
    trail: Database, direct: Direct
) -> None:
    (old,) = direct("SELECT hash FROM audit WHERE org = 'acme' AND number = 5")
    direct("DELETE FROM audit")
    direct("DELETE FROM audit_heads")
    await put(trail, *(event(number, subject="mallory") for number in range(5)))
    assert not (await verify(trail)).faults
    told = [Head("acme", DAY, 5, bytes(old[0]))]
    assert [one.what for one in (await verify(trail, told)).faults] == [
        "is not what its day's head says"
    ]


async def test_who_is_erased_leaves_the_chain_whole(trail: Database, direct: Direct) -> None:
    blank = ", ".join(f"{name} = NULL" for name in (*module.chain.PERSONAL, "salt"))
    direct(f"UPDATE audit SET {blank} WHERE org = 'acme' AND subject = 'alice'")  # noqa: S608
    verdict = await verify(trail)
    assert (verdict.faults, verdict.erased) == ([], 10)


async def test_old_rows_may_be_gone_from_the_beginning(trail: Database, direct: Direct) -> None:
    direct("DELETE FROM audit WHERE number < 4")
    assert not (await verify(trail)).faults
