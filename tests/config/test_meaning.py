import pytest

from gateway.config.meaning import is_told_org, meant
from gateway.config.written import File
from tests.config.conftest import Load
from tests.config.parts import DOCS, SIGN_IN, UPSTREAM, org, short

ASYMMETRIC = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
CLAIM = 'org_claim = "org_id"'


def shared(orgs: str, issuer: str = "https://id.example/") -> str:
    return f'[[sign_in]]\nissuer = "{issuer}"\naudience = "chat"\n{CLAIM}\norgs = {orgs}\n'


def bare(name: str, more: str = "") -> str:
    """An org without a sign-in of its own."""
    return f"[orgs.{name}]\npath = '/{name}'\n{more}\n[orgs.{name}.upstreams.s]\n{UPSTREAM}\n"


def test_the_short_form_is_one_org(loaded: Load):
    settings = loaded(short()).settings
    (default,) = settings.orgs.values()
    assert (default.name, default.external_id, default.path) == ("default", "default", "/")
    (sign_in,) = default.sign_in
    assert sign_in.issuer == "https://id.example/"
    assert sign_in.algorithms == ASYMMETRIC
    upstream = default.upstreams["support"]
    assert upstream.base_url == "https://www.chatbase.co"
    assert (upstream.name, upstream.path) == ("support", "/support")
    assert (upstream.user_id, upstream.max_body) == ("auto", 1024 * 1024)
    assert upstream.agents == ("agent_1",)
    assert upstream.operations is None
    assert [key.get_secret_value() for key in upstream.key] == ["key-of-the-vendor"]


def test_an_upstream_inherits_from_its_org_and_the_server(loaded: Load):
    text = 'server.max_body = "3MiB"\n' + org("acme", more='user_id = "opaque"')
    upstream = loaded(text).settings.orgs["acme"].upstreams["support"]
    assert (upstream.user_id, upstream.max_body) == ("opaque", 3 * 1024 * 1024)


def test_an_upstream_says_otherwise(loaded: Load):
    more = (
        'user_id = "verbatim"\nmax_body = "2KiB"\npath = "/a/b"\nbase_url = "https://x.example/p/"'
    )
    text = org("acme", more='user_id = "opaque"', upstream=f"{UPSTREAM}\n{more}")
    upstream = loaded(text).settings.orgs["acme"].upstreams["support"]
    assert (upstream.user_id, upstream.max_body, upstream.path) == ("verbatim", 2048, "/a/b")
    assert upstream.base_url == "https://x.example/p"


def issuers(loaded: Load, text: str) -> dict[str, list[str]]:
    settings = loaded(text).settings
    return {name: [one.issuer for one in org.sign_in] for name, org in settings.orgs.items()}


def test_a_shared_sign_in_is_for_orgs_without_one(loaded: Load):
    text = f"[[sign_in]]\n{SIGN_IN}\n{CLAIM}\n" + bare("a") + bare("b") + org("c")
    assert issuers(loaded, text) == {
        "a": ["https://id.example/"],
        "b": ["https://id.example/"],
        "c": ["https://c.example/"],
    }


def test_naming_an_org_says_who_alone_may_vouch_for_it(loaded: Load):
    text = (
        shared('["*"]', "https://one.example/")
        + shared('["ext_b"]', "https://two.example/")
        + bare("a")
        + bare("b", 'external_id = "ext_b"')
    )
    assert issuers(loaded, text) == {"a": ["https://one.example/"], "b": ["https://two.example/"]}


def test_two_issuers_may_be_named_for_one_org(loaded: Load):
    text = shared('["a"]', "https://one.example/") + shared('["a"]', "https://two.example/")
    assert issuers(loaded, text + bare("a")) == {
        "a": ["https://one.example/", "https://two.example/"]
    }


def test_knows_where_the_parts_of_the_long_form_were_written():
    upstream = {"vendor": "chatbase", "key": "k"}
    file = File.model_validate({"sign_in": {"issuer": "x"}, "upstreams": {"a": upstream}})
    meaning = meant(file)
    assert meaning.as_written(("orgs", "default", "upstreams", "a")) == ("upstreams", "a")
    assert meaning.as_written(("orgs", "default", "sign_in", 0, "issuer")) == (
        "sign_in",
        0,
        "issuer",
    )
    assert meaning.as_written(("server", "listen")) == ("server", "listen")


def test_auto_is_opaque_where_orgs_share_a_key_and_the_vendor_is_not_told_the_org(loaded: Load):
    text = org("a", more='path = "/a"') + org("b", more='path = "/b"')
    settings = loaded(text).settings
    assert [org.upstreams["support"].user_id for org in settings.orgs.values()] == ["opaque"] * 2
    apart = text.replace("${env:KEY}", "${env:KEY}-b", 1)
    settings = loaded(apart).settings
    assert [org.upstreams["support"].user_id for org in settings.orgs.values()] == ["auto"] * 2


@pytest.mark.parametrize(
    ("upstream", "told"),
    [(UPSTREAM, False), (DOCS, True), (UPSTREAM + '\nfields = { x-org = "{org}" }', True)],
)
def test_a_vendor_that_is_told_the_org_tells_people_apart_itself(
    upstream: str, told: bool, loaded: Load
):
    text = org("a", more='path = "/a"', upstream=upstream)
    text += org("b", more='path = "/b"', upstream=upstream)
    for one in loaded(text).settings.orgs.values():
        assert is_told_org(one.upstreams["support"]) is told
        assert one.upstreams["support"].user_id == ("auto" if told else "opaque")


def test_a_key_in_rotation_is_shared_too(loaded: Load):
    text = org("a", more='path = "/a"') + org("b", more='path = "/b"').replace(
        '"${env:KEY}"', '["${env:OTHER}", "${env:KEY}"]'
    )
    settings = loaded(text, OTHER="another-key").settings
    assert settings.orgs["b"].upstreams["support"].user_id == "opaque"
