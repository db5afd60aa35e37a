"""A client of the SDK's previous generation: calls tools one after another, and prints what came.

python client.py URL TOKEN '[["remember", {"text": "tea"}], …]'
"""

import asyncio
import json
import sys
from typing import Any

from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client


async def main(url: str, token: str, calls: list[tuple[str, dict[str, Any]]]) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        streamablehttp_client(url, headers=headers) as (reading, writing, session_id),
        ClientSession(reading, writing) as session,
    ):
        told = await session.initialize()
        tools = await session.list_tools()
        said = []
        for name, arguments in calls:
            try:
                result = await session.call_tool(name, arguments)
                said.append(result.content[0].text)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what came
                said.append(f"{type(error).__name__}: {error}")
        print(  # noqa: T201 - the test reads it
            json.dumps(
                {
                    "version": told.protocolVersion,
                    "session": session_id(),
                    "tools": [tool.name for tool in tools.tools],
                    "said": said,
                }
            )
        )


asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))
