"""The profiles that ship with the gateway, by the name a configuration gives them."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.core.profile.vendor import Vendor
from gateway.vendors import (
    altatech,
    anthropic,
    bookbag,
    chatbase,
    dify,
    external_user_id,
    mcp,
    openai,
)

VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {
        vendor.name: vendor
        for vendor in (
            chatbase.VENDOR,
            bookbag.VENDOR,
            altatech.VENDOR,
            external_user_id.VENDOR,
            openai.VENDOR,
            anthropic.VENDOR,
            dify.VENDOR,
            mcp.VENDOR,
        )
    }
)
