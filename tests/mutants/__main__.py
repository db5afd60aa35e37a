"""Tries the mutants of `gateway/core` and `gateway/authn`, or of the modules named.

    scripts/mutants [--record FILE] [MODULE ...]      e.g. core.pointer authn.jwk

Nothing is written to the source: a mutant lives in one process. The figures and the survivors go
to standard output, and one JSON line for each mutant to FILE.
"""

import argparse
import json
import os
import pickle
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Everything of others that the tests use is read once, before the first fork; nothing of ours.
import anyio.pytest_plugin  # noqa: F401
import cachetools  # noqa: F401
import cryptography.x509  # noqa: F401
import hypothesis
import jwt  # noqa: F401

from tests.mutants.operators import Mutant, mutants
from tests.mutants.trial import Bench, Verdict, forked, when_read

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "authn")
TESTS = ("tests/core", "tests/authn")


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/mutants")
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    parser.add_argument("--record", type=Path, default=Path(os.devnull))
    arguments = parser.parse_args()
    os.chdir(ROOT)
    hypothesis.settings.register_profile(
        "mutants", max_examples=25, derandomize=True, database=None, deadline=None
    )
    hypothesis.settings.load_profile("mutants")
    outcomes = _tried(list(arguments.modules or _modules()))
    with arguments.record.open("w") as record:
        record.writelines(f"{json.dumps(vars(one))}\n" for one in outcomes)
    _report(outcomes)


def _modules() -> Iterator[str]:
    for package in PACKAGES:
        for path in sorted((ROOT / "gateway" / package).glob("*.py")):
            if path.stem != "__init__":
                yield f"{package}.{path.stem}"


@dataclass
class Outcome:
    """What became of one mutant."""

    module: str
    line: int
    what: str
    verdict: str


def _tried(modules: list[str]) -> list[Outcome]:
    """Every mutant of `modules`: what functions do on one bench, what acts on reading in turn."""
    found: list[Outcome] = []
    again: list[tuple[str, Mutant]] = []
    with tempfile.NamedTemporaryFile() as file:
        child = os.fork()
        if not child:
            try:
                Bench(lambda bench: _on_bench(bench, modules, Path(file.name))).run(TESTS)
            finally:
                os._exit(0)  # what the parent has to clean up is not the child's
        os.waitpid(child, 0)
        found, again, tests = pickle.loads(Path(file.name).read_bytes())  # noqa: S301
    for module, mutant in again:
        found.append(_when_read(module, mutant, tests[module]))
    return sorted(found, key=lambda one: (modules.index(one.module), one.line))


def _path(module: str) -> Path:
    return ROOT / "gateway" / f"{module.replace('.', '/')}.py"


def _own_test(module: str) -> str:
    package, _, name = module.partition(".")
    return f"tests/{package}/test_{name}.py"


def _on_bench(bench: Bench, modules: list[str], file: Path) -> None:
    """Try what functions do; what may also act on reading is left for a second look."""
    for name in bench.left_out():
        _say(f"left out, for it fails or is slow: {name}")
    found: list[Outcome] = []
    again: list[tuple[str, Mutant]] = []
    for module in modules:
        path = _path(module)
        for mutant in mutants(path.read_text()):
            if mutant.function is None:
                again.append((module, mutant))
                continue
            tests = bench.reaching(path, mutant.function, _own_test(module))
            verdict = bench.inside(f"gateway.{module}", path, mutant, tests)
            missed = verdict is Verdict.SURVIVED and _runs_at_start(bench, path, mutant.function)
            if missed or verdict is Verdict.UNTRIED:
                again.append((module, mutant))
            else:
                found.append(_outcome(module, mutant, verdict))
    slow = [f"--deselect={name}" for name in bench.left_out()]
    files = {
        module: [*sorted(_neighbours(module) | bench.files_reaching(_path(module))), *slow]
        for module in modules
    }
    file.write_bytes(pickle.dumps((found, again, files)))


def _neighbours(module: str) -> set[str]:
    """The test files of the modules that import this one: a table may be theirs to use."""
    name = re.compile(rf"gateway\.{module}\b|from gateway\.core import .*\b{module[5:]}\b")
    tests = {_own_test(other) for other in _modules() if name.search(_path(other).read_text())}
    return {one for one in tests if (ROOT / one).exists()}


def _runs_at_start(bench: Bench, path: Path, function: str) -> bool:
    return (str(path), function) in bench.reach.at_start


def _when_read(module: str, mutant: Mutant, tests: list[str]) -> Outcome:
    """The module's own tests first, then all that reach it: most mutants need only the former."""
    own, path = _own_test(module), _path(module)
    verdict = Verdict.SURVIVED
    if own in tests:
        first = [own, *(one for one in tests if one.startswith("--"))]
        verdict = forked(lambda: when_read(f"gateway.{module}", path, mutant, first))
    if verdict is Verdict.SURVIVED:
        verdict = forked(lambda: when_read(f"gateway.{module}", path, mutant, tests))
    return _outcome(module, mutant, verdict)


def _outcome(module: str, mutant: Mutant, verdict: Verdict) -> Outcome:
    if verdict is Verdict.SURVIVED:
        _say(f"survived: {module}:{mutant.line} {mutant.what}")
    return Outcome(module, mutant.line, mutant.what, verdict.name.lower())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _report(outcomes: list[Outcome]) -> None:
    _say(f"{'module':20}" + "".join(f"{one.name.lower():>11}" for one in Verdict) + "    dead")
    for package in PACKAGES:
        ours = [one for one in outcomes if one.module.startswith(f"{package}.")]
        for module in dict.fromkeys(one.module for one in ours):
            _row(module, [one for one in ours if one.module == module])
        _row(package, ours)
    _row("all", outcomes)


def _row(name: str, outcomes: list[Outcome]) -> None:
    """Figures of a module; a mutant that cannot be read at all counts neither way."""
    counts = Counter(one.verdict for one in outcomes)
    dead = counts["killed"] + counts["timed_out"]
    share = 100 * dead / max(1, dead + counts["survived"])
    figures = "".join(f"{counts[one.name.lower()]:11}" for one in Verdict)
    _say(f"{name:20}{figures}{share:7.1f}%")


if __name__ == "__main__":
    main()
