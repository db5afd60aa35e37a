"""P-11: a person whose name, put into a path, spells another call of the vendor's.

Names are chosen at many sign-ins. What the vendor's router takes for another path than the one that
was asked for, and some routers ignore case, is nobody's to reach.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.support import config
from tests.support.reply import Reply
from tests.support.stage import gateway_of
from tests.support.tokens import Issuer
from tests.support.vendor import RecordingVendor, Request
from tests.support.wire import Answer, raw_request, wire

pytestmark = pytest.mark.anyio

SHOP = """
[upstreams.shop]
vendor = "shop"
base_url = "URL/base"
key = "k-shop"
operations = ["profile", "chats", "below", "open"]
[vendors.shop]
fields = { authorization = "Bearer {key}" }
closed = ["/users/export", "/users/{anybody}/chats/all"]
[vendors.shop.contacts]
path = "/users"
definitions = "/users/fields"
user = "id"
[vendors.shop.operations]
profile = { method = "GET", path = "/users/{user}", user = "path:user" }
shared = { method = "GET", path = "/users/shared/{chat}", conversation = "path:chat" }
secrets = { method = "GET", path = "/users/{user}/secrets", user = "path:user" }
chats = { method = "GET", path = "/users/{user}/{kind}", user = "path:user", no_conversation = "x" }
below = { method = "GET", path = "/api/{user}/{+rest}", user = "path:user", no_conversation = "x" }
admin = { method = "DELETE", path = "/api/admin/people/{id}", no_conversation = "x" }
open = { method = "POST", path = "/open", members = ["text"], opens = "body:/id" }
"""


@dataclass(frozen=True)
class Shop:
    vendor: RecordingVendor
    issuer: Issuer
    url: str

    async def ask(self, who: str, path: str) -> Answer:
        fields = [("Authorization", f"Bearer {self.issuer.token(who, algorithm='HS256')}")]
        return await wire(self.url, raw_request("GET", "/shop" + path, fields))


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[Shop]:
    issuer, folder = Issuer(), tmp_path_factory.mktemp("shop")

    async def answer(request: Request, reply: Reply) -> None:
        await reply.json(200, {"everybody": ["bob"]})

    async with RecordingVendor(answer) as vendor:
        text = config.altatech(vendor.url, issuer, store=folder / "gateway.db")
        text = text.split("[upstreams.")[0] + SHOP.replace("URL", vendor.url)
        async with gateway_of(text, folder) as (_, url):
            yield Shop(vendor, issuer, url)


@pytest.mark.parametrize(
    ("who", "path"),
    [
        pytest.param("export", "/users/me", id="a path that is closed"),
        pytest.param("Export", "/users/me", id="the same, where case is ignored"),
        pytest.param("export.json", "/users/me", id="the same, in another format"),
        pytest.param("fields", "/users/me", id="what is written of contacts"),
        pytest.param("shared", "/users/me/bobs-chat", id="an operation that is not open here"),
        pytest.param("SHARED", "/users/me/bobs-chat", id="the same, where case is ignored"),
        pytest.param("admin", "/api/me/people/7", id="below a rest"),
    ],
)
async def test_nobodys_name_spells_another_path(who: str, path: str, shop: Shop) -> None:
    before = len(shop.vendor.requests)
    answer = await shop.ask(who, path)
    assert answer.status == 403
    assert answer.values("x-gateway-error") == ["identity_not_representable"]
    assert len(shop.vendor.requests) == before


@pytest.mark.parametrize("path", ["/users/me/secrets", "/users/alice/secrets"])
async def test_no_variable_leads_to_an_operation_that_is_not_open_here(
    path: str, shop: Shop
) -> None:
    before = len(shop.vendor.requests)
    answer = await shop.ask("alice", path)
    assert (answer.status, answer.values("x-gateway-error")) == (404, ["not_found"])
    assert len(shop.vendor.requests) == before


@pytest.mark.parametrize(
    ("who", "path", "expected"),
    [
        pytest.param("alice", "/users/me", "/users/alice", id="a name"),
        pytest.param("exports.json", "/users/me", "/users/exports.json", id="one with a dot"),
        pytest.param("exports", "/users/me", "/users/exports", id="a longer one"),
        pytest.param("export", "/users/me/chats", "/users/export/chats", id="elsewhere"),
        pytest.param("admin", "/api/me/chats", "/api/admin/chats", id="another path below a rest"),
    ],
)
async def test_a_name_that_spells_none_goes_on(
    who: str, path: str, expected: str, shop: Shop
) -> None:
    answer = await shop.ask(who, path)
    assert answer.status == 200
    assert shop.vendor.requests[-1].target == "/base" + expected
