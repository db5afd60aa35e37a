"""A tree of values → tables of the right shape, and every place where it has another.

A value of the wrong shape is taken out, and a required one that is missing is made up, so that
what is right elsewhere can be judged too; those places are holes, and nothing more is said of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.config.allowances import LimitsTable, SharedCounters
from gateway.config.contacts import ContactsTable
from gateway.config.mistake import Finding, Path, did_you_mean, has_another_name, key_of
from gateway.config.model import (
    OrgTable,
    Server,
    Store,
    UpstreamTable,
)
from gateway.config.operators import Admin, Audit, Traces
from gateway.config.profile import ContactBookTable, OperationTable, VendorTable
from gateway.config.sign_ins import KINDS
from gateway.config.sign_ins.table import SharedTable
from gateway.config.table import Table
from gateway.config.tools import ToolTable, VerifyTable
from gateway.config.written import File, keys_of, table_at

_KEY_OF_A_TABLE = "[key]"  # how pydantic says that the name is wrong, not what stands under it

_SAYS = {
    "missing": "is required",
    "string_type": "must be a string",
    "string_too_short": "is empty",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list",
    "mapping_type": "must be a table",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
}
_HOMES: tuple[tuple[type[Table], str], ...] = (
    (File, "at the top level"),
    (Server, "in [server]"),
    (Store, "in [store]"),
    (Audit, "in [audit]"),
    (Admin, "in [admin]"),
    (Traces, "in [traces]"),
    *((kind, f'in a sign_in of type "{name}"') for name, kind in KINDS.items()),
    (SharedTable, "in a shared [[sign_in]], at the top level"),
    (SharedCounters, "in [shared]"),
    (LimitsTable, "in [limits] of an org"),
    (UpstreamTable, "in an upstream"),
    (ToolTable, "in a tool of an upstream"),
    (ContactsTable, "in `contacts` of an upstream"),
    (VerifyTable, "in `verify`"),
    (OrgTable, "in [orgs.NAME], the form `gateway check --expand` prints"),
    (VendorTable, "in [vendors.NAME]"),
    (OperationTable, "in an operation of [vendors.NAME]"),
    (ContactBookTable, "in [vendors.NAME.contacts]"),
)
_ALMOST = 0.8  # of `difflib`: one letter of six, for among all keys some word is like any other
_MOST_ROUNDS = 100  # a level of nesting can take one; there are six


@dataclass(slots=True)
class Reading:
    """What could be read of a tree."""

    file: File
    findings: list[Finding]
    holes: set[Path] = field(default_factory=set)

    def speaks_of_a_hole(self, path: Path) -> bool:
        """Whether a finding at `path` would only repeat, or follow from, another one."""
        return any(path[: len(hole)] == hole or hole[: len(path)] == path for hole in self.holes)


def read(tree: dict[str, Any], holes: Iterable[Path] = ()) -> Reading:
    """The tables `tree` holds; it is changed on the way.

    `holes` are places where something was found wrong already.
    """
    reading = Reading(File(), [], set(holes))
    made_up: set[Path] = set()
    for _ in range(_MOST_ROUNDS):
        try:
            reading.file = File.model_validate(tree)
        except ValidationError as error:
            placed = [(one, _path(tree, one)) for one in error.errors(include_url=False)]
            _note(placed, reading)
            reading.holes |= {_mend(tree, mistake, path, made_up) for mistake, path in placed}
        else:
            return reading
    raise ValueError("the configuration is no tree of tables")


def _note(placed: Iterable[tuple[ErrorDetails, Path]], reading: Reading) -> None:
    for mistake, path in placed:
        if not any(path[: len(hole)] == hole for hole in reading.holes):
            reading.findings.append(Finding(path, _message(mistake)))


def _mend(tree: dict[str, Any], mistake: ErrorDetails, path: Path, made_up: set[Path]) -> Path:
    """Make `tree` one mistake better. Returns the hole that leaves."""
    if mistake["type"] != "missing":
        return take_out(tree, path)
    if path in made_up:  # and would not do
        return take_out(tree, path[:-1])
    made_up.add(path)
    table = at(tree, path[:-1])
    if isinstance(table, dict):
        table[path[-1]] = f"missing {key_of(path)}"  # no two alike, or they would seem shared
    return path


def take_out(tree: object, path: Path) -> Path:
    """Remove what stands at `path`; of a list all of it, so that no item gets another's index.

    Returns:
        The path of what is gone.
    """
    while path and isinstance(path[-1], int):
        path = path[:-1]
    table = at(tree, path[:-1])
    if path and isinstance(table, dict):
        if "sign_in" in path[-3:-1]:
            _keep_kind(table, str(path[-1]))
        table.pop(path[-1], None)
    return path


def _keep_kind(sign_in: dict[str, Any], key: str) -> None:
    """Without the key that tells its kind it would be judged as one of another."""
    for name, kind in KINDS.items():
        if key in kind.TELLING_KEYS:
            sign_in.setdefault("type", name)


def without_lone_indices(tree: object, path: Iterable[str | int]) -> Path:
    """`path` as the file has it: one item standing for a list of itself has no index."""
    written: Path = ()
    for part in path:
        if isinstance(part, str) or isinstance(tree, (list, tuple)):
            written = (*written, part)
            tree = _step(tree, part)
    return written


def at(tree: object, path: Path) -> object:
    """What stands at `path`; None where nothing does."""
    for part in without_lone_indices(tree, path):
        tree = _step(tree, part)
    return tree


def _step(tree: object, part: str | int) -> object:
    if isinstance(tree, Mapping):
        return tree.get(part)
    if isinstance(tree, (list, tuple)) and isinstance(part, int) and part < len(tree):
        return tree[part]
    return None


def _path(tree: dict[str, Any], mistake: ErrorDetails) -> Path:
    parts = mistake["loc"]
    if parts[-1:] == (_KEY_OF_A_TABLE,):
        holder = at(tree, parts[:-1])
        if not isinstance(holder, Mapping) or _KEY_OF_A_TABLE not in holder:
            parts = parts[:-1]
    if mistake["type"] == "union_tag_invalid":
        parts = (*parts, "type")
    return without_lone_indices(tree, _without_kinds(parts))


def _without_kinds(parts: Path) -> Path:
    """`parts` without the kind of a sign-in, which pydantic puts after its index."""
    at_kind = range(2, len(parts))
    kinds = [i for i in at_kind if parts[i - 2] == "sign_in" and isinstance(parts[i - 1], int)]
    return tuple(part for i, part in enumerate(parts) if i not in kinds or parts[i] not in KINDS)


def _message(mistake: ErrorDetails) -> str:
    kind, context = mistake["type"], mistake.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key{_hint(mistake['loc'])}"
    if kind == "union_tag_invalid":
        known = ", ".join(KINDS)
        return f"must be one of {known}{did_you_mean(context['tag'], KINDS)}"
    if kind == "literal_error":
        return f"must be {context['expected']}{_closest(mistake['input'], context['expected'])}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "greater_than_equal":
        return f"must be at least {context['ge']}"
    if kind == "less_than_equal":
        return f"must be at most {context['le']}"
    if "upstreams" in mistake["loc"][-2:] and kind.startswith(("model", "dict", "mapping")):
        return "must be a table, and an upstream has a name: [upstreams.NAME]"
    if kind == "missing" and (purpose := _purpose(mistake["loc"])):
        return f"is required: {purpose[0].lower()}{purpose[1:].removesuffix('.')}"
    return _SAYS.get(kind, mistake["msg"])


def _purpose(path: Path) -> str | None:
    """What a key is for, where its table says so."""
    table = table_at(path[:-1])
    fields = table.model_fields.items() if table is not None else ()
    return next(
        (field.description for key, field in fields if path[-1] in {key, field.alias}), None
    )


def _hint(path: Path) -> str:
    here, name = table_at(path[:-1]), str(path[-1])
    if here is not None and has_another_name(name, keys_of(here)):
        return did_you_mean(name, keys_of(here))
    homes = {key: home for table, home in reversed(_HOMES) for key in keys_of(table)}
    if name in homes:
        return f" - it belongs {homes[name]}"
    close = did_you_mean(name, keys_of(here)) if here is not None else ""
    if not close and (found := get_close_matches(name.lower(), homes, n=1, cutoff=_ALMOST)):
        return f" - did you mean {found[0]}? It belongs {homes[found[0]]}"
    return close


def _closest(written: object, expected: str) -> str:
    known = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    return did_you_mean(written, known) if isinstance(written, str) else ""
