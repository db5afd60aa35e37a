import time

import pytest

from tests.config.conftest import Told
from tests.config.parts import DOCS, UPSTREAM, org

SAME = (
    "stands at the same host and path, and only the claim of a shared [[sign_in]] tells orgs "
    "apart: leave the org's own out, or give it hosts or a path of its own"
)
CLAIM = "is required: without it, the people of one org are people of the others"


ACME = "acme.external_id: means orgs.globex already"
GLOBEX = "globex.external_id: means orgs.acme already"


def keyed(name: str, more: str, lines: str = "") -> str:
    """An org with a key of its own."""
    return org(name, more=more, upstream=f"{UPSTREAM}\n{lines}".replace("KEY}", f"KEY}}-{name}"))


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [
        ('path = "/a"', 'path = "/b"', True),
        ('path = "/a"', 'path = "/a/b"', True),
        ('path = "/"', 'path = "/b"', True),
        ('hosts = "a.example"', 'hosts = "b.example"', True),
        ('hosts = "a.example"', "user_id = 'auto'", True),
        ('hosts = ["a.example", "b.example"]', 'hosts = "b.example"\npath = "/b"', True),
        ("user_id = 'auto'", "user_id = 'auto'", False),
        ('path = "/a"', 'path = "/a"', False),
        ('hosts = ["a.example", "b.example"]', 'hosts = ["c.example", "b.example"]', False),
    ],
)
def test_two_orgs_stand_at_two_places(first: str, second: str, apart: bool, told: Told):
    said = told(keyed("acme", first) + keyed("globex", second))
    if apart:
        assert said == []
    else:
        assert [line.partition("  error  ")[2] for line in said] == [
            f"orgs.acme.path: orgs.globex {SAME}",
            f"orgs.globex.path: orgs.acme {SAME}",
        ]


def test_an_upstream_does_not_stand_where_another_org_does(told: Told):
    text = keyed("acme", 'path = "/"', 'path = "/globex/support"') + keyed(
        "globex", 'path = "/globex"'
    )
    assert told(text) == ["10:1  error  orgs.acme.upstreams.support.path: orgs.globex stands there"]
    text = text.replace('path = "/globex"\n', 'path = "/globex"\nhosts = "globex.example"\n')
    assert told(text) == []


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ('external_id = "1"', 'external_id = "2"', []),
        ('external_id = "1"', 'external_id = "1"', [GLOBEX]),
        ("", 'external_id = "acme"', [GLOBEX]),
        ('external_id = "1"', 'external_id = "acme"', [GLOBEX]),
        ('external_id = "globex"', "", [ACME, GLOBEX]),
        ('external_id = "globex"', 'external_id = "2"', [ACME]),
        ('external_id = "acme"', "", []),
    ],
)
def test_what_a_claim_says_means_one_org(first: str, second: str, expected: list[str], told: Told):
    text = keyed("acme", f'path = "/a"\n{first}') + keyed("globex", f'path = "/b"\n{second}')
    assert [line.partition("error  orgs.")[2] for line in told(text)] == expected


def with_issuers(*sign_ins: str) -> str:
    """Orgs a, b, …, each with one sign-in of the same issuer."""
    text = ""
    for name, sign_in in zip("abc", sign_ins, strict=False):
        lines = f'issuer = "https://id.example/"\n{sign_in}'
        upstream = UPSTREAM.replace("KEY}", f"KEY}}-{name}")
        text += org(name, more=f'path = "/{name}"', sign_in=lines, upstream=upstream)
    return text


CHAT, SPA = 'audience = "chat"', 'client = "spa"'


@pytest.mark.parametrize(
    ("sign_ins", "lacking"),
    [
        pytest.param((CHAT, CHAT), "ab", id="one audience"),
        pytest.param((f"{CHAT}\norg_claim = 'o'", CHAT), "b", id="one of them asks"),
        pytest.param((f"{CHAT}\norg_claim = 'o'",) * 2, "", id="both ask"),
        pytest.param((CHAT, 'audience = "other"'), "", id="two audiences"),
        pytest.param((CHAT, 'audience = ["other", "chat"]'), "ab", id="audiences that overlap"),
        pytest.param((SPA, 'client = "other"'), "", id="two clients"),
        pytest.param((SPA, SPA), "ab", id="one client"),
        pytest.param((CHAT, SPA), "ab", id="a token can be for both"),
        pytest.param((f"{CHAT}\n{SPA}", 'client = "other"'), "", id="told apart by the client"),
        pytest.param((CHAT, 'audience = "b"', 'audience = "c"'), "", id="three audiences"),
    ],
)
def test_one_issuer_of_two_orgs_says_which(sign_ins: tuple[str, ...], lacking: str, told: Told):
    said = [line.partition("error  orgs.")[2] for line in told(with_issuers(*sign_ins))]
    assert said == [f"{name}.sign_in[0].org_claim: {CLAIM}" for name in lacking]


def test_a_shared_sign_in_of_two_orgs_says_which_once(told: Told):
    text = '[[sign_in]]\nissuer = "https://id.example/"\naudience = "chat"\n'
    for name in ("a", "b"):
        text += f"[orgs.{name}]\npath = '/{name}'\n[orgs.{name}.upstreams.s]\n"
        text += UPSTREAM.replace("KEY}", f"KEY}}-{name}") + "\n"
    assert told(text) == [f"1:3  error  sign_in[0].org_claim: {CLAIM}"]
    assert told(text.replace('"chat"', '"chat"\norg_claim = "o"')) == []


def sharing(*names: str, claim: str = 'org_claim = "o"', more: str = "") -> str:
    """Orgs at one place, told apart by the claim of a sign-in they share."""
    text = f'[[sign_in]]\nissuer = "https://id.example/"\naudience = "chat"\n{claim}\n'
    for name in names:
        upstream = UPSTREAM.replace("KEY}", f"KEY}}-{name}").replace("-*", "-others")
        key = f'"{name}"' if name == "*" else name
        text += f"[orgs.{key}]\n{more}\n[orgs.{key}.upstreams.support]\n{upstream}\n"
    return text


def test_a_sign_in_that_orgs_share_tells_them_apart(told: Told):
    assert told(sharing("acme", "globex")) == []
    assert told(sharing("acme", "*")) == []
    assert told(sharing("*")) == []


@pytest.mark.parametrize("names", [("acme", "globex"), ("acme", "*"), ("*",)])
def test_not_without_a_claim(names: tuple[str, ...], told: Told):
    assert told(sharing(*names, claim="")) == [f"1:3  error  sign_in[0].org_claim: {CLAIM}"]


def test_an_org_with_a_sign_in_of_its_own_has_a_place_of_its_own(told: Told):
    (line,) = told(sharing("acme", "globex") + keyed("initech", ""))
    assert f"error  orgs.initech.path: orgs.acme {SAME}" in line
    assert told(sharing("acme", "globex") + keyed("initech", 'path = "/initech"')) == []


def test_orgs_at_one_place_may_have_different_issuers(told: Told):
    second = (
        '[[sign_in]]\nissuer = "https://other.example/"\naudience = "chat"\norg_claim = "t"\n'
        'orgs = "globex"\n'
    )
    text = sharing("acme", "globex").replace('org_claim = "o"\n', 'org_claim = "o"\norgs = "*"\n')
    assert told(second + text) == []


def test_others_may_have_an_issuer_twice_for_each_of_them_has_it_once(told: Told):
    second = sharing("*").replace('"chat"', '"other"').partition("[orgs")[0] + 'orgs = "far"\n'
    text = sharing("*").replace('org_claim = "o"\n', 'org_claim = "o"\norgs = "*"\n')
    assert told(second + text) == []


def test_verbatim_is_no_rule_for_a_key_that_all_others_share(told: Told):
    text = sharing("*").replace("agent =", 'user_id = "verbatim"\nagent =')
    (line,) = told(text)
    assert 'orgs."*".upstreams.support.user_id: another org uses this key' in line
    assert told(text.replace("agent =", 'fields = { x-org = "{org}" }\nagent =')) == []


def test_an_org_has_an_issuer_once(told: Told):
    text = org("acme")
    text += '[[orgs.acme.sign_in]]\nissuer = "https://acme.example/"\naudience = "other"\n'
    assert told(text) == [
        "10:1  error  orgs.acme.sign_in[1].issuer: this org has this issuer twice, and a token "
        "names no more than its issuer"
    ]


def test_verbatim_is_no_rule_for_a_key_that_orgs_share(told: Told):
    rule = f'{UPSTREAM}\nuser_id = "verbatim"'
    text = org("a", more='path = "/a"', upstream=rule) + org("b", more='path = "/b"')
    assert told(text) == [
        "10:1  error  orgs.a.upstreams.support.user_id: another org uses this key, and the vendor "
        "is not told the org: verbatim would make one person of two; auto or opaque"
    ]


def test_it_is_where_the_vendor_is_told_the_org(told: Told):
    rule = f'{DOCS}\ndefault_roles = "x"\nuser_id = "verbatim"'
    text = org("a", more='path = "/a"', upstream=rule) + org("b", more='path = "/b"', upstream=rule)
    assert told(text) == []


def test_thousands_of_orgs_load_in_seconds(told: Told):
    text = "".join(keyed(f"o{number}", f'hosts = "o{number}.example"') for number in range(2000))
    began = time.perf_counter()
    assert told(text) == []
    assert time.perf_counter() - began < 20  # 1.5 s where it was measured
