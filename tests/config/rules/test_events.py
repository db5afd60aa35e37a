"""What may stand in `[orgs.X.upstreams.Y.events]`, and what is said of the rest."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.config.load import load
from gateway.config.mistake import ConfigError

BASE = """
[sign_in]
issuer = "https://login.example/"
audience = "chat"
secret = "kZ3vQ9xT1mB7nL5pR2wS8dF4gH6jK0aC"
[upstreams.support]
vendor = "VENDOR"
base_url = "https://vendor.example"
key = "cb-key"
AGENT
[upstreams.support.events]
"""
SECRET = 'secret = "webhook-secret-0123456789abcdef"\n'
LINES = 'lines = "stdout"\n'
WHSEC = "whsec_c2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXMtMDAwMDE="
DELIVER = f'deliver = ["https://hooks.example/a"]\nsign = "{WHSEC}"\n'


def mistakes(tmp_path: Path, events: str, vendor: str = "chatbase", more: str = "") -> list[str]:
    file = tmp_path / "gateway.toml"
    agent = "" if vendor in {"altatech", "external-user-id"} else 'agent = "1"'
    text = BASE.replace("VENDOR", vendor).replace("AGENT", agent)
    file.write_text(text + events + more)
    try:
        found = load(file).warnings
    except ConfigError as error:
        found = tuple(error.mistakes)
    lines = [str(one) for one in found if one.severity != "note"]
    return [re.sub(r"^\S+\s+", "", line) for line in lines if ".events" in line]


ANALYTICS = """[upstreams.support.events.ga4]
measurement_id = "G-ABCD1234"
api_secret = "${env:HOME}"
names = { "leads.submit" = "generate_lead" }
"""


@pytest.mark.parametrize(
    ("events", "vendor"),
    [
        (SECRET + LINES, "chatbase"),
        (SECRET + DELIVER, "bookbag"),
        (LINES, "altatech"),
        (f'secret = ["{"0123456789abcdef" * 2}", "{"0123456789abcdeg" * 2}"]\n' + LINES, "bookbag"),
        ('verify = { bearer = "callback-token-0123456789" }\n' + LINES, "chatbase"),
        (SECRET + ANALYTICS, "chatbase"),
    ],
)
def test_what_is_whole_is_taken(tmp_path: Path, events: str, vendor: str) -> None:
    told = [one for one in mistakes(tmp_path, events, vendor) if "written out here" not in one]
    assert told == []


MISTAKES: Mapping[str, tuple[str, str]] = {
    "nobody is told": (SECRET, "nobody is told"),
    "who says it": (LINES, "secret: is required: what chatbase signs with (hmac_sha1)"),
    "twice": (SECRET + LINES + 'verify = { bearer = "0123456789abcdef" }\n', "one of the two"),
    "no form": (LINES + "verify = {}\n", "or anybody could call"),
    "a short secret": ('secret = "short"\n' + LINES, "fewer than 16 bytes"),
    "unsigned": (SECRET + 'deliver = ["https://hooks.example/a"]\n', "sign: is required"),
    "signs nothing": (SECRET + LINES + f'sign = "{WHSEC}"\n', "nothing else is signed"),
    "weak": (SECRET + 'deliver = "https://h.example/a"\nsign = "whsec_AAAA"\n', "24 to 64 bytes"),
    "no URL": (SECRET + f'deliver = "hooks"\nsign = "{WHSEC}"\n', "must begin with https://"),
    "user": (SECRET + f'deliver = "https://u:p@h.example/"\nsign = "{WHSEC}"\n', "user name"),
    "open": (SECRET + f'deliver = "http://hooks.example.com/"\nsign = "{WHSEC}"\n', "be https"),
    "url twice": (
        SECRET + f'deliver = ["https://h.example/a", "https://h.example/a"]\nsign = "{WHSEC}"\n',
        "stands there twice",
    ),
    "waits": (SECRET + LINES + 'first_wait = "1m"\nlongest_wait = "1s"\n', "longer than `longest"),
    "the sign-in's": (
        'secret = "kZ3vQ9xT1mB7nL5pR2wS8dF4gH6jK0aC"\n' + LINES,
        "people are signed in with",
    ),
    "an id": (
        SECRET + '[upstreams.support.events.ga4]\nmeasurement_id = "UA-1"\napi_secret = "x"\n',
        "measurement_id",
    ),
    "a name": (
        SECRET
        + '[upstreams.support.events.ga4]\nmeasurement_id = "G-ABCD1234"\napi_secret = "x"\n'
        + 'names = { "a" = "session_start" }\n',
        "Google keeps for itself",
    ),
    "a query": (
        SECRET
        + '[upstreams.support.events.ga4]\nmeasurement_id = "G-ABCD1234"\napi_secret = "x"\n'
        + 'url = "https://www.google-analytics.com/mp/collect?api_secret=x"\n',
        "has a query",
    ),
    "unknown": (SECRET + LINES + "retry = 1\n", "retry"),
}


@pytest.mark.parametrize(("events", "told"), MISTAKES.values(), ids=MISTAKES)
def test_what_is_wrong_is_said(tmp_path: Path, events: str, told: str) -> None:
    """Row W-09 is "the sign-in's"."""
    assert any(told in one for one in mistakes(tmp_path, events)), mistakes(tmp_path, events)


def test_a_profile_that_tells_of_nothing_has_no_events(tmp_path: Path) -> None:
    (told,) = mistakes(tmp_path, LINES, "external-user-id")
    assert "does not say how events look" in told


def test_what_is_remembered_is_longer_than_what_may_come(tmp_path: Path) -> None:
    store = '[store]\nretention = "1d"\n'
    told = mistakes(tmp_path, SECRET + LINES + 'max_age = "2d"\n', more=store)
    assert any("nobody remembers" in one for one in told)


def test_their_address_names_an_org(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(
        BASE.replace("[sign_in]", '[[sign_in]]\norg_claim = "org"\norgs = ["*"]')
        .replace("VENDOR", "altatech")
        .replace("AGENT", "")
        .replace("[upstreams", '[orgs."*".upstreams')
        + LINES
    )
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert any("list the org" in str(one) for one in caught.value.mistakes)


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ({"signature": "hmac_sha1"}, "field"),
        ({}, "signature: is required"),
        ({"signature": "md5"}, "signature"),
        ({"signature": "bearer", "user": "user"}, "user"),
    ],
)
def test_a_vendor_of_ones_own_says_how_its_events_look(
    tmp_path: Path, events: dict[str, Any], told: str
) -> None:
    table = "".join(f'{name} = "{value}"\n' for name, value in events.items())
    own = '[vendors.mine]\n[vendors.mine.operations]\nping = "GET /p"\n[vendors.mine.events]\n'
    assert any(told in one for one in mistakes(tmp_path, LINES, more=own + table))
