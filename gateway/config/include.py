"""`include = ["orgs.d/*.toml"]`: further files, which hold [orgs.NAME] and nothing else.

Their names, and the relative paths they have themselves, start where the file stands. An org stands
in one file; what is wrong with it is shown there.
"""

import glob
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from gateway.config.interpolate import Missing, Sources, expand
from gateway.config.mistake import ConfigError, Finding, Mistake, Path
from gateway.config.placing import InFile
from gateway.config.toml_file import Text, parsed, read, refuse_pipe

INCLUDE = "include"
ORGS = "orgs"
Tree = dict[str, Any]


@dataclass(slots=True)
class Included:
    """What further files have added."""

    texts: dict[str, Text] = field(default_factory=dict)  # by the org that stands there
    folders: dict[Path, FilePath] = field(default_factory=dict)  # where an org's own paths start
    mistakes: list[Mistake] = field(default_factory=list)  # of these files, placed in them


def include(tree: Tree, name: str, sources: Sources, findings: list[Finding]) -> Included:
    """Put the orgs of the files that `tree` includes into it. `name` is that of its own file.

    Raises:
        ConfigError: some of them cannot be read: what they hold could be what others lack.
    """
    included = Included()
    unreadable: list[Mistake] = []
    for file in dict.fromkeys(_files(tree.get(INCLUDE), sources, findings)):
        try:
            refuse_pipe(file)
            source = read(file)
            further = parsed(source)
        except ConfigError as error:
            unreadable += error.mistakes
            continue
        conflicts = list(_taken_over(tree, further, name, source, included))
        included.mistakes += InFile(source.file, source.text, {}).placed(conflicts)
    if unreadable:
        raise ConfigError(unreadable)
    return included


def _files(written: object, sources: Sources, findings: list[Finding]) -> Iterator[FilePath]:
    """The files that are meant, those of one pattern in the order of their names."""
    patterns = written if isinstance(written, list) else [written]
    for index, pattern in enumerate(patterns):
        if not isinstance(pattern, str):
            continue  # the shape of the file says so
        try:
            meant = expand(pattern, sources)
        except Missing:
            continue  # as for any other reference
        found = sorted(glob.glob(meant, root_dir=sources.folder))
        if not found:
            is_name = not glob.has_magic(meant)
            message = "there is no such file" if is_name else "there is no file of such a name yet"
            findings.append(Finding((INCLUDE, index), message, "error" if is_name else "warning"))
        yield from (sources.folder / one for one in found)


def _taken_over(
    tree: Tree, further: Tree, name: str, source: Text, included: Included
) -> Iterator[Finding]:
    """Take the orgs of one file over; the findings are about what cannot be taken."""
    for key in further:
        if key == INCLUDE:
            yield Finding((key,), "a file that is included includes no others")
        elif key != ORGS:
            yield Finding((key,), "an included file has [orgs.NAME] and nothing else")
    orgs, more = tree.setdefault(ORGS, {}), further.get(ORGS, {})
    if not isinstance(more, dict):
        yield Finding((ORGS,), "must be a table")
        return
    for org, table in more.items() if isinstance(orgs, dict) else ():
        if org in orgs:
            other = included.texts[org].file if org in included.texts else name
            yield Finding((ORGS, org), f"stands in {other} already")
        else:
            orgs[org] = table
            included.texts[org] = source
            included.folders[ORGS, org] = FilePath(source.file).parent
