"""Settings of an upstream → what leads to it over the network, in HTTP/1.1 or in HTTP/2."""

from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from gateway.assemble.egress import way_out
from gateway.config.model import UpstreamSettings
from gateway.net.upstream.clocks import Clocks
from gateway.net.upstream.http1 import Http1Transport
from gateway.net.upstream.resting import Resting

if TYPE_CHECKING:
    from gateway.net.http2.transport import Http2Transport

Wire: TypeAlias = "Http1Transport | Http2Transport"


def build_wire(
    settings: UpstreamSettings,
    *,
    first_byte: float,
    idle: float,
    at_once: int,
    resting: Resting | None = None,
) -> Wire:
    """Connections to an upstream that is not the application itself, for `at_once` exchanges."""
    base = urlsplit(settings.base_url)
    return _kind(settings)(
        origin=f"{base.scheme}://{base.netloc}",
        clocks=Clocks(connect=settings.timeouts.connect, first_byte=first_byte, idle=idle),
        max_connections=at_once,
        resting=resting,
        through=way_out(settings),
    )


def _kind(settings: UpstreamSettings) -> "type[Http1Transport] | type[Http2Transport]":
    if not settings.http2:
        return Http1Transport
    from gateway.net.http2.transport import Http2Transport  # with hpack's tables, which few need

    return Http2Transport
