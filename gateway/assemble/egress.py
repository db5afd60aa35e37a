"""Settings of an upstream → the way out to it."""

from gateway.config.egress import egress
from gateway.config.model import UpstreamSettings
from gateway.net.upstream.reach import EgressProxy


def way_out(settings: UpstreamSettings) -> EgressProxy | None:
    """The proxy on the way to an upstream; None where the way is straight."""
    return None if settings.proxy is None else egress(settings.proxy)
