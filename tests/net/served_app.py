"""What test_server.py runs as a process: an application that says on stdout what it is told.

    python -m tests.net.served_app '{"drain_delay": 0.5, "drain": 5}'

`/brief?FILE` says `data: 1`, and ends once there is such a file; `/stream` says `data: 1`, and
`data: bye` when it is told to stop; `/deaf` never stops by itself.
"""

import asyncio
import gc
import json
import logging
import resource
import socket
import sys
from pathlib import Path
from typing import Any

from gateway.net.process.server import ServerLimits, run

STOP = asyncio.Event()
OK = [(b"content-length", b"2")]


def say(word: str) -> None:
    print(word, flush=True)  # noqa: T201 - the test reads it


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    path = scope["path"]
    fields = OK if path == "/" else []
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    if path == "/facts":
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        facts = {
            "loop": type(asyncio.get_running_loop()).__module__,
            "frozen": gc.get_freeze_count(),
            "raised": soft == hard,
        }
        await send({"type": "http.response.body", "body": json.dumps(facts).encode()})
    elif path == "/":
        await send({"type": "http.response.body", "body": b"ok"})
    else:
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        if path == "/brief":
            told = Path(scope["query_string"].decode())
            while not told.exists():  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.01)
            await send({"type": "http.response.body", "body": b"data: 2\n\n"})
            return
        await (asyncio.Event() if path == "/deaf" else STOP).wait()
        await send({"type": "http.response.body", "body": b"data: bye\n\n", "more_body": True})


async def lifespan(receive: Any, send: Any) -> None:
    await receive()
    if "fail" in sys.argv:
        await send({"type": "lifespan.startup.failed", "message": "no store"})
        return
    await send({"type": "lifespan.startup.complete"})
    say("started")
    await receive()
    say("closed")
    await send({"type": "lifespan.shutdown.complete"})


def stop() -> None:
    say("stop")
    STOP.set()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    listener = socket.create_server(("127.0.0.1", 0))
    say(str(listener.getsockname()[1]))
    run(
        app,
        listener=listener,
        limits=ServerLimits(),
        on_drain=lambda: say("drain"),
        on_stop=stop,
        on_hangup=lambda: say("hangup"),
        **json.loads(sys.argv[1]),
    )
