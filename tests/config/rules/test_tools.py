"""What a tool's table must say: nothing that anybody could call, or that could be fooled."""

from typing import Any

import pytest

from gateway.config.load import from_dict
from gateway.config.mistake import ConfigError

TOKEN = "t" * 32
WHSEC = "whsec_" + "c2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXMtMDAwMDE="
TOOL: dict[str, Any] = {
    "url": "http://127.0.0.1:9000/orders",
    "verify": {"bearer": TOKEN},
    "user": "field:x-user-id",
}


def told(**changed: Any) -> list[str]:
    """The errors of a configuration with this one tool."""
    tool = {name: value for name, value in (TOOL | changed).items() if value is not None}
    upstream = {"vendor": "chatbase", "key": "k", "agent": "a", "tools": {"orders": tool}}
    sign_in = {"issuer": "https://id.example/", "audience": "chat"}
    try:
        from_dict({"sign_in": sign_in, "upstreams": {"support": upstream}}, environment={})
    except ConfigError as error:
        prefix = "upstreams.support.tools.orders."
        return [
            f"{one.key.removeprefix(prefix)}: {one.message}"
            for one in error.mistakes
            if one.severity == "error"
        ]
    return []


@pytest.mark.parametrize(
    "verify",
    [
        {"bearer": TOKEN},
        {"bearer": [TOKEN, "u" * 32]},
        {"hmac_sha256": TOKEN, "field": "X-Signature", "prefix": "sha256="},
        {"hmac_sha1": TOKEN, "field": "x-chatbase-signature"},
        {"standard_webhooks": WHSEC},
    ],
)
def test_a_caller_may_prove_itself_in_four_ways(verify: dict[str, Any]) -> None:
    assert told(verify=verify) == []


@pytest.mark.parametrize(
    ("verify", "mistake"),
    [
        ({}, "verify: needs one of bearer, hmac_sha256, hmac_sha1, standard_webhooks: or anybody"),
        ({"bearer": ""}, "verify.bearer: is empty"),
        ({"bearer": "short"}, "verify.bearer: has fewer than 16 bytes"),
        ({"hmac_sha256": TOKEN}, "verify.field: is required"),
        ({"bearer": TOKEN, "field": "x-sig"}, "verify.field: is for an HMAC"),
        ({"bearer": TOKEN, "hmac_sha1": TOKEN, "field": "x"}, "verify.hmac_sha1: there is bearer"),
        ({"standard_webhooks": "plain"}, "verify.standard_webhooks: must be whsec_ and base64"),
        ({"hmac_sha256": TOKEN, "field": "a b"}, "verify.field: is no field name"),
        ({"hmac_md5": TOKEN}, "verify.hmac_md5: unknown key"),
    ],
)
def test_anything_else_is_a_mistake(verify: dict[str, Any], mistake: str) -> None:
    assert any(one.startswith(mistake) for one in told(verify=verify)), told(verify=verify)


@pytest.mark.parametrize("url", ["http://tools.example/orders", "no url", "ftp://127.0.0.1/x"])
def test_what_is_said_of_people_is_said_to_nobody_on_the_way(url: str) -> None:
    (mistake,) = told(url=url)
    assert mistake.startswith("url: ")


def test_a_user_in_the_body_needs_a_conversation_beside_it() -> None:
    (mistake,) = told(user="body:/userId")
    assert mistake.startswith("conversation: is required, since `user` is in the body")
    assert told(user="body:/userId", conversation="body:/conversationId") == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("user", "path:user"),
        ("user", "userId"),
        ("user", None),
        ("conversation", "path:c"),
        ("url", "ftp://x"),
        ("url", None),
        ("verify", None),
        ("timeout", "0s"),
        ("max_body", "1GiB"),
    ],
)
def test_what_cannot_be_meant_is_a_mistake_of_that_key(key: str, value: object) -> None:
    assert [one.partition(":")[0] for one in told(**{key: value})] == [key]


def test_other_orgs_may_have_tools() -> None:
    upstream = {"vendor": "chatbase", "key": "k", "agent": "a", "tools": {"orders": TOOL}}
    config = {
        "sign_in": {"issuer": "https://id.example/", "audience": "chat", "org_claim": "org"},
        "orgs": {"*": {"upstreams": {"support": upstream}}},
    }
    assert from_dict(config, environment={}).settings.orgs["*"].upstreams["support"].tools
