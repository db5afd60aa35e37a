"""Another gateway's process on the same store: python -m tests.store.worker URL WORK ARGUMENT.

Prints one line for each thing it did. Its clocks never run out: a claim that was given up on a busy
machine would say nothing of who won, nor of what a kill has taken along.
"""

import asyncio
import itertools
import resource
import signal
import sys
from pathlib import Path

from gateway.core.errors import LedgerUnavailable
from gateway.core.people.identity import Person
from gateway.store.store import Store
from tests.store.clocks import CLOCKS, LONG


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def largest(path: str) -> int:
    """The bytes that no file of the store has more of."""
    return max(Path(path).stat().st_size, Path(path + "-wal").stat().st_size)


async def opens(store: Store, _: str) -> None:
    """Just open it; say the secret."""
    say((await store.identity_secret()).hex())


async def claims_for_ever(store: Store, start: str) -> None:
    """Claim conversations, eight at a time, and name each as soon as its claim has returned."""

    async def claim() -> None:
        for number in numbers:
            if await store.ledger.claim("support", f"c-{number}", Person("acme", "alice")):
                say(f"c-{number}")

    numbers = itertools.count(int(start))
    await asyncio.gather(*(claim() for _ in range(8)))


async def races(store: Store, subject: str) -> None:
    """Claim one conversation 50 times at once; say how many were told that it is theirs."""
    say("ready")
    await asyncio.to_thread(sys.stdin.readline)
    claim = store.ledger.claim
    wins = await asyncio.gather(
        *(claim("support", "wanted", Person("acme", subject)) for _ in range(50))
    )
    say(sum(wins))


async def fills_the_disk(store: Store, path: str) -> None:
    """Claim until no byte more can be written; then read, make room, and claim again."""
    ledger, alice = store.ledger, Person("acme", "alice")
    await ledger.claim("support", "before", alice)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest(path), most))
    try:
        for number in range(1000):
            await ledger.claim("support", f"full-{number}", alice)
    except LedgerUnavailable:
        say("full")
    say(await ledger.owner("acme", "support", "before"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    say(await ledger.claim("support", "after", alice))


WORK = {work.__name__: work for work in (opens, claims_for_ever, races, fills_the_disk)}


async def main(url: str, work: str, argument: str = "") -> None:
    for module, name in CLOCKS:
        setattr(module, name, LONG)
    store = await Store.open(url)
    await WORK[work](store, argument)
    await store.aclose()


asyncio.run(main(*sys.argv[1:]))
