"""A client of FastMCP's previous generation: its tools, and what `whoami` says, as JSON.

python fast_client.py URL TOKEN
"""

import asyncio
import json
import sys

from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport


async def main(url: str, token: str) -> None:
    async with Client(StreamableHttpTransport(url, auth=token)) as client:
        tools = [tool.name for tool in await client.list_tools()]
        said = (await client.call_tool("whoami", {})).data
    print(json.dumps({"tools": tools, "said": said}))  # noqa: T201 - the test reads it


asyncio.run(main(*sys.argv[1:]))
