"""A TOML file, or a mapping, → settings; or every mistake in it at once.

The way: parse, add what is included, lay the environment over it, replace references, take out what
is not available yet, check the shape of every table, fill in what is meant, check what the tables
are together. Each step goes on with what the one before could use, so that one run finds
everything. Positions are worked out at the end, and only when there is something to show.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path as FilePath
from typing import Any

from gateway.config import overlay, shape, toml_file, unavailable, vendors
from gateway.config.collector import paused
from gateway.config.include import INCLUDE, ORGS, include
from gateway.config.interpolate import Sources, interpolated
from gateway.config.meaning import Meaning, meant
from gateway.config.mistake import ConfigError, Finding, Mistake, Path
from gateway.config.model import Settings
from gateway.config.placing import InFile, InProgram, Places
from gateway.config.rules import (
    contacts,
    events,
    limits,
    org,
    orgs,
    server,
    sharing,
    sign_ins,
    surroundings,
    tools,
    upstream,
    vendor,
    widget,
)
from gateway.config.rules.secrets import written_out
from gateway.config.surroundings import Surroundings, sign_in_by_host
from gateway.config.vendors import Profiles


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


@paused()
def load(
    path: FilePath | str,
    *,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
    around: Surroundings | None = None,
) -> Loaded:
    """Read a configuration file.

    `around` is what it will stand in; None: that is not known, and no mistake.

    `overrides` are values by their full key, which go before the file and the environment:
    `{"server.listen": "127.0.0.1:0"}`.

    Raises:
        ConfigError: it must not run; every mistake is in it.
    """
    file = FilePath(path)
    source = toml_file.read(file)
    tree = toml_file.parsed(source)
    variables = os.environ if environment is None else environment
    sources = Sources(variables, file.parent)
    findings: list[Finding] = []
    included = include(tree, source.file, sources, findings)
    overlaid = overlay.lay_over(tree, variables, findings)
    overlaid |= overlay.override(tree, overrides or {})
    findings += _too_late(overlaid)
    places = InFile(source.file, source.text, overlaid, included.texts)
    sources = replace(sources, folders=included.folders)
    return _loaded(tree, sources, findings, places, included.mistakes, around)


def from_dict(
    config: Mapping[str, Any],
    *,
    environment: Mapping[str, str] | None = None,
    around: Surroundings | None = None,
) -> Loaded:
    """Read a configuration a program gives; relative paths of files start where it runs.

    Raises:
        ConfigError: it must not run; every mistake is in it.
    """
    sources = Sources(os.environ if environment is None else environment, FilePath())
    findings: list[Finding] = []
    written = config.get(ORGS)
    tree = {**config, ORGS: {**written}} if isinstance(written, Mapping) else {**config}
    included = include(tree, "the configuration", sources, findings)
    sources = replace(sources, folders=included.folders)
    return _loaded(tree, sources, findings, InProgram(included.texts), included.mistakes, around)


def _too_late(overlaid: Mapping[Path, str]) -> Iterator[Finding]:
    """What the environment says of files that have been read by then."""
    for path in overlaid:
        if path[:1] == (INCLUDE,):
            yield Finding(path, "is for the file itself to say")


def _loaded(
    config: Mapping[str, Any],
    sources: Sources,
    findings: list[Finding],
    places: Places,
    elsewhere: Sequence[Mistake],
    around: Surroundings | None,
) -> Loaded:
    tree: Any = interpolated(config, sources, findings)
    if around is not None and around.identifies:
        sign_in_by_host(tree)
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
            *_judged(loaded, known, places, around),
        ],
        config,
    )
    findings += [*reading.findings, *sharing.form(reading.file)]
    findings += [finding for finding in judged if not reading.speaks_of_a_hole(finding.path)]
    mistakes = (*places.placed(dict.fromkeys(_written(findings, config))), *elsewhere)
    if any(mistake.severity == "error" for mistake in mistakes):
        raise ConfigError(mistakes)
    return replace(loaded, warnings=mistakes)


def _judged(
    loaded: Loaded, known: Profiles, places: Places, around: Surroundings | None
) -> Iterator[Finding]:
    """The findings of the rules, at the paths of the file."""
    settings, meaning = loaded.settings, loaded.meaning
    yield from server.check(settings)
    yield from (
        replace(finding, path=meaning.as_written(finding.path))
        for finding in events.check(settings)
    )
    of_orgs = (
        check(settings.orgs)
        for check in (
            sign_ins.check,
            org.check,
            orgs.check,
            limits.check,
            tools.check,
            widget.check,
            contacts.check,
        )
    )
    needed = surroundings.check(settings.orgs, around)
    lost = limits.forgotten(settings)
    for finding in chain(upstream.check(settings.orgs, known), *of_orgs, needed, lost):
        yield replace(finding, path=meaning.as_written(finding.path))
    for finding in written_out(settings, loaded.as_written):
        path = meaning.as_written(finding.path)
        if places.is_written(path):
            yield replace(finding, path=path)


def _written(findings: Iterable[Finding], config: Mapping[str, Any]) -> list[Finding]:
    return [
        replace(finding, path=shape.without_lone_indices(config, finding.path))
        for finding in findings
    ]
