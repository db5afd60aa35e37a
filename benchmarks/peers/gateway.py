"""This gateway, with everything on that a user would have on."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.peers import PATH, Peer, running
from benchmarks.tokens import AUDIENCE, ISSUER, Issuer
from tests.support.ports import free_port

SERVE = "gateway"
ASGI = "gateway, ASGI"
ADMIN_TOKEN = "a-token-of-a-benchmark-and-of-nobody"  # noqa: S105 - it is nobody's
LIMITS = """
[limits]
per_user = ["10000000/minute", "100000 streams"]
per_org = ["100000000/minute"]
budget_per_user = "1000000000 credits/day"
budget_per_org = "1000000000 credits/month"
"""
ON = (LIMITS, [sys.executable, "-m", "gateway", "serve"])


@contextmanager
def gateway(
    folder: Path,
    vendor: int,
    issuer: Issuer,
    *,
    name: str = SERVE,
    how: tuple[str, list[str]] = ON,
    authority: Path | None = None,
) -> Iterator[Peer]:
    """`how`: what is added to the configuration, and the command that serves it.

    `authority`: the certificate of whoever vouches for a vendor that speaks HTTP/2, over TLS.
    """
    more, command = how
    port, admin = free_port(), free_port()
    base = f'base_url = "http://127.0.0.1:{vendor}"'
    if authority is not None:
        base = f'base_url = "https://127.0.0.1:{vendor}"\nhttp2 = true'
        command = ["env", f"SSL_CERT_FILE={authority}", *command]
    place = folder / re.sub(r"\W+", "-", name)
    place.mkdir()
    file = place / "gateway.toml"
    file.write_text(f"""
[server]
listen = "127.0.0.1:{port}"
max_connections = 20000
[admin]
listen = "127.0.0.1:{admin}"
token = "{ADMIN_TOKEN}"
[store]
url = "sqlite:///{place}/gateway.db"
[sign_in]
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
public_key = "${{file:{issuer.pem}}}"
[upstreams.support]
vendor = "chatbase"
{base}
key = "a-key-of-a-benchmark"
agent = "agent_1"
max_connections = 20000
timeouts = {{ connect = "30s" }}
{more}""")
    with running([*command, "--config", str(file)], port, place / "log") as pid:
        yield Peer(name, port, pid, f"/support{PATH}", admin=admin)


# The same settings, served as an application of a plain uvicorn.
by_asgi = partial(gateway, name=ASGI, how=(LIMITS, [sys.executable, "-m", "benchmarks.peers.asgi"]))
ENTRIES = (gateway, by_asgi)
