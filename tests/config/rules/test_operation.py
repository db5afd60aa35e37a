import pytest

from tests.config.conftest import Told
from tests.config.parts import mine


def said(told: Told, text: str) -> list[str]:
    """What is said of the operations, without positions."""
    found = [line.partition("  ")[2] for line in told(text)]
    return [line.replace("  ", " ").replace("vendors.mine.operations.", "") for line in found]


def chat(more: str = "", *, path: str = "/chat", method: str = "POST") -> str:
    parts = ", ".join(part for part in (f"method = '{method}', path = '{path}'", more) if part)
    return mine(f"chat = {{ {parts} }}")


OWNED = "opens = 'body:/id'"


@pytest.mark.parametrize("name", ["user", "customer", "owner_id", "org", "account"])
def test_a_variable_that_means_a_person_is_ours_to_write(name: str, told: Told):
    path = f"/people/{{{name}}}/chat"
    assert said(told, chat(OWNED, path=path)) == [
        f"error chat.path: {{{name}}} means a person, and the client says which: "
        f'user = ["path:{name}"], or another name for it'
    ]
    assert said(told, chat(f"{OWNED}, user = 'path:{name}'", path=path)) == []
    assert said(told, chat(OWNED, path="/people/{x}/chat")) == []


@pytest.mark.parametrize("name", ["conversation", "thread_id", "session", "chat_id"])
def test_a_variable_that_means_a_conversation_is_checked(name: str, told: Told):
    path = f"/chats/{{{name}}}"
    assert said(told, chat(OWNED, path=path)) == [
        f"error chat.path: {{{name}}} means a conversation, and the client says which: "
        f'conversation = ["path:{name}"], or another name for it'
    ]
    assert said(told, chat(f"{OWNED}, conversation = 'path:{name}'", path=path)) == []


def test_the_short_form_is_no_way_around_it(told: Told):
    errors = [line for line in said(told, mine('ping = "GET /users/{user}/x"')) if "error" in line]
    assert errors == [
        "error ping.path: {user} means a person, and the client says which: "
        'user = ["path:user"], or another name for it'
    ]


@pytest.mark.parametrize("key", ["members", "query"])
def test_warns_of_everything(key: str, told: Told):
    assert said(told, chat(f"{OWNED}, {key} = ['a', '*']")) == [
        f"warning chat.{key}[1]: lets everything through but what names people or a "
        "conversation: name what you need"
    ]


def test_warns_of_a_rest(told: Told):
    assert said(told, chat(OWNED, path="/api/{+rest}")) == [
        "warning chat.path: {+rest} lets everything below through, also what the vendor adds "
        "later: name the paths you need"
    ]


@pytest.mark.parametrize(
    ("listed", "means", "instead"),
    [
        ("members = ['message', 'ownerId']", "a person", 'members[1]:user = ["body:/…"]'),
        ("members = ['role']", "a person", 'members:user = ["body:/…"]'),
        ("members = ['thread_id']", "a conversation", 'members:conversation = ["body:/…"]'),
        ("query = ['user']", "a person", 'query:user = ["query:…"]'),
        ("query = ['sessionId']", "a conversation", 'query:conversation = ["query:…"]'),
        ("fields = 'X-User-Id'", "a person", 'fields:user = ["field:…"]'),
        # One that is written does not speak for its other spellings.
        ("members = 'user_id', user = 'body:/userId'", "a person", 'members:user = ["body:/…"]'),
    ],
)
def test_warns_of_a_listed_name_that_means_more(listed: str, means: str, instead: str, told: Told):
    text = chat(f"{OWNED}, {listed}")
    key, _, told_instead = instead.partition(":")
    found = [line for line in said(told, text) if line.startswith("warning")]
    assert [line.replace("[0]", "") for line in found] == [
        f"warning chat.{key}: means {means}, and passes as the client says it: "
        f"{told_instead} has it written or checked"
    ]


@pytest.mark.parametrize(
    "more",
    [
        "members = ['userId', 'message'], user = 'body:/userId'",
        "members = ['threadId'], conversation = 'body:/threadId'",
        "query = 'user', user = 'query:user'",
        "fields = 'X-Session-Id', conversation = 'field:x-session-id'",
        "members = ['message', 'stream', 'language', 'files']",
    ],
)
def test_says_nothing_of_a_listed_name_that_is_a_place(more: str, told: Told):
    assert said(told, chat(f"{OWNED}, {more}")) == []


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ("members = 'a'", "members"),
        ("settable = 'a'", "settable"),
        ("conversation = 'body:/c'", "conversation"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_get_has_no_body(more: str, key: str, method: str, told: Told):
    assert f"error chat.{key}: {method} has no body" in said(
        told, chat(f"{OWNED}, {more}", method=method)
    )


def test_a_get_beside_a_post_may_list_members(told: Told):
    text = chat(f"{OWNED}, members = 'a'").replace("'POST'", "['GET', 'POST']")
    assert said(told, text) == []


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("members = 'stream', values = { '/stream' = [true] }", []),
        ("members = '*', values = { '/stream' = [true] }", []),
        ("members = ['meta'], containers = ['body:/meta/x']", []),
        ("user = 'body:/meta/id', containers = ['body:/meta']", []),
        (
            "members = 'stream', values = { '/strem' = [true] }",
            ['error chat.values."/strem": members does not list it - did you mean stream?'],
        ),
        (
            "members = 'a', containers = ['body:/meta']",
            ["error chat.containers[0]: members does not list it"],
        ),
    ],
)
def test_a_limit_is_on_something_that_passes(more: str, expected: list[str], told: Told):
    found = said(told, chat(f"{OWNED}, {more}"))
    assert [line for line in found if "everything" not in line] == expected


@pytest.mark.parametrize(
    ("path", "more", "told_of"),
    [
        ("/files/{file}", "", "whose {file} it is, nobody checks"),
        ("/{agent}/files/{file}", "", "whose {file} it is, nobody checks"),
        ("/users/{user}/{file}", "user = 'path:user'", "whose {file} it is, nobody checks"),
        (
            "/say",
            "members = 'text'",
            "names no conversation and opens none, so whose it is, nobody",
        ),
        ("/say", "thinks = true", "names no conversation and opens none, so whose it is, nobody"),
    ],
)
def test_warns_where_nothing_says_whose_it_is(path: str, more: str, told_of: str, told: Told):
    (line,) = [one for one in said(told, chat(more, path=path)) if "upstreams" not in one]
    assert line.startswith(f"warning chat: {told_of}")
    reason = ", ".join(part for part in ("no_conversation = 'meant'", more) if part)
    assert [one for one in said(told, chat(reason, path=path)) if "upstreams" not in one] == []


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/ping", ""),
        ("/{agent}/ping", ""),
        ("/users/{user}/chats", "user = 'path:user'"),
        ("/say", "user = 'body:/userId'"),
    ],
)
def test_nothing_but_identity_needs_no_reason(path: str, more: str, told: Told):
    assert [one for one in said(told, chat(more, path=path)) if "upstreams" not in one] == []


@pytest.mark.parametrize(
    ("first", "second", "covered"),
    [
        ("GET /a/{x}", "GET /a/b", True),
        ("GET /a/{x}", "GET /a/{y}", True),
        ("GET /a/b", "GET /a/b", True),
        ("GET /a/{+x}", "GET /a/b/c", True),
        ("GET /a/{+x}", "GET /a/b/{+y}", True),
        ("GET /{a}/{+x}", "GET /b/c", True),
        ("GET /a/b", "GET /a/{x}", False),
        ("POST /a/{x}", "GET /a/b", False),
        ("GET /a/{x}", "GET /a/b/c", False),
        ("GET /a/{x}", "GET /a/{+y}", False),
        ("GET /a/{x}/{+y}", "GET /a/b", False),
        ("GET /a/{x}/{+y}", "GET /a/{+z}", False),
        ("GET /b/{x}", "GET /a/b", False),
    ],
)
def test_an_operation_that_can_never_be_reached_is_a_mistake(
    first: str, second: str, covered: bool, told: Told
):
    """The first one takes it, with its own idea of whose it is."""
    found = said(told, mine(f'one = "{first}"\ntwo = "{second}"'))
    expected = f"error two: one stands before it and takes its {second.split()[0]} requests"
    assert [line.partition(": put")[0] for line in found if line.startswith("error")] == (
        [expected] if covered else []
    )


def test_warns_of_a_listed_name_deeper_in_a_body(told: Told):
    listed = "members = ['context'], inner = { '/context' = ['userId', 'thread_id', 'lang', '*'] }"
    found = [line.partition(":")[0] for line in said(told, chat(f"{OWNED}, {listed}"))]
    key = 'warning chat.inner."/context"'
    assert found == [f"{key}[0]", f"{key}[1]", f"{key}[3]"]


@pytest.mark.parametrize(
    "listed",
    [
        "members = ['session'], inner = { '/session' = ['voice'] }",
        "members = ['role'], values = { '/role' = ['reader', 'writer'] }",
    ],
)
def test_what_is_an_object_or_one_of_a_few_values_names_nobody(listed: str, told: Told):
    assert said(told, chat(f"{OWNED}, {listed}")) == []


def test_who_is_named_in_what_is_said_is_nobody_who_asks(told: Told):
    listed = "members = ['messages'], inner = { '/messages/*' = ['role', 'content'] }"
    assert said(told, chat(f"{OWNED}, {listed}")) == []


def test_warns_of_a_listed_name_in_a_message_of_a_websocket(told: Told):
    say = "say = { members = ['text', 'userId', 'session_id'], conversation = 'body:/session_id' }"
    text = chat(f"websocket = true, {OWNED}, messages = {{ {say} }}", method="GET")
    found = [line.partition(":")[0] for line in said(told, text)]
    assert found == ["warning chat.messages.say.members[1]"]
