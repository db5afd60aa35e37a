"""A profile of the file: its name, what holds for it as a whole, and each of its operations."""

import re
from collections.abc import Iterator

from gateway.config.mistake import Finding, Path
from gateway.config.profile import LookupTable, VendorTable
from gateway.config.rules import operation
from gateway.config.shape import Reading
from gateway.config.urls import base_url
from gateway.vendors import VENDORS

_VARIABLE = re.compile(r"\{(\+?[a-z_]+)\}")


def check(reading: Reading) -> Iterator[Finding]:
    """The findings about every profile of the file; of what has no right shape nothing is said."""
    for name, vendor in reading.file.vendors.items():
        path: Path = ("vendors", name)
        yield from _named(name, path)
        yield from _reachable(vendor, path)
        for key, one in vendor.operations.items():
            if not reading.speaks_of_a_hole((*path, "operations", key)):
                yield from operation.check(one, (*path, "operations", key))
        if reading.speaks_of_a_hole((*path, "operations")):
            continue
        yield from operation.in_each_others_way(vendor.operations, (*path, "operations"))
        yield from _opened(vendor, path)
        if vendor.lookup is not None:
            yield from _asked(vendor, vendor.lookup, (*path, "lookup"))


def _named(name: str, path: Path) -> Iterator[Finding]:
    if name.lower() in VENDORS:
        yield Finding(path, "a profile of this name ships with the gateway: choose another name")


def _reachable(vendor: VendorTable, path: Path) -> Iterator[Finding]:
    if vendor.base_url is None:
        return
    try:
        base_url(vendor.base_url)
    except ValueError as error:
        yield Finding((*path, "base_url"), str(error))


def _opened(vendor: VendorTable, path: Path) -> Iterator[Finding]:
    """A conversation is named where none can be opened: whatever is named is nobody's."""
    named = next((key for key, one in vendor.operations.items() if one.conversation), None)
    if named is None or vendor.lookup is not None:
        return
    if not any(one.opens for one in vendor.operations.values()):
        yield Finding(
            (*path, "operations", named, "conversation"),
            "no operation opens a conversation, so every one that is named is nobody's and refused:"
            ' opens = ["body:/…"] says where an answer names a new one',
            "warning",
        )


def _asked(vendor: VendorTable, lookup: LookupTable, path: Path) -> Iterator[Finding]:
    variables = set(_VARIABLE.findall(lookup.path))
    known = _shared_variables(vendor) | {"conversation", "user"}
    for name in sorted(variables - known):
        yield Finding(
            (*path, "path"),
            f"{{{name}}} stands for nothing: it is not in the path of every operation that names "
            "a conversation",
        )
    says_which = "conversation" in variables or "{conversation}" in lookup.query.values()
    if lookup.path and not says_which and lookup.items is None:
        yield Finding((*path, "path"), "says nowhere which {conversation} is asked about")


def _shared_variables(vendor: VendorTable) -> set[str]:
    naming = [one for one in vendor.operations.values() if one.conversation]
    found = [set(_VARIABLE.findall(one.path)) for one in naming]
    return set.intersection(*found) if found else set()
