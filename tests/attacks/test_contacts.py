"""Row I-20: a stranger's contact cannot be written, nor one's own, by any way that was tried.

A contact says what somebody's plan is, and the vendor's agent believes it. Two orgs, each with a
Chatbase and a Bookbag of its own and a token for each; mallory is a person of acme with a good
credential, and has the tokens of globex as well. After each way: nothing was seen by any vendor,
and nothing waits to be written.
"""

import base64
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.app import Gateway
from tests.contacts.stage import TOKEN
from tests.support import replicas
from tests.support.bookbag import Bookbag
from tests.support.chatbase import Chatbase
from tests.support.config import IDENTITY_SECRET
from tests.support.spellings import disguised
from tests.support.stage import gateway_of
from tests.support.tokens import Issuer
from tests.support.wire import Answer, raw_request, wire

pytestmark = pytest.mark.anyio

BOB = {"external_id": "bob", "email": "mallory@evil.example", "custom_attributes": {"plan": "pro"}}
MANY = {"users": [BOB]}
SAID = {"plan": "pro"}
PROFILES = {
    "chatbase": ("support", "agent_1", "cb-key"),
    "bookbag": ("shop", "12", "oc_key"),
}


def service_token(org: str, upstream: str) -> str:
    return f"{TOKEN}-{org}-{upstream}"


@dataclass(frozen=True)
class Place:
    gateway: Gateway
    url: str
    vendors: tuple[Chatbase, Bookbag]
    issuers: dict[str, Issuer]

    def token(self, org: str, who: str = "mallory", **claims: object) -> str:
        return self.issuers[org].token(who, algorithm="HS256", **claims)

    def untouched(self) -> bool:
        """Whether no vendor has seen a byte, and none is going to.

        Of what waits in other processes the next of these questions tells.
        """
        return all(vendor.saw_nothing() for vendor in self.vendors) and not self._waits()

    def _waits(self) -> bool:
        if replicas.WANTED:
            return False
        desks = self.gateway.assembled.house.contacts.values()  # type: ignore[union-attr]
        waiting: Any = [desk.contacts for desk in desks]
        assert len(waiting) == 4
        return any(sync.waiting for sync in waiting)


def table(heading: str, **members: object) -> str:
    lines = (f"{name} = {json.dumps(value)}" for name, value in members.items())
    return f"[{heading}]\n" + "\n".join(lines) + "\n"


def configured(folder: Path, chatbase: str, bookbag: str, issuers: dict[str, Issuer]) -> str:
    text = table("identity", secret=IDENTITY_SECRET)
    text += table("store", url=f"sqlite:///{folder}/gateway.db")
    for org, issuer in issuers.items():
        text += table(f"orgs.{org}", hosts=[f"{org}.test"], staff=["desk"])
        text += table(
            f"[orgs.{org}.sign_in]",
            issuer=issuer.url,
            audience=issuer.audience,
            secret=issuer.secret,
            algorithms=["HS256"],
            roles_claim="roles",
        )
        for vendor, url in (("chatbase", chatbase), ("bookbag", bookbag)):
            name, agent, key = PROFILES[vendor]
            place = f"orgs.{org}.upstreams.{name}"
            text += table(
                place, vendor=vendor, base_url=url, key=key, agent=agent, user_id="opaque"
            )
            text += table(f"{place}.contacts", token=service_token(org, name))
            text += 'attributes = { email = "/email", plan = "/plan" }\n'
    return text


@pytest.fixture(scope="module")
async def place_of_all(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Place]:
    issuers = {org: Issuer(f"https://id.{org}.test/") for org in ("acme", "globex")}
    folder = tmp_path_factory.mktemp("contacts")
    async with Chatbase() as chatbase, Bookbag() as bookbag:
        text = configured(folder, chatbase.url, bookbag.url, issuers)
        async with gateway_of(text, folder) as (gateway, url):
            yield Place(gateway, url, (chatbase, bookbag), issuers)


@pytest.fixture
def place(place_of_all: Place) -> Place:
    for vendor in place_of_all.vendors:
        vendor.forget()
    return place_of_all


Way = tuple[str, str, str, list[tuple[str, str]], object]  # its name, method, path, fields, body
MALLORY = ("Authorization", "Bearer {mallory}")


def through_the_vendors_routes(upstream: str, agent: str) -> Iterator[Way]:
    """With a person's good token, at the vendor's own paths for contacts."""
    contacts = f"/api/v1/chatbots/{agent}/contacts"
    attributes = f"/api/v1/chatbots/{agent}/custom-attributes"
    paths = (contacts, f"{contacts}/bob", attributes, f"{attributes}/plan")
    for method, path in itertools.product(("POST", "PUT", "PATCH", "DELETE", "GET"), paths):
        yield f"{method} {path}", method, f"/{upstream}{path}", [MALLORY], MANY
    for path in spelt(contacts, agent):
        yield f"POST {path}", "POST", f"/{upstream}{path}", [MALLORY], MANY
    for field in ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Path", "X-Forwarded-Prefix"):
        fields = [MALLORY, (field, contacts)]
        yield f"{field} of a path", "POST", f"/{upstream}/nothing", fields, MANY
    for field in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        fields = [MALLORY, (field, "POST")]
        yield f"{field} at contacts", "GET", f"/{upstream}{contacts}", fields, None
        path = f"/{upstream}/api/v2/agents/{agent}/users/bob"
        yield f"{field} at a user", "GET", path, fields, None
    role = ("Authorization", "Bearer {desk}")
    for method in ("GET", "POST"):
        path = f"/_gateway/people/bob/{upstream}{contacts}"
        yield f"{method} by staff", method, path, [role], MANY
    yield "as a tool", "POST", f"/_gateway/tools/acme/{upstream}/contacts", [MALLORY], MANY


def spelt(contacts: str, agent: str) -> Iterator[str]:
    """A path of contacts in spellings that some server or other takes for it."""
    v2 = f"/api/v2/agents/{agent}"
    yield contacts.upper()
    yield contacts.title()
    yield contacts + "/"
    yield "/" + contacts
    yield contacts.replace("/contacts", "//contacts")
    yield contacts.replace("/", "\\")
    yield contacts + ".json"
    yield contacts + ";x=1"
    yield contacts + "%00"
    yield contacts + "%20"
    yield contacts.replace("contacts", "%63ontacts")
    yield contacts.replace("contacts", "%2563ontacts")
    yield contacts.replace("contacts", "contac\u017fs".encode().decode("latin-1"))
    for up in ("..", "%2e%2e", ".%2e", "%252e%252e", "..;", "..%00", "..%2f"):
        yield f"{v2}/{up}/{up}/{up}{contacts}"
        yield f"{v2}/{up}/{up}/v1/chatbots/{agent}/contacts"
        yield f"{v2}/users/{up}/{up}/{up}/contacts"
    for slash in ("%2f", "%2F", "%5c", "%252f", "\\"):
        inside = slash.join(["..", "..", "v1", "chatbots", agent, "contacts"])
        yield f"{v2}/conversations/{inside}"
        yield f"/api/v2/agents/{inside}/chat"
        yield f"{v2}/users/{inside}/conversations"
    yield f"{v2}/chat/../../../..{contacts}"
    yield f"http://127.0.0.1{contacts}"


def at_the_services_door(upstream: str, other: str) -> Iterator[Way]:
    """`PUT /_gateway/contacts`, without acme's own token for this upstream."""
    page = f"/_gateway/contacts/acme/{upstream}"
    shown = {
        "a person's token": "Bearer {mallory}",
        "a person's token with roles": "Bearer {desk}",
        "a person's token of that name": "Bearer {service}",
        "the service token of another org": f"Bearer {service_token('globex', upstream)}",
        "the service token of another upstream": f"Bearer {service_token('acme', other)}",
        "the vendor's key": f"Bearer {PROFILES['chatbase'][2]}",
        "the identity secret": f"Bearer {IDENTITY_SECRET}",
        "a token of nobody": "Bearer null",
        "half of it": f"Bearer {service_token('acme', upstream)[:-1]}",
        "more than it": f"Bearer {service_token('acme', upstream)}=",
        "it in a list": f"Bearer x, Bearer {service_token('acme', upstream)}",
        "it as basic": "Basic "
        + base64.b64encode(f"gateway:{service_token('acme', upstream)}".encode()).decode(),
    }
    for (name, credential), who in itertools.product(shown.items(), ("bob", "mallory")):
        fields = [("Authorization", credential)]
        yield f"{name}, of {who}", "PUT", f"{page}/{who}", fields, SAID
    token = service_token("acme", upstream)
    for where in ("access_token", "token", "authorization"):
        yield f"{where} in the query", "PUT", f"{page}/bob?{where}={token}", [], SAID
    for field in (
        *("X-Gateway-Secret", "X-Api-Key", "X-Forwarded-Authorization", "Proxy-Authorization"),
        *("X-Authorization", "X-Gateway-Assertion", "X-External-User-Id", "X-Internal"),
        *disguised("authorization"),
    ):
        writable = field.isascii() and field.replace("-", "").replace("_", "").isalnum()
        if writable and field.lower() != "authorization":
            yield field, "PUT", f"{page}/bob", [MALLORY, (field, f"Bearer {token}")], SAID
    for cookie in ("token", "authorization", "session"):
        yield f"a cookie {cookie}", "PUT", f"{page}/bob", [("Cookie", f"{cookie}={token}")], SAID
    for method in ("POST", "PATCH", "GET", "DELETE"):
        fields = [MALLORY, ("X-HTTP-Method-Override", "PUT")]
        yield f"{method} for PUT", method, f"{page}/bob", fields, SAID
    yield "the token in the body", "PUT", f"{page}/bob", [MALLORY], {**SAID, "token": token}


def from_another_org(upstream: str) -> Iterator[Way]:
    """With a good token, of globex: no path below its own leads to acme's people."""
    fields = [("Authorization", f"Bearer {service_token('globex', upstream)}")]
    for up in ("..", "%2e%2e", "..;", "%252e%252e"):
        path = f"/_gateway/contacts/globex/{upstream}/{up}/{up}/acme/{upstream}/bob"
        yield f"up by {up}", "PUT", path, fields, SAID
        yield f"a subject {up}", "PUT", f"/_gateway/contacts/globex/{upstream}/{up}", fields, SAID
    for org in (
        "ACME",
        "acme.",
        "acme%00",
        "globex%2f..%2facme",
        "globex;acme",
        "acme,globex",
        "*",
    ):
        yield f"an org {org}", "PUT", f"/_gateway/contacts/{org}/{upstream}/bob", fields, SAID
    for prefix in ("/acme", "//acme.test", "/.", "/_gateway"):
        path = f"{prefix}/_gateway/contacts/acme/{upstream}/bob"
        yield f"below {prefix}", "PUT", path, fields, SAID
    for field in ("X-Org-Id", "X-External-Org-Id", "X-Forwarded-Host", "Forwarded"):
        more = [*fields, (field, "host=acme.test" if field == "Forwarded" else "acme")]
        yield f"{field} acme", "PUT", f"/_gateway/contacts/acme/{upstream}/bob", more, SAID


def ways(vendor: str) -> Iterator[Way]:
    upstream, agent, _ = PROFILES[vendor]
    other = next(name for one, (name, *_) in PROFILES.items() if one != vendor)
    yield from through_the_vendors_routes(upstream, agent)
    yield from at_the_services_door(upstream, other)
    yield from from_another_org(upstream)


ALL = [(vendor, *way) for vendor in PROFILES for way in ways(vendor)]


def test_more_than_forty_ways_are_tried_at_each_vendor() -> None:
    for vendor in PROFILES:
        assert len({way[1] for way in ALL if way[0] == vendor}) > 100


async def tried(
    place: Place, method: str, path: str, fields: list[tuple[str, str]], body: object
) -> Answer:
    words = {
        "{mallory}": place.token("acme"),
        "{desk}": place.token("acme", roles=["desk"]),
        "{service}": place.token("acme", TOKEN),
    }
    lines = []
    for name, value in fields:
        for word, token in words.items():
            value = value.replace(word, token)
        lines.append((name, value))
    content = None if body is None else json.dumps(body).encode()
    if content is not None:
        lines.append(("Content-Type", "application/json"))
    return await wire(place.url, raw_request(method, path, lines, content, host="acme.test"))


@pytest.mark.parametrize(
    ("vendor", "name", "method", "path", "fields", "body"),
    ALL,
    ids=[f"{number} {way[0]} {way[1]}" for number, way in enumerate(ALL)],
)
async def test_a_strangers_contact_cannot_be_written(
    place: Place,
    vendor: str,
    name: str,
    method: str,
    path: str,
    fields: list[tuple[str, str]],
    body: object,
) -> None:
    answer = await tried(place, method, path, fields, body)
    assert 400 <= answer.status < 500, (answer.status, answer.body)
    assert place.untouched()


MEMBERS: tuple[dict[str, object], ...] = (
    MANY,
    {"contacts": [BOB]},
    {"contact": BOB},
    BOB,
    {"contactId": "bob"},
    {"userId": "bob", "email": "mallory@evil.example"},
    {"custom_attributes": {"plan": "pro"}},
    {"customAttributes": {"plan": "pro"}},
    {"attributes": {"plan": "pro"}},
    {"user_metadata": {"plan": "pro"}, "user_hash": "0"},
    {"plan": "pro"},
    {"metadata": {"contact": BOB}},
)


@pytest.mark.parametrize("members", MEMBERS, ids=lambda one: "+".join(one)[:40])
@pytest.mark.parametrize("vendor", PROFILES)
async def test_a_chat_says_nothing_of_contacts(
    place: Place, vendor: str, members: dict[str, object]
) -> None:
    """What somebody writes beside a message is not what their sign-in says."""
    upstream, agent, _ = PROFILES[vendor]
    path = f"/{upstream}/api/v2/agents/{agent}/chat?plan=pro&email=m@evil.example"
    fields = [MALLORY, ("X-Plan", "pro"), ("X-User-Email", "mallory@evil.example")]
    body = {"message": "hi", "stream": False, **members}
    answer = await tried(place, "POST", path, fields, body)
    assert answer.status == 200
    (request,) = itertools.chain(*(it.requests for it in place.vendors))
    assert set(request.json()) == {"message", "stream", "userId"}
    assert b"pro" not in request.raw.replace(b"Bearer", b"").lower()
    assert b"evil" not in request.raw
    desks = place.gateway.assembled.house.contacts.values()  # type: ignore[union-attr]
    assert not any(desk.contacts.waiting for desk in desks)  # type: ignore[attr-defined]


async def test_the_services_own_token_does_write_them(place: Place) -> None:
    """And so the ways above fail for the reason that they are meant to."""
    fields = [("Authorization", f"Bearer {service_token('acme', 'support')}")]
    page = "/_gateway/contacts/acme/support/bob"
    assert (await tried(place, "PUT", page, fields, SAID)).status == 202
    if not replicas.WANTED:
        assert not place.untouched()
    await place.vendors[0].until(lambda: bool(place.vendors[0].requests))
