"""A bar on a terminal, and nothing elsewhere: what is piped into a file or a log has none."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias, TypeVar

import typer

Item = TypeVar("Item")
Told: TypeAlias = Callable[[int, int], None]  # how many are done, and how many there are


def each(items: Sequence[Item], label: str) -> Iterator[Item]:
    """The items, one after another; the bar says how many of them were taken."""
    if not sys.stderr.isatty():
        yield from items
        return
    with typer.progressbar(items, label=label, file=sys.stderr) as bar:
        yield from bar


@contextmanager
def counted(label: str) -> Iterator[Told]:
    """What is told how many are done, and how many there are: that may change meanwhile."""
    if not sys.stderr.isatty():
        yield lambda done, all_of_them: None
        return
    with typer.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def report(done: int, all_of_them: int) -> None:
            bar.length = max(all_of_them, 1)
            bar.update(done - bar.pos)

        yield report
