"""What is cut off by an operator or a sign-in, followed while the gateway runs."""

from collections.abc import Callable, Collection
from contextlib import AsyncExitStack, suppress

from gateway.assemble.background import in_background
from gateway.assemble.watched import State, Watched
from gateway.authn.seen import SeenLately
from gateway.core.errors import LedgerUnavailable
from gateway.steps.interrupt import Running
from gateway.store.cutoffs import STALE, Key
from gateway.store.people.admission import people_of
from gateway.store.store import Store


async def follow_cutoffs(
    store: Store,
    running: Running,
    watched: Watched,
    stack: AsyncExitStack,
    *,
    seen: SeenLately,
    tell: Callable[[], None],
) -> None:
    """Know who is cut off from now on, until `stack` closes; and act on each change.

    Answers that are under way to somebody who may speak no longer end. What the ledger remembers
    of them is forgotten, and `tell` is called, for what is only summed up of them so far: it may be
    changed next.
    """
    cutoffs = store.cutoffs

    def changed(keys: Collection[Key] | None) -> None:
        store.ledger.forget(None if keys is None else people_of(keys))
        # Who is let in again is perhaps another by the same name; of the blocked, staff read on.
        seen.forget(people_of([key for key in keys or () if not cutoffs.before(*key)]))
        running.recheck()
        tell()

    def look() -> State:
        age = cutoffs.age
        return State(ok=age is not None and age <= STALE, age=age)

    cutoffs.watch(changed)
    watched.add("blocks", look)
    with suppress(LedgerUnavailable):  # then nobody is let in, until it can be read
        await cutoffs.look()
    in_background(cutoffs.follow(), stack)
