import re

import pytest
from pydantic import SecretStr

from gateway.config.rules import secrets
from gateway.config.rules.secrets import (
    WELL_KNOWN,
    is_secret_field,
    secret_members,
    secret_paths,
    secret_texts,
    weakness,
)
from gateway.config.table import Table
from tests.config.conftest import Load, Told
from tests.config.parts import STRONG, UPSTREAM, org, short

WARNING = 'is written out here: "${env:NAME}" or "${file:/path}" keeps it out of the file'


@pytest.mark.parametrize("secret", [STRONG, "0123456789abcdef" * 2, "é" * 1 + STRONG[2:]])
def test_a_random_secret_is_strong(secret: str):
    assert weakness(SecretStr(secret), least=32) is None


@pytest.mark.parametrize("secret", sorted(WELL_KNOWN))
def test_a_well_known_one_is_not(secret: str):
    assert weakness(SecretStr(secret), least=32) is not None


def test_counts_bytes():
    assert weakness(SecretStr("é" * 8 + "abcdefgh" * 2), least=32) is None
    assert weakness(SecretStr(STRONG), least=48) is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'identity.secret = "{STRONG}"\n' + short(), ["1:10  warning  identity.secret: "]),
        (short(sign_in=f'secret = "{STRONG}"'), ["4:1  warning  sign_in.secret: "]),
        (
            short(sign_in=f'secret = ["${{env:A}}", "{STRONG}", "${{env:NO:-}}", "{STRONG}"]'),
            [
                "4:23  warning  sign_in.secret[1]: ",
                "4:74  warning  sign_in.secret[3]: ",
            ],
        ),
        (short().replace("${env:KEY}", "CANARY"), ["6:1  warning  upstreams.support.key: "]),
        (
            org("acme").replace("${env:KEY}", "CANARY"),
            ["7:1  warning  orgs.acme.upstreams.support.key: "],
        ),
        (
            short(upstream='fields = { X-Api-Key = "CANARY", x-plan = "pro" }'),
            ["8:12  warning  upstreams.support.fields.X-Api-Key: "],
        ),
        (short(upstream='fields = { x-api-key = "{key}" }'), []),
        (short(upstream='fields = { x-api-key = "${env:A}" }'), []),
        (short().replace("${env:KEY}", "prefix-${env:KEY}"), []),
        (
            short(upstream='vendor = "dify"\nset = { "/inputs/crm_token" = "CANARY" }').replace(
                UPSTREAM, 'base_url = "https://chat.example"\nkey = "${env:KEY}"'
            ),
            ['8:9  warning  upstreams.support.set."/inputs/crm_token": '],
        ),
        (short(upstream='proxy = "http://gateway:${env:A}@egress:3128"'), []),
    ],
)
def test_warns_of_a_secret_in_the_file(text: str, expected: list[str], told: Told):
    assert told(text, A=STRONG[::-1]) == [line + WARNING for line in expected]


@pytest.mark.parametrize(
    "written",
    ["$KEY", "$chatbase_key", "env:KEY", "env.KEY", "os.environ/KEY", "process.env.KEY", "%KEY%"],
)
def test_a_variable_as_others_write_it_is_never_the_key(written: str, told: Told):
    message = 'is taken as it stands here, and is no variable\'s value: write "${env:NAME}"'
    assert told(short().replace("${env:KEY}", written)) == [
        f"6:1  error  upstreams.support.key: {message}"
    ]


def test_nor_is_it_a_secret_that_signs_however_long_its_name(told: Told):
    name = "$A_SECRET_OF_MORE_THAN_THIRTY_TWO_BYTES"
    [said] = told(short(sign_in=f'secret = ["${{env:STRONG}}", "{name}"]'), STRONG=STRONG[::-1])
    assert said.startswith("4:28  error  sign_in.secret[1]: is taken as it stands here")


@pytest.mark.parametrize("written", ["$2b$12$abc", "sk-env:x", "ab$KEY", "100%"])
def test_a_key_that_only_resembles_a_variable_is_taken(written: str, told: Told):
    [said] = told(short().replace("${env:KEY}", written))
    assert said.endswith(WARNING)


@pytest.mark.parametrize(
    ("name", "template", "secret"),
    [
        ("x-api-key", "abc", True),
        ("X-Api-Key", "abc", True),
        ("authorization", "Basic abc", True),
        ("authorization", "Basic {key}", False),
        ("authorization", "abc {key} def", True),
        ("authorization", "a-1 {key}", True),
        ("x-token", "{key}", False),
        ("x-plan", "pro", False),
    ],
)
def test_a_fields_name_says_whether_it_is_secret(name: str, template: str, secret: bool):
    assert is_secret_field(name, template) is secret


def test_what_is_secret_in_fields_is_known_without_what_stands_around_it():
    fields = {
        "authorization": "Basic dXNlcjpwYXNz",
        "x-token": "Bearer {key}",
        "x-api-key": "s3cret",
        "x-signature": "left {key} right",
        "x-plan": "pro",
    }
    assert list(filter(None, secret_texts(fields))) == ["dXNlcjpwYXNz", "s3cret", "left", "right"]


@pytest.mark.parametrize("text", ["me:CANARY@", "me:${env:NO:-CANARY}@"])
def test_warns_of_the_password_of_an_egress_proxy(text: str, told: Told):
    [said] = told(short(upstream=f'proxy = "http://{text}egress:3128"'))
    assert said == f"8:1  warning  upstreams.support.proxy: its password {WARNING}"


@pytest.mark.parametrize(
    "name",
    ["authorization", "apiKey", "API_KEY", "x-api-key", "crm_token", "clientSecret", "dbPassword"],
)
def test_a_members_name_says_that_it_is_secret(name: str):
    value = "CANARY"
    for decided in ({f"/inputs/{name}": value}, {"/tools": [{"deep": {name: value}}]}):
        assert [text for _, text in secret_members(decided)] == [value]


@pytest.mark.parametrize(
    "name", ["author", "prompt_cache_key", "max_tokens", "keywords", "signature", "tokenizer"]
)
def test_what_a_vendor_may_say_again_is_none(name: str):
    assert not list(secret_members({f"/inputs/{name}": "a text of a good length"}))


def test_finds_every_secret(loaded: Load):
    text = f'identity.secret = "{STRONG}"\n' + short(sign_in=f'secret = "{STRONG}"')
    assert set(secret_paths(loaded(text).settings)) == {
        ("identity", "secret"),
        ("orgs", "default", "sign_in", 0, "secret"),
        ("orgs", "default", "upstreams", "support", "key"),
    }


def tables(table: type[Table] = Table) -> list[type[Table]]:
    return [one for below in table.__subclasses__() for one in (below, *tables(below))]


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.__name__)
def test_no_field_that_can_hold_a_secret_is_left_out(table: type[Table]):
    looked_at = {name for name, _ in secrets._keys(table)}
    for name, field in table.model_fields.items():
        kind = repr(field.annotation)
        assert name in looked_at or not re.search("Secret|Mapping|(Table|Settings)\\b", kind)
