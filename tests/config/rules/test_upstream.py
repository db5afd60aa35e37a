import pytest

from tests.config.conftest import Told
from tests.config.parts import DOCS, SIGN_IN, UPSTREAM, mine, short

ROLES = "roles_claim = 'roles'"


def with_docs(*, sign_in: str = ROLES, more: str = "") -> str:
    return f"[sign_in]\n{SIGN_IN}\n{sign_in}\n[upstreams.docs]\n{DOCS}\n{more}\n"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            'base_url = "http://vendor.example"',
            "8:1  warning  upstreams.support.base_url: is not encrypted: the key and every "
            "message can be read on the way",
        ),
        ('base_url = "http://127.0.0.1:9999"', None),
        ('base_url = "https://vendor.example/prefix/"', None),
        (
            'base_url = "https://vendor.example/prefix/api/v2/"',
            "8:1  warning  upstreams.support.base_url: ends with /api/v2, and so begin the paths "
            "of chatbase: the vendor would be asked for /api/v2/api/v2/…; leave it out here",
        ),
        ('base_url = "https://vendor.example/v2"', None),
        (
            'base_url = "https://vendor.example/?key=CANARY"',
            "8:1  error  upstreams.support.base_url: must not hold a query",
        ),
        (
            'base_url = "https://u:CANARY@vendor.example"',
            "8:1  error  upstreams.support.base_url: must not hold a user name or password",
        ),
        (
            'base_url = "https://2130706433"',
            "8:1  error  upstreams.support.base_url: has an address that is not in four decimal "
            "parts",
        ),
        (
            'base_url = "app:"',
            "8:1  note  upstreams.support.base_url: is the application that GatewayMiddleware "
            "wraps",
        ),
        (
            'operations = ["chat", "conversation", "mesages"]',
            "8:39  error  upstreams.support.operations[2]: no such operation of chatbase "
            "- did you mean messages?",
        ),
        (
            "operations = []",
            "8:1  error  upstreams.support.operations: is an empty list: leave the key out instead",
        ),
        (
            'default_roles = ["x"]',
            "8:1  error  upstreams.support.default_roles: chatbase is told no roles",
        ),
        ('proxy = "http://egress:3128"', None),
        (
            'proxy = "https://egress"',
            "8:1  error  upstreams.support.proxy: must begin with http://: what goes through it is "
            "encrypted all the same",
        ),
        (
            'base_url = "http://127.0.0.1:1"\nproxy = "http://egress"',
            "9:1  error  upstreams.support.proxy: is for an https base_url: the proxy could read "
            "the key",
        ),
        ("traceparent = true", None),
        (
            'traceparent = true\nfields = { Traceparent = "x" }',
            "8:1  error  upstreams.support.traceparent: fields say something else there already",
        ),
        ("http2 = true", None),
        (
            'base_url = "http://127.0.0.1:1"\nhttp2 = true',
            "9:1  error  upstreams.support.http2: is for an https base_url: HTTP/2 is chosen while "
            "TLS begins",
        ),
        ('fields = { x-roles = "{roles}" }\ndefault_roles = "x"', None),
        ('set = { "/stream" = true }', None),
        (
            'set = { "/userId" = "x" }',
            '8:9  error  upstreams.support.set."/userId": names a person or a conversation',
        ),
        (
            'set = { "/conversationId/x" = "y" }',
            '8:9  error  upstreams.support.set."/conversationId/x": names a person or a '
            "conversation",
        ),
        (
            'set = { "/mesage" = "x" }',
            '8:9  error  upstreams.support.set."/mesage": no operation lists this member '
            "- did you mean message?",
        ),
        (
            'operations = ["conversations"]\nset = { "/stream" = true }',
            '9:9  error  upstreams.support.set."/stream": no operation lists this member',
        ),
        (
            'fields = { Authorization = "Basic x" }',
            "8:12  error  upstreams.support.fields.Authorization: is a field that the gateway or "
            "the profile writes itself",
        ),
        (
            'fields = { x-external-user-id = "bob" }',
            "4:12  error  upstreams.support.user_header: this field says something else already",
        ),
        ('fields = { x-external-user-id = "{user}" }', None),
        (
            'user_header = "cookie"',
            "8:1  error  upstreams.support.user_header: is a field that the gateway or the "
            "profile writes itself",
        ),
        ('user_header = ""', None),
        (
            'user_id = "verbatm"',
            "8:1  error  upstreams.support.user_id: must be 'auto', 'verbatim' or 'opaque' "
            "- did you mean verbatim?",
        ),
        (
            'timeouts = { connect = "0s" }',
            "8:14  error  upstreams.support.timeouts.connect: must be from 10ms to 5m",
        ),
        (
            'timeouts = { conect = "1s" }',
            "8:14  error  upstreams.support.timeouts.conect: unknown key - did you mean connect?",
        ),
    ],
)
def test_says_what_is_wrong_with_an_upstream(lines: str, expected: str | None, told: Told):
    assert told(short(upstream=lines)) == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            '"chatbase"',
            '"chatbse"',
            "5:1  error  upstreams.support.vendor: no such profile: ",
        ),
        (
            'agent = "agent_1"',
            "",
            "4:12  error  upstreams.support.agent: is required: which agents the key opens to "
            'users; a name, a list or "*"',
        ),
        (
            '"agent_1"',
            '["agent_1", "*"]',
            '7:1  error  upstreams.support.agent: "*" is every agent: alone, or not at all',
        ),
        ('"${env:KEY}"', '""', "6:1  error  upstreams.support.key: is empty"),
        ('"${env:KEY}"', "[]", "6:1  error  upstreams.support.key: is empty"),
        ('key = "${env:KEY}"', "", "4:12  error  upstreams.support.key: is required"),
        (
            "${env:KEY}",
            "${env:KEI}",
            "6:1  error  upstreams.support.key: the environment variable KEI is not set",
        ),
        (
            "upstreams.support",
            'upstreams."a b"',
            '4:12  error  upstreams."a b": a name has letters, digits and . _ -, 64 at most, and '
            "begins with a letter or digit",
        ),
    ],
)
def test_says_what_an_upstream_needs(old: str, new: str, expected: str, told: Told):
    said = told(short().replace(old, new))
    assert [line[: len(expected)] for line in said if "  error  " in line][:1] == [expected]


def test_a_misspelt_profile_is_recognised(told: Told):
    (said,) = told(short().replace("chatbase", "chatbse"))
    assert said.endswith("- did you mean chatbase?")


def test_a_profile_without_an_address_needs_one(told: Told):
    text = with_docs().replace('base_url = "https://docs.example"', "")
    assert told(text) == [
        "5:12  error  upstreams.docs.base_url: is required: every customer of external-user-id "
        "has their own"
    ]


def test_a_profile_without_agents_takes_none(told: Told):
    assert told(with_docs(more='agent = "x"')) == [
        "9:1  error  upstreams.docs.agent: external-user-id has no agents"
    ]


def test_a_vendor_that_wants_a_role_is_told_one(told: Told):
    assert told(with_docs()) == []
    assert told(with_docs(sign_in="", more='default_roles = "employee"')) == []
    assert told(with_docs(sign_in="")) == [
        "5:12  warning  upstreams.docs.default_roles: not given, and a sign-in does not say "
        "roles: the vendor is told no role"
    ]


@pytest.mark.parametrize(
    "lines", ['fields = { x-external-org-id = "x" }', 'fields = { X-External-User-Id = "bob" }']
)
def test_what_the_profile_writes_nobody_else_does(lines: str, told: Told):
    (said, *_) = told(with_docs(more=lines))
    assert said.endswith("the profile external-user-id writes this field")


def test_the_user_header_is_no_other_field_of_the_profile(told: Told):
    assert told(with_docs(more='user_header = "X-External-Org-Id"')) == [
        "9:1  error  upstreams.docs.user_header: this field says something else already"
    ]


@pytest.mark.parametrize(
    ("issuer", "lines", "opaque"),
    [
        ("https://acme.eu.auth0.com/", "", True),
        ("https://acme.eu.auth0.com/", "user_claim = 'https://acme.example/id'", False),
        ("https://auth0.com.example/", "", False),
        ("https://id.example/", "", False),
    ],
)
def test_says_when_people_will_have_opaque_ids(issuer: str, lines: str, opaque: bool, told: Told):
    said = told(short(sign_in=lines).replace("https://id.example/", issuer))
    assert ["note" in line and "opaque ids" in line for line in said] == ([True] if opaque else [])


def test_an_upstream_that_was_told_how_says_nothing(told: Told):
    text = short(upstream='user_id = "opaque"')
    assert told(text.replace("id.example", "acme.auth0.com")) == []


def test_the_parts_are_good(told: Told):
    assert UPSTREAM in short()
    assert told(short()) == []


ALTATECH = 'vendor = "altatech"\nkey = "${env:KEY}"'


def with_altatech(more: str) -> str:
    return f"[sign_in]\n{SIGN_IN}\n[upstreams.bot]\n{ALTATECH}\n{more}\n"


def test_the_server_may_set_what_a_client_may_not(told: Told) -> None:
    decided = 'set = { "/conversation_config/custom_variables" = { a = 1 }, "/knowledge" = {} }'
    assert told(with_altatech(f'{decided}\nuser_id = "opaque"')) == []


def test_says_that_a_uuid_will_be_opaque_and_what_decides(told: Told) -> None:
    (found,) = told(with_altatech(""))
    assert "note  upstreams.bot.user_id: people whose subject is a UUID" in found
    assert "user_id here decides" in found
    assert told(with_altatech('user_id = "opaque"')) == []
    assert told(with_altatech('user_id = "verbatim"')) == []


def without_position(said: list[str]) -> list[str]:
    return [line.partition("  ")[2] for line in said]


NOWHERE = (
    "warning  upstreams.mine.key: is sent nowhere: no field has {key}, and the vendor takes "
    "anybody for the gateway"
)


@pytest.mark.parametrize(
    ("upstream", "expected"),
    [("", [NOWHERE]), ('fields = { x-own-key = "{key}" }', [])],
)
def test_a_key_is_sent_somewhere(upstream: str, expected: list[str], told: Told):
    text = mine(upstream=upstream).replace("Bearer {key}", "none").replace("authorization", "x-a")
    assert without_position(told(text)) == expected


OPENING = "method = 'POST', path = '/chat', conversation = 'body:/id', opens = 'body:/id'"


@pytest.mark.parametrize(
    ("operation", "fields", "silent"),
    [
        ('ping = "GET /ping"', "", True),
        ('ping = "GET /ping"', 'fields = { x-who = "{user}" }', False),
        ('ping = "GET /ping"', 'fields = { x-who = "{subject}" }', False),
        ('ping = "GET /ping"\nx = "GET /x"', 'operations = ["x"]', True),
        ("chat = { method = 'POST', path = '/chat', user = 'body:/userId' }", "", False),
        (f"ping = {{ {OPENING} }}", "", True),
        (f"ping = {{ {OPENING}, must_continue = true }}", "", False),
    ],
)
def test_without_its_field_the_user_id_goes_somewhere_else(
    operation: str, fields: str, silent: bool, told: Told
):
    said = told(mine(operation, upstream=f'user_header = ""\n{fields}'))
    name = "x" if "operations" in fields else "ping"
    assert without_position(said) == (
        [
            "warning  upstreams.mine.user_header: is off, and nothing else tells the vendor who "
            f"asks in: {name}"
        ]
        if silent
        else []
    )


@pytest.mark.parametrize(
    ("pattern", "rule", "fits"),
    [
        ("[a-z0-9_]{28}", "auto", True),
        ("[0-9]+", "auto", False),
        ("[0-9]+", "opaque", False),
        ("[0-9]+", "verbatim", True),
        ("[A-Za-z0-9._-]{1,27}", "auto", False),
        ("[a-z_]{1,64}", "auto", False),
    ],
)
def test_opaque_ids_fit_the_rule_of_the_profile(pattern: str, rule: str, fits: bool, told: Told):
    said = told(mine(vendor=f'user_id = "{pattern}"', upstream=f'user_id = "{rule}"'))
    errors = [line for line in without_position(said) if line.startswith("error")]
    assert errors == (
        []
        if fits
        else [
            "error  upstreams.mine.user_id: the rule of mine does not take opaque ids, u_ and 26 "
            "letters and digits: widen it, or verbatim"
        ]
    )


@pytest.mark.parametrize("listed", ["members = ['*']", "settable = ['*']"])
def test_where_everything_passes_anything_may_be_set(listed: str, told: Told):
    chat = f"chat = {{ method = 'POST', path = '/c', opens = 'body:/id', {listed} }}"
    said = without_position(told(mine(chat, upstream='set = { "/x" = 1 }')))
    assert [line for line in said if "set" in line.split(":")[0]] == []
    theirs = chat.replace("opens", "user = 'body:/userId', opens")
    said = without_position(told(mine(theirs, upstream='set = { "/userId" = 1 }')))
    assert 'error  upstreams.mine.set."/userId": names a person or a conversation' in said


def test_the_application_itself_is_called_in_no_protocol(told: Told):
    assert told(short(upstream='base_url = "app:"\nhttp2 = true'))[-1] == (
        "9:1  error  upstreams.support.http2: is for vendors on the network: the application is "
        "called as it is"
    )
