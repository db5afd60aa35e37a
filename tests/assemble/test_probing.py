"""What `gateway check --probe` asks of others, and what it says of their answers."""

from pathlib import Path
from secrets import token_urlsafe

import anyio
import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.net.upstream.dial import verifying_context
from tests.net.wires import AUTHORITY, Wire, answering
from tests.support.provider import DISCOVERY, JWKS, Answer, Provider, body, redirect, status

RUN = CliRunner()


def config(folder: Path, sign_in: str, vendor: str = "http://127.0.0.1:9") -> Path:
    file = folder / "gateway.toml"
    file.write_text(
        f"""\
[store]
url = "sqlite:///{folder}/gateway.db"
[sign_in]
audience = "chat"
{sign_in}
[upstreams.support]
vendor = "chatbase"
base_url = "{vendor}"
key = "sk-canary-9f8e7d6c5b4a"
agent = "agent_1"
"""
    )
    return file


def lines(file: Path, status: int) -> dict[str, str]:
    """What is said of each key."""
    ran = RUN.invoke(app, ["check", "--probe", "--config", str(file)])
    assert ran.exit_code == status, ran.output
    assert "canary" not in ran.output
    told = [line.split(maxsplit=1) for line in ran.stdout.splitlines() if ": " in line]
    return {rest.partition(": ")[0]: f"{mark} {rest.partition(': ')[2]}" for mark, rest in told}


def test_an_issuer_and_a_vendor_that_answer_are_well(tmp_path: Path) -> None:
    with Provider() as provider:
        told = lines(config(tmp_path, f'issuer = "{provider.url}"', provider.url), 0)
    assert told["store.url"].startswith("ok there is none yet: `gateway serve` makes it")
    assert not (tmp_path / "gateway.db").exists()
    assert told["sign_in[0]"].startswith(f"ok {provider.url} has keys for RS256")
    assert told["upstreams.support"].startswith("ok 127.0.0.1:")
    assert "was not asked" in told["upstreams.support"]


@pytest.mark.parametrize(("plain", "colored"), [("", True), ("1", False)])
def test_colours_are_for_terminals_that_want_them(
    tmp_path: Path, plain: str, colored: bool
) -> None:
    file = config(tmp_path, 'issuer = "http://127.0.0.1:1"', "http://127.0.0.1:1")
    words = ["check", "--probe", "--config", str(file)]
    ran = RUN.invoke(app, words, color=True, env={"NO_COLOR": plain})
    assert "FAIL" in ran.stdout
    assert ("\x1b[" in ran.stdout) is colored


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("spoken", "status", "told"),
    [
        ("h2", 0, "ok localhost:{} is reached over TLS, and its certificate holds, in HTTP/2"),
        ("http/1.1", 1, "FAIL localhost:{} cannot be reached (tls_protocol_error)"),
    ],
)
async def test_whether_a_vendor_speaks_http_2_is_known_beforehand(
    spoken: str, status: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(str(authority))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    verifying_context.cache_clear()
    sign_in = f'issuer = "https://id.example/"\nsecret = "{token_urlsafe(32)}"'
    async with Wire(answering(), spoken) as wire:
        file = config(tmp_path, sign_in, f"https://localhost:{wire.port}")
        file.write_text(file.read_text() + "http2 = true\n")
        said = await anyio.to_thread.run_sync(lines, file, status)
        assert said["upstreams.support"].startswith(told.format(wire.port))
        assert wire.asked == []
    verifying_context.cache_clear()


def test_nothing_but_keys_is_asked_for(tmp_path: Path) -> None:
    with Provider() as provider:
        lines(config(tmp_path, f'issuer = "{provider.url}"', provider.url), 0)
        assert (provider.count(DISCOVERY), provider.count(JWKS)) == (1, 1)


@pytest.mark.parametrize(
    ("sign_in", "told"),
    [
        ('issuer = "http://127.0.0.1:9/"', "FAIL no keys of http://127.0.0.1:9/: discovery:"),
        ('issuer = "URL/other"', "FAIL no keys of"),
        ('issuer = "URL"\nalgorithms = ["EdDSA"]', "none of `algorithms`"),
    ],
    ids=["nobody there", "no such issuer", "other keys"],
)
def test_an_issuer_that_does_not_answer_fails(sign_in: str, told: str, tmp_path: Path) -> None:
    with Provider() as provider:
        file = config(tmp_path, sign_in.replace("URL", provider.url), provider.url)
        assert told in lines(file, 1)["sign_in[0]"]


def test_a_vendor_nobody_is_at_fails(tmp_path: Path) -> None:
    secret = 'issuer = "x"\nsecret = "0123456789abcdef0123456789abcdef"'
    told = lines(config(tmp_path, secret), 1)
    assert told["upstreams.support"].startswith(
        "FAIL 127.0.0.1:9 cannot be reached (connection_refused)"
    )
    assert "sign_in[0]" not in told, "its keys stand in the configuration"


def test_a_vendor_whose_certificate_does_not_hold_fails(tmp_path: Path) -> None:
    secret = 'issuer = "x"\nsecret = "0123456789abcdef0123456789abcdef"'
    with Provider() as provider:
        told = lines(config(tmp_path, secret, provider.url.replace("http:", "https:")), 1)
    assert "cannot be reached (tls_protocol_error)" in told["upstreams.support"]


def test_a_store_that_is_there_is_written_to(tmp_path: Path) -> None:
    file = config(tmp_path, 'issuer = "x"\nsecret = "0123456789abcdef0123456789abcdef"')
    assert RUN.invoke(app, ["db", "migrate", "--config", str(file)]).exit_code == 0
    assert lines(file, 1)["store.url"].startswith("ok can be read and written")


def test_a_store_that_cannot_be_opened_fails(tmp_path: Path) -> None:
    file = config(tmp_path, 'issuer = "x"\nsecret = "0123456789abcdef0123456789abcdef"')
    (tmp_path / "gateway.db").write_text("no database")
    assert lines(file, 1)["store.url"].startswith("FAIL ")


ME = "/me"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        pytest.param(status(401), "ok {me} knows nobody who shows nothing", id="401"),
        pytest.param(status(200), "ok {me} knows nobody who shows nothing", id="nobody"),
        pytest.param(status(200, b'{"user_id":7}'), "FAIL {me} says user_id of", id="somebody"),
        pytest.param(body(b"<html>", "text/html"), "FAIL {me} answers 200, and not", id="a page"),
        pytest.param(redirect("/login"), "FAIL {me} answers 302, and not", id="a redirect"),
        pytest.param(status(500), "FAIL {me} answers 500, and not", id="an error"),
    ],
)
def test_a_host_app_is_asked_about_somebody_who_shows_nothing(
    answer: Answer, told: str, tmp_path: Path
) -> None:
    with Provider() as provider:
        provider.script(ME, answer)
        me = provider.url + ME
        file = config(
            tmp_path, f'ask = "{me}"\ncookies = ["sessionid"]\nuser_key = "user_id"', provider.url
        )
        file.write_text(file.read_text().replace('audience = "chat"\n', ""))
        expected = told.format(me=me)
        found = lines(file, 0 if expected.startswith("ok") else 1)["sign_in[0]"]
        assert found.startswith(expected)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        pytest.param(status(200, b'{"active":false}'), "ok {url} knows no token", id="inactive"),
        pytest.param(status(200, b'{"active":true}'), "FAIL {url} does not say", id="everything"),
        pytest.param(status(200), "FAIL {url} does not say", id="nothing"),
        pytest.param(status(401), "FAIL {url} answers 401: it refuses client_id", id="refused"),
    ],
)
def test_an_authorization_server_is_asked_about_a_token_that_is_none(
    answer: Answer, told: str, tmp_path: Path
) -> None:
    with Provider() as provider:
        url = provider.url + "/introspect"
        provider.script("/introspect", answer)
        lines_ = f'introspection_url = "{url}"\nclient_id = "gateway"\nclient_secret = "canary-1"'
        expected = told.format(url=url)
        file = config(tmp_path, lines_, provider.url)
        found = lines(file, 0 if expected.startswith("ok") else 1)["sign_in[0]"]
        assert found.startswith(expected)
