import tomllib

import pytest

from gateway.config.expand import expanded
from gateway.config.load import Loaded
from tests.config.conftest import Load
from tests.config.parts import DOCS, STRONG, UPSTREAM, mine, org, short

RICH = f"""\
identity.secret = "${{env:STRONG}}"
[server]
listen = "${{env:ADDRESS:-127.0.0.1}}:9000"
trusted_proxies = ["10.0.0.0/8", "::1"]
[[sign_in]]
issuer = "https://id.example/"
audience = "chat"
org_claim = "org"
orgs = "*"
from = ["cookie:__session", "field:x-api-key"]
require = {{ email_verified = true, "a b" = 1 }}
[[sign_in]]
issuer = "https://other.example/"
audience = "chat"
secret = ["${{env:STRONG}}", "${{env:NOT_SET:-}}"]
algorithms = "HS256"
leeway = "500ms"
orgs = ["ext"]
[orgs.acme]
path = "/acme"
hosts = "chat.example"
[orgs.acme.upstreams.support]
{UPSTREAM}
set = {{ "/stream" = true, "/message" = "$${{x}} \\"é\\" \\u007f" }}
timeouts = {{ connect = "500ms", total = "1h" }}
fields = {{ X-Plan = "pro {{user}}", x-token = "${{env:STRONG}}" }}
operations = ["chat", "retry"]
[orgs."g.l-obex"]
external_id = "ext"
path = "/globex"
on_spoof = "refuse"
[orgs."g.l-obex".upstreams."do.cs"]
{DOCS}
default_roles = "employee"
max_body = "1500B"
"""


def long_form(loaded: Loaded) -> dict[str, object]:
    return loaded.settings.model_dump()


def test_the_long_form_means_the_same(loaded: Load):
    first = loaded(RICH, STRONG=STRONG)
    second = loaded(expanded(first), STRONG=STRONG)
    assert long_form(second) == long_form(first)
    assert expanded(second) == expanded(first)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('framework = "express"\nsecret = "${env:STRONG}"', 'cookie = "session"'),
        ('framework = "django"\nsecret = "${env:STRONG}"', 'max_age = "14d"'),
        (
            'issuer = "https://id.example/"\naudience = "chat"\nbackchannel_logout = "spa"',
            'max_age = "1d"',
        ),
    ],
)
def test_a_sign_in_says_what_it_means_where_it_says_nothing(lines: str, told: str, loaded: Load):
    text = f"[sign_in]\n{lines}\n[upstreams.support]\n{UPSTREAM}\n"
    first = loaded(text, STRONG=STRONG)
    assert f"\n{told}\n" in expanded(first)
    assert long_form(loaded(expanded(first), STRONG=STRONG)) == long_form(first)


def test_so_does_that_of_the_short_form(loaded: Load):
    first = loaded(short())
    text = expanded(first)
    assert long_form(loaded(text)) == long_form(first)
    tree = tomllib.loads(text)
    assert tree["orgs"]["default"]["upstreams"]["support"] == {
        "vendor": "chatbase",
        "base_url": "https://www.chatbase.co",
        "key": ["${env:KEY}"],
        "path": "/support",
        "agent": ["agent_1"],
        "user_header": "x-external-user-id",
        "user_id": "auto",
        "timeouts": {
            "connect": "5s",
            "first_byte": "2m",
            "idle": "2m",
            "total": "15m",
            "recheck": "30s",
            "websocket": "1d",
        },
        "end_streams_at_expiry": False,
        "max_connections": 1000,
        "assertion": False,
        "max_body": "1MiB",
        "http2": False,
        "traceparent": False,
    }


def test_what_came_by_reference_stays_a_reference(loaded: Load):
    text = expanded(loaded(RICH, STRONG=STRONG, ADDRESS="192.0.2.7"))
    assert 'listen = "${env:ADDRESS:-127.0.0.1}:9000"' in text
    assert 'secret = ["${env:STRONG}", "${env:NOT_SET:-}"]' in text
    assert 'x-token = "${env:STRONG}"' in text
    assert "192.0.2.7" not in text


def test_a_collectors_credential_is_not_shown(loaded: Load):
    headers = '{ authorization = "Bearer CANARY", x-key = "${env:KEY}" }'
    found = loaded(f"[traces]\nheaders = {headers}\n" + short(), KEY="CANARY-environment")
    assert "CANARY" not in expanded(found) + repr(found) + "".join(map(str, found.warnings))
    shown = tomllib.loads(expanded(found))["traces"]
    assert shown == {
        "endpoint": "http://127.0.0.1:4318",
        "sample": 1.0,
        "headers": {"authorization": "****", "x-key": "${env:KEY}"},
        "user": "hash",
    }


def test_so_are_those_in_a_body_and_in_the_way_out(loaded: Load):
    upstream = """\
vendor = "dify"
key = "${env:KEY}"
base_url = "https://chat.example"
proxy = "http://gateway:CANARY@egress.example:3128"
[orgs.acme.upstreams.support.set]
"/inputs/crm_token" = "CANARY"
"/inputs/crm" = [{ apiKey = "CANARY", Authorization = "Bearer ${env:KEY}", author = "acme" }]
"/inputs/max_tokens" = 10
"/inputs/prompt_cache_key" = "acme-prompts"
"""
    found = loaded(org("acme", upstream=upstream), KEY="CANARY-environment")
    assert "CANARY" not in expanded(found) + repr(found) + "".join(map(str, found.warnings))
    shown = tomllib.loads(expanded(found))["orgs"]["acme"]["upstreams"]["support"]
    assert shown["proxy"] == "http://gateway:***@egress.example:3128"
    assert shown["set"] == {
        "/inputs/crm_token": "****",
        "/inputs/crm": [
            {"apiKey": "****", "Authorization": "****${env:KEY}", "author": "acme"},
        ],
        "/inputs/max_tokens": 10,
        "/inputs/prompt_cache_key": "acme-prompts",
    }


def test_secrets_are_stars(loaded: Load):
    secrets = {
        "identity": "CANARY-identity-0123456789-abcdefgh",
        "sign_in": "CANARY-sign-in-0123456789-abcdefghi",
        "default": "CANARY-default-0123456789-abcdefghi",
        "key": "CANARY-key",
        "partly": "CANARY-partly",
        "field": "CANARY-field",
        "environment": "CANARY-environment",
    }
    text = f'identity.secret = "{secrets["identity"]}"\n' + short(
        sign_in=f'secret = ["{secrets["sign_in"]}", "${{env:NO:-{secrets["default"]}}}"]',
        upstream=f'fields = {{ X-Api-Key = "{secrets["field"]}" }}',
    ).replace('"${env:KEY}"', f'["{secrets["key"]}", "{secrets["partly"]}-${{env:KEY}}"]')
    found = loaded(text, KEY=secrets["environment"])
    shown = expanded(found) + repr(found) + "".join(map(str, found.warnings))
    assert "CANARY" not in shown
    tree = tomllib.loads(expanded(found))
    assert tree["identity"]["secret"] == "****"
    default = tree["orgs"]["default"]
    assert default["sign_in"][0]["secret"] == ["****", "${env:NO:-****}"]
    assert default["upstreams"]["support"]["key"] == ["****", "****${env:KEY}"]
    assert default["upstreams"]["support"]["fields"] == {"x-api-key": "****"}


@pytest.mark.parametrize(
    "written",
    [
        "postgresql://gw:CANARY@db/x",
        "postgresql://gw:CANARY@${env:HOST}/x",
        "postgresql://db/x?password=CANARY",
        "${env:URL}",
    ],
)
def test_so_is_the_password_of_the_store(written: str, loaded: Load):
    environment = {"HOST": "db", "URL": "postgresql://gw:CANARY@db/x"}
    read = loaded(f'store.url = "{written}"\n' + short(), **environment)
    assert "CANARY" not in expanded(read) + repr(read)
    assert "CANARY" in read.settings.store.url


def test_a_shared_sign_in_stays_shared(loaded: Load):
    tree = tomllib.loads(expanded(loaded(RICH, STRONG=STRONG)))
    issuers = [(one["issuer"], one["orgs"]) for one in tree["sign_in"]]
    assert issuers == [("https://id.example/", ["*"]), ("https://other.example/", ["ext"])]
    assert not any("sign_in" in org for org in tree["orgs"].values())


def test_that_of_all_other_orgs_means_the_same(loaded: Load):
    text = RICH + f'[orgs."*".upstreams.support]\n{UPSTREAM}\n'
    text = text.replace('org_claim = "org"', 'org_claim = "org"\norg_from = "field:x-o"')
    first = loaded(text, STRONG=STRONG)
    second = loaded(expanded(first), STRONG=STRONG)
    assert long_form(second) == long_form(first)
    assert second.settings.sign_in[0].org_from == "field:x-o"
    others = second.settings.orgs["*"].upstreams["support"]
    assert others.user_id == "opaque"


def test_ids_that_had_to_be_opaque_say_so(loaded: Load):
    text = org("a", more='path = "/a"') + org("b", more='path = "/b"')
    assert expanded(loaded(text)).count('user_id = "opaque"') == 2


def test_profiles_of_the_file_stand_in_it(loaded: Load):
    text = mine(
        'ping = "GET /ping"\n'
        "chat = { method = 'POST', path = '${env:PATH_OF}', opens = 'body:/id', "
        "values = { '/message' = ['$${x}', '{null}'] }, members = 'message' }",
        vendor="base_url = '${env:URL}'",
    ).replace('base_url = "https://mine.example"\n', "")
    text = text.replace('"Bearer {key}"', '"Bearer {key}", x-token = "CANARY"')
    environment = {"PATH_OF": "/chat", "URL": "https://mine.example"}
    first = loaded(text, **environment)
    shown = expanded(first)
    assert "CANARY" not in shown
    second = loaded(shown.replace("****", "CANARY"), **environment)
    assert second.settings.profiles == first.settings.profiles
    assert expanded(second) == shown
    tree = tomllib.loads(shown)
    assert tree["vendors"]["mine"]["base_url"] == "${env:URL}"
    assert tree["orgs"]["default"]["upstreams"]["mine"]["base_url"] == "${env:URL}"
    assert tree["vendors"]["mine"]["operations"]["ping"] == {
        "method": ["GET"],
        "path": "/ping",
        "must_continue": False,
        "opens_more": False,
        "blank_opens": False,
        "websocket": False,
        "mcp": False,
        "json_lines": False,
        "thinks": False,
        "calls_tool": False,
    }
    assert tree["vendors"]["mine"]["operations"]["chat"]["path"] == "${env:PATH_OF}"
