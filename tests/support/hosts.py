"""Applications that a gateway stands in, and what tests ask of them.

async with Chatbase() as vendor, serving(with_gateway(app, configured(...))) as url: ...
"""

from pathlib import Path
from typing import Any

from tests.support.tokens import Issuer
from tests.support.vendor import RecordingVendor
from tests.support.wire import raw_request

CHAT = "/support/api/v2/agents/agent_1/chat"


def configured(vendor: RecordingVendor, issuer: Issuer, store: Path, **more: Any) -> dict[str, Any]:
    """A configuration as a program would write it: Chatbase, and tokens of `issuer`."""
    return {
        "store": {"url": f"sqlite:///{store}"},
        "sign_in": {
            "issuer": issuer.url,
            "audience": issuer.audience,
            "secret": issuer.secret,
        },
        "upstreams": {
            "support": {
                "vendor": "chatbase",
                "base_url": vendor.url,
                "key": "cb-key",
                "agent": "agent_1",
            }
        },
        **more,
    }


def bearer(issuer: Issuer, who: str) -> tuple[str, str]:
    return ("Authorization", f"Bearer {issuer.token(who, algorithm='HS256')}")


def chat(*fields: tuple[str, str], prefix: str = "/ai", stream: bool = False) -> bytes:
    """A question, as a page of the application would send it."""
    body = b'{"message":"hi","stream":%s}' % (b"true" if stream else b"false")
    lines = [("Content-Type", "application/json"), *fields]
    return raw_request("POST", prefix + CHAT, lines, body)
