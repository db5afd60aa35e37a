from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from typer.testing import CliRunner

from gateway.assemble import assemble
from gateway.cli.main import app
from gateway.config.load import load
from tests.support import config
from tests.support.ask import asking
from tests.support.tokens import Issuer, pem, private_key

pytestmark = pytest.mark.anyio
RUN = CliRunner()


def written(folder: Path, edit: str = "", *, with_secret: bool = True) -> Path:
    file = folder / "gateway.toml"
    text = config.chatbase("http://127.0.0.1:9", Issuer(), store=folder / "g.db")
    if not with_secret:
        text = text.replace(f'secret = "{Issuer().secret}"\n', "")
        text = text.replace('algorithms = ["HS256"]\n', "")
    file.write_text(text.replace("[sign_in]\n", f"[sign_in]\n{edit}\n"))
    return file


def mint(file: Path, *words: str) -> tuple[int, str]:
    done = RUN.invoke(app, ["token", "mint", *words, "--config", str(file)])
    return done.exit_code, done.stdout.strip() if done.exit_code == 0 else done.stderr


async def test_a_minted_token_is_accepted(tmp_path: Path) -> None:
    edit = (
        'roles_claim = "/realm/roles"\norg_claim = "org"\nrequire = { email_verified = true }\n'
        'client = ["spa"]\nuser_claim = "/user/id"\n'
    )
    file = written(tmp_path, edit)
    code, token = mint(file, "alice", "--role", "admin", "--role", "x")
    assert code == 0, token
    async with assemble(load(file).settings) as assembled:
        ask = asking(("authorization", f"Bearer {token}"))
        site, _ = assembled.house.sites.find(None, ())
        identity = await (await site.find(ask)).org.sign_in.authenticate(ask)
    assert (identity.subject, identity.roles) == ("alice", ("admin", "x"))


def test_refuses_where_the_configuration_holds_no_key_to_sign_with(tmp_path: Path) -> None:
    code, said = mint(written(tmp_path, with_secret=False), "alice")
    assert code == 1
    assert "no sign-in with a `secret`" in said


def test_signs_with_the_private_half_of_a_public_key(tmp_path: Path) -> None:
    key = private_key("ES256")
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (tmp_path / "private.pem").write_bytes(private)
    (tmp_path / "public.pem").write_text(pem(key))
    file = written(tmp_path, 'public_key = "${file:public.pem}"', with_secret=False)
    code, token = mint(file, "alice", "--key", str(tmp_path / "private.pem"))
    assert code == 0, token
    assert token.count(".") == 2
    (tmp_path / "private.pem").write_text("no key")
    code, said = mint(file, "alice", "--key", str(tmp_path / "private.pem"))
    assert code == 1
    assert "cannot sign" in said


def test_asks_which_org_where_there_are_several(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    issuers = (Issuer("https://a.example/"), Issuer("https://b.example/"))
    urls = ("http://127.0.0.1:9", "http://127.0.0.1:10")
    file.write_text(config.two_orgs(urls, urls[0], issuers, store=tmp_path / "g.db"))
    code, said = mint(file, "alice")
    assert code == 1
    assert "--org acme|globex" in said
    assert mint(file, "alice", "--org", "acme")[0] == 0


async def test_an_org_that_is_not_listed_is_named_by_its_external_id(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    issuers = tuple(Issuer(f"https://{name}.example/") for name in "abc")
    url = "http://127.0.0.1:9"
    file.write_text(config.saas(url, url, url, issuers, store=tmp_path / "g.db"))
    for name in ("*", "org_acme", "own_"):
        assert (mint(file, "alice", "--org", name)[0] == 0) == (name == "own_")
    assert "--org acme|globex|initech|own|EXTERNAL_ID" in mint(file, "alice")[1]
    code, token = mint(file, "alice", "--org", "org_new")
    assert code == 0
    async with assemble(load(file).settings) as assembled:
        site, _ = assembled.house.sites.find(None, ())
        found = await site.find(asking(("authorization", f"Bearer {token}")))
    assert found.org.external_id == "org_new"
