import pytest

from gateway.core.people.identity import Person
from gateway.store.listings import conversations_of, events_of
from gateway.store.reading import each, page
from gateway.store.reports import Filter
from gateway.store.store import Store
from tests.store.plans import plan
from tests.store.trails import DAY, event, put

pytestmark = pytest.mark.anyio


@pytest.fixture
async def full(store: Store) -> Store:
    for org, upstream, conversation, who in (
        ("acme", "support", "c-1", "visitor"),
        ("acme", "support", "c-2", "bob"),
        ("acme", "docs", "c-1", "alice"),
        ("globex", "support", "c-1", "alice"),
    ):
        await store.ledger.claim(upstream, conversation, Person(org, who))
    await store.ledger.become(Person("acme", "visitor"), Person("acme", "alice"))
    await put(store.database, event(1), event(2, actor="bob"), event(3, subject="bob", day=DAY + 1))
    await put(store.database, event(4, org="globex"))
    return store


async def owned(store: Store, asked: Filter) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    await each(
        store.database,
        conversations_of(asked),
        lambda row: found.append(tuple(row[name] for name in ("org", "upstream", "conversation"))),
    )
    return found


async def test_conversations_are_listed_by_org_upstream_and_name(full: Store) -> None:
    assert await owned(full, Filter()) == [
        ("acme", "docs", "c-1"),
        ("acme", "support", "c-1"),
        ("acme", "support", "c-2"),
        ("globex", "support", "c-1"),
    ]
    assert await owned(full, Filter(org="globex")) == [("globex", "support", "c-1")]
    assert await owned(full, Filter(since=1)) == await owned(full, Filter())
    assert await owned(full, Filter(until=1)) == []


async def test_a_persons_conversations_are_those_of_whoever_became_them(full: Store) -> None:
    assert await owned(full, Filter(org="acme", user="alice")) == [
        ("acme", "docs", "c-1"),
        ("acme", "support", "c-1"),
    ]


async def test_conversations_come_in_pages(full: Store) -> None:
    listing = conversations_of(Filter())
    first = await page(full.database, listing, None, 3)
    assert len(first) == 4
    after = [first[2][name] for name in listing.keys]
    assert [row["org"] for row in await page(full.database, listing, after, 3)] == ["globex"]


async def seen(store: Store, asked: Filter) -> list[str]:
    found: list[str] = []
    take = found.append
    await each(store.database, events_of(asked), lambda row: take(row["conversation"]))
    return found


async def test_events_are_listed_by_time(full: Store) -> None:
    assert await seen(full, Filter()) == ["c-1", "c-2", "c-4", "c-3"]
    assert await seen(full, Filter(org="globex")) == ["c-4"]
    assert await seen(full, Filter(since=(DAY + 1) * 86_400_000)) == ["c-3"]
    assert await seen(full, Filter(until=(DAY + 1) * 86_400_000)) == ["c-1", "c-2", "c-4"]


async def test_a_persons_events_are_those_about_them_and_those_they_did(full: Store) -> None:
    assert await seen(full, Filter(user="bob")) == ["c-2", "c-3"]
    after = (await page(full.database, events_of(Filter()), None, 1))[0]["id"]
    assert len(await page(full.database, events_of(Filter()), [after], 10)) == 3


@pytest.mark.parametrize("user", [None, "alice"])
@pytest.mark.parametrize("org", [None, "acme"])
@pytest.mark.parametrize("backwards", [False, True])
def test_lately_is_not_looked_for_in_all_that_an_org_ever_did(
    org: str | None, user: str | None, backwards: bool
) -> None:
    """Of a million events: 0.9 s by the org, 5 ms by the time."""
    lately = events_of(Filter(org=org, user=user, since=1_795_000_000_000))
    (step,) = plan(lately.after(None, 51, backwards=backwards), {})
    assert step.endswith("(id>?)")
