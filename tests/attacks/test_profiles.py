"""Every profile there is, at each place of each operation where a conversation or a user stands.

What a request names is another's; what an answer names is another's too, in every framing that some
client reads, in escapes, and cut anywhere. New profiles and new places are tried by themselves.
"""

import json
import random
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from gateway.core.profile.names import meaning
from gateway.core.profile.place import Body, Header, Place, Query, Variable
from gateway.core.profile.vendor import Operation, Vendor
from gateway.vendors import VENDORS
from tests.support import config
from tests.support.reply import Reply
from tests.support.spellings import spellings
from tests.support.stage import gateway_of
from tests.support.tokens import Issuer
from tests.support.vendor import RecordingVendor, Request
from tests.support.wire import Answer, raw_request, wire

pytestmark = pytest.mark.anyio

# A backend of one's own that takes whatever a client says, and reads ids deep inside.
LAX = """
[upstreams.lax]
vendor = "lax"
base_url = "URL"
key = "k-lax"
[vendors.lax]
fields = { authorization = "Bearer {key}" }
[vendors.lax.operations.say]
method = "POST"
path = "/say"
members = ["*"]
conversation = ["body:/context/ref", "body:/more/*", "body:/items/*/ref"]
opens = ["body:/ref"]
"""


@dataclass
class Said:
    """The next answer, as it leaves the vendor."""

    media: str = "application/json"
    pieces: list[bytes] = field(default_factory=list)


@dataclass(frozen=True)
class Street:
    """One gateway before all of them; they are one server."""

    vendor: RecordingVendor
    said: Said
    issuer: Issuer
    url: str

    async def ask(self, who: str, call: "Call") -> Answer:
        fields = [("Authorization", f"Bearer {self.issuer.token(who, algorithm='HS256')}")]
        content = None if call.body is None else json.dumps(call.body).encode()
        if content is not None:
            fields.append(("Content-Type", "application/json"))
        fields += call.fields
        return await wire(self.url, raw_request(call.method, call.path, fields, content))

    def answer(self, document: object) -> None:
        self.said.media, self.said.pieces = "application/json", [json.dumps(document).encode()]


@dataclass
class Call:
    method: str
    path: str
    body: Any = None
    fields: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture(scope="module")
async def street(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Street]:
    said, issuer, folder = Said(), Issuer(), tmp_path_factory.mktemp("street")

    async def answer(request: Request, reply: Reply) -> None:
        framing = [("content-type", said.media), ("transfer-encoding", "chunked")]
        await reply.head(200, framing)
        for piece in said.pieces:
            await reply.chunk(piece)
        await reply.end()

    async with (
        RecordingVendor(answer) as vendor,
        gateway_of(configured(vendor.url, issuer, folder), folder) as (_, url),
    ):
        yield Street(vendor, said, issuer, url)


def configured(url: str, issuer: Issuer, folder: Path) -> str:
    text = config.altatech(url, issuer, store=folder / "gateway.db").split("[upstreams.")[0]
    for name, profile in VENDORS.items():
        agent = 'agent = "1"\n' if profile.has_agents else ""
        roles = 'default_roles = ["employee"]\n' if profile.told_roles else ""
        text += f'[upstreams.{name}]\nvendor = "{name}"\nbase_url = "{url}"\nkey = "k"\n'
        text += agent + roles
    return text + LAX.replace("URL", url)


def calls(vendor: Vendor, operation: Operation) -> Call:
    """A request of this operation that names nobody's conversation."""
    path = operation.path.replace("{agent}", "1").replace("{user}", "me")
    body: Any = {} if operation.takes_body else None
    if operation.mcp and body is not None:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tasks/get", "params": {}}
    return Call(operation.methods[0], f"/{vendor.name}{path}", body)


def naming(vendor: Vendor, operation: Operation, place: Place, conversation: str) -> Call:
    """One that names this conversation at this place, and elsewhere what must be named."""
    call = calls(vendor, operation)
    match place:
        case Variable(name):
            call.path = call.path.replace("{" + name + "}", conversation)
        case Query(name):
            call.path += f"?{name}={quote(conversation)}"
        case Header(name):
            call.fields.append((name, conversation))
        case Body():
            call.body |= built(place.tokens, conversation)
    call.path = re.sub(r"\{\+?[a-z_]+\}", "x", call.path)
    return call


def built(tokens: tuple[str, ...], value: object) -> Any:
    """A document in which `value` stands where the tokens lead."""
    if not tokens:
        return value
    inner = built(tokens[1:], value)
    return [inner] if tokens[0] == "*" else {tokens[0]: inner}


def requests() -> list[Any]:
    return [
        pytest.param(vendor, operation, place, id=f"I-02, I-13 {vendor.name} {name} {place}")
        for vendor in VENDORS.values()
        for name, operation in vendor.operations.items()
        for place in operation.conversation
        if not operation.websocket
    ]


def opening(vendor: Vendor) -> tuple[Call, Body]:
    """A request that opens something, and where its answer says what."""
    return next(
        (calls(vendor, operation), place)
        for operation in vendor.operations.values()
        for place in operation.opens
        if isinstance(place, Body) and not operation.files and not operation.must_continue
    )


async def opened(street: Street, vendor: Vendor, who: str, conversation: str) -> None:
    call, place = opening(vendor)
    street.answer(built(place.tokens, conversation))
    answer = await street.ask(who, call)
    assert answer.status == 200, answer.raw
    street.vendor.forget()


@pytest.mark.parametrize(("vendor", "operation", "place"), requests())
async def test_anothers_conversation_is_named_in_vain(
    street: Street, vendor: Vendor, operation: Operation, place: Place
) -> None:
    await opened(street, vendor, "bob", "bobs-own")
    for conversation in ("bobs-own", "nobodys"):
        answer = await street.ask("alice", naming(vendor, operation, place, conversation))
        assert answer.status == 404, answer.raw
        assert answer.values("x-gateway-error") == ["conversation_not_found"]
        assert street.vendor.saw_nothing()


# What is deep inside, and hidden


def hidden() -> Iterator[tuple[str, Any]]:
    theirs: dict[str, Any] = {"context": {"ref": "X"}, "more": ["X"], "items": [{"ref": "X"}]}
    for name, holding in theirs.items():
        for other in spellings((name,)):
            if other != name and name in meaning(other).forms:
                yield f"B-21 {other!r}", {other: holding}
    for flat in ("context.ref", "context[ref]", "Context.Ref", "more[0]", "more[]", "items[0].ref"):
        yield f"B-21 {flat!r}", {flat: "X"}
    others: dict[str, list[Any]] = {
        "context": ["X", ["X"], [{"ref": "X"}], [[{"ref": "X"}]]],
        "more": ["X", {"0": "X"}, {"ref": "X"}, [["X"]], [{"ref": "X"}]],
        "items": ["X", {"ref": "X"}, {"0": {"ref": "X"}}, [[{"ref": "X"}]], ["X"]],
    }
    for name, wrong in others.items():
        yield from ((f"B-20 {name}: {one}", {name: one}) for one in wrong)


async def test_nothing_deep_inside_hides_a_conversation(
    street: Street, subtests: pytest.Subtests
) -> None:
    """Rows B-20, B-21, I-14: beside one's own, for a server that is lax about names and types."""
    for who, conversation in (("bob", "bobs-own"), ("alice", "own")):
        street.answer({"ref": conversation})
        assert (await street.ask(who, Call("POST", "/lax/say", {}))).status == 200
    own = {"context": {"ref": "own"}, "more": ["own"], "items": [{"ref": "own"}]}
    answer = await street.ask("alice", Call("POST", "/lax/say", own))
    assert answer.status == 200, answer.raw
    street.vendor.forget()
    for name, members in hidden():
        said = json.loads(json.dumps(members).replace('"X"', '"bobs-own"'))
        for body in (said, {**own, **said}, {**said, **own}):
            if any(body[one] != said[one] for one in said):
                continue  # one's own took its place
            with subtests.test(name):
                answer = await street.ask("alice", Call("POST", "/lax/say", body))
                assert answer.status == 400, answer.raw
                assert street.vendor.saw_nothing()


# What answers name


def answers() -> list[Any]:
    return [
        pytest.param(vendor, operation, place, id=f"{row} {vendor.name} {name} {place.pointer}")
        for vendor in VENDORS.values()
        for name, operation in vendor.operations.items()
        if not operation.websocket and not operation.files and not operation.must_continue
        for row, places in (("I-06", operation.opens), ("L-13", operation.answers_user))
        for place in places
        if isinstance(place, Body)
        if not any(isinstance(one, Variable) for one in operation.conversation)
    ]


def framed(text: str) -> Iterator[tuple[str, str, bytes]]:
    """`text`, a JSON object, in every form in which some client finds it; the media type of each.

    A form that begins with what the profile calls a stream of lines has a line before it.
    """
    head, rest = text[: text.index("{") + 1], text[text.index("{") + 1 :]
    for media in ("application/json", "application/json; charset=utf-8"):
        yield "whole", media, text.encode()
        yield "whole, after a mark", media, b"\xef\xbb\xbf" + text.encode()
        yield "whole, over lines", media, f"{head}\n{rest}\n".encode()
    for end in ("\n", "\r\n", "\r"):
        for last in (end * 2, end, ""):
            body = f"event: m{end}data: {text}{last}".encode()
            yield f"event {end!r} {last!r}", "text/event-stream", body
            before = f": hm{end}{end}data: {{}}{end}{end}".encode()
            yield f"second event {end!r} {last!r}", "text/event-stream", before + body
        over = f"data: {head}{end}data:{rest}{end}{end}".encode()
        yield f"event over lines {end!r}", "text/event-stream", over
        yield f"after a mark {end!r}", "text/event-stream", b"\xef\xbb\xbf" + over
    for media in ("application/x-ndjson", "application/jsonl", "application/json"):
        for word in ("", "data: ", "data:"):
            yield f"line {word!r}", media, f'{word}{{"a": 1}}\n{word}{text}\n'.encode()
            yield f"last line {word!r}", media, f'{word}{{"a": 1}}\n\n{word}{text}'.encode()


def escaped(text: str, chance: random.Random) -> str:
    """The same JSON with some of its letters in escapes."""
    share = chance.choice([0.0, 0.2, 1.0])

    def letter(found: re.Match[str]) -> str:
        code = f"{ord(found[0]):04x}"
        code = code.upper() if chance.random() < 0.5 else code
        return f"\\u{code}" if chance.random() < share else found[0]

    return re.sub(r"[A-Za-z0-9]", letter, text)


def cut(content: bytes, chance: random.Random) -> list[bytes]:
    size = chance.choice([1, 3, 7, 40, len(content)])
    return [content[start : start + size] for start in range(0, len(content), size)]


def as_read(body: bytes) -> str:
    """What whoever reads JSON reads."""
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), body.decode())


@pytest.mark.parametrize(("vendor", "operation", "place"), answers())
async def test_an_answer_that_names_anothers_does_not_pass(
    street: Street, vendor: Vendor, operation: Operation, place: Body
) -> None:
    """Rows I-06, I-08, I-12, L-13: in no framing, spelling or cut."""
    chance = random.Random(place.pointer)  # noqa: S311 - the same each time
    if place in operation.opens:
        await opened(street, vendor, "bob", "bobsown")
    document = json.dumps(built(place.tokens, "bobsown"))
    call = calls(vendor, operation)
    for form, media, content in framed(escaped(document, chance)):
        street.said.media, street.said.pieces = media, cut(content, chance)
        answer = await street.ask("alice", call)
        assert "bobsown" not in as_read(answer.body), (form, answer.raw)
        # An event without an end is none to MCP's clients, and goes no further.
        assert answer.status == 502 or not answer.complete or operation.mcp, (form, answer.raw)
