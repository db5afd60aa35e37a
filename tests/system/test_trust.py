"""Authorities of one's own, as companies have them: believed, where Python alone would refuse.

Python's own context is here what it is since 3.13, whatever Python runs this.
"""

import ssl
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.authn import fetch
from gateway.authn.fetch import FetchFailed
from gateway.core.errors import UpstreamUnreachable
from gateway.limits.counts import Away
from gateway.limits.pipeline import Pipeline, Script
from gateway.net.upstream.dial import verifying_context
from gateway.system.trust import (
    FORMALITIES,
    AuthoritiesUnreadable,
    read_again,
    without_formalities,
)
from tests.net.scripted_upstream import LENGTH, POST, Upstream, answering, ask
from tests.support.line import line
from tests.support.valkey import Valkey

pytestmark = pytest.mark.anyio

KEY = ec.generate_private_key(ec.SECP256R1())
SIGNER = x509.BasicConstraints(ca=True, path_length=None)
WHOSE_KEY = x509.AuthorityKeyIdentifier.from_issuer_public_key(KEY.public_key())
ITS_KEY = x509.SubjectKeyIdentifier.from_public_key(KEY.public_key())
SIGNS = x509.KeyUsage(*[False] * 5, True, True, False, False)  # certificates and lists
OF_OPENSSL = [(SIGNER, True), (ITS_KEY, False), (WHOSE_KEY, False)]


@dataclass(frozen=True, slots=True)
class Informal:
    """What the certificates of an authority, and those that it signs, say beside names."""

    authority: list[tuple[Any, bool]]
    signed: list[tuple[Any, bool]]


KINDS = [
    pytest.param(Informal(OF_OPENSSL, [(WHOSE_KEY, False)]), id="as `openssl req -x509` makes it"),
    pytest.param(Informal([*OF_OPENSSL, (SIGNS, True)], []), id="says not whose key signed it"),
    pytest.param(
        Informal([(SIGNER, False), *OF_OPENSSL[1:], (SIGNS, True)], [(WHOSE_KEY, False)]),
        id="is an authority, not critically",
    ),
]


def certificate(
    name: str, extensions: list[tuple[Any, bool]], days: int = 1, issuer: str = "Acme"
) -> bytes:
    subject, signer = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, issuer)
    )
    now = datetime.now(UTC)
    built = x509.CertificateBuilder(signer, subject, KEY.public_key(), x509.random_serial_number())
    built = built.not_valid_before(now - timedelta(days=9))
    built = built.not_valid_after(now + timedelta(days=days))
    for extension, critical in extensions:
        built = built.add_extension(extension, critical)
    return built.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


STRANGER = certificate("Globex", OF_OPENSSL, issuer="Globex")


@pytest.fixture(params=KINDS)
def informal(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., ssl.SSLContext]]:
    """Makes what serves as `name`; its authority is one that the environment names."""
    trusted = tmp_path / "authorities.pem"
    trusted.write_bytes(certificate("Acme", request.param.authority))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    made = ssl.create_default_context

    def since_3_13(*words: Any, **options: Any) -> ssl.SSLContext:
        context = made(*words, **options)
        context.verify_flags |= FORMALITIES
        return context

    def serving(name: str = "localhost", days: int = 1) -> ssl.SSLContext:
        named = x509.SubjectAlternativeName([x509.DNSName(name)])
        chain = tmp_path / "served.pem"
        key = KEY.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        chain.write_bytes(key + certificate(name, [(named, False), *request.param.signed], days))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        return context

    monkeypatch.setattr(ssl, "create_default_context", since_3_13)
    _forget()
    yield serving
    _forget()


def _forget() -> None:
    verifying_context.cache_clear()
    fetch._tls.cache_clear()


# Who asks whom, over TLS, with what the product verifies by

Asks = Callable[[ssl.SSLContext, Path], Awaitable[None]]


async def a_vendor(served: ssl.SSLContext, folder: Path) -> None:
    async with Upstream(answering(LENGTH + b"abc"), ssl=served) as upstream:
        transport = upstream.transport(origin=f"https://localhost:{upstream.port}")
        assert await ask(transport, POST) == b"abc"


async def an_issuer(served: ssl.SSLContext, folder: Path) -> None:
    async with Upstream(answering(LENGTH + b"abc"), ssl=served) as upstream:
        assert await fetch.get(f"https://localhost:{upstream.port}/keys") == b"abc"


async def a_redis(served: ssl.SSLContext, folder: Path) -> None:
    with Valkey(folder).running() as server:
        async with line(server.port, ssl=served) as encrypted:
            pipeline = Pipeline(f"rediss://localhost:{encrypted.port}/0", patience=20.0)
            try:
                assert await pipeline.run(Script("return ARGV[1]"), [], ["x"]) == b"x"
            finally:
                await pipeline.aclose()


EVERYBODY = pytest.mark.parametrize("asks", [a_vendor, an_issuer, a_redis])


@EVERYBODY
async def test_an_authority_of_ones_own_is_believed(
    asks: Asks, informal: Callable[..., ssl.SSLContext], tmp_path: Path
) -> None:
    await asks(informal(), tmp_path)


@EVERYBODY
@pytest.mark.parametrize(
    "otherwise", [{"name": "other.example"}, {"days": -1}], ids=["name", "date"]
)
async def test_names_and_dates_are_verified_all_the_same(
    asks: Asks,
    otherwise: dict[str, Any],
    informal: Callable[..., ssl.SSLContext],
    tmp_path: Path,
) -> None:
    with pytest.raises((UpstreamUnreachable, FetchFailed, Away)):
        await asks(informal(**otherwise), tmp_path)


async def test_python_alone_would_refuse_it(informal: Callable[..., ssl.SSLContext]) -> None:
    """The reason for all this."""
    context = ssl.create_default_context()
    async with Upstream(answering(LENGTH), ssl=informal()) as upstream:
        origin = f"https://localhost:{upstream.port}"
        with pytest.raises(UpstreamUnreachable):
            await ask(upstream.transport(origin=origin, ssl_context=context), POST)


def test_nothing_else_is_left_unverified() -> None:
    context = ssl.create_default_context()
    before = context.verify_flags
    assert without_formalities(context) is context
    assert context.verify_flags == before & ~FORMALITIES
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


async def test_an_authority_that_comes_later_is_believed_once_it_is_read_again(
    informal: Callable[..., ssl.SSLContext], tmp_path: Path
) -> None:
    """By what is connected already, too: an upstream of which nothing changed goes on as it is."""
    authorities = tmp_path / "authorities.pem"
    ours = authorities.read_bytes()
    authorities.write_bytes(STRANGER)
    async with Upstream(answering(LENGTH + b"abc"), ssl=informal()) as upstream:
        origin = f"https://localhost:{upstream.port}"
        transport = upstream.transport(origin=origin)
        with pytest.raises(UpstreamUnreachable):
            await ask(transport, POST)
        with pytest.raises(FetchFailed):
            await fetch.get(origin)
        authorities.write_bytes(STRANGER + ours)
        with pytest.raises(UpstreamUnreachable):
            await ask(transport, POST)
        read_again()
        assert await ask(transport, POST) == b"abc"
        assert await fetch.get(origin) == b"abc"
        authorities.write_bytes(b"none")
        with pytest.raises(AuthoritiesUnreadable):
            read_again()
        assert await fetch.get(origin) == b"abc"
