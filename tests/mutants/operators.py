"""The small mistakes that are made on purpose, each as a tree with one node changed.

Docstrings and annotations are left alone. What is written for people (`__repr__`, the texts of
exceptions and of the log, titles of problems) is changed too, but told apart.
"""

import ast
import builtins
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ERRORS = Path(__file__).resolve().parents[2] / "gateway" / "core" / "errors.py"

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
_CALLS = {
    "lower": "upper",
    "upper": "lower",
    "casefold": "lower",
    "lstrip": "rstrip",
    "rstrip": "lstrip",
    "strip": "lstrip",
    "find": "rfind",
    "rfind": "find",
    "index": "rindex",
    "removeprefix": "removesuffix",
    "removesuffix": "removeprefix",
    "partition": "rpartition",
    "rpartition": "partition",
    "split": "rsplit",
    "rsplit": "split",
    "startswith": "endswith",
    "endswith": "startswith",
    "fullmatch": "match",
    "match": "fullmatch",
    "search": "match",
    "all": "any",
    "any": "all",
    "min": "max",
    "max": "min",
    "isdisjoint": "issubset",
    "issubset": "issuperset",
    "append": "clear",
}
_EXCEPTIONS = {
    *(
        name
        for name, value in vars(builtins).items()
        if str(value).endswith(("Error'>", "Exception'>"))
    ),
    "FetchFailed",
    *(node.name for node in ast.parse(_ERRORS.read_text()).body if isinstance(node, ast.ClassDef)),
}
_SYMMETRIC = {"max", "min", "same", "compare_digest"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: where, what, and in which function (None: it acts when the module is read)."""

    line: int
    what: str
    function: str | None
    first_line: int  # of that function, decorators included
    for_people: bool  # a text that only people read
    source: ast.Module
    way: tuple[tuple[str, int | None], ...]
    changed: ast.AST

    @property
    def tree(self) -> ast.Module:
        """The whole module; made when it is asked for, for thousands of them fill a memory."""
        return _with(self.source, self.way, self.changed) if self.way else self.source


@dataclass(frozen=True, slots=True)
class _Site:
    """A node that may change, and the way to it from the root: (field, index) pairs."""

    node: ast.AST
    way: tuple[tuple[str, int | None], ...]
    function: str | None
    first_line: int
    for_people: bool


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines."""
    tree = ast.parse(source)
    for site in _sites(tree, _Site(tree, (), None, 0, False), ""):
        for what, changed in _changes(site.node):
            yield Mutant(
                _line(site.node),
                what,
                site.function,
                site.first_line,
                site.for_people,
                tree,
                site.way,
                changed,
            )


def _line(node: ast.AST) -> int:
    line: int = getattr(node.target if isinstance(node, ast.comprehension) else node, "lineno", 0)
    return line


def _with(
    tree: ast.Module, way: tuple[tuple[str, int | None], ...], changed: ast.AST
) -> ast.Module:
    copied = copy.deepcopy(tree)
    holder: ast.AST = copied
    for name, index in way[:-1]:
        holder = getattr(holder, name) if index is None else getattr(holder, name)[index]
    name, index = way[-1]
    if index is None:
        setattr(holder, name, changed)
    else:
        getattr(holder, name)[index] = changed
    return ast.fix_missing_locations(copied)


def _sites(node: ast.AST, at: _Site, scope: str) -> Iterator[_Site]:
    if at.way and isinstance(node, (ast.expr, ast.stmt, ast.ExceptHandler, ast.comprehension)):
        yield at
    for name, value in ast.iter_fields(node):
        within, function, first_line = scope, at.function, at.first_line
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if name == "body" and function is None:
                function = f"{scope}{node.name}"
                first_line = min([node.lineno, *(one.lineno for one in node.decorator_list)])
        elif isinstance(node, ast.ClassDef) and function is None:
            within = f"{scope}{node.name}."
        children = value if isinstance(value, list) else [value]
        for index, child in enumerate(children):
            if isinstance(child, ast.AST) and not _does_nothing(node, name, child):
                way = (*at.way, (name, index if isinstance(value, list) else None))
                for_people = at.for_people or _is_for_people(node, child)
                yield from _sites(
                    child, _Site(child, way, function, first_line, for_people), within
                )


def _does_nothing(parent: ast.AST, name: str, child: ast.AST) -> bool:
    if name in {"annotation", "returns", "decorator_list", "bases", "type_params"}:
        return True
    if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
        return True  # a docstring, or `...`
    if isinstance(child, (ast.Import, ast.ImportFrom)):
        return True
    if isinstance(child, (ast.Assign, ast.AnnAssign)):
        return _is_named(child, {"__all__"}) or _is_alias(child)
    if isinstance(parent, ast.Call) and getattr(parent.func, "id", "") == "cast":
        return child is parent.args[0]
    return False


def _is_for_people(parent: ast.AST, child: ast.AST) -> bool:
    if isinstance(child, ast.FunctionDef) and child.name == "__repr__":
        return True
    if isinstance(child, (ast.Assign, ast.AnnAssign)):
        return _is_named(child, {"title"})
    return isinstance(parent, ast.Call) and _is_exception(parent) and _is_text(child)


def _is_named(statement: ast.Assign | ast.AnnAssign, names: set[str]) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return any(isinstance(one, ast.Name) and one.id in names for one in targets)


def _is_alias(statement: ast.Assign | ast.AnnAssign) -> bool:
    """`Tokens = tuple[str, ...]`, `Value = A | B`: types have no behaviour."""
    value = statement.value
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    named = isinstance(target, ast.Name) and target.id[:1].isupper() and not target.id.isupper()
    return named and isinstance(value, (ast.Subscript, ast.BinOp))


def _is_exception(call: ast.Call) -> bool:
    """Whether a call makes an exception, or a line in the log."""
    if isinstance(call.func, ast.Attribute):
        return isinstance(call.func.value, ast.Name) and call.func.value.id == "_log"
    return isinstance(call.func, ast.Name) and call.func.id in _EXCEPTIONS


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """What may go wrong at `node`: a few words for it, and the node that stands there instead."""
    was = ast.dump(node)
    for what, changed in _made(node):
        if ast.dump(changed) != was:  # two equal arguments cannot be swapped
            yield what, changed


def _made(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for make in (_condition, _comparison, _boolean, _arithmetic, _constant, _call, _slice):
        yield from make(node)
    yield from _statement(node)


def _negated(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)


def _but(node: ast.AST, **fields: object) -> ast.AST:
    """The same node with other `fields`."""
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _condition(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, (ast.If, ast.While, ast.IfExp)):
        yield f"not: {ast.unparse(node.test)}", _but(node, test=_negated(node.test))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield f"without not: {ast.unparse(node)}", node.operand
    if isinstance(node, ast.comprehension):
        for index, test in enumerate(node.ifs):
            rest = [*node.ifs[:index], *node.ifs[index + 1 :]]
            yield f"without if: {ast.unparse(test)}", _but(node, ifs=rest)
            negated = [*node.ifs[:index], _negated(test), *node.ifs[index + 1 :]]
            yield f"not: {ast.unparse(test)}", _but(node, ifs=negated)


def _comparison(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            for other in _COMPARISONS[type(operator)]:
                ops = [*node.ops[:index], other(), *node.ops[index + 1 :]]
                changed = _but(node, ops=ops)
                yield f"{ast.unparse(node)} -> {ast.unparse(changed)}", changed


def _boolean(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f"and <-> or: {ast.unparse(node)}", _but(node, op=other)
        for index, value in enumerate(node.values):
            rest = [*node.values[:index], *node.values[index + 1 :]]
            changed = rest[0] if len(rest) == 1 else _but(node, values=rest)
            yield f"without {ast.unparse(value)} in: {ast.unparse(node)}", changed


def _arithmetic(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in _ARITHMETIC:
        changed = _but(node, op=_ARITHMETIC[type(node.op)]())
        yield f"{ast.unparse(node)} -> {ast.unparse(changed)}", changed
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield f"without -: {ast.unparse(node)}", node.operand


def _constant(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if not isinstance(node, ast.Constant):
        return
    for other in _other_values(node.value):
        # The compiler takes nothing for a text but `str` itself.
        plain = str(other) if isinstance(other, str) else other
        yield f"{_short(node.value)} -> {_short(other)}", ast.Constant(plain)


def _short(value: object) -> str:
    return text if len(text := repr(value)) <= 60 else f"{text[:57]}..."


def _other_values(value: object) -> Iterator[bool | int | float | bytes | str]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, (int, float)):
        yield value + 1
        yield value - 1
    elif isinstance(value, str) and "\n" in value and len(words := value.split()) > 1:
        for index in range(len(words)):  # a table of words: each of them counts
            yield _WithoutWord(" ".join([*words[:index], *words[index + 1 :]]), words[index])
    elif isinstance(value, (str, bytes)) and value and not value[:1].strip():
        yield value[:-1]  # most are what `strip` takes off
    elif isinstance(value, (str, bytes)):
        yield value + "X" if isinstance(value, str) else value + b"X"


class _WithoutWord(str):
    """A table of words without one; it shows as that word."""

    word: str

    def __new__(cls, table: str, word: str) -> "_WithoutWord":
        made = super().__new__(cls, table)
        made.word = word
        return made

    def __repr__(self) -> str:
        return f"without {self.word!r}"


def _call(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if not isinstance(node, ast.Call):
        return
    name = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
    if name in _CALLS and not (name in {"split", "rsplit"} and len(node.args) < 2):
        field = "attr" if isinstance(node.func, ast.Attribute) else "id"
        changed = _but(node, func=_but(node.func, **{field: _CALLS[name]}))
        if field == "attr" or _CALLS[name] in vars(builtins):
            yield f"{ast.unparse(node)} -> {ast.unparse(changed)}", changed
    for index in range(0 if name in _SYMMETRIC else len(node.args) - 1):
        first, second = node.args[index], node.args[index + 1]
        swapped = [*node.args[:index], second, first, *node.args[index + 2 :]]
        changed = _but(node, args=swapped)
        yield f"{ast.unparse(node)} -> {ast.unparse(changed)}", changed
    for index, keyword in enumerate(node.keywords):
        rest = [*node.keywords[:index], *node.keywords[index + 1 :]]
        yield f"without {ast.unparse(keyword)} in: {ast.unparse(node)}", _but(node, keywords=rest)


def _slice(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.Slice):
        for end in ("lower", "upper"):
            if getattr(node, end) is not None:
                yield f"without {end} in: {ast.unparse(node)}", _but(node, **{end: None})


def _statement(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, (ast.Expr, ast.Raise, ast.AugAssign, ast.Break)) or (
        isinstance(node, ast.Delete) and not isinstance(node.targets[0], ast.Name)
    ):
        yield f"gone: {ast.unparse(node)}", ast.Pass()
    elif isinstance(node, ast.Continue):
        yield "continue -> break", ast.Break()
        yield "gone: continue", ast.Pass()
    elif isinstance(node, ast.Return) and node.value is not None:
        if not (isinstance(node.value, ast.Constant) and node.value.value in {None, True, False}):
            yield f"return None: {ast.unparse(node)}", _but(node, value=ast.Constant(None))
    elif isinstance(node, (ast.For, ast.AsyncFor)):
        yield (
            f"no round: for ... in {ast.unparse(node.iter)}",
            _but(node, iter=ast.Tuple([], ast.Load())),
        )
    elif isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Tuple):
        for index, one in enumerate(node.type.elts):
            rest = [*node.type.elts[:index], *node.type.elts[index + 1 :]]
            what = f"without {ast.unparse(one)} in: except {ast.unparse(node.type)}"
            yield what, _but(node, type=ast.Tuple(rest, ast.Load()))
