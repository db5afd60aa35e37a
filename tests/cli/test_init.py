"""`gateway init`: what it writes is a configuration, and says what is left to do."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.config.load import load
from gateway.vendors import VENDORS
from tests.support.tokens import ABSENT, Issuer

RUN = CliRunner()
ISSUER = Issuer("https://id.acme.example/")


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_it_writes_is_a_configuration(vendor: str, tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    ran = RUN.invoke(app, ["init", "--vendor", vendor, "--output", str(file)])
    assert ran.exit_code == 0, ran.output
    key = f"{vendor.upper().replace('-', '_')}_KEY"
    environment = {"JWT_SECRET": "0123456789abcdef" * 4, key: "k" * 20}
    loaded = load(file, environment=environment)
    assert [one for one in loaded.warnings if one.severity != "note"] == []
    assert f"Set {key}" in ran.stderr
    assert "gateway check" in ran.stderr


def test_a_token_says_who_signs_people_in() -> None:
    token = ISSUER.token("alice")
    for arguments, piped in ((["--token", token], None), (["--token", "-"], f"{token}\n")):
        ran = RUN.invoke(app, ["init", "--output", "-", *arguments], input=piped)
        assert ran.exit_code == 0, ran.output
        assert 'issuer = "https://id.acme.example/"\naudience = "chat"\n' in ran.stdout
        assert token not in ran.output
        assert "alice" not in ran.output


def test_a_token_with_a_shared_secret_names_where_it_will_stand() -> None:
    token = ISSUER.token("alice", algorithm="HS512")
    ran = RUN.invoke(app, ["init", "--output", "-", "--token", token])
    assert 'secret = "${env:JWT_SECRET}"' in ran.stdout
    assert 'algorithms = ["HS512"]' in ran.stdout


@pytest.mark.parametrize(
    ("token", "told"),
    [
        pytest.param("opaque-token-of-no-parts", "docs/sign-in.md", id="opaque"),
        pytest.param(ISSUER.token("alice", aud=ABSENT), "neither an audience", id="for nobody"),
        pytest.param(ISSUER.token("alice", iss=ABSENT), "no issuer", id="of nobody"),
        pytest.param(ISSUER.token("alice", aud=""), "neither an audience", id="for no name"),
    ],
)
def test_a_token_that_will_not_do_is_told_why(token: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    ran = RUN.invoke(app, ["init", "--token", token, "--output", str(file)])
    assert ran.exit_code == 1
    assert told in ran.stderr
    assert token not in ran.output
    assert not file.exists()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text("mine")
    ran = RUN.invoke(app, ["init", "--output", str(file)])
    assert ran.exit_code == 1
    assert "--output" in ran.stderr
    assert file.read_text() == "mine"


def test_a_vendor_that_is_none_is_named_beside_those_there_are() -> None:
    ran = RUN.invoke(app, ["init", "--vendor", "chatbas"])
    assert ran.exit_code == 1
    assert all(name in ran.stderr for name in VENDORS)
