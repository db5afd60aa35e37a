"""This gateway with HTTP/2 to its vendor, which nghttpx speaks for the vendor, over TLS.

A stream takes one descriptor of the gateway's then, in place of two: its connection to the vendor
is shared with others. nghttpx is kept beside the vendor, and belongs to it: what comes `direct`
comes through nghttpx as well, at a port without TLS. Debian has it as nghttp2-proxy.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import trustme

from benchmarks import kernel
from benchmarks.peers import Peer, running
from benchmarks.peers.gateway import gateway
from benchmarks.tokens import Issuer
from tests.support.ports import free_port

NAME = "gateway, HTTP/2 to the vendor"
LONG = "600s"  # no stream ends before the scene does


def program() -> str | None:
    return shutil.which("nghttpx") or shutil.which("nghttpx", path="/usr/sbin")


@contextmanager
def over_http2(folder: Path, vendor: int, issuer: Issuer) -> Iterator[Peer]:
    """One worker, and as many streams on a connection as nghttpx takes unless told: 100."""
    port, direct = free_port(), free_port()
    authority = _certify(folder)
    command = [
        str(program()),
        "--conf=/dev/null",  # else Debian's, which adds a port, and another vendor
        "--log-level=ERROR",
        "--no-ocsp",
        "--workers=1",
        f"--frontend=127.0.0.1,{port}",
        f"--frontend=127.0.0.1,{direct};no-tls",
        f"--backend=127.0.0.1,{vendor}",
        f"--frontend-http2-read-timeout={LONG}",
        f"--backend-read-timeout={LONG}",
        str(folder / "nghttpx.key"),
        str(folder / "nghttpx.pem"),
    ]
    with running(command, direct, folder / "nghttpx.log") as pid:
        kernel.pin(pid, {max(os.sched_getaffinity(0))})
        with gateway(folder, port, issuer, name=NAME, authority=authority) as peer:
            yield replace(peer, direct=direct)


def _certify(folder: Path) -> Path:
    """Give nghttpx a certificate; returns the file of its authority's."""
    authority = trustme.CA()
    made = authority.issue_cert("127.0.0.1")
    made.private_key_pem.write_to_path(folder / "nghttpx.key")
    made.cert_chain_pems[0].write_to_path(folder / "nghttpx.pem")
    file = folder / "authority.pem"
    authority.cert_pem.write_to_path(file)
    return file
