"""HAProxy with `jwt_verify`, which checks each token again. One thread, no TLS."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers import Peer, running
from benchmarks.tokens import AUDIENCE, ISSUER, Issuer
from tests.support.ports import free_port

CONFIGURATION = """
global
    nbthread 1
    maxconn 9000
    tune.bufsize 32768
defaults
    mode http
    timeout client 130s
    timeout server 130s
    timeout connect 5s
    option http-keep-alive
    option http-no-delay
    http-reuse always
frontend chat
    bind 127.0.0.1:{port}
    http-request del-header X-External-User-Id
    http-request set-var(txn.token) http_auth_bearer
    http-request set-var(txn.alg) var(txn.token),jwt_header_query('$.alg')
    http-request deny deny_status 401 unless {{ var(txn.alg) -m str RS256 }}
    http-request deny deny_status 401 unless {{ var(txn.token),jwt_verify(txn.alg,"{pem}") 1 }}
    http-request set-var(txn.iss) var(txn.token),jwt_payload_query('$.iss')
    http-request set-var(txn.aud) var(txn.token),jwt_payload_query('$.aud')
    http-request deny deny_status 401 unless {{ var(txn.iss) -m str {issuer} }}
    http-request deny deny_status 401 unless {{ var(txn.aud) -m str {audience} }}
    http-request set-header X-External-User-Id %[var(txn.token),jwt_payload_query('$.sub')]
    http-request set-header Authorization "Bearer a-key-of-a-benchmark"
    default_backend vendor
backend vendor
    server vendor 127.0.0.1:{vendor}
"""


def program() -> str | None:
    return shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")


@contextmanager
def haproxy(folder: Path, vendor: int, issuer: Issuer) -> Iterator[Peer]:
    port, file = free_port(), folder / "haproxy.cfg"
    said = {"port": port, "vendor": vendor, "pem": issuer.pem}
    file.write_text(CONFIGURATION.format(issuer=ISSUER, audience=AUDIENCE, **said))
    command = [str(program()), "-db", "-f", str(file)]
    with running(command, port, folder / "haproxy.log") as pid:
        yield Peer("HAProxy", port, pid, lacks="the body, exp, ownership, usage")
