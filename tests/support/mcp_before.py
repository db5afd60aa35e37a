"""The MCP SDK's and FastMCP's previous generation: processes with packages of their own."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.older import older

FOLDER = Path(__file__).parents[1] / "mcp" / "before"
SDK, FASTMCP = "mcp==1.30.0", "fastmcp==3.4.10"
PATIENCE = 120.0  # seconds a conversation may take


def install() -> None:
    """What all of this needs."""
    for requirement in (SDK, FASTMCP):
        older(requirement)


def _environment(requirement: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(older(requirement)), "PYTHONNOUSERSITE": "1"}


async def converse(url: str, token: str, calls: list[tuple[str, dict[str, Any]]]) -> Any:
    """What a client of that generation has to say after these calls."""
    return await _said(SDK, "client.py", url, token, json.dumps(calls))


async def converse_by_fastmcp(url: str, token: str) -> Any:
    """What one of FastMCP's has to say: its tools, and what `whoami` says."""
    return await _said(FASTMCP, "fast_client.py", url, token)


async def _said(requirement: str, script: str, *words: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(FOLDER / script),
        *words,
        env=_environment(requirement),
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
        sys.executable, str(FOLDER / "server.py"), env=_environment(SDK), stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.communicate()
