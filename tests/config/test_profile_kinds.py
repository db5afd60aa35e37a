from typing import get_args

import pytest

from gateway.config.profile_kinds import Method
from gateway.core.formats.fields import NEVER_PASSED
from gateway.net.server.head import METHODS
from tests.config.conftest import Told
from tests.config.parts import mine

FIELD = "is a field that the gateway or the profile writes itself"
PATH = (
    'must be plain segments and {variables}, each once, as in "/chats/{chat}/messages"; '
    "{+rest} stands last or not at all"
)
PLACE = 'must be "body:/pointer", "query:name", "path:name" or "field:name"'
WORDS = (
    "has a {word} that stands for nothing there: a whole string may be {code}, {message}, "
    "{status}, {gateway_code}, {id} or {null}"
)


def said(told: Told, text: str) -> list[str]:
    """Every mistake in an operation or a profile, without its position and its table."""
    found = [line.partition("  error  vendors.mine.")[2] for line in told(text)]
    return [one.removeprefix("operations.chat.") for one in found if one]


def operation(lines: str) -> str:
    given = "\n".join(
        line
        for line in ('chat.method = "POST"', 'chat.path = "/chat"')
        if line.partition(" =")[0] not in lines
    )
    return mine(f'{given}\nchat.no_conversation = "a test"\n{lines}')


def test_an_operation_has_the_methods_the_server_takes():
    assert get_args(Method) == METHODS


@pytest.mark.parametrize("written", ["GET /ping", "POST /a/{b}/c", "DELETE /a/b.c"])
def test_the_short_form_is_a_method_and_a_path(written: str, told: Told):
    assert said(told, mine(f'ping = "{written}"')) == []


@pytest.mark.parametrize(
    "written",
    [
        *("", "GET", "/ping", "GET ping", "get /ping", "GET  /ping", "GET /ping ", "TRACE /ping"),
        *("GET /a//b", "GET /a/../b", "GET /a%2Fb", "GET /a?b=c", "GET /{A}", "GET /{a}/{a}"),
        *("GET https://x/y", "GET /{+rest}/x", "GET\\t/ping", "GET /a\\nb"),
    ],
)
def test_nothing_else_is(written: str, told: Told):
    (found,) = said(told, mine(f'chat = "{written}"'))
    assert found in {
        'operations.chat: must be a table, or a method and a path as in "GET /api/ping"',
        f"operations.chat: {PATH}",
    }


def test_what_is_neither_is_told(told: Told):
    assert said(told, mine("chat = 5")) == ["operations.chat: must be a table"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            'chat.method = ["POST", "GTE"]',
            "method[1]: must be 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE' or 'OPTIONS' "
            "- did you mean GET?",
        ),
        ('chat.path = "/chat/"', f"path: {PATH}"),
        ('chat.user = ["body:/a", "b"]', f"user[1]: {PLACE}"),
        ('chat.conversation = "thread"', f"conversation: {PLACE}"),
        ('chat.user = "field:Cookie"', f"user: {FIELD}"),
        ('chat.user = "field:accept"', f"user: {FIELD}"),
        ('chat.opens = "field:set-cookie"', f"opens: {FIELD}"),
        ('chat.opens = "query:x"', "opens: an answer has fields and a body, no path and no query"),
        ('chat.answers_user = "query:x"', 'answers_user: must be "body:/pointer"'),
        ('chat.fields = ["x-a", "authorization"]', f"fields[1]: {FIELD}"),
        ('chat.fields = "*"', "fields: '*' would let every credential through"),
        (
            'chat.response_fields = "set-cookie"',
            "response_fields: is no field name, or one that no answer may have from a vendor",
        ),
        (
            'chat.response_fields = "*"',
            "response_fields: is no field name, or one that no answer may have from a vendor",
        ),
        (
            'chat.values = { x = ["a"] }',
            "values.x: must be a JSON Pointer: '/' first, and '~' written '~0'",
        ),
        (
            'chat.values = { "/x" = [[]] }',
            'values."/x"[0]: must be a string, a number, true or false',
        ),
        (
            'chat.values = { "/x" = [1, true] }',
            'values."/x": has a value twice (1 and true count as one)',
        ),
        ('chat.members = ["a", ""]', "members[1]: is empty"),
        ('chat.thinks = "perhaps"', "thinks: must be true or false"),
        ("chat.membres = []", "membres: unknown key - did you mean members?"),
        ("chat.base_url = ''", "base_url: unknown key - it belongs in an upstream"),
    ],
)
def test_says_what_a_value_of_an_operation_must_be(lines: str, expected: str, told: Told):
    assert said(told, operation(lines)) == [expected]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ('user_id = "[a-z"', "user_id: is no regular expression from character 1 on"),
        ('closed = ["/a", "b"]', f"closed[1]: {PATH}"),
        ('credential_fields = "cookie"', f"credential_fields: {FIELD}"),
        ("problem.body = { a = ['{cod}'] }", f"problem.body: {WORDS}"),
        ("problem.body = { a = 'It is {code}' }", f"problem.body: {WORDS}"),
        ("problem = { body = { a = 1 }, event = { a = '{x}' } }", f"problem.event: {WORDS}"),
        (
            "problem = { body = { a = 1 }, codes = { 302 = 'x' } }",
            "problem.codes.302: is neither a status of 400 to 599 nor a code of the gateway",
        ),
        (
            "problem = { body = { a = 1 }, codes = { not_fond = 'x' } }",
            "problem.codes.not_fond: is neither a status of 400 to 599 nor a code of the gateway "
            "- did you mean not_found?",
        ),
        (
            "lookup = { path = '/{conversation}', owner = 'body:/x', query = { a = '{usr}' } }",
            "lookup.query.a: has a {word} that stands for nothing there: a whole value may be "
            "{conversation} or {user}",
        ),
        ("lookup = { path = '/{conversation}', owner = 'query:x' }", "lookup.owner: must be "),
    ],
)
def test_says_what_a_value_of_a_profile_must_be(lines: str, expected: str, told: Told):
    (found,) = said(told, mine(vendor=lines))
    assert found.startswith(expected)


@pytest.mark.parametrize("name", [*sorted(NEVER_PASSED - {"authorization"}), "accept", "é", "a b"])
def test_a_profile_writes_no_field_of_the_connection(name: str, told: Told):
    text = mine().replace("authorization =", f'authorization = "Bearer {{key}}", "{name}" =')
    (found,) = said(told, text)
    assert "field" in found


def test_a_profile_writes_each_field_once(told: Told):
    text = mine().replace("{ auth", '{ X-A = "1", x-a = "2", auth')
    assert said(told, text) == ["fields: has one field twice, in two spellings"]
