import pytest

from gateway.vendors import VENDORS
from tests.config.conftest import Told
from tests.config.parts import mine, short
from tests.config.test_profile_text import profile_text

CHAT = "chat = { method = 'POST', path = '/chats/{chat}', conversation = 'path:chat'"


def said(told: Told, text: str) -> list[str]:
    """What is said of the profile, without positions."""
    found = [line.partition("  ")[2] for line in told(text)]
    return [line.replace("  ", " ").replace("vendors.mine.", "") for line in found]


@pytest.mark.parametrize("name", [*VENDORS, "Chatbase", "BOOKBAG"])
def test_a_profile_may_not_hide_one_that_ships(name: str, told: Told):
    text = short() + f"[vendors.{name}]\noperations.ping = 'GET /ping'\n"
    assert told(text) == [
        f"8:10  error  vendors.{name}: a profile of this name ships with the gateway: choose "
        "another name"
    ]


@pytest.mark.parametrize("name", ["a b", "", "_x", "a/b", "x" * 65])
def test_its_name_is_a_plain_one(name: str, told: Told):
    (line,) = told(short() + f"[vendors.'{name}']\noperations.ping = 'GET /ping'\n")
    assert "a name has letters, digits and . _ -, 64 at most" in line


@pytest.mark.parametrize("name", VENDORS)
def test_nothing_is_to_be_said_of_a_shipped_one(name: str, told: Told):
    assert told(short() + profile_text(VENDORS[name], "mine")) == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x.example/prefix/", []),
        ("http://127.0.0.1:9", []),
        ("ftp://x", ["error base_url: must begin with https:// or http://"]),
        (
            "https://u:CANARY@x.example",
            ["error base_url: must not hold a user name or password"],
        ),
        (
            "http://x.example",
            [
                "warning base_url: is not encrypted: the key and every message can be read "
                "on the way"
            ],
        ),
    ],
)
@pytest.mark.parametrize("users", [1, 2])
def test_a_base_url_is_judged_once_and_where_it_stands(
    url: str, expected: list[str], users: int, told: Told
):
    text = mine(vendor=f'base_url = "{url}"').replace('base_url = "https://mine.example"\n', "")
    if users == 2:
        text += '[upstreams.other]\nvendor = "mine"\nkey = "${env:KEY}"\n'
    assert said(told, text) == expected


def test_an_upstreams_own_goes_before_it(told: Told):
    assert said(told, mine(vendor='base_url = "http://x.example"')) == []


def test_an_upstream_needs_one_where_the_profile_has_none(told: Told):
    assert told(mine().replace('base_url = "https://mine.example"\n', "")) == [
        "4:12  error  upstreams.mine.base_url: is required: every customer of mine has their own"
    ]


def test_conversations_that_nobody_can_open_are_told(told: Told):
    assert said(told, mine(CHAT + " }")) == [
        "warning operations.chat.conversation: no operation opens a conversation, so every one "
        'that is named is nobody\'s and refused: opens = ["body:/…"] says where an answer names a '
        "new one"
    ]
    lookup = "lookup = { path = '/chats/{conversation}', owner = 'body:/x' }"
    assert said(told, mine(CHAT + " }", vendor=lookup)) == []
    assert said(told, mine(CHAT + ", opens = 'body:/id' }")) == []


@pytest.mark.parametrize(
    ("lookup", "expected"),
    [
        ("path = '/a/{conversation}'", []),
        ("path = '/{team}/{conversation}'", []),
        ("path = '/a', query = { id = '{conversation}' }", []),
        ("path = '/a/{user}', items = 'body:/data', conversation = 'body:/id'", []),
        ("path = '/a'", ["error lookup.path: says nowhere which {conversation} is asked about"]),
        (
            "path = '/{other}/{conversation}'",
            [
                "error lookup.path: {other} stands for nothing: it is not in the path of every "
                "operation that names a conversation"
            ],
        ),
    ],
)
def test_a_look_up_asks_about_a_conversation(lookup: str, expected: list[str], told: Told):
    operations = "\n".join(
        [
            "a = { method = 'POST', path = '/{team}/a', opens = 'body:/x', "
            "conversation = 'body:/x' }",
            "b = { method = 'GET', path = '/{team}/{other}/{c}', conversation = 'path:c' }",
            "ping = 'GET /ping'",
        ]
    )
    text = mine(operations, vendor=f"lookup = {{ owner = 'body:/o', {lookup} }}")
    assert said(told, text) == expected
