import pytest

from gateway.core.mcp.tools import ToolRules

RULES = ToolRules(
    {
        "*": frozenset({"search"}),
        "editor": frozenset({"write", "read"}),
        "admin": frozenset({"*"}),
    }
)


@pytest.mark.parametrize(
    ("roles", "tools"),
    [
        ((), {"search"}),
        (("guest",), {"search"}),
        (("editor",), {"search", "read", "write"}),
        (("Editor", "editor "), {"search"}),
        (("editor", "admin"), None),
        (("*",), {"search"}),
    ],
)
def test_roles_add_up(roles: tuple[str, ...], tools: set[str] | None) -> None:
    assert RULES.of(roles) == tools


def test_without_a_word_for_everybody_others_have_none() -> None:
    assert ToolRules({"editor": frozenset({"write"})}).of(("guest",)) == frozenset()
