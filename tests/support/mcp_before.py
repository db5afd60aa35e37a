"""The MCP SDK's previous generation, in processes of its own: it does not go beside the current."""

import asyncio
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "mcp" / "before"
PACKAGES = FOLDER / ".packages"
PATIENCE = 120.0  # seconds an installation, or a conversation, may take


def install() -> None:
    """What the requirements say; at most one of several test processes does it."""
    wanted = (FOLDER / "requirements.txt").read_text()
    with (FOLDER / ".installing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = PACKAGES / ".requirements"
        if done.exists() and done.read_text() == wanted:
            return
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        told = ["--upgrade", "--target", str(PACKAGES), "-r", str(FOLDER / "requirements.txt")]
        subprocess.run([*pip, *told, "uvicorn"], check=True, timeout=PATIENCE)
        done.write_text(wanted)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PACKAGES), "PYTHONNOUSERSITE": "1"}


async def converse(url: str, token: str, calls: list[tuple[str, dict[str, Any]]]) -> Any:
    """What a client of that generation has to say after these calls."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(FOLDER / "client.py"),
        url,
        token,
        json.dumps(calls),
        env=_environment(),
        stdout=subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    return json.loads(printed)


@asynccontextmanager
async def serving_before() -> AsyncIterator[str]:
    """The URL of a server of that generation."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(FOLDER / "server.py"), env=_environment(), stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.communicate()
