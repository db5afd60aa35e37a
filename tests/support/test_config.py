"""The configurations of tests are TOML, and say what their docstrings say."""

import tomllib
from pathlib import Path

from tests.support import config
from tests.support.tokens import Issuer

STORE = Path("/var/lib/gateway/a.db")
ISSUER = Issuer(algorithm="HS256")


def test_one_org_before_chatbase():
    text = config.chatbase(
        "http://127.0.0.1:1", ISSUER, store=STORE, more="[server]\nworkers = 1\n"
    )
    loaded = tomllib.loads(text)
    assert loaded["store"]["url"] == "sqlite:////var/lib/gateway/a.db"
    assert loaded["sign_in"]["secret"] == ISSUER.secret
    assert loaded["upstreams"]["support"]["base_url"] == "http://127.0.0.1:1"
    assert loaded["server"] == {"workers": 1}


def test_one_org_before_docbit():
    loaded = tomllib.loads(config.docbit("http://127.0.0.1:1", ISSUER, store=STORE))
    assert loaded["upstreams"]["docs"]["default_roles"] == ["employee"]


def test_one_org_before_bookbag_and_one_before_altatech():
    loaded = tomllib.loads(config.bookbag("http://127.0.0.1:1", ISSUER, store=STORE))
    assert loaded["upstreams"]["shop"]["agent"] == "12"
    loaded = tomllib.loads(config.altatech("http://127.0.0.1:1", ISSUER, store=STORE))
    assert loaded["upstreams"]["bot"]["base_url"] == "http://127.0.0.1:1"


def test_two_orgs_with_nothing_in_common_but_docbit():
    issuers = (ISSUER, Issuer("https://id.globex.example/", algorithm="HS256"))
    text = config.two_orgs(("http://a", "http://b"), "http://c", issuers, store=STORE)
    acme, globex = tomllib.loads(text)["orgs"].values()
    assert (acme["hosts"], globex["hosts"]) == (["acme.test"], ["globex.test"])
    assert acme["sign_in"][0]["secret"] != globex["sign_in"][0]["secret"]
    for member in ("key", "base_url"):
        assert acme["upstreams"]["support"][member] != globex["upstreams"]["support"][member]
    assert acme["upstreams"]["docs"] == globex["upstreams"]["docs"]
