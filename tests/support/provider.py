"""An OpenID provider on a loopback socket, on threads of its own, that does what a test scripts.

with Provider() as provider:
    provider.issuer.token("alice")      # issued by provider.url
    provider.script(JWKS, status(500))  # the JWK Set answers 500 from now on
    provider.rotate()
    provider.count(JWKS)                # how often it was fetched
"""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.support.tokens import Issuer

DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/keys"

Answer = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """One request to the provider."""

    protocol_version = "HTTP/1.1"
    server: "_Server"

    content = b""

    def do_GET(self) -> None:
        self.server.provider._answer(self)

    def do_POST(self) -> None:
        self.content = self.rfile.read(int(self.headers.get("content-length", "0")))
        self.server.provider._answer(self)

    def log_message(self, *args: object) -> None:
        pass

    def reply(
        self,
        content: bytes,
        *,
        code: int = 200,
        media_type: str = "application/json",
        **fields: str,
    ) -> None:
        self.send_response(code)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(content)))
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)


def status(code: int, content: bytes = b"{}") -> Answer:
    return lambda request: request.reply(content, code=code)


def body(content: bytes, media_type: str = "application/json", **fields: str) -> Answer:
    return lambda request: request.reply(content, media_type=media_type, **fields)


def redirect(location: str, code: int = 302) -> Answer:
    return lambda request: request.reply(b"", code=code, location=location)


def drip(content: bytes, *, pause: float = 0.05) -> Answer:
    """A byte at a time."""

    def answer(request: Request) -> None:
        request.send_response(200)
        request.send_header("content-length", str(len(content)))
        request.end_headers()
        for byte in content:
            request.wfile.write(bytes([byte]))
            time.sleep(pause)

    return answer


def endless(chunk: bytes = b" " * 65536) -> Answer:
    """A body without an end, with no length announced."""

    def answer(request: Request) -> None:
        request.send_response(200)
        request.send_header("connection", "close")
        request.end_headers()
        while True:
            request.wfile.write(chunk)

    return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024
    provider: "Provider"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is what many tests are about."""


class Provider:
    """Discovery and a JWK Set, as `issuer` has it at the time of each request."""

    def __init__(self, *, path: str = "", **issuer: Any) -> None:
        self._server = _Server(("127.0.0.1", 0), Request)
        self._server.provider = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._scripts: dict[str, Answer] = {}
        self._gate: threading.Event | None = None
        self.requests: list[tuple[str, dict[str, str]]] = []  # path and fields, as they came
        self.url = f"http://127.0.0.1:{self._server.server_port}{path}"
        self.issuer = Issuer(self.url, **issuer)
        self.algorithms: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def jwks_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{JWKS}"

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self._server.server_port

    def rotate(self) -> None:
        self.issuer.rotate()

    def count(self, path: str) -> int:
        return sum(1 for asked, _ in self.requests if asked == path)

    def script(self, path: str, answer: Answer | None) -> None:
        """What `path` answers from now on; None: as a good provider would."""
        if answer is None:
            self._scripts.pop(path, None)
        else:
            self._scripts[path] = answer

    def hold(self) -> None:
        """Take requests and answer none until `release`."""
        self._gate = threading.Event()

    def release(self) -> None:
        if self._gate is not None:
            self._gate.set()
            self._gate = None

    def metadata(self) -> dict[str, Any]:
        return {"issuer": self.url, "jwks_uri": self.jwks_url}

    def _answer(self, request: Request) -> None:
        self.requests.append((request.path, {k.lower(): v for k, v in request.headers.items()}))
        gate = self._gate
        if gate is not None:
            gate.wait(10)
        scripted = self._scripts.get(request.path.partition("?")[0])
        if scripted is not None:
            scripted(request)
        elif request.path.endswith(DISCOVERY):
            request.reply(json.dumps(self.metadata()).encode())
        elif request.path == JWKS:
            request.reply(self.issuer.jwks_text(*self.algorithms).encode())
        else:
            self.answer(request)

    def answer(self, request: Request) -> None:
        """What any other path answers."""
        request.reply(b"{}", code=404)
