from dataclasses import replace
from typing import Any

import pytest

from gateway.core.profile.vendor import Operation, Vendor


def vendor(**parts: Any) -> Vendor:
    default = {"name": "shop", "title": "Shop", "base_url": None, "fields": {}}
    return Vendor(**{**default, "user_id": r"\w+", "operations": {}, **parts})


@pytest.mark.parametrize("path", ["", "export", "/export/", "/a//b", "/{a", "/{+rest}/x"])
def test_a_closed_path_is_a_path(path: str) -> None:
    with pytest.raises(ValueError, match="closed"):
        vendor(closed=(path,))


def test_what_a_profile_says_cannot_be_changed_afterwards() -> None:
    shop = vendor(fields={"a": "1"}, operations={"chat": Operation(method="GET", path="/chat")})
    for mapping in (shop.fields, shop.operations):
        with pytest.raises(TypeError):
            mapping["b"] = "2"  # type: ignore[index]


def test_a_rule_for_user_ids_is_a_regular_expression() -> None:
    with pytest.raises(ValueError, match="user_id"):
        vendor(user_id="[a-z")


def test_a_vendor_knows_what_it_is_told() -> None:
    shop = vendor(
        fields={"x-o": "{org}"}, operations={"a": Operation(method="POST", path="/{agent}/chat")}
    )
    assert (shop.told_org, shop.told_roles, shop.has_agents) == (True, False, True)
    other = vendor(
        fields={"x-r": "{roles}"}, operations={"a": Operation(method="POST", path="/chat")}
    )
    assert (other.told_org, other.told_roles, other.has_agents) == (False, True, False)


def test_one_template_of_several_is_enough_to_tell_something() -> None:
    telling = Vendor(
        name="x",
        title="X",
        base_url=None,
        fields={"a": "{key}", "b": "{org}", "c": "{roles}"},
        user_id=".*",
        operations={
            "one": Operation(method="GET", path="/agents/{agent}"),
            "all": Operation(method="GET", path="/agents"),
        },
    )
    assert (telling.told_org, telling.told_roles, telling.has_agents) == (True, True, True)
    silent = replace(telling, fields={"a": "{key}"}, operations={})
    assert (silent.told_org, silent.told_roles, silent.has_agents) == (False, False, False)


def test_one_operation_of_several_makes_it_a_server_of_tools() -> None:
    ping = Operation(method="GET", path="/ping")
    tools = Operation(method="POST", path="/mcp", mcp=True, members=frozenset({"method"}))
    assert vendor(operations={"ping": ping, "call": tools}).is_mcp
    assert not vendor(operations={"ping": ping}).is_mcp
