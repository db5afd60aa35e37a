"""How whoever is asked who somebody is gets reached: httpcore, over connections of ours.

By itself it looks names up by the loop, which lends few threads to that: an issuer whose name
servers are silent took them all, and no other org's issuer was found. Here names are looked up, and
the quickest of their addresses is reached, as those of vendors are (`gateway/system/resolver.py`).
"""

# ruff: noqa: ASYNC109 - the parameters are httpcore's

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore

from gateway.system.resolver import addresses, quickest


class Connecting(httpcore.AsyncNetworkBackend):
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> "_Connected":
        """A connection to the quickest address of a host. There are no options to be set."""
        async with asyncio.timeout(timeout):
            try:
                connected = await quickest(await addresses(host, port))
            except UnicodeError as error:  # a label of more than 63 letters
                raise httpcore.ConnectError from error
            try:
                return _Connected(*await asyncio.open_connection(sock=connected))
            except BaseException:
                connected.close()
                raise


class _Connected(httpcore.AsyncNetworkStream):
    """A connection, as httpcore reads and writes one. What goes wrong is an `OSError`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        async with asyncio.timeout(timeout):
            return await self._reader.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        async with asyncio.timeout(timeout):
            self._writer.write(buffer)
            await self._writer.drain()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "_Connected":
        try:
            async with asyncio.timeout(timeout):
                await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        except BaseException:
            await self.aclose()
            raise
        return self

    async def aclose(self) -> None:
        """Over TLS too without waiting for the other side: the answer has its own end."""
        self._writer.transport.abort()
