from typing import Any

import pytest

from gateway.config.load import from_dict
from gateway.config.mistake import ConfigError

MCP: dict[str, Any] = {"vendor": "mcp", "base_url": "https://notes.example", "key": "k" * 20}
DOCBIT = MCP | {"vendor": "external-user-id", "default_roles": ["x"]}


def told(upstream: dict[str, Any], **org: Any) -> list[tuple[str, str]]:
    """The keys of what is wrong, and how badly; secrets that are written out aside."""
    sign_in = {"issuer": "https://id.example/", "audience": "chat"}
    one = {"sign_in": sign_in, "upstreams": {"notes": upstream}, **org}
    try:
        mistakes = from_dict({"orgs": {"acme": one}}, environment={}).warnings
    except ConfigError as error:
        mistakes = error.mistakes
    prefix = "orgs.acme."
    return [
        (one.key.removeprefix(prefix).removeprefix("upstreams.notes."), one.severity)
        for one in mistakes
        if "is written out" not in one.message and one.severity != "note"
    ]


def test_a_server_needs_no_more_than_its_place_and_key() -> None:
    assert told(MCP) == []
    assert told(MCP | {"allowed_tools": ["a"], "user_arguments": {"a": "user"}}) == []


@pytest.mark.parametrize(
    ("upstream", "mistake"),
    [
        (DOCBIT | {"allowed_tools": ["a"]}, ("allowed_tools", "error")),
        (DOCBIT | {"allowed_tools": []}, ("allowed_tools", "error")),
        (DOCBIT | {"user_arguments": {"a": "user"}}, ("user_arguments", "error")),
        (MCP | {"set": {"/params/x": 1}}, ("set", "error")),
        ({name: value for name, value in MCP.items() if name != "key"}, ("key", "warning")),
        ({name: value for name, value in MCP.items() if name != "base_url"}, ("base_url", "error")),
    ],
)
def test_says_what_would_not_be_enforced(
    upstream: dict[str, Any], mistake: tuple[str, str]
) -> None:
    assert mistake in told(upstream)


def test_visitors_need_hosts() -> None:
    assert ("anonymous", "warning") in told(MCP, anonymous=True)
    assert told(MCP, anonymous=True, hosts=["chat.acme.example"]) == []
