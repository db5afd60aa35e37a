"""Discovery: row K-01 and its kind, against a provider on a socket."""

import json
import ssl
from typing import Any

import pytest
import trustme

from gateway.authn import oidc
from gateway.authn.fetch import FetchFailed
from gateway.authn.jwk import parse_set
from gateway.authn.oidc import Discovery, metadata_url, read_jwks_url
from tests.support.clock import WoundClock
from tests.support.provider import DISCOVERY, JWKS, Provider, body, redirect, status
from tests.support.serve import serving

pytestmark = pytest.mark.anyio
ISSUER = "https://id.acme.example/realms/a"


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://id.example", "https://id.example/.well-known/openid-configuration"),
        ("https://id.example/", "https://id.example/.well-known/openid-configuration"),
        ("https://id.example/a", "https://id.example/a/.well-known/openid-configuration"),
        ("https://id.example/a/", "https://id.example/a/.well-known/openid-configuration"),
    ],
)
def test_metadata_stands_below_the_issuer(issuer: str, url: str) -> None:
    assert metadata_url(issuer) == url


@pytest.mark.parametrize("path", ["", "/", "/realms/a"])
async def test_the_keys_are_where_the_metadata_says(path: str) -> None:
    with Provider(path=path) as provider:
        keys = parse_set(await Discovery(provider.url).jwk_set())
        assert keys.has(provider.issuer.kid())
        assert provider.count(JWKS) == 1


async def test_metadata_is_asked_for_at_first_use_and_again_when_old() -> None:
    clock = WoundClock()
    with Provider() as provider:
        discovery = Discovery(provider.url, max_age=100, monotonic=clock)
        assert provider.requests == []
        for _ in range(3):
            await discovery.jwk_set()
        assert provider.count(DISCOVERY) == 1
        clock.now += 100
        await discovery.jwk_set()
        assert provider.count(DISCOVERY) == 1
        clock.now += 1
        await discovery.jwk_set()
        assert provider.count(DISCOVERY) == 2


def written(**changed: Any) -> bytes:
    return json.dumps(
        {"issuer": ISSUER, "jwks_uri": "https://id.acme.example/keys"} | changed
    ).encode()


def test_metadata_says_where_the_keys_are() -> None:
    assert read_jwks_url(written(), ISSUER) == "https://id.acme.example/keys"
    elsewhere = written(jwks_uri="https://cdn.example/keys")
    assert read_jwks_url(elsewhere, ISSUER) == "https://cdn.example/keys"


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param(written(issuer="https://evil.example"), id="K-01 another issuer"),
        pytest.param(written(issuer=ISSUER + "/"), id="K-01 trailing slash"),
        pytest.param(written(issuer=ISSUER.upper()), id="K-01 case"),
        pytest.param(written(issuer=ISSUER[:-1]), id="K-01 prefix"),
        pytest.param(written(issuer=[ISSUER]), id="K-01 a list"),
        pytest.param(written(issuer=None), id="K-01 null"),
        pytest.param(b'{"jwks_uri":"https://id.acme.example/keys"}', id="K-01 missing"),
        pytest.param(b'{"issuer":"https://evil.example",' + written()[1:], id="K-01 twice"),
        pytest.param(written(jwks_uri=None), id="no keys"),
        pytest.param(written(jwks_uri=["https://id.acme.example/keys"]), id="a list of keys"),
        pytest.param(written(jwks_uri="http://id.acme.example/keys"), id="no TLS"),
        pytest.param(written(jwks_uri="http://127.0.0.1/keys"), id="R-07 this machine, for https"),
        pytest.param(written(jwks_uri="http://169.254.169.254/latest"), id="R-07 metadata service"),
        pytest.param(written(jwks_uri="file:///etc/passwd"), id="a file"),
        pytest.param(written(jwks_uri="/keys"), id="relative"),
        pytest.param(written(jwks_uri="https://u:p@id.acme.example/keys"), id="userinfo"),
        pytest.param(b"<html>Wi-Fi</html>", id="K-09 HTML"),
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="a list"),
        pytest.param(written().decode().encode("utf-16"), id="UTF-16"),
    ],
)
def test_refuses_metadata_that_is_not_this_issuers(metadata: bytes) -> None:
    with pytest.raises(FetchFailed) as caught:
        read_jwks_url(metadata, ISSUER)
    assert "evil" not in str(caught.value)


UNUSABLE = {
    "K-01 another issuer": body(b'{"issuer":"https://evil.example","jwks_uri":"https://evil/k"}'),
    "RF-30 500": status(500),
    "RF-30 302": redirect(JWKS),
    "RF-30 HTML": body(b"<html>", "text/html"),
}


@pytest.mark.parametrize("name", UNUSABLE)
async def test_metadata_that_cannot_be_used_changes_nothing(name: str) -> None:
    clock = WoundClock()
    with Provider() as provider:
        cold, warm = (Discovery(provider.url, max_age=100, monotonic=clock) for _ in range(2))
        await warm.jwk_set()
        provider.script(DISCOVERY, UNUSABLE[name])
        clock.now += 101
        assert parse_set(await warm.jwk_set()).has(provider.issuer.kid()), "the old document"
        with pytest.raises(FetchFailed, match="discovery"):
            await cold.jwk_set()
        provider.script(DISCOVERY, None)
        assert parse_set(await cold.jwk_set()).has(provider.issuer.kid()), "tried again"


@pytest.mark.parametrize(
    "issuer",
    [
        "accounts.google.com",
        "http://id.acme.example",
        "https://id.acme.example/?x=1",
        "https://id.acme.example/#x",
        "urn:acme",
        "",
    ],
)
def test_an_issuer_that_cannot_be_asked_does_not_start(issuer: str) -> None:
    with pytest.raises(ValueError, match=r"https|issuer"):
        Discovery(issuer)


def test_the_limits_are_these() -> None:
    assert oidc.MAX_AGE == 3600


async def test_metadata_and_keys_come_over_the_tls_that_is_trusted() -> None:
    authority = trustme.CA()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    issuer = ""

    async def app(scope: dict[str, object], receive: object, send: object) -> None:
        metadata = {"issuer": issuer, "jwks_uri": f"{issuer}/keys"}
        content = b"the keys" if scope["path"] == "/keys" else json.dumps(metadata).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": content})  # type: ignore[operator]

    with authority.issue_cert("localhost").private_key_and_cert_chain_pem.tempfile() as path:
        config: dict[str, object] = {"ssl_certfile": path, "ssl_keyfile": path, "lifespan": "off"}
        async with serving(app, **config) as address:
            issuer = address.replace("127.0.0.1", "localhost").rstrip("/")
            assert await Discovery(issuer, tls=trusting).jwk_set() == b"the keys"
            with pytest.raises(FetchFailed, match="failed"):
                await Discovery(issuer).jwk_set()
