import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.admin.app import PATHS, PUBLIC
from tests.admin.stage import TOKEN, Operators, operators
from tests.support.wire import raw_request, wire

pytestmark = pytest.mark.anyio


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Operators]:
    async with operators(tmp_path) as there:
        yield there


@pytest.mark.parametrize("path", sorted(PATHS))
async def test_everything_answers_whoever_has_the_token(there: Operators, path: str) -> None:
    answer = await there.ask(path)
    assert (answer.status, answer.values("cache-control")) == (200, ["no-store"])


@pytest.mark.parametrize("path", [*sorted(PATHS - PUBLIC), "/readyz?verbose", "/nowhere"])
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([], id="none"),
        pytest.param([("Authorization", "Bearer wrong")], id="another"),
        pytest.param([("Authorization", f"Bearer {TOKEN}x")], id="longer"),
        pytest.param([("Authorization", f"Bearer {TOKEN[:-1]}")], id="shorter"),
        pytest.param([("Authorization", f"Basic {TOKEN}")], id="another scheme"),
        pytest.param([("Authorization", TOKEN)], id="no scheme"),
        pytest.param([("Authorization", f"Bearer {TOKEN}")] * 2, id="twice"),
        pytest.param([("Cookie", f"token={TOKEN}")], id="a cookie"),
    ],
)
async def test_nobody_else_learns_anything(
    there: Operators, path: str, fields: list[tuple[str, str]]
) -> None:
    """Row Z-02: no cookie counts either."""
    answer = await wire(there.url, raw_request("GET", path, fields))
    assert answer.status == 401
    assert answer.values("www-authenticate")[0].startswith("Bearer")
    assert set(answer.json()) == {"title", "status", "detail", "code", "request_id"}
    assert TOKEN.encode() not in answer.raw


async def test_a_browser_is_told_nothing_of_other_origins(there: Operators) -> None:
    """Row Z-02: a page elsewhere may not even read an answer."""
    fields = [("Origin", "https://evil.example"), ("Access-Control-Request-Method", "GET")]
    shown = ("Authorization", f"Bearer {TOKEN}")
    for method in ("GET", "OPTIONS"):
        answer = await wire(there.url, raw_request(method, "/usage", [*fields, shown]))
        assert not [name for name, _ in answer.fields if name.startswith("access-control")]


@pytest.mark.parametrize(
    "path",
    [
        "/USAGE", "/usage/", "//usage", "/./usage", "/livez/../usage", "/livez/%2e%2e/usage",
        "/usage%00", "/usage;x", "/livez%2f..%2fusage", "/audit/verify/", "/metrics.json",
    ],
)  # fmt: skip
async def test_a_path_has_one_spelling_and_the_others_lead_nowhere(
    there: Operators, path: str
) -> None:
    """Row Z-05."""
    assert (await there.ask(path, token=None)).status in {400, 401}
    answer = await there.ask(path)
    assert answer.status in {400, 404}
    assert b"alice" not in answer.body


@pytest.mark.parametrize(
    "path", ["/metrics", "/usage", "/audit", "/openapi.json", "/readyz?verbose"]
)
async def test_nothing_of_it_is_served_where_people_come_in(there: Operators, path: str) -> None:
    """Row Z-01."""
    request = raw_request("GET", path, [("Authorization", f"Bearer {TOKEN}")])
    answer = await wire(there.stage.url, request)
    assert b"dependencies" not in answer.body
    assert answer.status == (200 if path.startswith("/readyz") else 404)


async def test_the_token_of_a_person_is_none(there: Operators) -> None:
    assert (await there.ask("/usage", token=there.stage.token("alice"))).status == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_nothing_can_be_changed(there: Operators, method: str) -> None:
    answer = await there.ask("/usage", method=method)
    assert (answer.status, answer.values("allow")) == (405, ["GET, HEAD"])


async def test_a_head_has_no_body(there: Operators) -> None:
    answer = await there.ask("/livez", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.one_process("each counts for itself")
async def test_counts_what_people_do_and_names_nobody(there: Operators) -> None:
    stage = there.stage
    await stage.ask("alice", "POST", "/chat", {"message": "hi", "userId": "CANARY"})
    await stage.ask("alice", "POST", "/chat", {"message": "hi", "conversationId": "CANARY"})
    await stage.ask(None, "POST", "/chat", {"message": "hi"})
    answer = await there.ask("/metrics")
    text = answer.body.decode()
    assert answer.values("content-type")[0].startswith("text/plain")
    where = 'operation="chat",org="default",upstream="support"'
    assert f'gateway_requests_total{{code="200",{where}}} 1.0' in text
    assert f'gateway_requests_total{{code="conversation_not_found",{where}}} 1.0' in text
    assert 'gateway_auth_failures_total{reason="credentials_missing"} 1.0' in text
    assert 'gateway_identity_overridden_total{org="default",upstream="support"} 1.0' in text
    assert 'gateway_ownership_denied_total{org="default",upstream="support"} 1.0' in text
    assert 'gateway_ledger_queue_rows{kind="usage"}' in text
    assert "gateway_config_last_reload_successful 1.0" in text
    assert "alice" not in text
    assert "CANARY" not in text


async def test_verifies_the_audit_trail(there: Operators) -> None:
    answer = await there.ask("/audit/verify")
    said = answer.json()
    assert (said["sound"], said["faults"], said["rows"] >= 2) == (True, [], True)
    assert (await there.ask("/audit/verify?org=default")).json()["orgs"] == 1


@pytest.mark.parametrize("path", ["/livez?x=1", "/readyz?x", "/metrics?x=1", "/usage?x=1"])
async def test_a_parameter_nobody_knows_is_refused(there: Operators, path: str) -> None:
    assert (await there.ask(path)).status == 400


async def test_says_so_while_the_gateway_is_not_open(there: Operators) -> None:
    await there.stage.gateway.aclose()
    for path in ("/usage", "/metrics", "/readyz"):
        assert (await there.ask(path)).status == 503
    assert (await there.ask("/livez")).status == 200


async def test_a_report_that_nobody_reads_any_more_ends(there: Operators) -> None:
    reader, writer = await asyncio.open_connection(*there.url.removeprefix("http://").split(":"))
    fields = [("Authorization", f"Bearer {TOKEN}")]
    writer.write(raw_request("GET", "/usage?format=csv&by=exchange", fields))
    await reader.read(10)
    writer.close()
    assert (await there.ask("/usage?format=csv&by=exchange")).status == 200
