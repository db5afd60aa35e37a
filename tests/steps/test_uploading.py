"""A form on its way: how much of it is held, and what a vendor of one's own takes of it.

What people try with forms is in tests/attacks/test_uploads.py.
"""

import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.core.profile.operation import Operation
from gateway.core.profile.place import Body
from gateway.core.request.form import FormRewriter
from gateway.net.form import MultipartReader
from gateway.steps.uploading import pieces
from tests.support.reply import Reply
from tests.support.stage import Stage, dify_stage
from tests.support.vendor import Request

pytestmark = pytest.mark.anyio

CHUNK = b"x" * 65_536
HEAD = b'--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
UPLOAD = Operation(
    method="POST", path="/files", files=frozenset({"file", "two"}), user=(Body("/user"),)
)


def coming(times: int, head: bytes = HEAD) -> Any:
    """An `Inbound` with a file of so many chunks."""

    async def chunks(limit: int) -> AsyncIterator[bytes]:
        yield head
        for _ in range(times):
            yield CHUNK
        yield b"\r\n--B--\r\n"

    return SimpleNamespace(chunks=chunks)


@pytest.mark.parametrize("name", ["file", "other"], ids=["that goes on", "that is left out"])
async def test_of_a_large_file_no_more_is_held_than_came(name: str) -> None:
    form = FormRewriter(UPLOAD, user="alice", own=(), boundary=b"OURS", refuse_spoofs=False)
    exchange = SimpleNamespace(
        upstream=SimpleNamespace(max_body=2**40), record=SimpleNamespace(bytes_in=0)
    )
    ask = coming(1024, HEAD.replace(b'"file"', f'"{name}"'.encode()))
    size = largest = 0
    tracemalloc.start()
    async for piece in pieces(cast("Any", exchange), ask, form, MultipartReader(b"B")):
        size += len(piece)
        largest = max(largest, len(piece))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert exchange.record.bytes_in > 1024 * len(CHUNK)
    assert (size > 1024 * len(CHUNK)) is (name == "file")
    assert largest < 2 * len(CHUNK)
    assert peak < 16 * len(CHUNK)


VENDOR = """
[vendors.mine]
fields = { authorization = "Bearer {key}" }
[vendors.mine.operations.upload]
method = "POST"
path = "/api/files/{folder}"
files = ["file"]
members = ["title"]
user = ["body:/owner", "field:x-owner"]
query = ["kind"]
no_conversation = "files of nobody's conversation"
"""


def mine(written: str) -> str:
    return written.replace('vendor = "dify"', 'vendor = "mine"') + VENDOR


async def test_a_vendor_of_ones_own_takes_files(tmp_path: Path) -> None:
    async def takes(request: Request, reply: Reply) -> None:
        await reply.json(200, {"ok": True})

    async with dify_stage(tmp_path, mine) as built:
        stage = cast("Stage[Any]", built)
        stage.vendor.handler = takes
        title = b'--B\r\nContent-Disposition: form-data; name="title"\r\n\r\nNotes\r\n'
        body = title + HEAD + b"x\r\n--B--\r\n"
        kind = [("Content-Type", "multipart/form-data; boundary=B")]
        path = "/app/api/files/f?kind=a&owner=bob"
        stage = Stage(stage.vendor, None, stage.issuer, stage.url, "")
        answer = await stage.ask("alice", "POST", path, body, kind)
        assert answer.json() == {"ok": True}
        (request,) = stage.vendor.requests
        assert request.target == "/api/files/f?kind=a"
        assert request.values("x-owner") == ["alice"]
        (boundary,) = request.values("content-type")
        line = b"--" + boundary.partition("boundary=")[2].encode()
        assert request.body == b"\r\n".join(
            [
                line,
                b'Content-Disposition: form-data; name="owner"',
                b"",
                b"alice",
                line,
                b'Content-Disposition: form-data; name="title"',
                b"",
                b"Notes",
                line,
                b'Content-Disposition: form-data; name="file"; filename="a"',
                b"",
                b"x",
                line + b"--",
                b"",
            ]
        )


async def test_what_was_sent_as_it_came_is_not_sent_again_with_the_next_key(
    tmp_path: Path,
) -> None:
    def two_keys(written: str) -> str:
        return written.replace('key = "app-vendor"', 'key = ["of-yesterday", "app-vendor"]')

    async with dify_stage(tmp_path, two_keys) as stage:
        body, kind = HEAD + b"x\r\n--B--\r\n", "multipart/form-data; boundary=B"
        answer = await stage.ask("alice", "POST", "/files/upload", body, [("Content-Type", kind)])
        assert answer.values("x-gateway-error") == ["upstream_credentials_refused"]
        assert len(stage.vendor.requests) == 1
