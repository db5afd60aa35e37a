from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.assemble.traced import (
    callee,
    kinds,
    traced_service,
    traced_sockets,
    traced_transport,
)
from gateway.config.load import from_dict
from gateway.config.model import UpstreamSettings
from gateway.config.surroundings import Surroundings
from gateway.core.trace import Callee
from gateway.vendors import VENDORS


def upstream(**more: Any) -> UpstreamSettings:
    config = {
        "sign_in": {"issuer": "https://id.example/", "audience": "chat"},
        "upstreams": {"support": {"vendor": "chatbase", "key": "k", "agent": "a", **more}},
    }
    around = Surroundings(wraps=True, identifies=False)
    settings = from_dict(config, environment={}, around=around).settings
    return settings.orgs["default"].upstreams["support"]


SOMETHING = cast("Any", SimpleNamespace())


def test_where_nobody_asks_nothing_stands_between() -> None:
    assert traced_transport(SOMETHING, upstream(), spans=False) is SOMETHING
    assert traced_sockets(SOMETHING, upstream(), spans=False) is SOMETHING
    assert traced_service(SOMETHING, "https://app.example", "tool:a", spans=False) is SOMETHING
    assert traced_sockets(None, upstream(traceparent=True), spans=True) is None


@pytest.mark.parametrize(("traceparent", "spans"), [(True, False), (False, True), (True, True)])
def test_where_somebody_does_calls_are_noted(traceparent: bool, spans: bool) -> None:
    settings = upstream(traceparent=traceparent)
    assert traced_transport(SOMETHING, settings, spans=spans) is not SOMETHING
    assert traced_sockets(SOMETHING, settings, spans=spans) is not SOMETHING


@pytest.mark.parametrize(
    ("base_url", "host", "port"),
    [
        ("https://vendor.example", "vendor.example", 443),
        ("http://127.0.0.1:8000/prefix", "127.0.0.1", 8000),
        ("http://[::1]", "::1", 80),
        ("app:", "app", 0),
    ],
)
def test_a_vendor_is_named_by_host_port_and_profile(base_url: str, host: str, port: int) -> None:
    named = callee(upstream(base_url=base_url))
    expected = kinds(VENDORS["chatbase"])
    assert named == Callee(host=host, port=port, provider="chatbase", kinds=expected)


def test_what_makes_a_vendor_think_has_a_name_of_genai() -> None:
    assert kinds(VENDORS["anthropic"]) == {"messages": "chat"}
    assert kinds(VENDORS["mcp"]) == {"call": "execute_tool"}
