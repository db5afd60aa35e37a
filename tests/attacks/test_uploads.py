"""Forms with files, at both ends: rows F-01 to F-09."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.attacks.both_ends import refused
from tests.support.dify_api import Dify
from tests.support.reply import Reply
from tests.support.stage import Stage, adding, dify_stage
from tests.support.vendor import Connection, Request
from tests.support.wire import Answer, connected
from tests.systems.spoofs import NAMES

pytestmark = pytest.mark.anyio

TYPE = "multipart/form-data; boundary=B"
FILE = b'Content-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello'


@pytest.fixture(scope="module")
async def built(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Stage[Dify]]:
    folder = tmp_path_factory.mktemp("uploads")
    async with dify_stage(folder, adding("upstreams.app", 'max_body = "256KiB"')) as stage:
        yield stage


@pytest.fixture
def dify(built: Stage[Dify]) -> Stage[Dify]:
    """A gateway before Dify, which has seen nothing yet."""
    built.vendor.handler = built.vendor.answer
    built.vendor.forms.clear()
    built.vendor.forget()
    return built


def form(*parts: bytes, boundary: bytes = b"B") -> bytes:
    line = b"--" + boundary + b"\r\n"
    return b"".join(line + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"


def text(name: str, value: str = "mallory") -> bytes:
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()


def hearing(stage: Stage[Dify]) -> list[Connection]:
    """The connections on which a file has begun to come, and not ended."""
    alive = [one for one in stage.vendor.connections if not one.closed]
    return [one for one in alive if one.received.endswith(b"hello\r\n")]


async def upload(
    stage: Stage[Dify], body: bytes, who: str | None = "alice", kind: str = TYPE
) -> Answer:
    return await stage.ask(who, "POST", "/files/upload", body, [("Content-Type", kind)])


async def test_a_file_goes_on_and_is_its_persons(dify: Stage[Dify]) -> None:
    """F-08."""
    answer = await upload(dify, form(text("user", "alice"), FILE))
    assert answer.status == 201, answer.raw
    assert answer.json()["created_by"] == "alice"
    file = {"type": "document", "transfer_method": "local_file"}
    file["upload_file_id"] = answer.json()["id"]
    asked: dict[str, Any] = {"inputs": {}, "query": "?", "response_mode": "blocking"}
    dify.vendor.forget()
    refused(dify, await dify.ask("bob", "POST", "/chat-messages", {**asked, "files": [file]}), 404)
    answer = await dify.ask("alice", "POST", "/chat-messages", {**asked, "files": [file]})
    assert answer.status == 200
    assert dify.vendor.requests[0].json()["files"] == [file]


def sayable(name: str) -> bool:
    return name.isprintable() and not set(name) & set('"\\')


@pytest.mark.parametrize("before", [True, False], ids=["before the file", "behind it"])
async def test_no_part_says_who_asks(dify: Stage[Dify], before: bool) -> None:
    """F-01."""
    for name in filter(sayable, ["user", "user[id]", *NAMES]):
        parts = [text(name), FILE] if before else [FILE, text(name)]
        assert (await upload(dify, form(*parts))).status == 201, name
    assert dify.vendor.forms
    assert all(one == [("user", "alice"), ("file", "hello")] for one in dify.vendor.forms)
    assert not any(b"mallory" in request.raw for request in dify.vendor.requests)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param((text("user"), text("user"), FILE), id="F-01 twice"),
        pytest.param((FILE, FILE), id="two files of one name"),
        pytest.param((text("conversation_id"), FILE), id="a conversation"),
        pytest.param((b"Content-Disposition: form-data; name*=utf-8''user\r\n\r\nx",), id="F-03 *"),
        pytest.param(
            (b'a: b\r\nContent-Disposition: form-data; name="a"\r\n c\r\n\r\nx',), id="fold"
        ),
        pytest.param((b'X: "' + b"x" * 10_000 + b'"\r\n\r\nx',), id="F-04 10 KB in a head"),
        pytest.param(tuple(text(f"p{n}") for n in range(40)), id="F-04 40 parts"),
    ],
)
async def test_a_form_that_two_servers_could_read_differently_is_refused(
    dify: Stage[Dify], parts: tuple[bytes, ...]
) -> None:
    refused(dify, await upload(dify, form(*parts)), 400, "bad_request")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        pytest.param("multipart/form-data", 400, id="F-02 no boundary"),
        pytest.param("multipart/form-data; boundary=" + "x" * 10_000, 400, id="F-02 10 KB"),
        pytest.param("multipart/form-data; boundary=B; boundary=C", 400, id="F-02 two"),
        pytest.param("multipart/form-data; boundary=C", 400, id="F-02 another"),
        pytest.param("application/x-www-form-urlencoded", 415, id="F-06"),
        pytest.param("application/json", 415, id="F-07"),
        pytest.param("multipart/mixed; boundary=B", 415, id="another kind"),
    ],
)
async def test_what_says_not_in_one_way_what_it_is_is_refused(
    dify: Stage[Dify], kind: str, status: int
) -> None:
    refused(dify, await upload(dify, form(FILE), kind=kind), status)


async def test_a_form_is_one_only_where_an_operation_takes_files(dify: Stage[Dify]) -> None:
    """F-07."""
    fields = [("Content-Type", TYPE)]
    answer = await dify.ask("alice", "POST", "/chat-messages", form(FILE), fields)
    refused(dify, answer, 415)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(form(text("note", "x" * 70_000)), id="F-04 a text of 70 KB"),
        pytest.param(form(FILE + b"x" * 300_000), id="F-04 a file beyond max_body"),
    ],
)
async def test_what_is_too_large_is_refused(dify: Stage[Dify], body: bytes) -> None:
    refused(dify, await upload(dify, body), 413)


@pytest.mark.one_process("each has connections of its own")
async def test_a_file_without_an_end_is_cut_off_at_the_limit(dify: Stage[Dify]) -> None:
    """F-04: the vendor gets half a request, and never a whole one."""
    fields: list[tuple[str, str] | bytes] = [("Content-Type", TYPE), b"Transfer-Encoding: chunked"]
    head = dify.request("alice", "POST", "/files/upload", None, fields)
    async with connected(dify.url) as peer:
        await peer.send(head)
        begun = b"--B\r\n" + FILE
        await peer.send(b"%x\r\n%b\r\n" % (len(begun), begun))
        for _ in range(5):
            await peer.send(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
        answer = await peer.answer(method="POST")
    assert answer.status == 413
    await dify.vendor.until(lambda: not dify.vendor.open_connections())
    assert dify.vendor.requests == []
    assert dify.vendor.forms == []


async def test_a_form_that_breaks_off_is_none(dify: Stage[Dify]) -> None:
    answer = await upload(dify, form(FILE)[:-6])
    assert answer.status == 400
    assert dify.vendor.requests == []


@pytest.mark.parametrize("rest", [b"x", form(text("user")), b"--B--\r\n"])
async def test_what_stands_around_a_form_goes_nowhere(dify: Stage[Dify], rest: bytes) -> None:
    """F-09."""
    assert (await upload(dify, form(FILE) + rest)).status == 201
    assert dify.vendor.forms == [[("user", "alice"), ("file", "hello")]]
    answer = await upload(dify, rest + form(FILE))
    assert answer.status == 400  # there is no form, or one without a file
    assert len(dify.vendor.forms) == 1
    assert not any(b"mallory" in request.raw for request in dify.vendor.requests)


async def test_a_strangers_form_is_not_read(dify: Stage[Dify]) -> None:
    refused(dify, await upload(dify, form(FILE), who=None), 401)


async def test_a_file_goes_on_while_it_comes(dify: Stage[Dify]) -> None:
    begun, rest = b"--B\r\n" + FILE[:-2], FILE[-2:] + b"\r\n--B--\r\n"
    fields: list[tuple[str, str] | bytes] = [
        ("Content-Type", TYPE),
        ("Content-Length", str(len(begun + rest))),
    ]
    async with connected(dify.url) as peer:
        await peer.send(dify.request("alice", "POST", "/files/upload", None, fields) + begun)
        await dify.vendor.until(
            lambda: any(b"\r\nhel" in one.received for one in dify.vendor.connections)
        )
        assert dify.vendor.requests == []
        await peer.send(rest)
        assert (await peer.answer(method="POST")).status == 201
    assert dify.vendor.forms == [[("user", "alice"), ("file", "hello")]]


async def test_a_client_that_leaves_takes_its_file_with_it(dify: Stage[Dify]) -> None:
    fields: list[tuple[str, str] | bytes] = [("Content-Type", TYPE), ("Content-Length", "100000")]
    async with connected(dify.url) as peer:
        await peer.send(dify.request("alice", "POST", "/files/upload", None, fields))
        await peer.send(b"--B\r\n" + FILE)
        await dify.vendor.until(lambda: bool(hearing(dify)))
        (one,) = hearing(dify)
    await dify.vendor.until(lambda: one.closed)
    assert dify.vendor.requests == []


async def test_a_vendor_that_wants_no_more_is_heard_at_once(dify: Stage[Dify]) -> None:
    fields: list[tuple[str, str] | bytes] = [("Content-Type", TYPE), ("Content-Length", "100000")]

    async def too_large(request: Request, reply: Reply) -> None:
        raise AssertionError("it never had a whole request")

    dify.vendor.handler = too_large
    async with connected(dify.url) as peer:
        await peer.send(dify.request("alice", "POST", "/files/upload", None, fields))
        await peer.send(b"--B\r\n" + FILE)
        await dify.vendor.until(lambda: bool(hearing(dify)))
        no = b"HTTP/1.1 413 No\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
        hearing(dify)[0].transport.write(no)
        answer = await peer.answer(method="POST")  # though nothing more comes from here
    assert (answer.status, answer.body) == (413, b"{}")


async def test_an_org_that_refuses_spoofs_refuses_them_here(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """F-01."""

    def edit(written: str) -> str:
        written = written.replace("[sign_in]", "[[orgs.acme.sign_in]]")
        written = written.replace("[upstreams.app]", "[orgs.acme.upstreams.app]")
        return written + '\n[orgs.acme]\non_spoof = "refuse"\n'

    async with dify_stage(tmp_path_factory.mktemp("refusing"), edit) as stage:
        refused(stage, await upload(stage, form(text("user"), FILE)), 400, "spoofed_identity")
        answer = await upload(stage, form(FILE, text("user")))
        assert answer.values("x-gateway-error") == ["spoofed_identity"]
        assert stage.vendor.requests == []
        assert (await upload(stage, form(text("user", "alice"), FILE))).status == 201
