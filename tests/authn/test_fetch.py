"""GETs to issuers: rows K-03, N-13, R-11 of SECURITY.md, RF-30 of RELIABILITY.md."""

import gzip
import ssl
from collections.abc import Iterator

import pytest
import trustme

from gateway.authn import fetch
from gateway.authn.fetch import MAX_BYTES, FetchFailed, Reply, check_url, get, send
from tests.support.ports import free_port
from tests.support.provider import (
    JWKS,
    Provider,
    Request,
    body,
    endless,
    redirect,
    status,
)
from tests.support.serve import serving

pytestmark = pytest.mark.anyio


async def failure(url: str) -> str:
    with pytest.raises(FetchFailed) as caught:
        await get(url)
    return str(caught.value)


async def test_the_body_of_a_200_is_fetched_with_nothing_of_ours_but_the_question() -> None:
    with Provider() as provider:
        assert await get(provider.jwks_url) == provider.issuer.jwks_text().encode()
        fields = provider.requests[0][1]
        assert fields["accept-encoding"] == "identity"
        assert not {"cookie", "authorization", "referer"} & set(fields)


@pytest.mark.parametrize("code", [201, 204, 206, 301, 304, 400, 401, 403, 404, 429, 500, 503])
async def test_another_status_is_no_answer(code: int) -> None:
    with Provider() as provider:
        content = b"" if code in {204, 304} else b'{"keys":[]}'
        provider.script(JWKS, status(code, content))
        assert str(code) in await failure(provider.jwks_url)


@pytest.mark.parametrize("code", [204, 302, 401, 500])
async def test_of_another_answer_nothing_is_read_but_what_it_is(code: int) -> None:
    with Provider() as provider:
        provider.script(JWKS, status(code, b"" if code == 204 else b"{}"))
        reply = await send("GET", provider.jwks_url)
        assert reply == Reply(code, reply.media_type, b"")
        assert reply.media_type is None or reply.media_type.startswith("application/")


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(code: int) -> None:
    """Row K-03: to another host, to itself, to a file."""
    with Provider() as provider, Provider() as other:
        for location in (other.jwks_url, JWKS, "file:///etc/passwd", "//127.0.0.1/"):
            provider.script(JWKS, redirect(location, code))
            assert str(code) in await failure(provider.jwks_url)
        assert other.requests == []
        assert provider.count(JWKS) == 4


async def test_an_answer_without_end_is_cut_off() -> None:
    """Rows N-13 and RF-30: 50 MB, with its length said and without."""
    with Provider() as provider:
        provider.script(JWKS, endless())
        assert "bytes" in await failure(provider.jwks_url)
        provider.script(JWKS, body(b" " * 50_000_000))
        assert "bytes" in await failure(provider.jwks_url)
        provider.script(JWKS, body(b" " * MAX_BYTES))
        assert len(await get(provider.jwks_url)) == MAX_BYTES
        provider.script(JWKS, body(b" " * (MAX_BYTES + 1)))
        assert "bytes" in await failure(provider.jwks_url)


async def test_a_packed_answer_is_not_unpacked() -> None:
    with Provider() as provider:
        provider.script(JWKS, body(gzip.compress(b" " * 10_000_000), content_encoding="gzip"))
        assert "coding" in await failure(provider.jwks_url)


def flood(request: Request) -> None:
    """Field lines without end (row N-13)."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        request.wfile.write(b"x-junk: " + b"x" * 8000 + b"\r\n")


async def test_fields_without_end_are_cut_off() -> None:
    with Provider() as provider:
        provider.script(JWKS, flood)
        assert "failed" in await failure(provider.jwks_url)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" * 100,
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    ],
    ids=lambda raw: repr(raw)[:40],
)
async def test_what_is_no_http_answer_is_a_failure(raw: bytes) -> None:
    def answer(request: Request) -> None:
        request.wfile.write(raw)
        request.close_connection = True

    with Provider() as provider:
        provider.script(JWKS, answer)
        assert "failed" in await failure(provider.jwks_url)


async def test_nobody_there_is_a_failure() -> None:
    assert "failed" in await failure(f"http://127.0.0.1:{free_port()}/keys")


async def test_cookies_are_not_kept() -> None:
    with Provider() as provider:
        provider.script(JWKS, body(b"{}", set_cookie="sid=1; Path=/"))
        await get(provider.jwks_url.replace("127.0.0.1", "localhost"))
        await get(provider.jwks_url.replace("127.0.0.1", "localhost"))
        assert all("cookie" not in fields for _, fields in provider.requests)


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row R-11."""
    with Provider() as provider, Provider() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        await get(provider.jwks_url)
        assert proxy.requests == []


async def test_a_certificate_nobody_vouches_for_is_a_failure() -> None:
    authority, other = trustme.CA(), trustme.CA()
    certificate = authority.issue_cert("localhost")
    trusting, distrusting = ssl.create_default_context(), ssl.create_default_context()
    authority.configure_trust(trusting)
    other.configure_trust(distrusting)

    async def app(scope: dict[str, object], receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b"{}"})  # type: ignore[operator]

    with certificate.private_key_and_cert_chain_pem.tempfile() as path:
        config: dict[str, object] = {"ssl_certfile": path, "ssl_keyfile": path, "lifespan": "off"}
        async with serving(app, **config) as address:
            url = address.replace("127.0.0.1", "localhost")
            assert await get(url, tls=trusting) == b"{}"
            for tls in (distrusting, None):
                with pytest.raises(FetchFailed, match="failed"):
                    await get(url, tls=tls)
            with pytest.raises(FetchFailed, match="failed"):
                await get(address, tls=trusting)  # another name than the certificate's


@pytest.mark.parametrize(
    "url",
    [
        "https://id.acme.example/",
        "https://id.acme.example:8443/realms/a/keys?x=1",
        "http://127.0.0.1:8000/keys",
        "http://127.1.2.3/keys",
        "http://[::1]:8000/keys",
        "http://localhost:8000/keys",
    ],
)
def test_keys_come_over_tls_or_from_this_machine(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://id.acme.example/keys",
        "http://10.0.0.1/keys",
        "http://169.254.169.254/latest",
        "http://2130706433/keys",
        "http://0x7f.1/keys",
        "http://127.0.0.1.evil.example/keys",
        "http://localhost.evil.example/keys",
        "http://0.0.0.0/keys",
        "http://[::ffff:10.0.0.1]/keys",
        "https:///keys",
        "https://",
        "//id.acme.example/keys",
        "id.acme.example/keys",
        "file:///etc/passwd",
        "ftp://id.acme.example/keys",
        "https://user:password@id.acme.example/keys",
        "https://user@id.acme.example/keys",
        "https://id.acme.example:0/keys",
        "https://id.acme.example:99999/keys",
        "https://id.acme.example:x/keys",
        "https://id.acme.example/\nkeys",
        "https://id.acme.example/\x00",
        "https://\u0456d.acme.example/keys",
        "https://[::1/keys",
        " https://id.acme.example/keys",
        "https://id.acme.example/a b",
        "https://id.acme.example\\@evil.example/",
        "http://localhost\\.evil.example/",
    ],
)
def test_refuses_to_fetch_keys_from_elsewhere(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        check_url(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1/\x00"])
async def test_what_is_no_url_cannot_be_fetched(url: str) -> None:
    assert "InvalidURL" in await failure(url)


@pytest.mark.parametrize("scheme", ["ftp", "file", "ws", ""])
def test_this_machine_too_is_asked_by_http_alone(scheme: str) -> None:
    with pytest.raises(ValueError, match="https"):
        check_url(f"{scheme}://127.0.0.1/keys")


def test_the_limits_are_these() -> None:
    assert fetch.MAX_BYTES == 512 * 1024


@pytest.fixture
def certificates_read_anew() -> Iterator[None]:
    fetch._tls.cache_clear()
    yield
    fetch._tls.cache_clear()


@pytest.mark.usefixtures("certificates_read_anew")
async def test_the_environment_may_say_whom_to_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()

    async def app(scope: dict[str, object], receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b"{}"})  # type: ignore[operator]

    pem = authority.issue_cert("localhost").private_key_and_cert_chain_pem
    with pem.tempfile() as path, authority.cert_pem.tempfile() as trusted:
        config: dict[str, object] = {"ssl_certfile": path, "ssl_keyfile": path, "lifespan": "off"}
        async with serving(app, **config) as address:
            monkeypatch.setenv("SSL_CERT_FILE", trusted)
            assert await get(address.replace("127.0.0.1", "localhost")) == b"{}"


@pytest.mark.usefixtures("certificates_read_anew")
async def test_certificates_that_cannot_be_read_are_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/certificates.pem")
    assert "FileNotFoundError" in await failure("https://localhost:1/")
