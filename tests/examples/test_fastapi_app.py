"""examples/fastapi_app.py, as it is written, as a process."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.wire import Answer, connected, raw_request, wire

pytestmark = pytest.mark.anyio
EXAMPLE = Path(__file__).parents[2] / "examples" / "fastapi_app.py"
PATIENCE = 30.0  # seconds
OURS = ("Sec-Fetch-Site", "same-origin")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("example")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLE)],
        cwd=folder,
        env={**os.environ, "PORT": str(port)},
        stderr=subprocess.PIPE,
    )
    try:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate()


async def signed_in(url: str, who: str) -> tuple[str, str]:
    answer = await wire(url, raw_request("GET", f"/sign-in/{who}"))
    return ("Cookie", answer.values("set-cookie")[0].partition(";")[0])


def question(*fields: tuple[str, str], **members: str) -> bytes:
    body = json.dumps({"message": "Where is my order?", "userId": "victim", **members})
    lines = [*fields, OURS, ("Content-Type", "application/json")]
    return raw_request("POST", "/api/chat", lines, body.encode())


def conversation(answer: Answer) -> str:
    return str(json.loads(answer.body.split(b"\n")[0].removeprefix(b"data: "))["conversationId"])


async def test_people_are_who_the_session_says(url: str) -> None:
    alice = await signed_in(url, "alice")
    answer = await wire(url, question(alice))
    assert answer.status == 200, answer.body
    assert b'"alice "' in answer.body
    assert b"victim" not in answer.body
    me = await wire(url, raw_request("GET", "/me", [alice]))
    assert me.json() == "alice"
    assert (await wire(url, raw_request("GET", "/me"))).status == 401
    assert (await wire(url, question())).status == 401


async def test_the_answer_streams(url: str) -> None:
    async with connected(url) as peer:
        await peer.send(question(await signed_in(url, "alice")))
        await peer.until(b"conversationId")
        assert b"[DONE]" not in peer.received
        assert (await peer.answer()).complete


async def test_a_conversation_is_its_openers(url: str) -> None:
    alice, bob = await signed_in(url, "alice"), await signed_in(url, "bob")
    name = conversation(await wire(url, question(alice)))
    assert (await wire(url, question(alice, conversationId=name))).status == 200
    path = f"/api/chats/{name}"
    assert len((await wire(url, raw_request("GET", path, [alice, OURS]))).json()) == 2
    assert (await wire(url, raw_request("GET", path, [bob, OURS]))).status == 404
    assert (await wire(url, question(bob, conversationId=name))).status == 404


async def test_there_is_no_other_way_in(url: str) -> None:
    bob = await signed_in(url, "bob")
    lines = [bob, OURS, ("Content-Type", "application/json")]
    body = b'{"message":"hi","userId":"alice"}'
    for path in ("/api/chat/", "//api/chat", "/api/%63hat", "/ai/api/chat", "/ai/bot/api/chat"):
        answer = await wire(url, raw_request("POST", path, lines, body))
        assert answer.status in {400, 404}, path
    cross = [bob, ("Origin", "https://evil.example"), ("Content-Type", "application/json")]
    assert (await wire(url, raw_request("POST", "/api/chat", cross, body))).status == 403


async def test_the_page_says_who_one_is(url: str) -> None:
    page = await wire(url, raw_request("GET", "/", [await signed_in(url, "alice")]))
    assert b"You are <b>alice</b>" in page.body
    assert b"You are <b>nobody</b>" in (await wire(url, raw_request("GET", "/"))).body
