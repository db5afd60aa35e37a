from typing import Any

import pytest

from gateway.config.mistake import Finding
from gateway.config.overlay import lay_over, override
from tests.config.conftest import Load, Told
from tests.config.parts import STRONG, org, short


def laid(tree: dict[str, Any], **environment: str) -> tuple[dict[Any, str], list[Finding]]:
    findings: list[Finding] = []
    return lay_over(tree, environment, findings), findings


@pytest.mark.parametrize(
    ("tree", "name", "value", "expected"),
    [
        ({}, "GATEWAY__SERVER__LISTEN", "x", {"server": {"listen": "x"}}),
        ({"a": {"b": "y", "c": 1}}, "gateway__A__b", "x", {"a": {"b": "x", "c": 1}}),
        ({"o": {"A-Co": {"p": 1}}}, "GATEWAY__O__A_CO__P", "x", {"o": {"A-Co": {"p": "x"}}}),
        ({"a": [{}, {"b": 1}]}, "GATEWAY__A__1__B", "x", {"a": [{}, {"b": "x"}]}),
        ({}, "GATEWAY__A__B", '["x", "y"]', {"a": {"b": ["x", "y"]}}),
        ({}, "GATEWAY__A__B", "{ c = true }", {"a": {"b": {"c": True}}}),
        ({}, "GATEWAY__A__B", "[not toml", {"a": {"b": "[not toml"}}),
        ({}, "GATEWAY__A__B", "12345", {"a": {"b": "12345"}}),
    ],
)
def test_a_variable_goes_before_the_file(
    tree: dict[str, Any], name: str, value: str, expected: dict[str, Any]
):
    names, findings = laid(tree, **{name: value})
    assert list(names.values()) == [name]
    assert findings == []
    assert tree == expected


@pytest.mark.parametrize(
    ("tree", "name"),
    [
        pytest.param({}, "GATEWAY__", id="no name"),
        pytest.param({}, "GATEWAY__A____B", id="an empty part"),
        pytest.param({"a": "x"}, "GATEWAY__A__B", id="below a value"),
        pytest.param({"a": [1]}, "GATEWAY__A__1", id="an item there is not"),
        pytest.param({"a": [1]}, "GATEWAY__A__B", id="a list has no names"),
        pytest.param({"a-b": 1, "a_b": 2}, "GATEWAY__A_B", id="two keys of one name"),
    ],
)
def test_a_variable_that_names_no_one_place_is_a_mistake(tree: dict[str, Any], name: str):
    names, findings = laid(tree, **{name: "x"})
    assert names == {(name,): name}
    assert [finding.path for finding in findings] == [(name,)]


def test_two_variables_for_one_place_are_a_mistake():
    _, findings = laid({}, GATEWAY__A="1", gateway__a="2")
    assert [finding.path for finding in findings] == [("gateway__a",)]


def test_other_variables_are_none_of_ours():
    tree: dict[str, Any] = {}
    assert laid(tree, GATEWAY_SECRET="x", GATEWAY_CONFIG="y", PATH="z") == ({}, [])
    assert tree == {}


def test_options_go_before_both():
    tree = {"server": {"listen": "a"}}
    assert override(tree, {"server.listen": "b"}) == {("server", "listen"): "the command line"}
    assert tree == {"server": {"listen": "b"}}


def test_it_reaches_the_settings(loaded: Load):
    settings = loaded(
        short(),
        GATEWAY__SERVER__LISTEN="127.0.0.1:9000",
        GATEWAY__SERVER__MAX_CONNECTIONS="7",
        GATEWAY__SERVER__WORKERS="1",
        GATEWAY__UPSTREAMS__SUPPORT__HTTP2="false",
        GATEWAY__UPSTREAMS__SUPPORT__AGENT='["a", "b"]',
    ).settings
    assert settings.server.listen == "127.0.0.1:9000"
    assert settings.server.max_connections == 7
    assert settings.orgs["default"].upstreams["support"].agents == ("a", "b")


def test_a_mistake_in_a_variable_names_the_variable(told: Told):
    variables = {"GATEWAY__SERVER__LISEN": "x", "GATEWAY__STORE__URL": "CANARY"}
    assert told(short(), **variables) == [
        "GATEWAY__SERVER__LISEN  error  server.lisen: unknown key - did you mean listen?",
        'GATEWAY__STORE__URL  error  store.url: must begin with "sqlite:///", as in '
        '"sqlite:///gateway.db", or "postgresql://"',
    ]


def test_so_does_one_that_leads_nowhere(told: Told):
    assert told(short(), GATEWAY__SIGN_IN__ISSUER__X="CANARY") == [
        "GATEWAY__SIGN_IN__ISSUER__X  error  GATEWAY__SIGN_IN__ISSUER__X: names no one place of "
        "the configuration"
    ]


def test_a_secret_from_the_environment_is_not_written_out(told: Told):
    text = org("acme").replace('key = "${env:KEY}"\n', "")
    assert told(text, GATEWAY__ORGS__ACME__UPSTREAMS__SUPPORT__KEY=STRONG) == []
