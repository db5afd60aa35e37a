"""The gateway's own pages, whose org a request is for, and what every answer carries."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.chatbase import Chatbase
from tests.support.stage import Stage, adding, chatbase_stage
from tests.support.wire import raw_request, wire

pytestmark = pytest.mark.anyio
HI = {"message": "hi", "stream": False}
APP = "https://app.acme.example"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[Chatbase]]:
    async with chatbase_stage(tmp_path) as built:
        yield built


@pytest.fixture
async def hosted(tmp_path: Path) -> AsyncIterator[Stage[Chatbase]]:
    """One org under a host of its own, a path, and an origin that may call with cookies."""

    def long_form(text: str) -> str:
        text = text.replace("[sign_in]\n", '[[orgs.acme.sign_in]]\nfrom = ["cookie:s"]\n')
        return (
            text.replace("[upstreams.support]", "[orgs.acme.upstreams.support]")
            + f'\n[orgs.acme]\nhosts = ["chat.acme.example"]\npath = "/acme"\norigins = ["{APP}"]\n'
        )

    async with chatbase_stage(tmp_path, long_form) as built:
        yield built


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
@pytest.mark.parametrize("host", ["gateway.test", "10.0.0.7:8080", "[::1]"])
async def test_probes_need_no_sign_in_and_no_host(
    stage: Stage[Chatbase], path: str, host: str
) -> None:
    answer = await wire(stage.url, raw_request("GET", path, host=host))
    assert answer.status == 200
    assert stage.vendor.saw_nothing()


async def test_a_gateway_that_drains_is_alive_but_not_ready(stage: Stage[Chatbase]) -> None:
    stage.gateway.drain()
    assert (await wire(stage.url, raw_request("GET", "/livez"))).status == 200
    answer = await wire(stage.url, raw_request("GET", "/readyz"))
    assert answer.status == 503
    assert answer.values("retry-after") == ["1"]
    assert (await stage.ask("alice", "POST", "/chat", HI)).status == 200  # still accepting


@pytest.mark.parametrize("path", ["/livez/", "/livez/x", "/LIVEZ", "/livez/../readyz", "//livez"])
async def test_a_probe_has_one_spelling(stage: Stage[Chatbase], path: str) -> None:
    assert (await wire(stage.url, raw_request("GET", path))).status in {400, 404}


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
async def test_our_own_pages_are_only_read(stage: Stage[Chatbase], method: str) -> None:
    for path in ("/livez", "/readyz", "/_gateway/whoami"):
        answer = await wire(stage.url, raw_request(method, path))
        assert answer.status == 405
        assert answer.values("allow") == ["GET, HEAD"]


async def test_tells_a_person_who_they_are(stage: Stage[Chatbase]) -> None:
    fields = [("Authorization", f"Bearer {stage.token('alice')}")]
    answer = await wire(stage.url, raw_request("GET", "/_gateway/whoami", fields))
    said = answer.json()
    assert (said["org"], said["subject"], said["roles"]) == ("default", "alice", [])
    assert (await wire(stage.url, raw_request("GET", "/_gateway/whoami"))).status == 401
    assert stage.vendor.saw_nothing()


async def test_what_else_stands_below_our_own_path_does_not_exist(stage: Stage[Chatbase]) -> None:
    for path in ("/_gateway", "/_gateway/x", "/_gateway/whoami/x", "/_gateway/callbacks/a/b/c"):
        assert (await wire(stage.url, raw_request("GET", path))).status == 404


async def test_every_answer_says_what_it_must(stage: Stage[Chatbase]) -> None:
    for answer in (
        await stage.ask("alice", "POST", "/chat", HI),
        await stage.ask("alice", "GET", "/nothing"),
        await stage.ask(None, "POST", "/chat", HI),
        await wire(stage.url, raw_request("GET", "/livez")),
    ):
        assert answer.values("cache-control") == ["no-store, no-transform"]
        assert answer.values("x-content-type-options") == ["nosniff"]
        assert len(answer.values("x-request-id")) == 1


async def test_a_request_id_of_the_client_goes_all_the_way(stage: Stage[Chatbase]) -> None:
    answer = await stage.ask("alice", "POST", "/chat", HI, [("X-Request-ID", "mine-1")])
    assert answer.values("x-request-id") == ["mine-1"]
    assert stage.vendor.requests[0].values("x-request-id") == ["mine-1"]
    odd = await stage.ask("alice", "POST", "/chat", HI, [("X-Request-ID", "a b\tc")])
    assert re.fullmatch(r"[0-9a-f-]{36}", odd.values("x-request-id")[0])


async def test_a_missing_credential_is_challenged(stage: Stage[Chatbase]) -> None:
    answer = await stage.ask(None, "POST", "/chat", HI)
    assert answer.status == 401
    assert answer.values("www-authenticate") == ['Bearer realm="gateway"']
    assert answer.json()["error"]["code"] == "AUTH_MISSING_API_KEY"
    assert stage.vendor.saw_nothing()


async def test_a_stranger_cannot_make_us_read_a_body(stage: Stage[Chatbase]) -> None:
    request = stage.request(None, "POST", "/chat", b"x" * 4)
    head = request.replace(b"Content-Length: 4", b"Content-Length: 900000")
    answer = await wire(stage.url, head)  # the rest of the body never comes
    assert answer.status == 401
    assert stage.vendor.saw_nothing()


async def test_a_request_that_has_been_here_is_a_loop(stage: Stage[Chatbase]) -> None:
    await stage.ask("alice", "POST", "/chat", HI)
    (via,) = stage.vendor.requests[0].values("via")
    stage.vendor.forget()
    for value in (via, f"1.0 x, {via}", f"{via} , 1.1 y"):
        answer = await stage.ask("alice", "POST", "/chat", HI, [("Via", value)])
        assert answer.status == 508
    assert stage.vendor.saw_nothing()
    assert (await stage.ask("alice", "POST", "/chat", HI, [("Via", "1.1 gateway")])).status == 200


async def test_a_refused_spoof_never_reaches_the_vendor(tmp_path: Path) -> None:
    def refusing(text: str) -> str:
        text = text.replace("[sign_in]", "[[orgs.acme.sign_in]]")
        text = text.replace("[upstreams.support]", "[orgs.acme.upstreams.support]")
        return text + '\n[orgs.acme]\non_spoof = "refuse"\n'

    async with chatbase_stage(tmp_path, refusing) as stage:
        for body, fields in (
            ({**HI, "userId": "bob"}, []),
            ({**HI, "external-user-id": "bob"}, []),
            (HI, [("X-External-User-Id", "bob")]),
        ):
            answer = await stage.ask("alice", "POST", "/chat", body, fields)
            assert answer.status == 400
            assert answer.values("x-gateway-error") == ["spoofed_identity"]
        other = await stage.ask("alice", "GET", "/users/bob/conversations")
        assert other.values("x-gateway-error") == ["spoofed_identity"]
        assert stage.vendor.saw_nothing()
        # Naming oneself is no spoof.
        assert (await stage.ask("alice", "POST", "/chat", {**HI, "userId": "alice"})).status == 200
        assert (await stage.ask("alice", "GET", "/users/me/conversations")).status == 200


# Hosts and paths


@pytest.mark.parametrize(
    ("host", "prefix", "status"),
    [
        ("chat.acme.example", "/acme", 401),
        ("CHAT.acme.example:8443", "/acme", 401),
        ("chat.acme.example", "", 404),
        ("chat.acme.example", "/acme2", 404),
        ("acme.example", "/acme", 421),
        ("chat.acme.example.evil.example", "/acme", 421),
        ("evil.example", "/acme", 421),
    ],
)
async def test_an_org_stands_under_its_host_and_path(
    hosted: Stage[Chatbase], host: str, prefix: str, status: int
) -> None:
    path = prefix + hosted.base + "/users/me/conversations"
    answer = await wire(hosted.url, raw_request("GET", path, host=host))
    assert answer.status == status
    assert hosted.vendor.saw_nothing()


@pytest.mark.parametrize(
    "name", ["X-Forwarded-Host", "X-Original-URL", "X-Rewrite-URL", "Forwarded"]
)
async def test_a_field_does_not_change_whose_request_it_is(
    hosted: Stage[Chatbase], name: str
) -> None:
    fields = [(name, "host=chat.acme.example" if name == "Forwarded" else "chat.acme.example")]
    path = "/acme" + hosted.base + "/chat"
    answer = await wire(hosted.url, raw_request("GET", path, fields, host="evil.example"))
    assert answer.status == 421


# CORS


def preflight(path: str, origin: str, method: str = "POST") -> bytes:
    fields = [
        ("Origin", origin),
        ("Access-Control-Request-Method", method),
        ("Access-Control-Request-Headers", "authorization, content-type, x-evil"),
    ]
    return raw_request("OPTIONS", path, fields, host="chat.acme.example")


async def test_a_preflight_of_a_listed_origin_is_answered_here(hosted: Stage[Chatbase]) -> None:
    path = "/acme" + hosted.base + "/chat"
    answer = await wire(hosted.url, preflight(path, APP))
    assert answer.status == 204
    assert answer.values("access-control-allow-origin") == [APP]
    assert answer.values("access-control-allow-methods") == ["POST"]
    assert "x-evil" not in answer.values("access-control-allow-headers")[0]
    assert answer.values("access-control-allow-credentials") == ["true"]
    assert hosted.vendor.saw_nothing()


@pytest.mark.parametrize(
    "origin",
    [
        APP + ".evil",
        "https://evil.example",
        "null",
        "http://app.acme.example",
        APP + ":444",
        APP + "/",
    ],
)
async def test_a_preflight_of_another_origin_is_told_nothing(
    hosted: Stage[Chatbase], origin: str
) -> None:
    answer = await wire(hosted.url, preflight("/acme" + hosted.base + "/chat", origin))
    assert not answer.values("access-control-allow-origin")
    assert answer.values("vary") == ["authorization, cookie, origin"]
    assert hosted.vendor.saw_nothing()


async def test_a_preflight_for_what_does_not_exist_is_not_found(hosted: Stage[Chatbase]) -> None:
    answer = await wire(hosted.url, preflight("/acme" + hosted.base + "/sources", APP))
    assert answer.status == 404


@pytest.mark.parametrize(
    ("origin", "site", "status"),
    [
        (APP, "cross-site", 200),
        (APP, None, 200),
        ("https://evil.example", "cross-site", 403),
        (APP + ".evil", "cross-site", 403),
        ("http://chat.acme.example", "same-origin", 200),
    ],
)
async def test_a_cookie_counts_from_listed_origins_only(
    hosted: Stage[Chatbase], origin: str, site: str | None, status: int
) -> None:
    fields = [("Cookie", f"s={hosted.token('alice')}"), ("Origin", origin)]
    fields += [("Sec-Fetch-Site", site)] if site else []
    lines = [*fields, ("Content-Type", "application/json")]
    path = "/acme" + hosted.base + "/chat"
    request = raw_request("POST", path, lines, b'{"message":"hi"}', host="chat.acme.example")
    answer = await wire(hosted.url, request)
    assert answer.status == status
    granted = answer.values("access-control-allow-origin")
    assert granted == ([APP] if origin == APP else [])
    assert hosted.vendor.saw_nothing() == (status == 403)


# Forwarding fields


async def test_nobody_is_believed_about_the_scheme_unless_listed(tmp_path: Path) -> None:
    edit = adding("sign_in", 'from = ["cookie:s"]')
    https = [("X-Forwarded-Proto", "https"), ("Origin", "https://gateway.test")]
    async with chatbase_stage(tmp_path, edit) as stage:
        cookie = ("Cookie", f"s={stage.token('alice')}")
        answer = await stage.ask(None, "POST", "/chat", HI, [cookie, *https])
        assert answer.status == 403

    def trusting(text: str) -> str:
        return edit(text) + '\n[server]\ntrusted_proxies = ["127.0.0.0/8"]\n'

    async with chatbase_stage(tmp_path, trusting) as stage:
        answer = await stage.ask(None, "POST", "/chat", HI, [cookie, *https])
        assert answer.status == 200
