"""What a widget's table must say: a proof that its vendor takes, by a secret nobody guesses."""

from typing import Any

import pytest

from gateway.config.load import from_dict
from gateway.config.mistake import ConfigError, Mistake

SECRET = "0123456789abcdefghijklmnopqrstuvwxyz"
SIGN_IN = {"issuer": "https://id.example/", "audience": "chat"}


def told(vendor: str, widget: dict[str, Any], **upstream: Any) -> list[tuple[str, str]]:
    """What is said of a configuration with this one widget."""
    agent = {} if vendor in {"altatech", "external-user-id", "openai"} else {"agent": "7"}
    settings = {"vendor": vendor, "key": "k", "widget": widget, **agent, **upstream}
    config = {"sign_in": SIGN_IN, "upstreams": {"support": settings}}
    return [(one.severity, said(one)) for one in findings(config)]


def findings(config: dict[str, Any]) -> tuple[Mistake, ...]:
    try:
        return from_dict(config, environment={}).warnings
    except ConfigError as error:
        return error.mistakes


def said(one: Mistake) -> str:
    return f"{one.key.removeprefix('upstreams.support.')}: {one.message}"


@pytest.mark.parametrize(
    ("vendor", "widget", "more"),
    [
        ("chatbase", {"secret": SECRET}, {}),
        ("chatbase", {"secret": [SECRET], "proof": "jwt", "lifetime": "1h"}, {}),
        ("chatbase", {"secret": SECRET[:16], "proof": "user_hash"}, {}),
        ("bookbag", {"secret": SECRET[:16]}, {}),
        ("openai", {"workflow": "wf_1"}, {}),
        ("altatech", {}, {"user_id": "opaque"}),
        ("altatech", {"proof": "user_id"}, {"user_id": "opaque"}),
    ],
)
def test_a_widget_is_shown_what_it_takes(
    vendor: str, widget: dict[str, Any], more: dict[str, Any]
) -> None:
    assert [one for one in told(vendor, widget, **more) if "widget" in one[1]] == []


@pytest.mark.parametrize(
    ("vendor", "widget", "mistake"),
    [
        ("chatbase", {}, "widget.secret: is required: what chatbase verifies people by"),
        ("chatbase", {"secret": ""}, "widget.secret: is empty"),
        ("chatbase", {"secret": SECRET[:31]}, "widget.secret: has fewer than 32 bytes"),
        ("chatbase", {"secret": "ab" * 20}, "widget.secret: repeats a few characters"),
        ("chatbase", {"secret": [SECRET, "short"]}, "widget.secret: has fewer than 32 bytes"),
        ("chatbase", {"secret": SECRET, "proof": "user_id"}, "widget.proof: the widget of chat"),
        ("chatbase", {"secret": SECRET, "proof": "none"}, "widget.proof: "),
        ("chatbase", {"secret": SECRET, "lifetime": "2h"}, "widget.lifetime: "),
        ("chatbase", {"secret": SECRET, "user": "bob"}, "widget.user: "),
        ("bookbag", {"secret": SECRET[:15]}, "widget.secret: has fewer than 16 bytes"),
        ("bookbag", {"secret": SECRET, "proof": "jwt"}, "widget.proof: the widget of bookbag"),
        ("altatech", {"secret": SECRET}, "widget.secret: the widget of altatech verifies nothing"),
        ("openai", {}, "widget.workflow: is required"),
        ("openai", {"workflow": "wf_1", "secret": SECRET}, "widget.secret: openai makes one"),
        ("chatbase", {"workflow": "wf_1"}, "widget.workflow: the widget of chatbase has none"),
        ("external-user-id", {"secret": SECRET}, "widget: external-user-id has no widget"),
    ],
)
def test_what_it_does_not_take_is_a_mistake(
    vendor: str, widget: dict[str, Any], mistake: str
) -> None:
    wrong = [text for severity, text in told(vendor, widget) if severity == "error"]
    assert any(text.startswith(mistake) for text in wrong), wrong


def test_says_that_a_widget_believes_what_it_is_told() -> None:
    found = told("altatech", {}, user_id="auto")
    assert any(severity == "warning" and "believes whatever" in text for severity, text in found)


def test_says_which_of_two_secrets_signs() -> None:
    found = told("chatbase", {"secret": [SECRET, SECRET[::-1]]})
    assert any(severity == "note" and "the first signs" in text for severity, text in found)


def test_a_widgets_secret_is_no_sign_ins() -> None:
    """Row W-09: or what a page is shown would sign people in."""
    other = {"issuer": "https://id.other/", "audience": "chat", "secret": SECRET}
    upstream = {"vendor": "chatbase", "key": "k", "agent": "a", "widget": {"secret": SECRET}}
    config = {
        "orgs": {
            "acme": {
                "hosts": ["acme.example"],
                "upstreams": {"support": upstream},
                "sign_in": SIGN_IN,
            },
            "globex": {
                "hosts": ["globex.example"],
                "upstreams": {"support": {"vendor": "chatbase", "key": "k2", "agent": "a"}},
                "sign_in": other,
            },
        }
    }
    wrong = [one for one in findings(config) if one.severity == "error"]
    assert [one.key for one in wrong] == ["orgs.acme.upstreams.support.widget.secret"]
    assert "sign-in" in wrong[0].message
