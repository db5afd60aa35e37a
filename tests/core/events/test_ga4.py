"""What Google Analytics hears: in its own form, and nothing that must not go there."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.events import ga4
from tests.events.test_envelope import EVENT
from tests.support.analytics import problems


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


def test_who_and_which_conversation_are_numbers_that_stay_the_same() -> None:
    """The first 4 bytes of `printf 'session\\0org_acme\\0support\\0007' | sha256sum`, and so."""
    told = json.loads(ga4.payload(EVENT, {}))
    assert told == {
        "client_id": "3753069649.730092075",
        "timestamp_micros": 1_766_000_000_123_000,
        "user_id": "u_1",
        "events": [
            {
                "name": "lead_created",
                "params": {
                    "session_id": "4132611782",
                    "engagement_time_msec": 1,
                    "org": "org_acme",
                    "upstream": "support",
                    "event_id": "evt_1",
                    "conversation": "7",
                },
            }
        ],
    }


def test_who_is_not_named_is_told_apart_by_the_conversation_then_by_the_event() -> None:
    def ids(**changes: str | None) -> tuple[str, str]:
        told = json.loads(ga4.payload(replace(EVENT, user=None, **changes), {}))
        return told["client_id"], told["events"][0]["params"]["session_id"]

    assert len({ids(), ids(conversation="8"), ids(conversation=None)}) == 3
    assert ids(conversation=None) != ids(conversation=None, id="evt_2")
    of_a_user = json.loads(ga4.payload(replace(EVENT, conversation=None), {}))
    other = json.loads(ga4.payload(replace(EVENT, conversation=None, id="evt_2"), {}))
    assert (
        of_a_user["events"][0]["params"]["session_id"]
        == (other["events"][0]["params"]["session_id"])
    )


@pytest.mark.parametrize(("length", "is_told"), [(256, True), (257, False)])
def test_a_user_id_that_is_too_long_is_not_told_at_all(length: int, is_told: bool) -> None:
    told = json.loads(ga4.payload(replace(EVENT, user="u" * length), {}))
    assert ("user_id" in told) is is_told


def test_values_are_cut_to_their_length() -> None:
    long = replace(EVENT, org="o" * 101, upstream="s" * 101, conversation="c" * 101)
    params = json.loads(ga4.payload(long, {}))["events"][0]["params"]
    assert (params["org"], params["upstream"]) == ("o" * 100, "s" * 100)
    assert params["conversation"] == "c" * 100


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("lead.created!", "lead_created"),
        ("lead..created", "lead_created"),
        ("X", "X"),
        ("google_X", "chat_google_X"),
        ("firebase_" + "x" * 40, "chat_firebase_" + "x" * 26),
        ("google_" + "x" * 27 + "_.y", "chat_google_" + "x" * 27),
    ],
)
def test_no_name_ends_with_what_stands_for_something_else(kind: str, name: str) -> None:
    assert ga4.name_of(kind, {}) == name


# Those of support.google.com/analytics/answer/13316687, and one behind each prefix.
RESERVED = """
    ad_activeview ad_click ad_exposure ad_impression ad_query ad_reward adunit_exposure
    app_background app_clear_data app_exception app_install app_remove app_store_refund
    app_store_subscription_cancel app_store_subscription_convert app_store_subscription_renew
    app_update app_upgrade click dynamic_link_app_open dynamic_link_app_update
    dynamic_link_first_open error file_download firebase_campaign
    firebase_in_app_message_action firebase_in_app_message_dismiss
    firebase_in_app_message_impression first_open first_visit form_start form_submit
    in_app_purchase notification_dismiss notification_foreground notification_open
    notification_receive notification_send os_update page_view screen_view scroll session_start
    user_engagement video_complete video_progress video_start view_complete view_search_results
    firebase_x ga_x google_x gtag_x query_id query_id_x
"""


@pytest.mark.parametrize("name", RESERVED.split())
def test_what_google_keeps_for_itself_is_no_name(name: str) -> None:
    assert not ga4.is_name(name)
    assert ga4.name_of(name, {}) == f"chat_{name}"


@pytest.mark.parametrize("name", ["lead_created\n", "", "lead created", "x" * 41, "GA_x"])
def test_what_google_would_not_take_is_no_name(name: str) -> None:
    assert not ga4.is_name(name)
