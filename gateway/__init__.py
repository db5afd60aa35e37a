"""An identity gateway for chat and agent APIs. These names are public; the rest may change.

Each is imported when it is first asked for: the command starts in a tenth of a second.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.config.mistake import ConfigError
    from gateway.core.people.identity import Identity
    from gateway.middleware import GatewayMiddleware
    from gateway.mounted.current import CurrentIdentity
    from gateway.verification import Assertion, AssertionInvalid, verify_assertion

__all__ = [
    "Assertion",
    "AssertionInvalid",
    "ConfigError",
    "CurrentIdentity",
    "Gateway",
    "GatewayMiddleware",
    "Identity",
    "verify_assertion",
]

_HOMES = {
    "Assertion": "gateway.verification",
    "AssertionInvalid": "gateway.verification",
    "ConfigError": "gateway.config.mistake",
    "CurrentIdentity": "gateway.mounted.current",
    "Gateway": "gateway.app",
    "GatewayMiddleware": "gateway.middleware",
    "Identity": "gateway.core.people.identity",
    "verify_assertion": "gateway.verification",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'gateway' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
