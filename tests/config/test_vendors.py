from dataclasses import replace

import pytest

from gateway.config.load import ConfigError
from gateway.config.vendors import SHIPPED
from gateway.core.profile.vendor import (
    Body,
    Header,
    Lookup,
    Operation,
    ProblemShape,
    Query,
    Variable,
    Vendor,
)
from gateway.vendors import VENDORS
from tests.config.conftest import Load, Told
from tests.config.parts import DOCS, mine, org, short

# The block of the long form: every key a profile and an operation can have.
WHOLE = """\
[vendors.mine]
title = "Mine"
documents = "https://mine.example/docs"
base_url = "https://mine.example"
fields = { Authorization = "Bearer {key}", x-external-org-id = "{org}" }
user_id = "[a-z0-9_]{1,64}"
credential_fields = "X-Api-Key"
closed = ["/api/chats/export"]
[vendors.mine.operations]
ping = "GET /api/ping"
[vendors.mine.operations.chat]
method = ["POST", "PUT"]
path = "/api/users/{user}/chat"
user = ["path:user", "body:/meta/userId", "query:user", "field:X-User"]
conversation = "body:/conversationId"
opens = ["body:/conversationId", "body:/data/*/id"]
answers_user = "body:/userId"
usage = "body:/usage"
members = ["message", "stream", "meta"]
containers = "body:/meta"
values = { "/stream" = [true, false], "/message" = ["a", 1, 0.5, "{null}"] }
query = ["cursor", "limit"]
fields = "X-Locale"
response_fields = "X-Cost"
settable = "temperature"
json_lines = true
thinks = true
no_conversation = "why"
[vendors.mine.problem]
body = { error = { code = "{code}", detail = ["{message}", "{null}", 1] } }
codes = { 404 = "NOT_FOUND", ambiguous_json = 40 }
event = { type = "error" }
[vendors.mine.lookup]
path = "/api/chats"
query = { id = "{conversation}", page = "1" }
items = "body:/data"
conversation = "body:/id"
owner = ["body:/user", "body:/owner"]
"""
MADE = Vendor(
    name="mine",
    title="Mine",
    documents=("https://mine.example/docs",),
    base_url="https://mine.example",
    fields={"authorization": "Bearer {key}", "x-external-org-id": "{org}"},
    user_id="[a-z0-9_]{1,64}",
    credential_fields=("x-api-key",),
    closed=("/api/chats/export",),
    operations={
        "ping": Operation(method="GET", path="/api/ping"),
        "chat": Operation(
            method=("POST", "PUT"),
            path="/api/users/{user}/chat",
            user=(Variable("user"), Body("/meta/userId"), Query("user"), Header("x-user")),
            conversation=(Body("/conversationId"),),
            opens=(Body("/conversationId"), Body("/data/*/id")),
            answers_user=(Body("/userId"),),
            usage=(Body("/usage"),),
            members=frozenset({"message", "stream", "meta"}),
            containers=(Body("/meta"),),
            values={
                "/stream": frozenset({True, False}),
                "/message": frozenset({"a", 1, 0.5, None}),
            },
            query=frozenset({"cursor", "limit"}),
            fields=frozenset({"x-locale"}),
            response_fields=frozenset({"x-cost"}),
            settable=frozenset({"temperature"}),
            json_lines=True,
            thinks=True,
            no_conversation="why",
        ),
    },
    problem=ProblemShape(
        body={"error": {"code": "{code}", "detail": ["{message}", None, 1]}},
        codes={404: "NOT_FOUND", "ambiguous_json": 40},
        event={"type": "error"},
    ),
    lookup=Lookup(
        path="/api/chats",
        query={"id": "{conversation}", "page": "1"},
        items=Body("/data"),
        conversation=(Body("/id"),),
        owner=(Body("/user"), Body("/owner")),
    ),
)


def test_a_profile_in_toml_is_what_a_shipped_one_is(loaded: Load):
    settings = loaded(short() + WHOLE).settings
    assert settings.profiles["mine"] == MADE
    assert list(settings.profiles) == [*VENDORS, "mine"]


def test_an_upstream_may_name_it(loaded: Load):
    settings = loaded(short(upstream="").replace("chatbase", "mine").replace("agent", "#") + WHOLE)
    upstream = settings.settings.orgs["default"].upstreams["support"]
    assert upstream.profile == MADE
    assert upstream.base_url == "https://mine.example"


def test_it_has_defaults(loaded: Load):
    profile = loaded(mine(upstream="")).settings.profiles["mine"]
    ping = Operation(method="GET", path="/ping")
    assert profile == Vendor(
        name="mine",
        title="mine",
        base_url=None,
        fields={"authorization": "Bearer {key}"},
        user_id="[A-Za-z0-9._-]{1,128}",
        operations={"ping": ping},
    )


def test_operations_keep_the_order_of_the_file(loaded: Load):
    text = mine('b = "GET /b"\na = "GET /a"\nc = "GET /c"')
    assert list(loaded(text).settings.profiles["mine"].operations) == ["b", "a", "c"]


def test_strings_may_come_from_elsewhere(loaded: Load):
    text = mine('ping = "${env:PING}"', vendor='base_url = "${env:URL}"').replace(
        'base_url = "https://mine.example"\n', ""
    )
    upstream = loaded(text, PING="GET /x", URL="https://elsewhere.example").settings
    assert upstream.orgs["default"].upstreams["mine"].base_url == "https://elsewhere.example"
    assert upstream.profiles["mine"].operations["ping"].path == "/x"


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("path = '/c'", "12:26  error  vendors.mine.operations.chat.method: is required"),
        ("method = 'POST'", "12:26  error  vendors.mine.operations.chat.path: is required"),
        (
            "method = 'POST'\npath = '/c'\nuser = 'path:me'",
            "14:1  error  vendors.mine.operations.chat.path: it has no variable {me}",
        ),
        (
            "method = 'GET'\npath = '/c'\nuser = 'body:/me'",
            "15:1  error  vendors.mine.operations.chat.user: GET has no body to write an id to",
        ),
        (
            "method = 'POST'\npath = '/c'\nuser = 'body:/a/*/b'",
            "15:1  error  vendors.mine.operations.chat.user: '*' is no place to write an id to",
        ),
        (
            "method = 'POST'\npath = '/c'\nuser = ['body:/a', 'body:/b']\nconversation = 'body:/b'",
            "15:1  error  vendors.mine.operations.chat.user: one place cannot hold both",
        ),
        (
            "method = 'POST'\npath = '/c'\nuser = ['body:/a', 'body:/a/b']",
            "15:1  error  vendors.mine.operations.chat.user: what is written there would take "
            "another place with it",
        ),
    ],
)
def test_a_contradiction_is_told_at_its_key(operation: str, expected: str, told: Told):
    text = mine() + "[vendors.mine.operations.chat]\n" + operation
    (error,) = [line for line in told(text) if "  error  " in line]
    assert error == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("problem.codes = { 404 = 'x' }", "vendors.mine.problem.body: is required"),
        ("lookup.path = '/{conversation}'", "vendors.mine.lookup.owner: is required"),
        ("lookup.owner = 'body:/x'", "vendors.mine.lookup.path: is required"),
        (
            "lookup = { path = '/x', owner = 'body:/x', items = 'body:/y' }",
            "vendors.mine.lookup.items: need a conversation to be told apart by",
        ),
    ],
)
def test_what_a_part_of_a_profile_needs_is_told(lines: str, expected: str, told: Told):
    (error,) = [line for line in told(mine(vendor=lines)) if "  error  " in line]
    assert error.endswith(expected)


def test_a_profile_needs_operations(told: Told):
    assert told(mine("")) == [
        "10:15  error  vendors.mine.operations: is required: nothing would be reachable"
    ]


@pytest.mark.parametrize(
    "broken",
    [
        "titel = 'x'",
        "user_id = '['",
        "operations.chat = 5",
        "operations.chat = { path = '/x' }",
        "problem = { codes = {} }",
    ],
)
def test_what_follows_from_a_mistake_in_a_profile_is_not_told(broken: str, told: Told):
    upstream = 'operations = ["chat"]\nagent = "x"\ndefault_roles = "x"\nset = { "/x" = 1 }'
    text = mine("", vendor=broken, upstream=upstream).replace("[vendors.mine.operations]\n", "")
    if "operations" not in broken:
        text += '[vendors.mine.operations]\nping = "GET /ping"\n'
    assert [line.split("  ")[2].split(":")[0].split(".")[0] for line in told(text)] == ["vendors"]


def test_nor_from_one_that_is_no_table(told: Told):
    text = mine().partition("[vendors.mine]")[0] + "[vendors]\nmine = 5\n"
    assert told(text) == ["9:1  error  vendors.mine: must be a table"]


def test_a_misspelt_name_is_looked_for_among_all(told: Told):
    (said,) = told(mine().replace('vendor = "mine"', 'vendor = "mien"'))
    assert said == (
        f"5:1  error  upstreams.mine.vendor: no such profile: {', '.join([*VENDORS, 'mine'])} "
        "- did you mean mine?"
    )
    (said,) = told(mine().replace('vendor = "mine"', 'vendor = "chatbse"'))
    assert said.endswith("did you mean chatbase?")


def test_without_any_the_shipped_ones_are_all(loaded: Load):
    settings = loaded(short()).settings
    assert dict(settings.profiles) == dict(SHIPPED.known) == dict(VENDORS)
    assert settings.vendors == {}


def test_a_profile_that_tells_the_org_lets_orgs_share_a_key(loaded: Load):
    upstream = DOCS.replace("external-user-id", "copy")
    text = "".join(org(name, more=f'path = "/{name}"', upstream=upstream) for name in "ab")
    for template, rule in (("{org}", "auto"), ("acme", "opaque")):
        fields = f'fields = {{ authorization = "Bearer {{key}}", x-org = "{template}" }}'
        vendor = f"[vendors.copy]\n{fields}\noperations.ping = 'GET /ping'\n"
        orgs = loaded(text + vendor).settings.orgs.values()
        assert [one.upstreams["support"].user_id for one in orgs] == [rule, rule]


def test_a_program_may_give_one():
    from gateway.config.load import from_dict

    config = {
        "sign_in": {"issuer": "https://id.example/", "audience": "chat"},
        "upstreams": {"mine": {"vendor": "mine", "key": "k", "base_url": "https://x.example"}},
        "vendors": {
            "mine": {
                "fields": {"authorization": "Bearer {key}"},
                "operations": {"ping": "GET /ping", "pong": {"method": ("GET",), "path": "/pong"}},
            }
        },
    }
    profile = from_dict(config, environment={}).settings.profiles["mine"]
    assert profile.operations["pong"] == replace(profile.operations["ping"], path="/pong")
    config["vendors"]["mine"]["operations"]["pong"]["path"] = 5  # type: ignore[index]
    with pytest.raises(
        ConfigError, match=r"^configuration  error  vendors\.mine\.operations\.pong"
    ):
        from_dict(config, environment={})
