"""`gateway demo`: a working chat with a real gateway in front, on this machine alone."""

import logging
import os
import signal
import socket
import sys
import webbrowser
from typing import Annotated

import anyio
import structlog
import typer

from gateway.cli.options import FAILED
from gateway.demo.serve import Demo, running
from gateway.demo.server import TRIED, listen
from gateway.telemetry import log


def command(
    port: Annotated[
        int,
        typer.Option(help="Port on loopback; if it is taken, the next free one.", min=0, max=65535),
    ] = 8000,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser.")] = False,
) -> None:
    """Serve a chat to try: three people, two companies, and a small vendor behind the gateway."""
    try:
        listener = listen(port)
    except OSError:
        typer.echo(f"Port {port} is taken, and so are the next {TRIED - 1}: try --port.", err=True)
        raise typer.Exit(FAILED) from None
    found = listener.getsockname()[1]
    if port not in (found, 0):
        typer.echo(f"Port {port} is taken, so this is {found}. --port chooses another.", err=True)
    log.configure()
    # A line an exchange would bury the command below; the page shows each of them.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    anyio.run(_serve, listener, not no_browser and _has_browser())


async def _serve(listener: socket.socket, opens_browser: bool) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with running(listener) as demo:
            typer.echo(_welcome(demo))
            if opens_browser:
                await anyio.to_thread.run_sync(webbrowser.open, demo.url)
            async for _ in signals:
                break


def _welcome(demo: Demo) -> str:
    return f"""
Open  {demo.url}  and sign in as somebody. Ctrl-C ends it, and leaves nothing behind.

The gateway is the real one. The chat vendor behind it listens at {demo.vendor_url}
and answers to its key alone. Nothing leaves this machine.

Operators look at  {demo.console_url}  with the token {demo.console_token}

Alice tries to go on with Sam's conversation, in Sam's name. It ends in 404, and the vendor
hears nothing of it:

{demo.curl}
"""


def _has_browser() -> bool:
    """Whether somebody is looking, at a screen that can show a page.

    Without a display `webbrowser` would start a browser of the terminal, over what we print.
    """
    graphical = sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    return sys.stdout.isatty() and graphical
