"""An application that identifies its people is the sign-in, where none is written."""

from typing import Any

import pytest

from gateway.config.surroundings import sign_in_by_host


@pytest.mark.parametrize(
    ("tree", "sign_in"),
    [
        ({}, {"type": "host", "org": False}),
        ({"upstreams": {}}, {"type": "host", "org": False}),
        ({"orgs": {"acme": {}}}, {"type": "host", "org": False}),
        ({"orgs": {"acme": {}, "globex": {}}}, {"type": "host", "org": True}),
        ({"orgs": {"*": {}}}, {"type": "host", "org": True}),
        ({"orgs": "none"}, {"type": "host", "org": False}),
        ({"sign_in": {"issuer": "x"}}, {"issuer": "x"}),
        ({"sign_in": []}, []),
    ],
)
def test_is_filled_in_where_nothing_is_written(tree: dict[str, Any], sign_in: object) -> None:
    sign_in_by_host(tree)
    assert tree["sign_in"] == sign_in


def test_an_orgs_own_sign_in_is_one() -> None:
    tree: dict[str, Any] = {"orgs": {"acme": {"sign_in": {"issuer": "x"}}, "globex": {}}}
    sign_in_by_host(tree)
    assert "sign_in" not in tree
