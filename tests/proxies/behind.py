"""A gateway behind a proxy, what an attacker sends to it, and what must hold at both ends.

Whatever the attack and whoever stands in front: the vendor sees nothing, or what alice may ask, in
the one way the gateway writes it; and the next request, on the same connection or on another that
the proxy keeps to the gateway, gets its own answer.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from gateway.net.asgi.wire import AsgiInbound
from tests.support.chatbase import Chatbase
from tests.support.proxies import Front
from tests.support.stage import Stage
from tests.support.vendor import Request
from tests.support.wire import Answer, Peer, connected, raw_request, wire

GAP = 0.03  # seconds between two segments, in which a proxy reads and passes on the first
VICTIM = "victim"

AGENT = "/api/v2/agents/agent_1"
CHAT = f"{AGENT}/chat"
MINE = f"{AGENT}/users/alice/conversations"
FIELDS = [
    "host",
    "accept",
    "content-type",
    "accept-encoding",
    "user-agent",
    "x-request-id",
    "via",
    "authorization",
    "x-external-user-id",
    "content-length",
]
MEMBERS = {"message", "stream", "userId"}


@dataclass(frozen=True)
class Behind:
    """The gateway and its vendor, as clients of `front` meet them.

    `heard` are the requests as the gateway got them, `connected_by` the connections they came on.
    """

    front: Front
    stage: Stage[Chatbase]
    heard: list[AsgiInbound]
    connected_by: list[object]

    @property
    def vendor(self) -> Chatbase:
        return self.stage.vendor

    def connected(self) -> AbstractAsyncContextManager[Peer]:
        return connected(self.front.url, ssl=self.front.ssl)

    async def send(self, request: bytes) -> Answer:
        """One request on a connection of its own."""
        return await wire(self.front.url, request, ssl=self.front.ssl)

    def taken(self) -> list[Request]:
        """What the vendor has seen since the last time, all of it alice's."""
        requests = list(self.vendor.requests)
        self.vendor.forget()
        for request in requests:
            assert_alices(request)
        assert self.vendor.failures == []
        return requests


@dataclass(frozen=True)
class Outcome:
    """How an attack went: its answers, and what it made the vendor see."""

    answers: list[Answer]
    requests: list[Request]

    @property
    def statuses(self) -> list[int]:
        return [answer.status for answer in self.answers]


def assert_alices(request: Request) -> None:
    """A request as the gateway writes them, and hers."""
    assert VICTIM.encode() not in request.raw.lower()
    names = [name for name, _ in request.fields]
    assert names == [name for name in FIELDS if name in names], names
    assert request.values("authorization") == ["Bearer cb-key"]
    assert request.values("x-external-user-id") == ["alice"]
    if request.target == CHAT:
        assert request.method == "POST"
        assert request.json()["userId"] == "alice"
        assert request.json().keys() <= MEMBERS
    else:
        assert (request.method, request.target.partition("?")[0]) == ("GET", MINE)
        assert request.body == b""


async def attack(behind: Behind, *segments: bytes, reaches: int = 1) -> Outcome:
    """Send these bytes, and see that nothing is the worse for it.

    At most `reaches` requests may be heard by the vendor.
    """
    async with behind.connected() as peer:
        for index, segment in enumerate(segments):
            if index:
                await asyncio.sleep(GAP)
            await peer.send(segment)
        answers = await _answers(behind, peer)
    async with behind.connected() as other:  # a proxy that reuses connections takes the last used
        for _ in range(2):
            await other.send(_who_am_i(behind, "bob"))
            assert _asked_by(await other.answer()) == "bob"
    requests = behind.taken()
    assert len(requests) <= reaches, requests
    assert sum(answer.status < 400 for answer in answers) <= reaches
    assert not any(VICTIM.encode() in answer.raw for answer in answers)
    return Outcome(answers, requests)


async def _answers(behind: Behind, peer: Peer) -> list[Answer]:
    """All answers until one says it is the last, or until carol, who asks next, has hers.

    She says it twice: what the attack left without an end may take her first words in.
    """
    answers: list[Answer] = []
    asked = False
    while True:
        try:
            answer = await peer.answer()
        except ConnectionError:
            return answers
        if _asked_by(answer) == "carol":
            assert asked
            return answers
        answers.append(answer)
        if answer.values("connection") == ["close"]:
            return answers
        if not asked and not peer.received and not peer.closed:
            asked = True
            await peer.send(_who_am_i(behind, "carol") * 2)


def _who_am_i(behind: Behind, who: str) -> bytes:
    token = behind.stage.token(who)
    return raw_request("GET", "/_gateway/whoami", [("Authorization", f"Bearer {token}")])


def _asked_by(answer: Answer) -> str | None:
    if answer.status != 200 or b'"subject"' not in answer.body:
        return None
    return str(answer.json()["subject"])
