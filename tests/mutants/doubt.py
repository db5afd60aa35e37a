"""A death is believed when no busy machine can have caused it.

A test that waits for a socket, or a clock that ran out, may fail by itself at times. Such a death
is tried once more, by that one test; where the mutant then lives, all is tried again without it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeVar

from tests.mutants.pool import Act, Result, Verdict, trials

T = TypeVar("T")
# A trial of a mutant by one test alone, or by all but some.
Trial = Callable[[T, str | None, Collection[str]], Act]
_DEATHS = {Verdict.KILLED, Verdict.TIMED_OUT}


def sure(
    keys: Iterable[T], trial: Trial[T], waits: Callable[[str], bool], jobs: int
) -> Iterator[tuple[T, Result]]:
    """The results of a trial of each key; `waits` says which tests wait for something."""
    blamed: dict[T, set[str]] = {}
    again = list(keys)
    while again:
        doubtful: dict[T, str] = {}
        acts = ((key, trial(key, None, blamed.get(key, ()))) for key in again)
        for key, result in trials(acts, jobs):
            timed_out = result.verdict is Verdict.TIMED_OUT
            if result.verdict in _DEATHS and result.by and (timed_out or waits(result.by)):
                doubtful[key] = result.by
            else:
                yield key, result
        again = []
        for key, result in trials(
            ((key, trial(key, by, ())) for key, by in doubtful.items()), jobs
        ):
            if result.verdict in _DEATHS:
                yield key, result
            else:
                blamed.setdefault(key, set()).add(doubtful[key])
                again.append(key)
