"""Findings → mistakes: each with the file, line and column, or the variable, it comes from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.config.mistake import Finding, Mistake, Path, key_of


class Places(Protocol):
    """Where a configuration came from."""

    def placed(self, findings: Iterable[Finding]) -> list[Mistake]:
        """The findings as mistakes, in the order they stand in the file."""
        ...

    def is_written(self, path: Path) -> bool:
        """Whether what stands at `path` was written into a file."""
        ...


@dataclass(frozen=True)
class InFile:
    """A TOML file; `overlaid` names the environment variable that has set a path since."""

    file: str
    text: str = field(repr=False)
    overlaid: Mapping[Path, str]

    def is_written(self, path: Path) -> bool:
        return self._variable(path) is None

    def placed(self, findings: Iterable[Finding]) -> list[Mistake]:
        every = list(findings)
        if not every:
            return []
        # A parser of 30 ms and 1 MiB, which a configuration without mistakes does not need.
        from gateway.config.positions import nearest, positions

        found = positions(self.text)
        mistakes: list[Mistake] = []
        for one in every:
            variable = self._variable(one.path)
            line, column = (None, None) if variable else nearest(found, one.path) or (1, 1)
            mistakes.append(_mistake(one, variable or self.file, line, column))
        return sorted(mistakes, key=lambda mistake: (mistake.line or 0, mistake.column or 0))

    def _variable(self, path: Path) -> str | None:
        parts = (self.overlaid.get(path[:length]) for length in range(len(path), 0, -1))
        return next((name for name in parts if name is not None), None)


@dataclass(frozen=True)
class InProgram:
    """A mapping a program gave: it has no lines, and its secrets stand in no file."""

    def is_written(self, path: Path) -> bool:
        return False

    def placed(self, findings: Iterable[Finding]) -> list[Mistake]:
        return [_mistake(one, "configuration", None, None) for one in findings]


def _mistake(one: Finding, file: str, line: int | None, column: int | None) -> Mistake:
    return Mistake(file, line, column, one.severity, key_of(one.path), one.message)
