"""R and D: requests that would have the gateway, or the browser, go somewhere else."""

import json
from pathlib import Path

import pytest

from tests.attacks.both_ends import HI, only, refused
from tests.support.chatbase import Chatbase
from tests.support.reply import Reply
from tests.support.stage import Stage, chatbase_stage
from tests.support.vendor import RecordingVendor, Request
from tests.support.wire import raw_request, wire

pytestmark = pytest.mark.anyio

TARGETS = ("/users/me/conversations", "/chat")
CONTENT_URLS = (
    "http://EVIL/image.png",
    "//EVIL/x",
    "file:///etc/passwd",
    "http://169.254.169.254/",
)


@pytest.mark.parametrize(
    "name",
    [
        *("api_base", "base_url", "endpoint", "url", "callback_url", "webhook", "custom_host"),
        *("image_url", "attachments", "files", "mcp_servers", "resource_metadata"),
    ],
)
async def test_no_member_sends_the_gateway_anywhere(stage: Stage[Chatbase], name: str) -> None:
    """Rows R-01, R-09, R-10."""
    async with RecordingVendor() as evil:
        for value in (evil.url, [evil.url], {"url": evil.url}, f"{evil.url}/?{name}"):
            stage.vendor.forget()
            answer = await stage.ask("alice", "POST", "/chat", {**HI, name: value})
            assert answer.status == 200, answer.body
            only(stage, "alice", evil.url)
        assert evil.saw_nothing()


async def test_a_url_within_a_message_is_text(stage: Stage[Chatbase]) -> None:
    """Row R-10."""
    async with RecordingVendor() as evil:
        message = " ".join([f"![x]({evil.url})", evil.url, *CONTENT_URLS])
        answer = await stage.ask("alice", "POST", "/chat", {**HI, "message": message})
        assert answer.status == 200
        assert stage.vendor.requests[0].json()["message"] == message
        assert evil.saw_nothing()


@pytest.mark.parametrize(
    "name",
    [
        *(
            "x-portkey-custom-host",
            "X-Upstream",
            "X-Forwarded-Host",
            "X-Host",
            "X-Forwarded-Server",
        ),
        *(
            "X-Original-Host",
            "X-HTTP-Host-Override",
            "Forwarded",
            "X-Proxy-URL",
            "Proxy",
            "Location",
        ),
    ],
)
async def test_no_field_sends_the_gateway_anywhere(stage: Stage[Chatbase], name: str) -> None:
    """Row R-02."""
    async with RecordingVendor() as evil:
        host = evil.url.removeprefix("http://")
        for value in (evil.url, host, f"host={host}"):
            stage.vendor.forget()
            answer = await stage.ask("alice", "POST", "/chat", HI, [(name, value)])
            assert answer.status == 200, answer.body
            only(stage, "alice", host)
        assert evil.saw_nothing()


@pytest.mark.parametrize(
    "shape",
    [
        "//EVIL/x",
        "/\\EVIL/x",
        "@EVIL/x",
        "http://EVIL/x",
        "/support//EVIL",
        "/support@EVIL/x",
        "/support/api/v2/agents/agent_1/conversations/@EVIL",
        "/support/api/v2/agents/agent_1/conversations/x?@EVIL",
        "/support/api/v2/agents/agent_1/conversations/x#@EVIL",
        "/support/api/v2/agents/agent_1@EVIL/chat",
        "/support/api/v2/agents/agent_1/conversations/..",
    ],
)
async def test_no_path_leaves_the_vendor(stage: Stage[Chatbase], shape: str) -> None:
    """Row R-03."""
    async with RecordingVendor() as evil:
        target = shape.replace("EVIL", evil.url.removeprefix("http://"))
        fields = [("Authorization", f"Bearer {stage.token('alice')}")]
        answer = await wire(stage.url, raw_request("GET", target, fields))
        assert answer.status in {400, 404, 405}
        refused(stage, answer, answer.status)
        assert evil.saw_nothing()


async def test_no_proxy_of_the_environment_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row R-11: vendor keys would go to it."""
    async with RecordingVendor() as evil:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, evil.url)
            monkeypatch.setenv(name.lower(), evil.url)
        async with chatbase_stage(tmp_path) as stage:
            assert (await stage.ask("alice", "POST", "/chat", HI)).status == 200
            only(stage, "alice")
        assert evil.saw_nothing()


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308, 399])
@pytest.mark.parametrize("where", ["EVIL", "/users/bob", "https://OURS/", "//EVIL", "\\\\EVIL"])
async def test_a_vendors_redirect_ends_here(
    stage: Stage[Chatbase], status: int, where: str
) -> None:
    """Rows D-01 to D-04: followed by nobody, told to nobody."""
    async with RecordingVendor() as evil:
        location = where.replace("EVIL", evil.url).replace("OURS", stage.vendor.authority)

        async def elsewhere(request: Request, reply: Reply) -> None:
            fields = [("location", location), ("refresh", f"0; url={location}")]
            await reply.json(status, {"url": location}, fields)

        stage.vendor.handler = elsewhere
        for method, path, body in (("POST", "/chat", HI), ("GET", "/users/me/conversations", None)):
            stage.vendor.forget()
            answer = await stage.ask("alice", method, path, body)
            assert answer.status == 502
            assert location.encode() not in answer.raw
            assert not answer.values("location")
            assert not answer.values("refresh")
            assert len(stage.vendor.requests) == 1
        assert evil.saw_nothing()


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/",
        "/\\evil.example",
        "/support",
        "/support/",
        "/Support",
        "//",
        "/_gateway/",
        "/%2f%2fevil.example",
        "/livez/",
        "/support/api/v2/agents/agent_1/chat/",
    ],
)
async def test_no_answer_of_ours_sends_anybody_elsewhere(
    stage: Stage[Chatbase], target: str
) -> None:
    """Row D-05: no redirect that adds a slash, or takes one away."""
    answer = await wire(stage.url, raw_request("GET", target))
    assert answer.status in {400, 401, 404, 405}
    assert not answer.values("location")
    assert b"evil" not in answer.raw


async def test_an_answer_that_names_metadata_elsewhere_is_not_looked_up(
    stage: Stage[Chatbase],
) -> None:
    """Row R-09, a vendor's 401 with an address to sign in at."""
    async with RecordingVendor() as evil:

        async def challenge(request: Request, reply: Reply) -> None:
            where = f'Bearer resource_metadata="{evil.url}/x"'
            await reply.json(401, {"see": evil.url}, [("www-authenticate", where)])

        stage.vendor.handler = challenge
        answer = await stage.ask("alice", "POST", "/chat", HI)
        assert answer.status == 502
        assert evil.url not in json.dumps(answer.fields) + answer.body.decode()
        assert evil.saw_nothing()
