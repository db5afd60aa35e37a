"""One mutant, one forked process: the tests that reach it run until one of them fails.

A change inside a function is put into the running module, after pytest has collected everything: a
mutant then costs its tests' time and no more. What acts when a module is read (tables, defaults,
class attributes) is tried in a process that has read none of our modules yet.

Tests slower than `SLOW` are left out, and Hypothesis tries few examples, always the same.
"""

import contextlib
import functools
import gc
import importlib
import importlib.abc
import importlib.machinery
import inspect
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import pytest

from tests.mutants.operators import Mutant
from tests.mutants.pool import Act, Tell, Verdict, allow, trials

SLOW = 6.0  # seconds, while it is watched
OURS = ("gateway", "tests", "__main__")


@dataclass(frozen=True, slots=True)
class Reach:
    """The tests' own time in seconds, and which of our functions each one enters."""

    seconds: dict[str, float]
    entered: dict[str, frozenset[tuple[str, str]]]
    at_start: frozenset[tuple[str, str]]  # functions that ran when the tests were collected
    libraries: tuple[str, ...]  # modules of others that were read in the end, the first one first


def _pytest(arguments: Iterable[str], *plugins: object) -> int:
    with tempfile.TemporaryDirectory() as folder:
        own = [
            "-q",
            "-x",
            "-s",
            "--tb=no",
            "--timeout=0",
            "-p",
            "no:cacheprovider",
            f"--basetemp={folder}/t",
        ]
        own += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # plugins were read before
        own += ["-p", "anyio", "-p", "_hypothesis_pytestplugin", "-p", "pytest_timeout"]
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # a second for each process
        return int(pytest.main([*own, *arguments], plugins=list(plugins)))


def read(libraries: Iterable[str]) -> None:
    """Read what is of others once, before the forks: that is most of what a trial costs.

    A collection of garbage in a fork would copy all memory that it looks at.
    """
    for name in libraries:
        with contextlib.suppress(Exception):  # it wants to be set up first, by those who use it
            importlib.import_module(name)
    gc.freeze()


def when_read(
    name: str, path: Path, mutant: Mutant, tests: Iterable[str], seconds: float, tell: Tell
) -> None:
    """Try a module that is read as `mutant` has it. Nothing of ours may be imported yet."""
    tell(Verdict.STILLBORN, "")
    sys.meta_path.insert(0, _Finder(name, path, compile(mutant.tree, str(path), "exec")))
    allow(10 + seconds)
    importlib.import_module(name)
    _pytest(tests, _Telling(tell))


class _Telling:
    """A pytest plugin: tells which test runs, and how it all ended."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._at = ""
        tell(Verdict.KILLED, "collection")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._at = nodeid
        self._tell(Verdict.KILLED, nodeid)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        ended = Verdict.KILLED if exitstatus else Verdict.SURVIVED
        self._tell(ended, self._at if exitstatus else "")


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
        read(self.reach.libraries)
        self._work(self)
        return True

    def _measure(self, session: pytest.Session, at_start: frozenset[tuple[str, str]]) -> Reach:
        """Each test once, watched, in a child: nothing of it stays behind."""
        with tempfile.NamedTemporaryFile() as file:
            act = functools.partial(self._measured, session, at_start, Path(file.name))
            list(trials([(None, act)], 1))
            reach: Reach = pickle.loads(Path(file.name).read_bytes())  # noqa: S301
        return reach

    def _measured(
        self,
        session: pytest.Session,
        at_start: frozenset[tuple[str, str]],
        file: Path,
        tell: Tell,
    ) -> None:
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
        libraries = tuple(name for name in sys.modules if not name.startswith(OURS))
        file.write_bytes(pickle.dumps(Reach(seconds, entered, at_start, libraries)))

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

    def waiting(self) -> frozenset[str]:
        """The tests that wait for something, a socket or a clock: a busy machine may fail them."""
        return frozenset(
            name
            for name, item in self._items.items()
            if inspect.iscoroutinefunction(getattr(item, "obj", None))
        )

    def seconds(self, files: Iterable[str]) -> float:
        """How long the tests in `files` take by themselves."""
        these = set(files)
        return sum(
            took for name, took in self.reach.seconds.items() if name.partition("::")[0] in these
        )

    def inside(self, module: str, path: Path, mutant: Mutant, tests: list[str]) -> Act:
        """Try a mutant of a function's body."""
        return functools.partial(self._try, module, path, mutant, tests)

    def _try(self, module: str, path: Path, mutant: Mutant, tests: list[str], tell: Tell) -> None:
        tell(Verdict.STILLBORN, "")
        code = compile(mutant.tree, str(path), "exec")
        tell(Verdict.UNTRIED, "")
        loaded = importlib.import_module(module)
        function = _function(loaded, mutant.function or "")
        function.__code__ = _code(code, mutant.function or "", mutant.first_line)
        _forget()
        items = [self._items[name] for name in tests]
        for item, following in zip(items, [*items[1:], None], strict=False):
            tell(Verdict.KILLED, item.nodeid)  # a mutant may break even the way a test fails
            allow(self.reach.seconds[item.nodeid])
            _run(item, following)
            if item.session.testsfailed:
                return
        tell(Verdict.SURVIVED, "")


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
