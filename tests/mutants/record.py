"""What became of each mutant, in a file that a later run goes on from, and the figures."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.mutants.pool import Verdict

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One mutant of a module, and its end."""

    module: str
    number: int  # among the module's mutants
    line: int
    what: str
    for_people: bool
    verdict: str
    by: str  # the test that failed
    source: str  # of the module, as a digest
    tests: str  # of all tests, as a digest


class Record:
    """A file of outcomes, one a line.

    What is dead stays dead while its module is unchanged; what survived is tried again when any
    test has changed.
    """

    def __init__(self, file: Path, *, sources: dict[str, str], tests: str) -> None:
        self._sources, self._tests = sources, tests
        text = file.read_text() if file.exists() else ""
        *lines, cut = text.split("\n")
        if cut:  # the run was ended within a line
            file.write_text(text.removesuffix(cut))
        read = [Outcome(**json.loads(line)) for line in lines]
        self._known = {(one.module, one.number): one for one in read if self._holds(one)}
        self._file = file

    def _holds(self, outcome: Outcome) -> bool:
        if self._sources.get(outcome.module) != outcome.source:
            return False
        dead = outcome.verdict != Verdict.SURVIVED.name and outcome.number >= 0
        return dead or outcome.tests == self._tests

    def __contains__(self, key: Key) -> bool:
        return key in self._known

    def add(self, outcome: Outcome) -> None:
        """Write it down at once: a run that is interrupted loses nothing."""
        self.learn([outcome])
        with self._file.open("a") as file:
            file.write(f"{json.dumps(asdict(outcome))}\n")

    def learn(self, outcomes: Iterable[Outcome]) -> None:
        """Know what another process of this run has written down."""
        self._known.update({(one.module, one.number): one for one in outcomes})

    def outcomes(self) -> list[Outcome]:
        """All that holds, in the order of modules and lines."""
        order = list(self._sources)
        return sorted(
            self._known.values(), key=lambda one: (order.index(one.module), one.line, one.number)
        )


def digest(paths: Iterable[Path]) -> str:
    """The same for the same content."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()[:16]


def report(outcomes: list[Outcome], packages: Iterable[str]) -> Iterator[str]:
    """The table of figures: what behaves, and beside it what only people read."""
    controls = [one for one in outcomes if one.number < 0]
    for one in controls:
        if one.verdict != Verdict.SURVIVED.name:
            yield f"void: {one.module} unchanged does not pass {one.by}"
    outcomes = [one for one in outcomes if one.number >= 0]
    yield _line("module", [*(one.name.lower().replace("_", " ") for one in Verdict), "dead %"])
    yield _line("---", ["--:"] * (len(Verdict) + 1))
    behaviour = [one for one in outcomes if not one.for_people]
    for package in packages:
        ours = [one for one in behaviour if one.module.startswith(f"{package}.")]
        for module in dict.fromkeys(one.module for one in ours):
            yield _row(module, [one for one in ours if one.module == module])
        yield _row(package, ours)
    yield _row("**behaviour**", behaviour)
    yield _row("texts for people", [one for one in outcomes if one.for_people])
    yield _row("all", outcomes)


def _row(name: str, outcomes: list[Outcome]) -> str:
    """Figures of a module; a mutant that cannot be read at all counts neither way."""
    counts = Counter(one.verdict for one in outcomes)
    dead = counts[Verdict.KILLED.name] + counts[Verdict.TIMED_OUT.name]
    told = dead + counts[Verdict.SURVIVED.name] + counts[Verdict.UNTRIED.name]
    share = f"{100 * dead / told:.1f}" if told else "-"
    return _line(name, [*(str(counts[one.name]) for one in Verdict), share])


def _line(name: str, cells: list[str]) -> str:
    return f"| {name:<18}| " + " | ".join(f"{cell:>9}" for cell in cells) + " |"
