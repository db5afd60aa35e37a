import ast

import pytest

from tests.mutants.operators import mutants


def changed(source: str) -> set[str]:
    return {ast.unparse(mutant.tree) for mutant in mutants(source)}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", {"a <= b", "a > b"}),
        ("a == b", {"a != b"}),
        ("x = a and b", {"x = a or b", "x = a", "x = b"}),
        ("x = not a", {"x = a"}),
        ("x = 2", {"x = 3", "x = 1"}),
        ("x = 'ab'", {"x = 'abX'"}),
        ("x = True", {"x = False"}),
        ("x = ' '", {"x = ''"}),
        (r"x = 'a\nb c'", {"x = 'b c'", "x = 'a c'", "x = 'a b'"}),
        (r"x = '\n a\n b'", {"x = 'b'", "x = 'a'"}),
        ("x = a + b", {"x = a - b"}),
        ("x = f(a, b=c)", {"x = f(a)"}),
        ("x = f(a, b)", {"x = f(b, a)"}),
        ("x = p.fullmatch(t)", {"x = p.match(t)"}),
        ("x = a[b:c]", {"x = a[:c]", "x = a[b:]"}),
        ("del a.b", {"pass"}),
    ],
)
def test_makes_the_mistakes_that_people_make(source: str, expected: set[str]) -> None:
    assert changed(source) - {"pass"} == expected - {"pass"}


@pytest.mark.parametrize("source", ["x = 'a'", "x = b'a'", "x = True", "x = ' '", r"x = '\n a b'"])
def test_what_is_changed_can_be_compiled(source: str) -> None:
    for mutant in mutants(source):
        compile(mutant.tree, "a module", "exec")


def test_leaves_alone_what_says_nothing_to_the_machine_and_tells_texts_apart() -> None:
    source = '''
"""A module."""
Name: TypeAlias = tuple[str, "Name"]
class Refused(ValueError):
    """A class."""
    title = "No"
    def __repr__(self) -> str:
        return f"Refused({self.x!r})"
def f(x: "str") -> "int":
    """A function."""
    return ValueError("it will not do")
'''
    found = list(mutants(source))
    assert [one.what for one in found if not one.for_people] == [
        "return None: return ValueError('it will not do')"
    ]
    texts = {one.what for one in found if one.for_people}
    assert {"'No' -> 'NoX'", "'it will not do' -> 'it will not doX'"} < texts


def test_knows_the_function_a_mistake_is_in() -> None:
    source = "A = 1\nclass B:\n    c = 2\n    @d\n    def e(self):\n        return 3\n"
    assert {(mutant.line, mutant.function, mutant.first_line) for mutant in mutants(source)} == {
        (1, None, 0),
        (3, None, 0),
        (6, "B.e", 4),
    }
