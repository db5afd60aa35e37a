"""What holds for an upstream that is an MCP server, and what for no other."""

from collections.abc import Iterator

from gateway.config.mistake import Finding, Path
from gateway.config.model import OrgSettings, UpstreamSettings
from gateway.core.profile.vendor import Vendor


def check(
    upstream: UpstreamSettings, vendor: Vendor, org: OrgSettings, path: Path
) -> Iterator[Finding]:
    """The findings about `upstream`, whose profile is `vendor`."""
    if not vendor.is_mcp:
        for key, value in (
            ("allowed_tools", upstream.allowed_tools),
            ("user_arguments", upstream.user_arguments),
        ):
            if value:
                yield Finding(
                    (*path, key), f"{vendor.name} is no MCP server: its tools have no names"
                )
        return
    if upstream.set:
        yield Finding(
            (*path, "set"), "a message of MCP has no members that the server could decide"
        )
    if org.anonymous and not org.hosts:
        yield Finding(
            ("orgs", org.name, "anonymous"),
            "visitors may use an MCP server here, and without `hosts` so may every page whose name "
            "was made to lead here (DNS rebinding)",
            "warning",
        )
