"""The proxies' configurations fit the gateway's own defaults, and the guide names what they set."""

import re

import pytest

from gateway.config.model import Server, Timeouts
from gateway.net.server.tally import ServerLimits
from tests.support.proxies import DEPLOY, PROXIES

GUIDE = DEPLOY.parent / "docs" / "deploying.md"
PATIENCE = (
    ("nginx", r"proxy_read_timeout (\d+)s"),
    ("haproxy", r"timeout client (\d+)s"),
    ("haproxy", r"timeout server (\d+)s"),
    ("envoy", r"stream_idle_timeout: (\d+)s"),
)
REST = (("nginx", r" keepalive_timeout (\d+)s"), ("envoy", r"idle_timeout: (\d+)s }"))


def found(proxy: str, pattern: str) -> float:
    (value,) = re.findall(pattern, DEPLOY.joinpath(PROXIES[proxy].config).read_text())
    return float(value)


@pytest.mark.parametrize(("proxy", "pattern"), PATIENCE)
def test_a_proxy_waits_longer_than_the_gateway(proxy: str, pattern: str) -> None:
    assert found(proxy, pattern) > max(Timeouts().first_byte, Timeouts().idle)


@pytest.mark.parametrize(("proxy", "pattern"), REST)
def test_a_proxy_closes_idle_connections_before_the_gateway_does(proxy: str, pattern: str) -> None:
    assert found(proxy, pattern) < ServerLimits().keep_alive


def test_envoy_does_not_limit_whole_answers() -> None:
    assert found("envoy", r" timeout: (\d+)s  #") == 0


def test_nginx_takes_bodies_as_large_as_the_gateway_does() -> None:
    assert found("nginx", r"client_max_body_size (\d+)m") * 2**20 == Server().max_body


def test_the_guide_names_every_configuration() -> None:
    text = GUIDE.read_text()
    assert all(f"deploy/{proxy.config}" in text for proxy in PROXIES.values())
