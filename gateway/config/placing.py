"""Findings → mistakes: each with the file, line and column, or the variable, it comes from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.config.mistake import Finding, Mistake, Path, key_of
from gateway.config.toml_file import Text

Included = Mapping[str, Text]  # by the name of the org that stands there


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
    included: Included = field(default_factory=dict, repr=False)

    def is_written(self, path: Path) -> bool:
        return self._variable(path) is None

    def placed(self, findings: Iterable[Finding]) -> list[Mistake]:
        own, others = _by_home(findings, self.included)
        mistakes = _in_text(Text(self.file, self.text), own, self._variable)
        for home, its in others:
            mistakes += _in_text(home, its, self._variable)
        return mistakes

    def _variable(self, path: Path) -> str | None:
        parts = (self.overlaid.get(path[:length]) for length in range(len(path), 0, -1))
        return next((name for name in parts if name is not None), None)


@dataclass(frozen=True)
class InProgram:
    """A mapping a program gave: it has no lines, and its secrets stand in no file."""

    included: Included = field(default_factory=dict, repr=False)

    def is_written(self, path: Path) -> bool:
        return _home(path, self.included) is not None

    def placed(self, findings: Iterable[Finding]) -> list[Mistake]:
        own, others = _by_home(findings, self.included)
        mistakes = [_mistake(finding, "configuration", None, None) for finding in own]
        for home, its in others:
            mistakes += _in_text(home, its, lambda _: None)
        return mistakes


def _home(path: Path, included: Included) -> Text | None:
    """The file something stands in, where that is an included one."""
    org = path[1] if path[:1] == ("orgs",) and len(path) > 1 else None
    return included.get(org) if isinstance(org, str) else None


def _by_home(
    findings: Iterable[Finding], included: Included
) -> tuple[list[Finding], list[tuple[Text, list[Finding]]]]:
    """The findings of the file itself, and of each file it includes."""
    own: list[Finding] = []
    others: dict[str, tuple[Text, list[Finding]]] = {}
    for finding in findings:
        home = _home(finding.path, included)
        if home is None:
            own.append(finding)
        else:
            others.setdefault(home.file, (home, []))[1].append(finding)
    return own, [others[file] for file in sorted(others)]


def _in_text(
    home: Text, findings: list[Finding], variable: Callable[[Path], str | None]
) -> list[Mistake]:
    if not findings:
        return []
    # A parser of 30 ms and 1 MiB, which a configuration without mistakes does not need.
    from gateway.config.positions import nearest, positions

    found = positions(home.text, [finding.path for finding in findings])
    mistakes: list[Mistake] = []
    for finding in findings:
        name = variable(finding.path)
        line, column = (None, None) if name else nearest(found, finding.path) or (1, 1)
        mistakes.append(_mistake(finding, name or home.file, line, column))
    return sorted(mistakes, key=lambda mistake: (mistake.line or 0, mistake.column or 0))


def _mistake(finding: Finding, file: str, line: int | None, column: int | None) -> Mistake:
    return Mistake(file, line, column, finding.severity, key_of(finding.path), finding.message)
