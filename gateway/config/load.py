"""A TOML file, or a mapping, → settings; or every mistake in it at once.

The way: parse, lay the environment over it, replace references, take out what is not available yet,
check the shape of every table, fill in what is meant, check what the tables are together. Each
step goes on with what the one before could use, so that one run finds everything. Positions are
worked out at the end, and only when there is something to show.
"""

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path as FilePath
from typing import Any

from gateway.config import overlay, shape, unavailable, vendors
from gateway.config.interpolate import Sources, interpolated
from gateway.config.meaning import Meaning, meant
from gateway.config.mistake import ConfigError, Finding, Mistake, Path
from gateway.config.model import Settings
from gateway.config.placing import InFile, InProgram, Places
from gateway.config.rules import org, orgs, server, sharing, sign_in, upstream, vendor
from gateway.config.rules.secrets import written_out
from gateway.config.vendors import Profiles

_AT = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")


@dataclass(frozen=True)
class Loaded:
    """Settings that may run, and what there is to say about them all the same.

    `written` is the tree as the file has it, references unreplaced.
    """

    settings: Settings
    warnings: tuple[Mistake, ...]
    written: Mapping[str, Any] = field(repr=False)
    meaning: Meaning = field(repr=False)

    def as_written(self, path: Path) -> object:
        """What the file has where the long form has `path`; None where it has nothing."""
        return shape.at(self.written, self.meaning.as_written(path))


def load(
    path: FilePath | str,
    *,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Loaded:
    """Read a configuration file.

    `overrides` are values by their full key, which go before the file and the environment:
    `{"server.listen": "127.0.0.1:0"}`.

    Raises:
        ConfigError: it must not run; every mistake is in it.
    """
    file = FilePath(path)
    text = _text(file)
    tree = _parsed(text, str(path))
    variables = os.environ if environment is None else environment
    findings: list[Finding] = []
    overlaid = overlay.lay_over(tree, variables, findings)
    overlaid |= overlay.override(tree, overrides or {})
    sources = Sources(variables, file.parent)
    return _loaded(tree, sources, findings, InFile(str(path), text, overlaid))


def from_dict(config: Mapping[str, Any], *, environment: Mapping[str, str] | None = None) -> Loaded:
    """Read a configuration a program gives; relative paths of files start where it runs.

    Raises:
        ConfigError: it must not run; every mistake is in it.
    """
    variables = os.environ if environment is None else environment
    return _loaded(config, Sources(variables, FilePath()), [], InProgram())


def _text(file: FilePath) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise _unreadable(file, f"cannot read this file: {reason}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _unreadable(file, "is not UTF-8 text from here on", line) from None


def _unreadable(file: FilePath, message: str, line: int | None = None) -> ConfigError:
    return ConfigError([Mistake(str(file), line, None, "error", "", message)])


def _parsed(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        at = _AT.search(message)
        line, column = _end(text)
        if at is not None and at["line"]:
            line, column = int(at["line"]), int(at["column"])
        told = message[: at.start()] if at is not None else message
    raise ConfigError([Mistake(file, line, column, "error", "", f"not TOML: {told}")])


def _end(text: str) -> tuple[int, int]:
    return text.count("\n") + 1, len(text) - text.rfind("\n")


def _loaded(
    config: Mapping[str, Any],
    sources: Sources,
    findings: list[Finding],
    places: Places,
) -> Loaded:
    tree: Any = interpolated(config, sources, findings)
    holes = [shape.take_out(tree, finding.path) for finding in findings]
    holes += unavailable.take_out(tree, findings)
    reading = shape.read(tree, [shape.without_lone_indices(config, hole) for hole in holes])
    known = vendors.profiles(reading)
    meaning = meant(reading.file, known)
    loaded = Loaded(meaning.settings, (), config, meaning)
    judged = _written(
        [
            *sharing.check(reading.file, meaning),
            *known.findings,
            *vendor.check(reading),
            *_judged(loaded, known, places),
        ],
        config,
    )
    findings += [*reading.findings, *sharing.form(reading.file)]
    findings += [one for one in judged if not reading.speaks_of_a_hole(one.path)]
    mistakes = tuple(places.placed(dict.fromkeys(_written(findings, config))))
    if any(mistake.severity == "error" for mistake in mistakes):
        raise ConfigError(mistakes)
    return replace(loaded, warnings=mistakes)


def _judged(loaded: Loaded, known: Profiles, places: Places) -> Iterator[Finding]:
    """The findings of the rules, at the paths of the file."""
    settings, meaning = loaded.settings, loaded.meaning
    yield from server.check(settings)
    of_orgs = (check(settings.orgs) for check in (sign_in.check, org.check, orgs.check))
    for one in chain(upstream.check(settings.orgs, known), *of_orgs):
        yield replace(one, path=meaning.as_written(one.path))
    for one in written_out(settings, loaded.as_written):
        path = meaning.as_written(one.path)
        if places.is_written(path):
            yield replace(one, path=path)


def _written(findings: Iterable[Finding], config: Mapping[str, Any]) -> list[Finding]:
    return [replace(one, path=shape.without_lone_indices(config, one.path)) for one in findings]
