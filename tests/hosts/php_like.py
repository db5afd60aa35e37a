"""Sessions as PHP has them, without PHP, which no registry here has: a file for each id."""

import json
import re
import secrets
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from tests.hosts.listening import say

FOLDER = tempfile.TemporaryDirectory()
NAME = "PHPSESSID"


def cookie(field: str) -> str:
    """The first of its name: at every ";", white space before it taken off, %-decoded."""
    pairs = (part.lstrip(" \t\r\n\v\f").partition("=") for part in field.split(";"))
    return next((unquote_plus(value) for name, _, value in pairs if name == NAME), "")


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        given = self.rfile.read(int(self.headers.get("content-length", 0)))
        session = self._session()
        if self.path == "/sign-out" and session is not None:
            session.unlink(missing_ok=True)
            self._answer({})
            return
        made = secrets.token_hex(13)  # session_regenerate_id
        Path(FOLDER.name, f"sess_{made}").write_bytes(given)
        self._answer({}, ("set-cookie", f"{NAME}={made}; path=/; HttpOnly"))

    def do_GET(self) -> None:
        session = self._session()
        found = {} if session is None or not session.exists() else json.loads(session.read_bytes())
        self._answer({"user": found.get("user_id")})

    def _session(self) -> Path | None:
        """session_start(): what cannot be an id of its own it does not take for one."""
        value = cookie(self.headers.get("cookie", "").strip(" \t"))
        return Path(FOLDER.name, f"sess_{value}") if re.fullmatch("[A-Za-z0-9,-]+", value) else None

    def _answer(self, said: object, *fields: tuple[str, str]) -> None:
        content = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    say(server.server_port)
    server.serve_forever()
