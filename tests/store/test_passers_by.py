import pytest

from gateway.core.people.identity import Person
from gateway.store import passers_by
from gateway.store.passers_by import FIRST, PAST, forget_visitors
from gateway.store.store import Store
from tests.store.conftest import Direct
from tests.store.plans import plan
from tests.support.clock import WoundClock

pytestmark = pytest.mark.anyio

CAME = 1_700_000_000


def visitor(number: int) -> Person:
    digits = "".join("abcdefghij"[int(digit)] for digit in f"{number:05}")
    return Person("acme", f"anon_{digits:a>26}")


@pytest.fixture(autouse=True)
def came(monkeypatch: pytest.MonkeyPatch) -> WoundClock:
    clock = WoundClock(CAME)
    monkeypatch.setattr("gateway.store.ledger.time.time", clock)
    return clock


async def named(store: Store, *people: Person, upstream: str = "support") -> None:
    for person in people:
        await store.ledger.user_id(upstream, person, f"{person.org} {person.subject}")


def kept(direct: Direct) -> list[tuple[str, ...]]:
    return direct("SELECT org, upstream, subject FROM users ORDER BY 1, 2, 3")


async def test_whoever_opened_nothing_is_forgotten_when_their_time_is_over(
    store: Store, direct: Direct, came: WoundClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passers_by, "TOGETHER", 3)
    await named(
        store, *(visitor(number) for number in range(7)), Person("globex", visitor(1).subject)
    )
    came.now += 1
    await named(store, visitor(8))
    assert await forget_visitors(store.database, before=CAME, pause=0) == 0
    assert await forget_visitors(store.database, before=CAME + 1, pause=0) == 8
    assert kept(direct) == [("acme", "support", visitor(8).subject)]


async def test_whoever_has_something_and_whoever_signed_in_stays(
    store: Store, direct: Direct
) -> None:
    opened, became, person = visitor(1), visitor(2), Person("acme", "alice")
    alike = Person("acme", "anon_of-the-shape-of-a-person--")
    await named(store, opened, became, person, alike)
    await store.ledger.claim("other", "c-1", opened)
    await store.ledger.become(became, person)
    assert await forget_visitors(store.database, before=CAME + 1, pause=0) == 0
    assert len(kept(direct)) == 4


async def test_one_who_comes_all_the_same_goes_by_the_same_name(store: Store) -> None:
    await named(store, visitor(1))
    assert await forget_visitors(store.database, before=CAME + 1) == 1
    store.ledger.forget(None)
    assert await store.ledger.user_id("support", visitor(1), "x") == "x"


async def test_of_people_who_signed_in_nobody_is_looked_at() -> None:
    steps = plan(PAST, {**FIRST, "before": CAME})
    assert [step for step in steps if " users " in step] == [
        "SEARCH users USING COVERING INDEX visitors_by_time "
        "((first_seen,org,upstream,subject)>(?,?,?,?) AND first_seen<?)"
    ]
