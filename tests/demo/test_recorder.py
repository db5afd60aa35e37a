import pytest
from starlette.datastructures import Headers

from gateway.demo.people import ALICE, NORTHERN_SAM
from gateway.demo.recorder import KEPT, MAX_BODY, Heard, Journal, Tap, masked

HEARD = Heard("POST", "/chat", (), "")


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("authorization", "Bearer sk_demo_0123456789", "Bearer sk_demo••••"),
        (
            "cookie",
            "session=eyJhbGciOiJFUzI1NiJ9.x; b=secret-too-long",
            "session=eyJhbGc••••; b=secret-••••",
        ),
        ("x-external-user-id", "alice", "alice"),
    ],
)
def test_of_a_credential_only_the_beginning_is_shown(name, value, shown):
    assert masked(name, value) == shown


async def call(app, *, body: bytes = b"{}", fields=()):
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "raw_path": b"/a%20b",
        "query_string": b"limit=1",
        "headers": list(fields),
    }
    await app(scope, receive, send)
    return sent


async def answering(scope, receive, send):
    await receive()
    fields = [(b"x-request-id", b"r1")]
    await send({"type": "http.response.start", "status": 201, "headers": fields})
    await send({"type": "http.response.body", "body": b"done"})


@pytest.mark.anyio
async def test_a_tap_notes_the_request_as_it_came_and_changes_nothing():
    noted = []
    tap = Tap(answering, lambda *what: noted.append(what))
    sent = await call(tap, body=b'{"a":1}', fields=[(b"cookie", b"session=eyJhbGciOi")])
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    [(_, heard, status, answered)] = noted
    assert heard == Heard("POST", "/a%20b?limit=1", (("cookie", "session=eyJhbGc••••"),), '{"a":1}')
    assert (status, answered["x-request-id"]) == (201, "r1")


@pytest.mark.anyio
async def test_a_tap_keeps_no_more_of_a_body_than_it_shows():
    noted = []
    await call(Tap(answering, lambda *what: noted.append(what)), body=b"x" * (MAX_BODY + 5))
    assert len(noted[0][1].body) == MAX_BODY


def journal_of(customer):
    return Journal(lambda fields: customer)


def answer(journal: Journal, request_id: str, *, status: int = 200, code: str = "") -> None:
    fields = {"x-request-id": request_id, "x-gateway-error": code}
    journal.gateway_answered(Headers(), HEARD, status, Headers(fields))


async def first(journal: Journal, customer, count: int) -> list:
    found = []
    async for exchange in journal.follow(customer):
        found.append(exchange)
        if len(found) == count:
            break
    return found


@pytest.mark.anyio
async def test_pairs_what_was_sent_with_what_was_received():
    journal = journal_of(ALICE)
    journal.vendor_heard(Headers({"x-request-id": "r1"}), HEARD, 200, Headers())
    answer(journal, "r1")
    answer(journal, "r2", status=404, code="conversation_not_found")
    received, refused = await first(journal, ALICE, 2)
    assert received["vendor"] == HEARD.as_json()
    assert refused["vendor"] is None
    assert (refused["status"], refused["code"]) == (404, "conversation_not_found")


@pytest.mark.anyio
async def test_shows_nobody_anothers_exchanges():
    journal = journal_of(ALICE)
    answer(journal, "r1")
    journal.close()
    assert [exchange async for exchange in journal.follow(NORTHERN_SAM)] == []


@pytest.mark.anyio
async def test_keeps_what_is_nobodys_nowhere():
    journal = journal_of(None)
    answer(journal, "r1")
    journal.close()
    assert [exchange async for exchange in journal.follow(ALICE)] == []


@pytest.mark.anyio
async def test_keeps_the_latest_only():
    journal = journal_of(ALICE)
    for number in range(KEPT + 3):
        answer(journal, f"r{number}")
    kept = await first(journal, ALICE, KEPT)
    assert [exchange["id"] for exchange in kept] == [f"r{number}" for number in range(3, KEPT + 3)]


@pytest.mark.anyio
async def test_tells_a_watcher_at_once_and_ends_when_closed():
    journal = journal_of(ALICE)
    watching = journal.follow(ALICE)
    answer(journal, "r1")
    assert (await anext(watching))["id"] == "r1"
    answer(journal, "r2")
    assert (await anext(watching))["id"] == "r2"
    journal.close()
    with pytest.raises(StopAsyncIteration):
        await anext(watching)


@pytest.mark.anyio
async def test_forgets_what_was_before():
    journal = journal_of(ALICE)
    answer(journal, "r1")
    journal.forget()
    answer(journal, "r2")
    assert [exchange["id"] for exchange in await first(journal, ALICE, 1)] == ["r2"]
