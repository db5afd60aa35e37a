"""uvicorn with an application that does nothing: what Python and ASGI cost before any work.

uvicorn benchmarks.peers.hello:app
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.peers import Peer, running
from benchmarks.tokens import Issuer
from tests.support.ports import free_port

BODY = (
    b'{"data":{"id":"m-1","parts":[{"type":"text","text":"It left the warehouse this morning."}],'
    b'"metadata":{"conversationId":"c-1","usage":{"credits":1}}}}'
)
FIELDS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Of requests alone: uvicorn is told that it has no lifespan, and nobody opens a WebSocket."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": FIELDS})
    await send({"type": "http.response.body", "body": BODY})


@contextmanager
def hello(folder: Path, vendor: int, issuer: Issuer) -> Iterator[Peer]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.peers.hello:app", "--lifespan", "off"]
    command += ["--port", str(port), "--no-access-log", "--app-dir", os.getcwd()]
    with running(command, port, folder / "hello.log") as pid:
        yield Peer("uvicorn alone", port, pid, lacks="everything", streams=False)
