"""What of an application's configuration only the gateway may call or say."""

from typing import Any

import pytest

from gateway.assemble.doors import doors_of
from gateway.config.load import from_dict
from gateway.config.surroundings import Surroundings

JWT = {"issuer": "https://id.example/", "audience": "chat"}
PROFILE: dict[str, Any] = {
    "fields": {"x-app-org": "{org}", "x-app-key": "{key}", "authorization": "Bearer {key}"},
    "operations": {
        "chat": {"method": "POST", "path": "/api/chat", "user": ["field:x-app-person"]},
        "ping": "GET /api/ping",
    },
}
UPSTREAM = {
    "vendor": "ours",
    "base_url": "app:",
    "key": "${env:KEY}",
    "user_header": "X-App-User",
    "fields": {"X-Plan": "pro"},
    "operations": ["chat"],
}


def settings(**orgs: Any) -> Any:
    config = {"vendors": {"ours": PROFILE}, "orgs": orgs}
    return from_dict(config, environment={"KEY": "k"}, around=Surroundings(wraps=True)).settings


def test_there_are_none_where_the_application_is_no_upstream() -> None:
    vendor = {"vendor": "chatbase", "key": "${env:KEY}", "agent": "a"}
    assert doors_of(settings(acme={"sign_in": JWT, "upstreams": {"bot": vendor}})) is None


def test_every_operation_is_one_also_those_that_are_closed_here() -> None:
    doors = doors_of(settings(acme={"sign_in": JWT, "upstreams": {"bot": UPSTREAM}}))
    assert doors is not None
    assert doors.covers("/api/chat")
    assert doors.covers("/api/ping")
    assert not doors.covers("/api")


def test_an_orgs_doors_stand_below_its_path() -> None:
    orgs = {
        name: {
            "path": f"/{name}",
            "sign_in": JWT | {"audience": name},
            "upstreams": {"b": UPSTREAM},
        }
        for name in ("acme", "globex")
    }
    doors = doors_of(settings(**orgs))
    assert doors is not None
    assert doors.covers("/acme/api/chat")
    assert doors.covers("/globex/api/chat")
    assert not doors.covers("/api/chat")


@pytest.mark.parametrize("name", ["x-app-user", "x-app-org", "x-plan", "x-app-person", "X_App_Org"])
def test_what_we_tell_the_application_nobody_else_does(name: str) -> None:
    doors = doors_of(settings(acme={"sign_in": JWT, "upstreams": {"bot": UPSTREAM}}))
    assert doors is not None
    assert doors.stripped([(name.encode(), b"victim")]) == []


def test_where_people_show_a_credential_of_their_own_it_stays() -> None:
    doors = doors_of(settings(acme={"sign_in": JWT, "upstreams": {"bot": UPSTREAM}}))
    assert doors is not None
    line = (b"authorization", b"Bearer x")
    assert doors.stripped([line]) == [line]
    by_name = {**UPSTREAM, "fields": {}, "vendor": "ours"}
    config = {
        "vendors": {"ours": {**PROFILE, "fields": {"authorization": "User {user} {key}"}}},
        "orgs": {"acme": {"sign_in": JWT, "upstreams": {"bot": by_name}}},
    }
    around = Surroundings(wraps=True)
    doors = doors_of(from_dict(config, environment={"KEY": "k"}, around=around).settings)
    assert doors is not None
    assert doors.stripped([line]) == []
