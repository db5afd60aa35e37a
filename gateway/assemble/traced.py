"""What leads to a vendor, within what notes its calls: where somebody asks for that."""

from gateway.config.model import UpstreamSettings
from gateway.config.urls import DEFAULT_PORTS, url
from gateway.core.profile.vendor import Vendor
from gateway.core.trace import Callee
from gateway.net.upstream.traced import TracedSockets, TracedTransport
from gateway.ports import Transport
from gateway.ports.socket import Sockets


def traced_transport(transport: Transport, settings: UpstreamSettings, *, spans: bool) -> Transport:
    """The transport; `spans`: exchanges have them."""
    if not spans and not settings.traceparent:
        return transport
    return TracedTransport(transport, callee(settings), tells=settings.traceparent)


def traced_service(transport: Transport, service: str, tool: str, *, spans: bool) -> Transport:
    """As `traced_transport`, of what leads to a service of the company's own, at this URL."""
    if not spans:
        return transport
    host, port = _address(service)
    named = Callee(host=host, port=port, kinds={tool: "execute_tool"})
    return TracedTransport(transport, named, tells=False)


def traced_sockets(
    sockets: Sockets | None, settings: UpstreamSettings, *, spans: bool
) -> Sockets | None:
    """As `traced_transport`, of WebSockets."""
    if sockets is None or not (spans or settings.traceparent):
        return sockets
    return TracedSockets(sockets, callee(settings), tells=settings.traceparent)


def callee(settings: UpstreamSettings) -> Callee:
    """The vendor, as spans have it."""
    host, port = ("app", 0) if settings.is_app else _address(settings.base_url)
    return Callee(host=host, port=port, provider=settings.vendor, kinds=kinds(settings.profile))


def _address(written: str) -> tuple[str, int]:
    found = url(written)
    return found.host, found.port or DEFAULT_PORTS[found.scheme]


def kinds(vendor: Vendor) -> dict[str, str]:
    """What operations that make the vendor think are in OpenTelemetry's words for GenAI."""
    return {
        name: "execute_tool" if one.mcp else "chat"
        for name, one in vendor.operations.items()
        if one.thinks
    }
