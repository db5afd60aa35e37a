"""Tries the mutants of `gateway/core` and `gateway/authn`, or of the modules named.

    scripts/mutants [--record FILE] [--jobs N] [--sample N] [MODULE ...]   e.g. core.formats.pointer

Nothing is written to the source: a mutant lives in one process. Survivors and figures go to
standard output, and one JSON line for each mutant to FILE, from which a later run goes on.
"""

import argparse
import ast
import functools
import os
import pickle
import random
import re
import sys
import tempfile
import time
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import _hypothesis_pytestplugin  # type: ignore[import-untyped] # noqa: F401 - before it is warm
import hypothesis
from hypothesis import strategies as st

from tests.mutants.doubt import sure
from tests.mutants.operators import Mutant, mutants
from tests.mutants.pool import Act, Result, Verdict
from tests.mutants.record import Outcome, Record, digest, report
from tests.mutants.trial import Bench, read, when_read

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "authn")
TESTS = ("tests/core", "tests/authn")
OPERATORS = Path(__file__).with_name("operators.py")
CONTROL = -1  # the number of the change that changes nothing: it has to survive


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/mutants")
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    parser.add_argument("--record", type=Path, default=Path(os.devnull))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sample", type=int, help="of those that act on reading, N at random")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    hypothesis.settings.register_profile(
        "mutants",
        max_examples=25,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],  # a busy machine is no death
    )
    hypothesis.settings.load_profile("mutants")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hypothesis.errors.HypothesisSideeffectWarning)
        _warm()
    modules = list(arguments.modules or _modules())
    sources = {module: digest([_path(module), OPERATORS]) for module in modules}
    tests = digest(sorted(path for folder in TESTS for path in Path(folder).rglob("*.py")))
    record = Record(arguments.record, sources=sources, tests=tests)
    run = Run(record, sources, tests, arguments.jobs, arguments.sample)
    run.all()
    sys.stdout.writelines(f"{line}\n" for line in report(record.outcomes(), PACKAGES))


@hypothesis.given(st.text(), st.binary())
def _warm(text: str, content: bytes) -> None:
    """Hypothesis makes its table of all characters at first use: here, not in every process."""


def _modules() -> Iterator[str]:
    for package in PACKAGES:
        for path in sorted((ROOT / "gateway" / package).rglob("*.py")):
            if path.stem != "__init__":
                yield ".".join(path.relative_to(ROOT / "gateway").with_suffix("").parts)


def _path(module: str) -> Path:
    return ROOT / "gateway" / f"{module.replace('.', '/')}.py"


def _own_test(module: str) -> str:
    package, _, name = module.rpartition(".")
    return f"tests/{package.replace('.', '/')}/test_{name}.py"


@dataclass(frozen=True, slots=True)
class _Case:
    module: str
    number: int
    mutant: Mutant


def _cases(module: str) -> Iterator[_Case]:
    """The control, then the mutants."""
    source = _path(module).read_text()
    made = list(mutants(source))
    function, line = next(
        ((one.function, one.first_line) for one in made if one.function), (None, 0)
    )
    tree = ast.parse(source)
    yield _Case(module, CONTROL, Mutant(0, "nothing", function, line, False, tree, (), tree))
    for number, mutant in enumerate(made):
        yield _Case(module, number, mutant)


@dataclass(frozen=True, slots=True)
class _Files:
    """For a module: its own tests first, then every test file that reaches it, and their time."""

    own: list[str]
    all: list[str]
    own_seconds: float
    all_seconds: float


class Run:
    """One pass over the mutants that the record does not know yet."""

    def __init__(
        self, record: Record, sources: dict[str, str], tests: str, jobs: int, sample: int | None
    ) -> None:
        self._record, self._sources, self._tests, self._jobs = record, sources, tests, jobs
        self._cases = [
            case
            for module in sources
            for case in _cases(module)
            if (module, case.number) not in record
        ]
        self._sample = sample
        self._began = time.monotonic()
        self._done = 0

    def all(self) -> None:
        """What functions do on one bench, then what acts on reading, each in a new process."""
        if not self._cases:
            return
        with tempfile.NamedTemporaryFile() as file:
            child = os.fork()
            if not child:
                try:
                    Bench(functools.partial(self._on_bench, Path(file.name))).run(TESTS)
                finally:
                    os._exit(0)  # what the parent has to clean up is not the child's
            os.waitpid(child, 0)
            found = pickle.loads(Path(file.name).read_bytes())  # noqa: S301
        outcomes, left, files, waiting, libraries = found
        self._record.learn(outcomes)
        self._done = len(self._cases) - len(left)
        if self._sample is not None and self._sample < len(left):
            _say(f"of {len(left)} that act on reading, {self._sample} are tried")
            left = random.Random(0).sample(left, self._sample)  # noqa: S311 - the same each time
        read(libraries)
        self._when_read(left, files, waiting)

    def _on_bench(self, file: Path, bench: Bench) -> None:
        """Try what functions do; what may also act on reading is left for a second look."""
        for name in bench.left_out():
            _say(f"left out, for it fails or is slow: {name}")
        left = [i for i, case in enumerate(self._cases) if case.mutant.function is None]
        inside = [i for i, case in enumerate(self._cases) if case.mutant.function is not None]
        waiting = bench.waiting()
        outcomes = []
        trial = functools.partial(self._on_this, bench)
        for index, result in sure(inside, trial, waiting.__contains__, self._jobs):
            case = self._cases[index]
            at_start = (str(_path(case.module)), case.mutant.function) in bench.reach.at_start
            missed = result.verdict is Verdict.SURVIVED and (at_start or case.number == CONTROL)
            if missed or result.verdict is Verdict.UNTRIED:
                left.append(index)
            else:
                outcomes.append(self._end(case, result))
        modules = {self._cases[index].module for index in left}
        files = {module: _files(bench, module) for module in modules}
        file.write_bytes(
            pickle.dumps((outcomes, sorted(left), files, waiting, bench.reach.libraries))
        )

    def _on_this(self, bench: Bench, index: int, only: str | None, but: Collection[str]) -> Act:
        case = self._cases[index]
        path = _path(case.module)
        tests = bench.reaching(path, case.mutant.function or "", _own_test(case.module))
        chosen = [only] if only else [name for name in tests if name not in but]
        return bench.inside(f"gateway.{case.module}", path, case.mutant, chosen)

    def _when_read(
        self, left: list[int], files: dict[str, _Files], waiting: frozenset[str]
    ) -> None:
        """The module's own tests first, then all that reach it: most need only the former."""
        again = []
        own = functools.partial(self._reading, files, True)
        for index, result in sure(left, own, waiting.__contains__, self._jobs):
            if result.verdict is Verdict.SURVIVED:
                again.append(index)
            else:
                self._end(self._cases[index], result)
        every = functools.partial(self._reading, files, False)
        for index, result in sure(again, every, waiting.__contains__, self._jobs):
            self._end(self._cases[index], result)

    def _reading(
        self,
        files: dict[str, _Files],
        own: bool,
        index: int,
        only: str | None,
        but: Collection[str],
    ) -> Act:
        case = self._cases[index]
        its = files[case.module]
        tests = [only] if only else its.own if own else its.all
        if all(name.startswith("--") for name in tests):
            return lambda tell: tell(Verdict.SURVIVED, "")  # no test reaches it
        return functools.partial(
            when_read,
            f"gateway.{case.module}",
            _path(case.module),
            case.mutant,
            [*tests, *(f"--deselect={name}" for name in but)],
            its.own_seconds if own else its.all_seconds,
        )

    def _end(self, case: _Case, result: Result) -> Outcome:
        mutant = case.mutant
        outcome = Outcome(
            case.module,
            case.number,
            mutant.line,
            mutant.what,
            mutant.for_people,
            result.verdict.name,
            result.by,
            self._sources[case.module],
            self._tests,
        )
        self._record.add(outcome)
        if (result.verdict in {Verdict.SURVIVED, Verdict.UNTRIED}) != (case.number == CONTROL):
            kind = " (text)" if mutant.for_people else ""
            _say(f"{outcome.verdict.lower()}{kind}: {case.module}:{mutant.line} {mutant.what}")
        self._done += 1
        self._progress(case.module)
        return outcome

    def _progress(self, module: str) -> None:
        if sys.stderr.isatty():
            passed = time.monotonic() - self._began
            left = passed / self._done * (len(self._cases) - self._done) / 60
            line = f"{self._done} of {len(self._cases)}, {module}, {left:.0f} min to go"
            sys.stderr.write(f"\r\033[K{line}")


def _files(bench: Bench, module: str) -> _Files:
    own = [_own_test(module)] if (ROOT / _own_test(module)).exists() else []
    others = (_neighbours(module) | bench.files_reaching(_path(module))) - set(own)
    every = [*own, *sorted(others)]
    slow = [f"--deselect={name}" for name in bench.left_out()]
    return _Files(
        [*(own or every), *slow], [*every, *slow], bench.seconds(own or every), bench.seconds(every)
    )


def _neighbours(module: str) -> set[str]:
    """The test files of the modules that import this one: a table may be theirs to use."""
    package, _, name = module.rpartition(".")
    reading = re.compile(
        rf"gateway\.{package}\.{name}\b|from gateway\.{package} import .*\b{name}\b"
    )
    tests = {_own_test(other) for other in _modules() if reading.search(_path(other).read_text())}
    return {one for one in tests if (ROOT / one).exists()}


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
