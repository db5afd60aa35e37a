"""What `gateway check --probe` asks of others, and what it says of their answers."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from tests.support.provider import DISCOVERY, JWKS, Provider

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
    assert told["store.url"].startswith("ok can be read and written")
    assert told["sign_in[0]"].startswith(f"ok {provider.url} has keys for RS256")
    assert told["upstreams.support"].startswith("ok 127.0.0.1:")
    assert "was not asked" in told["upstreams.support"]


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


def test_a_store_that_cannot_be_opened_fails(tmp_path: Path) -> None:
    file = config(tmp_path, 'issuer = "x"\nsecret = "0123456789abcdef0123456789abcdef"')
    (tmp_path / "gateway.db").write_text("no database")
    assert lines(file, 1)["store.url"].startswith("FAIL ")
