"""What Google Analytics hears: in its own form, and nothing that must not go there."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import ga4
from tests.support.analytics import problems
from tests.test_envelope import EVENT


def test_an_event_in_its_form() -> None:
    told = json.loads(ga4.payload(EVENT, {}))
    assert told["user_id"] == "u_1"
    assert told["timestamp_micros"] == EVENT.at * 1000
    (event,) = told["events"]
    assert event["name"] == "lead_created"
    assert event["params"]["conversation"] == "7"
    assert problems(told) == []


def test_what_the_vendor_said_stays_here() -> None:
    assert b"mallory" not in ga4.payload(EVENT, {})
    assert b"alice" not in ga4.payload(EVENT, {})


def test_a_name_may_be_given() -> None:
    told = json.loads(ga4.payload(EVENT, {"lead.created": "generate_lead"}))
    assert told["events"][0]["name"] == "generate_lead"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("leads.submit", "leads_submit"),
        ("error", "chat_error"),
        ("_private", "private"),
        ("7up", "chat_7up"),
        ("google_x", "chat_google_x"),
        ("ü", "chat"),
        ("x" * 60, "x" * 40),
    ],
)
def test_every_kind_has_a_name_that_is_taken(kind: str, name: str) -> None:
    assert ga4.name_of(kind, {}) == name
    assert ga4.is_name(name)


@given(st.text(min_size=1, max_size=128), st.none() | st.text(min_size=1, max_size=300))
def test_nothing_is_sent_that_it_would_not_take(kind: str, name: str | None) -> None:
    if "\ud800" <= max(kind + (name or "")) <= "\udfff":
        return
    event = replace(EVENT, kind=kind, user=name, conversation=name, org=(name or "o")[:200])
    assert problems(json.loads(ga4.payload(event, {}))) == []


def test_one_person_is_one_client_in_each_org() -> None:
    def client(**changes: str) -> str:
        return str(json.loads(ga4.payload(replace(EVENT, **changes), {}))["client_id"])

    assert client(conversation="8", kind="x") == client()
    assert len({client(), client(user="u_2"), client(org="org_globex")}) == 3
