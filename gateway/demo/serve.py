"""Puts the demo together: the vendor on a port of its own, the app with the gateway before it.

Everything listens on loopback, and everything that is written goes into one temporary folder,
which is gone when the demo ends.
"""

import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Mount

from gateway.admin.app import AdminApp
from gateway.app import Gateway
from gateway.demo import configuration
from gateway.demo.host import COOKIE, GATEWAY, Host, chat_path, customer_of
from gateway.demo.people import ALICE, COMPANIES, CUSTOMERS, NORTH, SOUTH, Customer
from gateway.demo.recorder import Journal, Tap
from gateway.demo.server import LOOPBACK, listen, origin, served
from gateway.demo.shop import open_northwick, open_southbank
from gateway.demo.sign_in import SignIns
from gateway.demo.vendor import ChatVendor

FIRST_QUESTION = "What have I ordered?"
PATIENCE = 30.0  # seconds; a laptop that does much else is slow


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that runs."""

    url: str
    vendor_url: str
    curl: str
    console_url: str
    console_token: str = field(repr=False)


@asynccontextmanager
async def running(listener: socket.socket, *, word: float = 0.035) -> AsyncIterator[Demo]:
    """The demo, served from `listener` until the context ends. `word`: seconds between two."""
    sign_ins = SignIns(COMPANIES)
    journal = Journal(lambda fields: customer_of(fields, sign_ins))
    host = Host(sign_ins, journal)
    keys = {company: configuration.new_vendor_key() for company in COMPANIES}
    vendor = ChatVendor(
        {keys[NORTH]: open_northwick(NORTH.agent), keys[SOUTH]: open_southbank(SOUTH.agent)},
        word=word,
    )
    token = configuration.new_admin_token()
    with (
        tempfile.TemporaryDirectory(prefix="gateway-demo-") as folder,
        listen(0) as behind,
        listen(0) as operators,
    ):
        file = configuration.write(
            Path(folder),
            vendor=origin(behind),
            keys=keys,
            sign_ins=sign_ins.by_company,
            cookie=COOKIE,
            operators=origin(operators).removeprefix("http://"),
            token=token,
        )
        host.configuration = file.read_text(encoding="utf-8")
        gateway = Gateway.from_file(file)
        async with (
            served(Tap(vendor.app(), journal.vendor_heard), behind),
            served(front(host, gateway), listener),
            served(AdminApp(gateway, token), operators),
        ):
            host.conversations = await _open_conversations(origin(listener), sign_ins)
            journal.forget()
            try:
                yield Demo(
                    url=origin(listener),
                    vendor_url=origin(behind),
                    curl=host.curl(ALICE, origin(listener)),
                    console_url=origin(operators),
                    console_token=token,
                )
            finally:
                journal.close()


def front(host: Host, gateway: Gateway) -> Starlette:
    """The app on the public port: the gateway under its prefix, the host's pages elsewhere."""
    return Starlette(
        routes=[
            Mount(GATEWAY, Tap(gateway, host.journal.gateway_answered)),
            Mount("/", host.app()),
        ],
        # A page of some other site, whose name is made to mean this machine, gets nothing.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[LOOPBACK, "localhost"])],
        lifespan=gateway.lifespan,
    )


async def _open_conversations(url: str, sign_ins: SignIns) -> dict[Customer, str]:
    """One conversation of each customer, through the gateway: there is something to cheat for."""
    opened = {}
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE) as client:
        for customer in CUSTOMERS:
            answer = await client.post(
                chat_path(customer.company) + "/chat",
                json={"message": FIRST_QUESTION, "stream": False},
                headers={"authorization": f"Bearer {sign_ins.mint(customer)}"},
            )
            answer.raise_for_status()
            opened[customer] = answer.json()["data"]["metadata"]["conversationId"]
    return opened
