"""O: two companies under one roof, strangers to each other.

acme and globex each have a host, an issuer and a Chatbase of their own; the one DocBit both use is
told whose people ask.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.attacks.both_ends import bearer
from tests.support import config
from tests.support.chatbase import Chatbase
from tests.support.docbit import DocBit
from tests.support.stage import gateway_of
from tests.support.stores import BOTH, AStore
from tests.support.tokens import Issuer
from tests.support.wire import Answer, raw_request, wire

pytestmark = pytest.mark.anyio
STORES = BOTH

CHAT = "/support/api/v2/agents/agent_1"
ORGS = ("acme", "globex")


@dataclass(frozen=True)
class House:
    url: str
    chatbases: dict[str, Chatbase]
    docs: DocBit
    issuers: dict[str, Issuer]

    async def ask(
        self, org: str, who: str, method: str, path: str, body: bytes | None = None, **more: str
    ) -> Answer:
        """Ask at `org`, with a token of `org`'s issuer, unless `issuer` or `host` say another."""
        token = self.issuers[more.get("issuer", org)].token(who, algorithm="HS256")
        fields = [bearer(token), ("Content-Type", "application/json")]
        host = more.get("host", f"{org}.test")
        return await wire(self.url, raw_request(method, path, fields, body, host=host))

    def silent(self) -> bool:
        return all(one.saw_nothing() for one in (*self.chatbases.values(), self.docs))

    def forget(self) -> None:
        for one in (*self.chatbases.values(), self.docs):
            one.forget()


@pytest.fixture(scope="module")
async def shared(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str, a_store: AStore
) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("orgs")
    issuers = {org: Issuer(f"https://id.{org}.example/") for org in ORGS}
    async with (
        Chatbase(key="acme-cb-key") as one,
        Chatbase(key="globex-cb-key") as two,
        DocBit() as docs,
    ):
        pair = issuers["acme"], issuers["globex"]
        text = config.two_orgs(
            (one.url, two.url), docs.url, pair, store=a_store() or folder / "gateway.db"
        )
        async with gateway_of(text, folder) as (_, url):
            yield House(url, {"acme": one, "globex": two}, docs, issuers)


@pytest.fixture
def house(shared: House) -> House:
    shared.forget()
    return shared


SAY = b'{"message":"hi","stream":false}'


async def test_one_subject_in_two_orgs_is_two_people(house: House) -> None:
    """Row O-03: at a shared vendor, whose ids may be alike, and in the ledger."""
    for org in ORGS:
        answer = await house.ask(org, "alice", "POST", "/docs/api/ai/chat", b'{"message":"hi"}')
        assert answer.status == 200, answer.body
        (request,) = house.docs.requests
        assert request.values("x-external-org-id") == [f"org_{org}"]
        assert request.values("x-external-user-id") == ["alice"]
        house.forget()
    theirs = answer.json()["conversationId"]  # globex's alice has it
    answer = await house.ask("acme", "alice", "GET", f"/docs/api/ai/conversations/{theirs}")
    assert answer.status == 404
    assert house.silent()
    answer = await house.ask("globex", "alice", "GET", f"/docs/api/ai/conversations/{theirs}")
    assert answer.status == 200


async def test_one_id_at_two_orgs_vendors_is_two_conversations(house: House) -> None:
    """Rows O-03, O-06: the ledger's key has the org in it."""
    for vendor in house.chatbases.values():

        async def same(request, reply):  # type: ignore[no-untyped-def]
            await reply.json(200, {"data": {"metadata": {"conversationId": "c-same"}}})

        vendor.handler = same
    for org, who in zip(ORGS, ("alice", "bob"), strict=True):
        answer = await house.ask(org, who, "POST", CHAT + "/chat", SAY)
        assert answer.status == 200, answer.body
    for vendor in house.chatbases.values():
        vendor.handler = vendor.answer
    house.forget()
    for org, who in (("acme", "bob"), ("globex", "alice")):
        answer = await house.ask(org, who, "GET", CHAT + "/conversations/c-same")
        assert answer.values("x-gateway-error") == ["conversation_not_found"]
    assert house.silent()


@pytest.mark.parametrize(
    ("org", "more", "status"),
    [
        pytest.param("acme", {"issuer": "globex"}, 401, id="O-11 the other's token"),
        pytest.param("globex", {"issuer": "acme"}, 401, id="O-11 and the other way round"),
        pytest.param("acme", {"host": "globex.test"}, 401, id="O-02 the other's host"),
        pytest.param("acme", {"host": "initech.test"}, 421, id="O-10 nobody's host"),
        pytest.param("acme", {"host": "ACME.test.globex.test"}, 421, id="O-10 both"),
        pytest.param("acme", {"host": "acme.test."}, 400, id="O-10 a trailing dot"),
        pytest.param("acme", {"host": "\xe1cme.test"}, 400, id="O-10 a twin"),
        pytest.param("acme", {"host": "*"}, 400, id="O-10 a wildcard"),
        pytest.param("acme", {"host": "*.test"}, 400, id="O-10 a wildcard before a dot"),
    ],
)
async def test_nobody_is_at_home_in_the_other_org(
    house: House, org: str, more: dict[str, str], status: int
) -> None:
    answer = await house.ask(org, "alice", "POST", CHAT + "/chat", SAY, **more)
    assert answer.status == status, answer.body
    assert house.silent()


@pytest.mark.parametrize(
    "name", ["X-Org-Id", "X-Tenant", "X-External-Org-Id", "X-Forwarded-Host", "X-Organization-Id"]
)
@pytest.mark.parametrize("value", ["org_globex", "globex", "*", "", "null", "acme,globex"])
async def test_an_org_that_is_named_besides_changes_nothing(
    house: House, name: str, value: str
) -> None:
    """Rows O-02, O-10."""
    token = house.issuers["acme"].token("alice", algorithm="HS256")
    fields = [bearer(token), ("Content-Type", "application/json"), (name, value)]
    body = b'{"message":"hi","org":"globex","org_id":"org_globex","tenant":"globex"}'
    request = raw_request("POST", "/docs/api/ai/chat", fields, body, host="acme.test")
    answer = await wire(house.url, request)
    assert answer.status == 200, answer.body
    (heard,) = house.docs.requests
    assert heard.values("x-external-org-id") == ["org_acme"]
    assert b"globex" not in heard.raw


async def test_under_load_no_org_gets_the_others_key_address_or_answer(house: House) -> None:
    """Row O-09: keys, connections and cookies stay apart."""
    chance = random.Random(9)  # noqa: S311 - an order, no secret

    async def once(number: int) -> None:
        org = chance.choice(ORGS)
        who = f"{org}-{number}"
        body = f'{{"message":"for {who}","stream":false}}'.encode()
        answer = await house.ask(org, who, "POST", CHAT + "/chat", body)
        assert answer.status == 200, answer.body
        assert answer.json()["data"]["metadata"]["userId"] == who

    for _ in range(15):
        await asyncio.gather(*(once(number) for number in range(10)))
    for org, vendor in house.chatbases.items():
        assert vendor.requests
        for request in vendor.requests:
            assert request.values("authorization") == [f"Bearer {org}-cb-key"]
            assert request.json()["userId"].startswith(org)
            assert request.values("host") == [f"127.0.0.1:{vendor.port}"]
            assert not request.values("cookie")


async def test_delimiters_in_names_make_no_two_people_one(tmp_path: Path, a_store: AStore) -> None:
    """Row O-06: user `a:b` of org `c`, and user `b` of org `c:a`."""
    issuers = {org: Issuer(f"https://id.{org}.example/") for org in ORGS}
    async with DocBit() as docs:
        pair = issuers["acme"], issuers["globex"]
        text = config.two_orgs(
            (docs.url, docs.url), docs.url, pair, store=a_store() or tmp_path / "gateway.db"
        )
        text = text.replace('"org_acme"', '"c"').replace('"org_globex"', '"c:a"')
        async with gateway_of(text, tmp_path) as (_, url):
            house = House(url, {}, docs, issuers)
            users = set()
            for org, who in (("acme", "a:b"), ("globex", "b"), ("acme", "a:b/"), ("globex", "b/")):
                docs.forget()
                answer = await house.ask(org, who, "GET", "/docs/api/ai/conversations")
                assert answer.status == 200, answer.body
                (request,) = docs.requests
                names = request.values("x-external-org-id") + request.values("x-external-user-id")
                users.add(tuple(names))
            assert len(users) == 4
            assert len({user for _, user in users}) == 4
