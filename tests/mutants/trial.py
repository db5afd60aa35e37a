"""One mutant, one forked process: the tests that reach it run until one of them fails.

A change inside a function is put into the running module, after pytest has collected everything: a
mutant then costs its tests' time and no more. What acts when a module is read (tables, defaults,
class attributes) is tried in a process that has read none of our modules yet.

A test may take ten times its own processor time and a second: then the mutant counts as one that
loops. Tests slower than `SLOW` are left out, and Hypothesis tries few examples, always the same.
"""

import functools
import importlib
import importlib.abc
import importlib.machinery
import inspect
import os
import pickle
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import pytest

from tests.mutants.operators import Mutant

SLOW = 3.0  # seconds


class Verdict(Enum):
    """What became of a mutant."""

    KILLED = 0
    SURVIVED = 1
    TIMED_OUT = 2
    STILLBORN = 3  # it cannot be read as a module, so that nobody could have overlooked it
    UNTRIED = 4  # it could not be put in place


@dataclass(frozen=True, slots=True)
class Reach:
    """The tests' own time in seconds, and which of our functions each one enters."""

    seconds: dict[str, float]
    entered: dict[str, frozenset[tuple[str, str]]]
    at_start: frozenset[tuple[str, str]]  # functions that ran when the tests were collected


def forked(act: Callable[[], Verdict]) -> Verdict:
    """The verdict of `act`, in a process of its own; it may be ended by its timer or by hand."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        os._exit(_quietly(act).value)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return Verdict.TIMED_OUT if os.WTERMSIG(status) == signal.SIGVTALRM else Verdict.KILLED
    return Verdict(os.WEXITSTATUS(status))


def _quietly(act: Callable[[], Verdict]) -> Verdict:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    try:
        return act()
    except BaseException:  # noqa: BLE001
        return Verdict.UNTRIED


def _allow(seconds: float) -> None:
    signal.signal(signal.SIGVTALRM, signal.SIG_DFL)  # ends the process, even within a pattern
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)


def _pytest(arguments: Iterable[str], *plugins: object) -> int:
    with tempfile.TemporaryDirectory() as folder:
        own = ["-q", "-x", "-s", "--tb=no", "-p", "no:cacheprovider", f"--basetemp={folder}/t"]
        own += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # plugins were read before
        return int(pytest.main([*own, *arguments], plugins=list(plugins)))


def when_read(name: str, path: Path, mutant: Mutant, tests: Iterable[str]) -> Verdict:
    """Try a mutant that acts when module `name` is read. Nothing of ours may be imported yet."""
    try:
        code = compile(mutant.tree, str(path), "exec")
    except (SyntaxError, TypeError, ValueError):
        return Verdict.STILLBORN
    sys.meta_path.insert(0, _Finder(name, path, code))
    _allow(120)
    try:
        importlib.import_module(name)
    except Exception:  # noqa: BLE001
        return Verdict.STILLBORN
    status = _pytest(tests)
    return Verdict.SURVIVED if status == pytest.ExitCode.OK else Verdict.KILLED


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module, as `code` has it."""

    def __init__(self, name: str, path: Path, code: CodeType) -> None:
        self._name, self._path, self._code = name, path, code

    def find_spec(
        self, fullname: str, path: object, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, origin=str(self._path))

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self._path)
        exec(self._code, module.__dict__)  # noqa: S102


class Bench:
    """A pytest plugin: instead of running the collected tests once, tries mutants upon them."""

    def __init__(self, work: Callable[["Bench"], None]) -> None:
        self._work = work
        self._watch = _Watch()
        self._items: dict[str, pytest.Item] = {}
        self.reach: Reach

    def run(self, tests: Iterable[str]) -> None:
        """Collect `tests`, then do the work given."""
        sys.settrace(self._watch)
        _pytest(tests, self)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        sys.settrace(None)
        self._items = {item.nodeid: item for item in session.items}
        self.reach = self._measure(session, self._watch.take())
        self._work(self)
        return True

    def _measure(self, session: pytest.Session, at_start: frozenset[tuple[str, str]]) -> Reach:
        """Each test once, watched, in a child: nothing of it stays behind."""
        with tempfile.NamedTemporaryFile() as file:
            forked(lambda: self._measured(session, at_start, Path(file.name)))
            reach: Reach = pickle.loads(Path(file.name).read_bytes())  # noqa: S301
        return reach

    def _measured(
        self, session: pytest.Session, at_start: frozenset[tuple[str, str]], file: Path
    ) -> Verdict:
        seconds, entered = {}, {}
        for name, item in self._items.items():
            failed = session.testsfailed
            began = time.process_time()
            sys.settrace(self._watch)
            _run(item, None)
            sys.settrace(None)
            took = time.process_time() - began
            reached = self._watch.take()
            if session.testsfailed == failed and took < SLOW:
                seconds[name], entered[name] = took, reached
        file.write_bytes(pickle.dumps(Reach(seconds, entered, at_start)))
        return Verdict.SURVIVED

    def left_out(self) -> list[str]:
        """Tests that fail or are slow even without a mutant."""
        return [name for name in self._items if name not in self.reach.seconds]

    def files_reaching(self, path: Path) -> set[str]:
        """The test files in which a test enters any function of the module at `path`."""
        return {
            name.partition("::")[0]
            for name, entered in self.reach.entered.items()
            if any(file == str(path) for file, _ in entered)
        }

    def reaching(self, path: Path, function: str, own: str) -> list[str]:
        """The tests that enter `function`, the module's own and the quick ones first."""
        where = (str(path), function)
        found = [name for name, entered in self.reach.entered.items() if where in entered]
        return sorted(found, key=lambda name: (own not in name, self.reach.seconds[name]))

    def inside(self, module: str, path: Path, mutant: Mutant, tests: list[str]) -> Verdict:
        """Try a mutant of a function's body."""
        return forked(lambda: self._try(module, path, mutant, tests))

    def _try(self, module: str, path: Path, mutant: Mutant, tests: list[str]) -> Verdict:
        try:
            code = compile(mutant.tree, str(path), "exec")
        except (SyntaxError, TypeError, ValueError):
            return Verdict.STILLBORN
        loaded = importlib.import_module(module)
        function = _function(loaded, mutant.function or "")
        function.__code__ = _code(code, mutant.function or "", mutant.first_line)
        _forget()
        return self._verdict([self._items[name] for name in tests])

    def _verdict(self, items: list[pytest.Item]) -> Verdict:
        for item, following in zip(items, [*items[1:], None], strict=True):
            _allow(1 + 10 * self.reach.seconds[item.nodeid])
            try:
                _run(item, following)
            except BaseException:  # noqa: BLE001  # a mutant may break even the way a test fails
                return Verdict.KILLED
            if item.session.testsfailed:
                return Verdict.KILLED
        return Verdict.SURVIVED


def _run(item: pytest.Item, following: pytest.Item | None) -> None:
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


class _Watch:
    """Notes which functions of the package are entered."""

    def __init__(self) -> None:
        self._seen: set[CodeType] = set()

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        self._seen.add(frame.f_code)

    def take(self) -> frozenset[tuple[str, str]]:
        seen = frozenset(
            (code.co_filename, code.co_qualname.partition(".<locals>")[0])
            for code in self._seen
            if "/gateway/" in code.co_filename
        )
        self._seen.clear()
        return seen


def _function(module: ModuleType, name: str) -> FunctionType:
    found: Any = module
    for part in name.split("."):
        found = inspect.getattr_static(found, part)
    if isinstance(found, property):
        found = found.fget
    elif isinstance(found, functools.cached_property):
        found = found.func
    elif isinstance(found, (staticmethod, classmethod)):
        found = found.__func__
    function: FunctionType = inspect.unwrap(found)
    return function


def _code(module: CodeType, name: str, first_line: int) -> CodeType:
    return next(
        code
        for code in _codes(module)
        if code.co_qualname == name and code.co_firstlineno == first_line
    )


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _forget() -> None:
    """Empty what our modules remember: it came from the function as it was."""
    for name, module in list(sys.modules.items()):
        if name.startswith("gateway."):
            for value in vars(module).values():
                if isinstance(value, functools._lru_cache_wrapper):
                    value.cache_clear()
