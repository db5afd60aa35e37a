"""What needs an application around the gateway is said where there is none."""

from typing import Any

import pytest

from gateway.config.load import from_dict
from gateway.config.mistake import ConfigError
from gateway.config.surroundings import ALONE, Surroundings

APP = {
    "vendors": {"mine": {"operations": {"ping": "GET /api/ping"}}},
    "upstreams": {"bot": {"vendor": "mine", "base_url": "app:"}},
}
VENDOR = {"upstreams": {"bot": {"vendor": "chatbase", "key": "${env:KEY}", "agent": "a"}}}
JWT = {"sign_in": {"issuer": "https://id.example/", "audience": "chat"}}
HOST = {"sign_in": {"type": "host"}}
BOTH = {"sign_in": [JWT["sign_in"], HOST["sign_in"]]}
IN_APP = Surroundings(wraps=True, identifies=True)
WRAPPED = Surroundings(wraps=True)


def told(config: dict[str, Any], around: Surroundings | None) -> list[str]:
    try:
        found = from_dict(config, environment={"KEY": "k"}, around=around)
    except ConfigError as error:
        return str(error).splitlines()
    return [str(one) for one in found.warnings]


@pytest.mark.parametrize(
    ("config", "around", "expected"),
    [
        (APP | JWT, WRAPPED, []),
        (APP | JWT, ALONE, ["error  upstreams.bot.base_url: is the application"]),
        (APP | JWT, None, ["note  upstreams.bot.base_url: is the application"]),
        (VENDOR | HOST, IN_APP, []),
        (VENDOR | HOST, WRAPPED, ["error  sign_in.type: asks the application: identify="]),
        (VENDOR | HOST, ALONE, ["error  sign_in.type: asks the application: identify="]),
        (VENDOR | HOST, None, ["note  sign_in.type: asks the application"]),
        (VENDOR | BOTH, IN_APP, []),
        (VENDOR | BOTH, ALONE, ["error  sign_in[1].type: asks the application"]),
        (VENDOR | JWT, IN_APP, ["error  sign_in: identify is given, and nothing asks it"]),
        (VENDOR, IN_APP, []),  # identify alone is the sign-in
        (VENDOR, WRAPPED, ["error  sign_in: is required"]),
    ],
)
def test_says_what_is_not_there(
    config: dict[str, Any], around: Surroundings | None, expected: list[str]
) -> None:
    found = told(config, around)
    assert len(found) == len(expected), found
    for line, wanted in zip(found, expected, strict=True):
        assert line.startswith(f"configuration  {wanted}")


def test_the_application_stands_at_its_own_urls() -> None:
    upstream = {**APP["upstreams"]["bot"], "path": "/x"}
    (line,) = told(APP | JWT | {"upstreams": {"bot": upstream}}, WRAPPED)
    assert "upstreams.bot.path: the application stands at its own URLs" in line


def test_the_application_is_one_upstream() -> None:
    upstreams = {"bot": APP["upstreams"]["bot"], "other": APP["upstreams"]["bot"]}
    (line,) = told(APP | JWT | {"upstreams": upstreams}, WRAPPED)
    assert "upstreams.other.base_url: the application is one upstream" in line


def test_the_application_stands_beside_vendors() -> None:
    both = {**APP["upstreams"], **VENDOR["upstreams"]}
    both["chatbase"] = both.pop("bot")
    both["bot"] = APP["upstreams"]["bot"]
    assert told(APP | JWT | {"upstreams": both}, WRAPPED) == []


def test_a_key_is_required_where_it_would_be_sent() -> None:
    profile = {"fields": {"authorization": "Bearer {key}"}, "operations": {"ping": "GET /ping"}}
    (line,) = told(APP | JWT | {"vendors": {"mine": profile}}, WRAPPED)
    assert "upstreams.bot.key: is required" in line


def test_orgs_whom_the_application_tells_apart() -> None:
    orgs = {
        name: {"hosts": [f"{name}.example"], "upstreams": VENDOR["upstreams"], "user_id": "opaque"}
        for name in ("acme", "globex")
    }
    assert told({"orgs": orgs}, IN_APP) == []
    for org in orgs.values():
        org["sign_in"] = HOST["sign_in"]
    assert [line for line in told({"orgs": orgs}, IN_APP) if "sign_in.org" in line]
