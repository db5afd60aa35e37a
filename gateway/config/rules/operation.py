"""An operation of a profile in the file: what it lets through by mistake, and what nothing checks.

What is listed passes, whatever it is called; so a listed name that means a person or a conversation
is worth a word, and a variable of that name a mistake: it can have any other.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from gateway.config.mistake import Finding, Path, did_you_mean
from gateway.config.place import place
from gateway.config.profile import MessageTable, OperationTable
from gateway.core.formats.pointer import parse
from gateway.core.profile.guard import EVERY
from gateway.core.profile.names import names_conversation, names_people
from gateway.core.profile.place import Body, Place

AGENT = "agent"  # held to the upstream's `agent`

_VARIABLE = re.compile(r"\{(\+?)([a-z_]+)\}")
_WITHOUT_BODY = frozenset({"GET", "HEAD"})
# How each list of names is written as a place.
_LISTS = (("members", "body:/"), ("query", "query:"), ("fields", "field:"))


def check(operation: OperationTable, path: Path) -> Iterator[Finding]:
    """The findings about one operation."""
    yield from _variables(operation, path)
    yield from _let_through(operation, path)
    for kind, message in operation.messages.items():
        yield from _let_through(message, (*path, "messages", kind))
    yield from _bodiless(operation, path)
    yield from _unlisted(operation, path)
    yield from _unowned(operation, path)


def _variables(operation: OperationTable, path: Path) -> Iterator[Finding]:
    placed = {*operation.user, *operation.conversation}
    for rest, name in _VARIABLE.findall(operation.path):
        if rest:
            yield Finding(
                (*path, "path"),
                f"{{+{name}}} lets everything below through, also what the vendor adds later: "
                "name the paths you need",
                "warning",
            )
        if f"path:{name}" in placed:
            continue
        for means, key in _meanings(name):
            yield Finding(
                (*path, "path"),
                f'{{{name}}} means {means}, and the client says which: {key} = ["path:{name}"], '
                "or another name for it",
            )


def _let_through(rules: OperationTable | MessageTable, path: Path) -> Iterator[Finding]:
    placed = {*rules.user, *rules.conversation}
    for key, prefix, names in _listed(rules):
        for index, name in enumerate(names):
            if name == EVERY:
                yield Finding(
                    (*path, *key, index),
                    "lets everything through but what names people or a conversation: "
                    "name what you need",
                    "warning",
                )
            elif prefix + name not in placed and not _is_told_apart(rules, prefix + name):
                for means, instead in _meanings(name):
                    yield Finding(
                        (*path, *key, index),
                        f"means {means}, and passes as the client says it: "
                        f'{instead} = ["{prefix}…"] has it written or checked',
                        "warning",
                    )


def _listed(
    rules: OperationTable | MessageTable,
) -> Iterator[tuple[Path, str, Sequence[str]]]:
    """Where names are listed, how each is written as a place, and the names.

    What is said in a conversation is left alone, whoever is named there: items of arrays, and
    what is deeper in a message of a WebSocket.
    """
    for key, prefix in _LISTS:
        yield (key,), prefix, getattr(rules, key, ())
    for pointer, names in rules.inner.items():
        if isinstance(rules, OperationTable) and EVERY not in parse(pointer):
            yield ("inner", pointer), f"body:{pointer}/", names


def _is_told_apart(rules: OperationTable | MessageTable, written: str) -> bool:
    """Whether it is an object of which the members are listed, or holds one of a few values."""
    pointer = written.removeprefix("body:")
    return bool(rules.inner.get(pointer)) or pointer in rules.values


def _meanings(name: str) -> Iterator[tuple[str, str]]:
    """What a name means, and the key that is for it."""
    if names_people(name):
        yield "a person", "user"
    elif names_conversation(name):
        yield "a conversation", "conversation"


def _bodiless(operation: OperationTable, path: Path) -> Iterator[Finding]:
    if not operation.method or not _WITHOUT_BODY.issuperset(operation.method):
        return
    for key in ("members", "files", "values", "containers", "settable"):
        if getattr(operation, key):
            yield Finding((*path, key), f"{operation.method[0]} has no body")
    for index, written in enumerate(operation.conversation):
        if written.startswith("body:"):
            yield Finding((*path, "conversation", index), f"{operation.method[0]} has no body")


def _unlisted(operation: OperationTable, path: Path) -> Iterator[Finding]:
    """A limit on a member that never passes is one on another that does: misspelt."""
    tops = {*operation.members, *_tops((*operation.user, *operation.conversation))}
    if EVERY in tops:
        return
    limited = [((*path, "values", pointer), parse(pointer)[0]) for pointer in operation.values]
    containers = enumerate(_tops(operation.containers))
    limited += [((*path, "containers", index), top) for index, top in containers]
    for at, top in limited:
        if top not in tops:
            yield Finding(at, f"members does not list it{did_you_mean(top, tops)}")


def _tops(places: Sequence[str]) -> list[str]:
    """The members of the top level in which places in a body stand."""
    found: list[Place] = [place(written) for written in places]
    return [one.tokens[0] for one in found if isinstance(one, Body)]


def _unowned(operation: OperationTable, path: Path) -> Iterator[Finding]:
    if operation.conversation or operation.opens or operation.no_conversation:
        return
    written = {AGENT, *(one.removeprefix("path:") for one in operation.user)}
    found = _VARIABLE.findall(operation.path)
    names = [name for rest, name in found if not rest and name not in written]
    if names:
        message = f"whose {{{names[0]}}} it is, nobody checks"
    elif operation.members or operation.thinks:
        message = "names no conversation and opens none, so whose it is, nobody checks"
    else:
        return
    yield Finding(
        path,
        f"{message}: conversation and opens say where one stands, and no_conversation why "
        "none does",
        "warning",
    )


def in_each_others_way(operations: Mapping[str, OperationTable], path: Path) -> Iterator[Finding]:
    """Findings about operations that an earlier one takes all requests of."""
    earlier: list[tuple[str, OperationTable]] = []
    for name, operation in operations.items():
        for other, before in earlier:
            common = [method for method in operation.method if method in before.method]
            if common and _covers(before.path, operation.path):
                yield Finding(
                    (*path, name),
                    f"{other} stands before it and takes its {common[0]} requests: put it first",
                )
                break
        earlier.append((name, operation))


def _covers(template: str, other: str) -> bool:
    """Whether every path that fits `other` fits `template` as well."""
    wide, narrow = template.split("/"), other.split("/")
    open_ended = wide[-1].startswith("{+")
    if len(narrow) < len(wide) if open_ended else len(narrow) != len(wide):
        return False
    if narrow[-1].startswith("{+") and not open_ended:
        return False
    return all(one.startswith("{") or one == two for one, two in zip(wide, narrow, strict=False))
