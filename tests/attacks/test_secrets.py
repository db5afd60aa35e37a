"""G: no token, cookie, key or message stands in what the gateway says of itself.

Everything that is logged, at every level and by whatever library, everything printed, every answer
and every exception is searched for marks that clients, vendors, issuers and the configuration put
wherever they can.
"""

import base64
import io
import json
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.app import Gateway
from gateway.config.mistake import ConfigError
from gateway.telemetry import log
from tests.attacks.both_ends import HI, STREAM, bearer, signing_in
from tests.support import replicas
from tests.support.canaries import Canaries, canaries
from tests.support.chatbase import Chatbase
from tests.support.collector import Collector
from tests.support.provider import JWKS, Provider, status
from tests.support.reply import Reply
from tests.support.stage import Stage, chatbase_stage
from tests.support.vendor import Request
from tests.support.wire import connected, raw_request, wire

pytestmark = pytest.mark.anyio
__all__ = ["canaries"]

LIST = "/users/me/conversations"


@pytest.fixture
def lines(canaries: Canaries) -> Iterator[io.StringIO]:
    """The log as `gateway serve` writes it, with the libraries' part, at debug level."""
    if replicas.WANTED:
        pytest.skip("its log is in the test's own process")
    stream = io.StringIO()
    handlers, level = logging.root.handlers[:], logging.root.level
    log.configure(stream)
    for handler in handlers:
        logging.root.addHandler(handler)
    logging.root.setLevel(logging.DEBUG)
    for name in log.QUIET:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield stream
    structlog.reset_defaults()
    logging.basicConfig(handlers=handlers, level=level, force=True)
    for name in log.QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET)


def exchanges(lines: io.StringIO) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [one for one in records if one["event"] == "exchange"]


@asynccontextmanager
async def marked(
    canaries: Canaries, folder: Path, more: str = ""
) -> AsyncIterator[Stage[Chatbase]]:
    """A stage whose every configured secret is a canary, and so is what tokens sign."""
    key, secret = canaries.secret("vendor-key"), canaries.secret("identity-secret")
    other = canaries.secret("field")

    def edit(text: str) -> str:
        text = text.replace('"cb-key"', json.dumps([key, canaries.secret("next-key")]))
        text = text.replace('"identity-secret-for-tests-only-32b"', json.dumps(secret))
        text = text.replace("[sign_in]\n", '[sign_in]\nfrom = ["authorization", "cookie:s"]\n')
        return text + f'fields = {{ x-plan = "{other}" }}\n{more}'

    async with chatbase_stage(folder, edit) as stage:
        canaries.watch(stage.issuer.secret)
        stage.vendor.key = key
        yield stage


Asked = tuple[str, str, object, list[tuple[str, str]]]


def everywhere(canaries: Canaries, stage: Stage[Chatbase], good: str) -> list[Asked]:
    """A secret in every place of a request, in one request each; `good` is a token."""
    ours = ("Sec-Fetch-Site", "same-origin")
    mark = canaries.secret

    def member(name: str) -> bytes:
        return json.dumps({**HI, name: mark("value")}).encode()

    return [
        ("POST", "/chat", {"message": mark("message")}, [bearer(good)]),
        ("POST", "/chat", {**HI, "message": mark("message")}, [bearer(good)]),
        ("POST", "/chat", HI, [bearer(mark("token"))]),
        ("POST", "/chat", HI, [bearer(good[:-4] + "AAAA")]),
        ("POST", "/chat", HI, [bearer(canaries.watch(stage.token("alice", exp=1)))]),
        ("POST", "/chat", HI, [bearer(good), bearer(mark("second"))]),
        ("POST", "/chat", HI, [("Authorization", f"Basic {mark('basic')}")]),
        ("POST", "/chat", HI, [("Authorization", mark("bare"))]),
        ("POST", "/chat", HI, [("Cookie", f"s={good}; other={mark('cookie')}"), ours]),
        ("POST", "/chat", HI, [("Cookie", f"s={mark('cookie')}"), ours]),
        ("POST", "/chat", HI, [("Cookie", f's="{mark("quoted")}"'), ours]),
        ("POST", "/chat", HI, [bearer(good), ("X-Api-Key", mark("field"))]),
        ("POST", "/chat", HI, [bearer(good), ("X-User-Token", mark("people"))]),
        ("POST", "/chat", HI, [bearer(good), ("X-External-User-Id", mark("spoof"))]),
        ("POST", "/chat", HI, [bearer(good), (mark("name"), "x")]),
        ("POST", "/chat", HI, [bearer(good), ("User-Agent", mark("agent"))]),
        ("POST", "/chat", HI, [bearer(good), ("Referer", f"https://x/?t={mark('referer')}")]),
        ("POST", "/chat", HI, [bearer(good), ("Origin", f"https://{mark('origin')}")]),
        ("POST", "/chat", HI, [bearer(good), ("Expect", mark("expect"))]),
        ("POST", "/chat", HI, [bearer(good), ("Content-Encoding", mark("coding"))]),
        ("POST", "/chat", HI, [bearer(good), ("Via", f"1.1 {mark('via')}")]),
        ("POST", "/chat", HI, [bearer(good), ("baggage", f"k={mark('baggage')}")]),
        ("POST", "/chat", HI, [bearer(good), ("traceparent", mark("trace"))]),
        ("POST", "/chat", HI, [bearer(good), ("X-Request-Id", f"id {mark('id')}")]),
        ("POST", f"/chat?key={mark('query')}", HI, [bearer(good)]),
        ("POST", f"/chat?{mark('name')}=1", HI, [bearer(good)]),
        ("POST", f"/chat?{mark('bare')}", HI, [bearer(good)]),
        ("POST", f"/chat?{good}", HI, [bearer(good)]),
        ("POST", f"/chat?user[{mark('inner')}]=1", HI, [bearer(good)]),
        ("GET", f"{LIST}?cursor={mark('cursor')}", None, [bearer(good)]),
        ("GET", f"{LIST}?conversationId={mark('conversation')}", None, [bearer(good)]),
        ("GET", f"/users/{mark('user')}/conversations", None, [bearer(good)]),
        ("GET", f"/conversations/{mark('path')}", None, [bearer(good)]),
        ("GET", f"/conversations/{good[:256]}", None, [bearer(good)]),
        ("GET", f"/{mark('nowhere')}", None, [bearer(good)]),
        ("POST", "/chat", {**HI, "conversationId": mark("conversation")}, [bearer(good)]),
        ("POST", "/chat", {**HI, mark("member"): 1}, [bearer(good)]),
        ("POST", "/chat", {**HI, f"user[{mark('inner')}]": 1}, [bearer(good)]),
        ("POST", "/chat", {**HI, f"conversationId[{mark('inner')}]": 1}, [bearer(good)]),
        ("POST", "/chat", member("api_key"), [bearer(good)]),
        ("POST", "/chat", member("userToken"), [bearer(good)]),
        ("POST", "/chat", member("stream"), [bearer(good)]),
        ("POST", "/chat", mark("no-json").encode(), [bearer(good)]),
        ("POST", "/chat", b'{"a":1,"a":"' + mark("twice").encode() + b'"}', [bearer(good)]),
        ("POST", "/chat", HI, [bearer(good), ("Content-Type", f"text/{mark('type')}")]),
        (mark("method").upper()[:8], "/chat", HI, [bearer(good)]),
    ]


async def test_nothing_a_client_puts_anywhere_is_said(
    canaries: Canaries, lines: io.StringIO, tmp_path: Path
) -> None:
    """Rows G-01, Q-03: a secret in every place of a request, in one request each."""
    async with marked(canaries, tmp_path) as stage:
        good = canaries.watch(stage.token("alice"))
        own = (await stage.ask("alice", "POST", "/chat", HI)).json()["data"]["metadata"]
        asked = everywhere(canaries, stage, good)
        answers = []
        for method, path, body, fields in asked:
            path = path.replace("OWN", str(own["conversationId"]))
            answers.append(await stage.ask(None, method, path, body, fields))
        answers.append(
            await wire(
                stage.url, raw_request("GET", "/livez", host=canaries.secret("host") + ".example")
            )
        )
        assert len(exchanges(lines)) >= len(asked) - 5
        refusals = [answer.raw for answer in answers if answer.status >= 400]
        assert len(refusals) > 20
    canaries.assert_silent(lines.getvalue())
    # A refusal may name the member it is about, to whoever sent it; never a value or a credential.
    tokens = [good, stage.issuer.secret, stage.vendor.key]
    for raw in refusals:
        assert not any(one.encode() in raw for one in tokens)


async def test_nothing_of_a_request_or_of_a_vendor_is_in_a_span(
    canaries: Canaries, lines: io.StringIO, tmp_path: Path
) -> None:
    """Row G-01: the same secrets, and who asks, in what a collector of traces gets."""
    async with Collector() as collector:
        token = canaries.secret("collector")
        table = f'[traces]\nendpoint = "{collector.url}"\nheaders = {{ x-token = "{token}" }}\n'
        async with marked(canaries, tmp_path, table) as stage:
            canaries.watch("alice@acme.example")
            good = canaries.watch(stage.token("alice@acme.example"))
            asked = everywhere(canaries, stage, good)
            for method, path, body, fields in asked:
                await stage.ask(None, method, path, body, fields)

            async def says(request: Request, reply: Reply) -> None:
                mark = canaries.secret("vendor")
                await reply.json(500, {"error": mark}, [("set-cookie", f"a={mark}")])

            stage.vendor.handler = says
            await stage.ask("alice@acme.example", "POST", "/chat", HI)
        assert len(collector.seen()) > len(asked)
        assert {one.values("x-token")[0] for one in collector.requests} == {token}
    canaries.assert_silent(lines.getvalue(), *collector.raw)
    assert b"user.hash" in b"".join(collector.raw)


async def test_nothing_a_vendor_says_is_said_again(
    canaries: Canaries, lines: io.StringIO, tmp_path: Path
) -> None:
    """Rows G-01, L-04: cookies, keys, error texts, and what breaks in the middle."""
    async with marked(canaries, tmp_path) as stage:
        for how in ("json", "error", "denied", "html", "half", "malformed", "stream", "split"):
            mark = canaries.secret(f"vendor-{how}")

            async def says(
                request: Request, reply: Reply, how: str = how, mark: str = mark
            ) -> None:
                fields = [("set-cookie", f"a={mark}"), ("x-debug", mark)]
                if how in {"json", "error", "denied"}:
                    status = {"json": 200, "error": 500, "denied": 401}[how]
                    await reply.json(status, {"error": mark}, fields)
                elif how == "html":
                    await reply.body(200, mark.encode(), "text/html", fields)
                elif how == "half":
                    await reply.raw(
                        f"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{mark}".encode()
                    )
                    reply.close()
                elif how == "malformed":
                    await reply.raw(f"{mark}\r\n\r\n".encode())
                elif how == "split":
                    await reply.raw(f"HTTP/1.1 200 OK\r\nx:{mark}\r\n {mark}\r\n\r\n".encode())
                else:
                    await reply.start_stream(fields)
                    await reply.event({"type": "text-delta", "delta": mark})
                    reply.reset()

            stage.vendor.handler = says
            for body in (HI, STREAM):
                answer = await stage.ask("alice", "POST", "/chat", body)
                if answer.status == 502 and how != "denied":
                    assert mark.encode() not in answer.raw
        stage.vendor.failures.clear()
    canaries.assert_silent(lines.getvalue())


async def test_nothing_of_an_issuer_or_the_store_is_said(
    canaries: Canaries, lines: io.StringIO, tmp_path: Path
) -> None:
    """Row G-01: tokens, fetched keys, and the secret the store keeps, at debug level."""
    with Provider() as provider:
        edit = signing_in(
            {"issuer": provider.url, "audience": "chat", "jwks_url": provider.jwks_url}
        )

        def without_secret(text: str) -> str:
            return edit(text).replace("[identity]\nsecret", "[identity]\n# secret")

        async with chatbase_stage(tmp_path, without_secret) as stage:
            for subject in ("alice@acme.example", "bob"):
                token = canaries.watch(provider.issuer.token(subject))
                answer = await stage.ask(None, "POST", "/chat", HI, [bearer(token)])
                assert answer.status == 200
            provider.script(JWKS, status(500))
            provider.rotate()
            token = canaries.watch(provider.issuer.token("eve"))
            assert (await stage.ask(None, "POST", "/chat", HI, [bearer(token)])).status == 503
        with sqlite3.connect(tmp_path / "gateway.db") as database:
            ((kept,),) = database.execute("SELECT value FROM secrets")
        database.close()
    said = canaries.said() + lines.getvalue()
    assert "FROM secrets" not in said, "statements are logged, and their rows at the next level"
    for spelling in (repr(kept)[2:-1], kept.hex(), base64.b64encode(kept).decode().rstrip("=")):
        assert spelling not in said, "the secret the store keeps was said"
    assert "alice@acme.example" not in lines.getvalue()
    canaries.assert_silent(lines.getvalue())


class Faulty:
    """A ledger that fails as only code with a mistake in it does, quoting what it was given."""

    def __init__(self, words: str) -> None:
        self._words = words

    def remembered_user_id(self, upstream: str, person: object) -> None:
        return None

    async def user_id(self, upstream: str, person: object, proposed: str) -> str:
        return proposed

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"{name}: {self._words}")


def broken(gateway: Gateway, **parts: object) -> None:
    """Replace parts of the one org of a gateway that runs."""
    assembled = gateway._assembled
    assert assembled is not None
    for name, part in parts.items():
        object.__setattr__(only_org(assembled), name, part)


def only_org(assembled: Any) -> Any:
    """The one org of a gateway."""
    from gateway.orgs.org import Org

    seen: list[Any] = [assembled]
    known: set[int] = set()
    while seen:
        one = seen.pop()
        if isinstance(one, Org):
            return one
        if id(one) in known:
            continue
        known.add(id(one))
        if isinstance(one, dict):
            seen.extend(one.values())
        elif isinstance(one, list | tuple):
            seen.extend(one)
        elif type(one).__module__.startswith("gateway."):
            names = [*getattr(one, "__dict__", {}), *getattr(type(one), "__slots__", ())]
            seen.extend(getattr(one, name) for name in names if hasattr(one, name))
    raise AssertionError("no org")


@pytest.mark.parametrize("part", ["ledger", "sign_in", "limits"])
async def test_a_fault_of_ours_is_a_bare_500(
    canaries: Canaries, lines: io.StringIO, tmp_path: Path, part: str
) -> None:
    """Rows G-02, G-04: whatever an exception quotes stays out of the answer and of the log."""
    async with marked(canaries, tmp_path) as stage:
        words = f"{canaries.secret('argument')} {canaries.watch(stage.token('alice'))}"
        broken(stage.gateway, **{part: Faulty(words)})
        body = {**HI, "conversationId": "c-1", "message": canaries.secret("message")}
        answer = await stage.ask("alice", "POST", "/chat", body)
        assert answer.status == 500
        assert answer.complete
        assert answer.json() == {
            "error": {"code": "INTERNAL_SERVER_ERROR", "message": "The gateway failed"}
        }
        assert answer.values("x-gateway-error") == ["internal"]
        (request_id,) = answer.values("x-request-id")
        assert stage.vendor.saw_nothing()
        canaries.assert_silent(answer.raw)
    (fault,) = [
        one for one in map(json.loads, lines.getvalue().splitlines()) if one["event"] == "fault"
    ]
    assert fault["request_id"] == request_id
    assert "RuntimeError" in fault["exception"]
    assert "__getattr__" in fault["exception"], "where it happened"
    canaries.assert_silent(lines.getvalue())


@pytest.mark.parametrize(
    "text", ["\r\n", "\n{}", "\x1b[31m", '","event":"exchange', "%0a%0d", "\u2028", "\x85", "\0"]
)
async def test_what_is_said_of_a_request_is_one_line(
    canaries: Canaries, lines: io.StringIO, tmp_path: Path, text: str
) -> None:
    """Row G-03."""
    async with marked(canaries, tmp_path) as stage:
        before = len(exchanges(lines))
        asked: list[tuple[str, str, object, list[tuple[str, str]]]] = [
            ("POST", "/chat", {**HI, f"user{text}": "x", f"a{text}b": 1}, []),
            ("POST", "/chat", {**HI, "conversationId": f"c{text}"}, []),
            ("POST", "/chat", HI, [bearer(stage.token(f"al{text}ice"))]),
        ]
        for method, path, body, fields in asked:
            await stage.ask(None if fields else "alice", method, path, body, fields)
        vendor_says = {"data": {"metadata": {"conversationId": f"c{text}-{ord(text[0])}"}}}

        async def odd(request: Request, reply: Reply) -> None:
            await reply.json(200, vendor_says)

        stage.vendor.handler = odd
        await stage.ask("alice", "POST", "/chat", HI)
        assert len(exchanges(lines)) == before + 4
    for line in lines.getvalue().split("\n")[:-1]:
        assert isinstance(json.loads(line), dict)
        assert line.isprintable()


async def test_health_and_refusals_show_nothing_of_the_configuration(
    canaries: Canaries, lines: io.StringIO, tmp_path: Path
) -> None:
    """Rows G-05, G-10."""
    async with marked(canaries, tmp_path) as stage:
        place = stage.vendor.authority.encode()
        for path in ("/livez", "/readyz", "/_gateway/whoami", "/_gateway/config", "/metrics", "/"):
            answer = await wire(stage.url, raw_request("GET", path))
            assert place not in answer.raw
            canaries.assert_silent(answer.raw)
        stage.vendor.handler = refuse
        answer = await stage.ask("alice", "POST", "/chat", HI)
        assert place not in answer.raw
        canaries.assert_silent(
            answer.raw, repr(stage.gateway), repr(only_org(stage.gateway._assembled))
        )
    canaries.assert_silent(lines.getvalue())


async def refuse(request: Request, reply: Reply) -> None:
    reply.reset()


def test_a_mistake_in_the_configuration_quotes_no_secret(
    canaries: Canaries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows G-02, G-10: each secret in a place where it is wrong."""
    monkeypatch.setenv("MARKED", canaries.secret("environment"))
    key = canaries.secret("key")
    texts = [
        f'[upstreams.a]\nvendor = "chatbase"\nkey = ["{key}", 7]\nagent = "a"\n',
        f'[upstreams.a]\nvendor = "chatbase"\nkey = {{ x = "{key}" }}\nagent = "a"\n',
        f'[upstreams.a]\nvendor = "chatbase"\nkey = "{key}\\n"\nagent = "a"\n',
        f'[upstreams.a]\nvendor = "external-user-id"\nkey = "k"\nbase_url = "https://u:{key}@x.example"\n',
        '[upstreams.a]\nvendor = "external-user-id"\nkey = "k"\nbase_url = "${env:MARKED}"\n',
        f'[sign_in]\nissuer = "https://i.example/"\naudience = "c"\nsecret = "{key[:20]}"\n',
        '[sign_in]\nissuer = "https://i.example/"\naudience = "c"\npublic_key = "${env:MARKED}"\n',
        '[sign_in]\nissuer = "https://i.example/"\naudience = "c"\njwks = "${env:MARKED}"\n',
        f'[identity]\nsecret = ["{key}"]\n',
    ]
    canaries.watch(key[:20])
    file = tmp_path / "gateway.toml"
    for text in texts:
        file.write_text(text)
        with pytest.raises(ConfigError) as caught:
            Gateway.from_file(file)
        canaries.assert_silent(str(caught.value), repr(caught.value))


async def test_a_client_that_leaves_and_one_that_is_refused_unread_are_not_quoted(
    canaries: Canaries, lines: io.StringIO, tmp_path: Path
) -> None:
    """Row G-01: what the server itself refuses, or loses, before anybody looks at it."""
    async with marked(canaries, tmp_path) as stage:
        mark = canaries.secret("raw").encode()
        for raw in (
            b"GET /" + mark + b" HTTP/9.9\r\n\r\n",
            mark + b"\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n" + mark + b"\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nA: " + mark + b"\x01\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + mark + b"\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: " + mark + b"/\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nA: " + mark * 2000 + b"\r\n\r\n",
        ):
            async with connected(stage.url) as peer:
                await peer.send(raw)
                answer = await peer.answer()
                assert 400 <= answer.status < 500
                assert mark not in answer.raw
        async with connected(stage.url) as peer:
            await peer.send(
                stage.request("alice", "POST", "/chat", {"message": mark.decode()})[:-5]
            )
            peer.reset()
    canaries.assert_silent(lines.getvalue())
