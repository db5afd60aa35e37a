import json
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.core.errors import BadRequest, IdentityNotRepresentable
from gateway.core.formats.fields import TOKEN
from gateway.core.people.identity import Identity
from gateway.core.profile.vendor import Body, Header, Metered, Operation, Query, Variable
from gateway.core.request.route import Table, segments
from gateway.vendors import mcp
from tests.support.asking import ALICE, KEY, ask, document, everything, sent
from tests.support.spellings import HONEST, PEOPLE, spellings

CHAT = Operation(
    method="POST",
    path="/agents/{agent}/chat",
    members=frozenset({"message", "conversationId", "metadata"}),
    user=(Body("/userId"),),
    conversation=(Body("/conversationId"),),
)
LIST = Operation(
    method="GET",
    path="/users/{user}/chats",
    user=(Variable("user"),),
    query=frozenset({"cursor", "limit"}),
)
OURS = {
    b"accept": b"application/json, text/event-stream",
    b"accept-encoding": b"identity",
    b"user-agent": b"chat-identity-gateway",
    b"x-request-id": b"req-1",
    b"via": b"1.1 gateway",
    b"authorization": b"Bearer sk_vendor_1",
    b"x-external-user-id": b"alice",
}
AGENT = {"agent": "a1"}


def test_the_request_is_built_from_nothing() -> None:
    asked = ask(
        CHAT,
        {"message": "hi", "userId": "bob", "temperature": 2},
        fields=[("authorization", "Bearer jwt"), ("cookie", "s=1"), ("x-user-id", "bob")],
        query=[("userId", "bob"), ("debug", "1")],
        variables=AGENT,
    )
    request = sent(asked)
    assert request.method == "POST"
    assert request.target == "/agents/a1/chat"
    assert request.content == b'{"message":"hi","userId":"alice"}'
    assert dict(request.fields) == {**OURS, b"content-type": b"application/json"}
    assert [name for name, _ in request.fields] == [
        *(b"accept", b"content-type", b"accept-encoding", b"user-agent", b"x-request-id", b"via"),
        *(b"authorization", b"x-external-user-id"),
    ]


def test_a_request_without_content_says_nothing_of_it() -> None:
    request = sent(ask(LIST, variables={"user": "me"}))
    assert request.content is None
    assert dict(request.fields) == OURS


# Where the user goes


@pytest.mark.parametrize("said", ["me", "bob", ALICE, "a:b@c"])
def test_a_user_in_a_path_is_overwritten_whatever_it_says(said: str) -> None:
    """P-10."""
    assert sent(ask(LIST, variables={"user": said})).target == "/users/alice/chats"


def test_a_user_in_a_query_stands_once_and_last() -> None:
    operation = Operation(
        method="GET", path="/chats", user=(Query("user"),), query=frozenset({"limit"})
    )
    asked = ask(operation, query=[("user", "bob"), ("limit", "9")])
    assert sent(asked).target == "/chats?limit=9&user=alice"


def test_a_user_in_a_field_is_ours_whatever_the_client_and_the_profile_say() -> None:
    operation = Operation(
        method="GET",
        path="/x",
        user=(Header("x-caller"),),
        fields=frozenset({"x-caller", "x-external-user-id", "accept", "user-agent"}),
    )
    said = [
        ("x-caller", "bob"),
        ("x-external-user-id", "bob"),
        ("accept", "*/*"),
        ("user-agent", "x"),
    ]
    request = sent(ask(operation, fields=said))
    assert dict(request.fields) == {**OURS, b"x-caller": b"alice"}
    assert len(dict(request.fields)) == len(request.fields)


@pytest.mark.parametrize("metadata", [None, "text", 1, [], [{"user_id": "bob"}], True])
def test_a_user_below_the_top_replaces_whatever_is_in_the_way(metadata: Any) -> None:
    operation = Operation(
        method="POST",
        path="/m",
        members=frozenset({"metadata"}),
        user=(Body("/metadata/user_id"),),
    )
    assert document(sent(ask(operation, {"metadata": metadata}))) == {
        "metadata": {"user_id": "alice"}
    }


def test_a_user_below_the_top_keeps_the_clients_object_where_it_is_listed() -> None:
    said = {"metadata": {"plan": "pro", "USER_ID": "bob", "user_id": "bob"}}
    listed = Operation(
        method="POST",
        path="/m",
        members=frozenset({"metadata"}),
        user=(Body("/metadata/user_id"),),
    )
    assert document(sent(ask(listed, said))) == {"metadata": {"plan": "pro", "user_id": "alice"}}
    hidden = Operation(method="POST", path="/m", user=(Body("/metadata/user_id"),))
    assert document(sent(ask(hidden, said))) == {"metadata": {"user_id": "alice"}}


def test_the_users_field_has_the_name_the_org_gave_it_or_is_left_out() -> None:
    asked = ask(CHAT, {}, variables=AGENT)
    assert (b"x-who", b"alice") in sent(asked, user_header="x-who").fields
    assert b"x-external-user-id" not in dict(sent(asked, user_header="").fields)


@pytest.mark.parametrize(
    "user",
    ["", ".", "..", "a\r\nb", "a\0", "a\u200b", "a\u2028", "\ud800", "\u202ealice", "a\x7f"],
)
@pytest.mark.parametrize(
    "operation",
    [
        Operation(method="POST", path="/x", user=(Body("/u"),)),
        Operation(method="GET", path="/x", user=(Query("u"),)),
        Operation(method="GET", path="/{u}", user=(Variable("u"),)),
        Operation(method="GET", path="/x", user=(Header("u"),)),
        Operation(method="GET", path="/x"),
    ],
    ids=["body", "query", "path", "field", "nowhere"],
)
def test_an_id_that_cannot_be_written_is_refused_not_left_out(
    operation: Operation, user: str
) -> None:
    """J-21, H-24."""
    asked = ask(operation, variables={"u": "me"})
    with pytest.raises(IdentityNotRepresentable):
        sent(asked, user=user, user_header="")


@pytest.mark.parametrize("user", ["a/b", "a b", "%2e", "é", "a" * 257, "a;b", "a?b", "a#b", "a,b"])
def test_an_id_that_is_no_segment_is_refused_in_a_path(user: str) -> None:
    with pytest.raises(IdentityNotRepresentable):
        sent(ask(LIST, variables={"user": "me"}), user=user, user_header="")


@pytest.mark.parametrize("user", ["é", " a", "a ", "名前"])
def test_an_id_that_is_no_field_value_is_refused_in_a_field(user: str) -> None:
    asked = ask(CHAT, {}, variables=AGENT)
    with pytest.raises(IdentityNotRepresentable):
        sent(asked, user=user)
    assert document(sent(asked, user=user, user_header=""))["userId"] == user


@pytest.mark.parametrize("user", ["a b&c=d", "é", "a+b", "50%", "a#b?c/d"])
def test_an_id_in_a_query_is_encoded(user: str) -> None:
    operation = Operation(method="GET", path="/x", user=(Query("user"),))
    target = sent(ask(operation), user=user, user_header="").target
    assert parse_qsl(urlsplit(target).query, strict_parsing=True) == [("user", user)]
    assert target.isascii()


def test_a_request_that_has_no_body_for_the_id_is_refused() -> None:
    asked = ask(CHAT, {}, variables=AGENT)
    bodiless = type(asked)(asked.name, asked.operation, asked.variables, "POST")
    with pytest.raises(IdentityNotRepresentable):
        sent(bodiless)


# Templates


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("Bearer {key}", b"Bearer sk_vendor_1"),
        ("{org}/{user}", b"acme/u-1"),
        ("{subject}", b"{key}"),
        ("{subject}{subject}", b"{key}{key}"),
        ("{unknown} {}", b"{unknown} {}"),
        ("plain", b"plain"),
    ],
)
def test_a_word_in_a_value_never_expands(template: str, value: bytes) -> None:
    identity = Identity("acme", "{key}")
    asked = ask(CHAT, {}, variables=AGENT)
    request = sent(asked, identity=identity, user="u-1", fields={"x-t": template})
    assert dict(request.fields)[b"x-t"] == value


@pytest.mark.parametrize("word", ["{key}", "{user}", "{org}", "{roles}", "{subject}"])
def test_a_word_the_client_or_the_sign_in_says_stays_a_word(word: str) -> None:
    operation = Operation(
        method="POST", path="/x", members=frozenset({"message"}), user=(Body("/u"),)
    )
    request = sent(
        ask(operation, {"message": word}),
        identity=Identity(word, word, roles=(word,)),
        user=word,
        vendor_fields={"x-a": "{org} {user} {subject} {roles}"},
    )
    assert dict(request.fields)[b"x-a"] == f'{word} {word} {word} ["{word}"]'.encode()
    assert document(request) == {"message": word, "u": word}
    assert KEY not in everything(request)


@pytest.mark.parametrize(
    ("roles", "default", "value"),
    [
        ((), (), b"[]"),
        ((), ("employee",), b'["employee"]'),
        (("admin",), ("employee",), b'["admin"]'),
        (("a", "b,c", 'd"e'), (), rb'["a","b,c","d\"e"]'),
        (("Müller", "\U0001f600"), (), rb'["M\u00fcller","\ud83d\ude00"]'),
        (("a\r\nx-admin: 1",), (), rb'["a\r\nx-admin: 1"]'),
        (("\x7f",), (), rb'["\u007f"]'),
    ],
)
def test_roles_are_json_in_ascii(roles: Any, default: Any, value: bytes) -> None:
    """H-07, E-01."""
    request = sent(
        ask(CHAT, {}, variables=AGENT),
        identity=Identity("acme", ALICE, roles=roles),
        default_roles=default,
        vendor_fields={"x-external-roles": "{roles}"},
    )
    assert dict(request.fields)[b"x-external-roles"] == value
    assert json.loads(value) == list(roles or default)


@pytest.mark.parametrize(
    ("identity", "template"),
    [
        pytest.param(Identity("acme", "\ud800", roles=()), "{subject}", id="J-21 surrogate"),
        pytest.param(Identity("acme", "a\r\nx: 1"), "{subject}", id="J-21 CR LF"),
        pytest.param(Identity("acme", "é"), "{subject}", id="not ASCII"),
        pytest.param(Identity("acme", ""), "{subject}", id="empty"),
        pytest.param(Identity("acmé", ALICE), "{org}", id="O-10 org not ASCII"),
        pytest.param(Identity("a\nb", ALICE), "x {org}", id="O-10 org with a newline"),
        pytest.param(Identity("", ALICE), "{org}", id="O-10 no org"),
        pytest.param(Identity("", ALICE), "x {org}", id="O-10 nothing after a space"),
        pytest.param(Identity("acme", ALICE, roles=("\ud800",)), "r={roles}", id="surrogate role"),
    ],
)
def test_a_value_that_no_field_can_hold_is_refused(identity: Identity, template: str) -> None:
    asked = ask(CHAT, {}, variables=AGENT)
    with pytest.raises(IdentityNotRepresentable):
        sent(asked, identity=identity, fields={"x-t": template})
    assert sent(asked, identity=identity)


def test_what_the_org_writes_goes_before_what_the_profile_writes() -> None:
    request = sent(
        ask(CHAT, {}, variables=AGENT),
        vendor_fields={"authorization": "Bearer {key}", "x-a": "profile"},
        fields={"x-a": "org", "x-b": "{user}", "x-external-user-id": "mallory"},
    )
    assert dict(request.fields)[b"x-a"] == b"org"
    assert dict(request.fields)[b"x-b"] == b"alice"
    assert dict(request.fields)[b"x-external-user-id"] == b"alice"


# Members that the server decides


def test_the_server_decides_members_that_are_listed() -> None:
    operation = Operation(
        method="POST",
        path="/x",
        members=frozenset({"message", "temperature"}),
        settable=frozenset({"config"}),
    )
    decided = {"/temperature": 0.2, "/config/tone": "kind", "/model": "large"}
    request = sent(ask(operation, {"temperature": 2, "config": {"a": 1}}), decided=decided)
    assert document(request) == {"temperature": 0.2, "config": {"tone": "kind"}}


def test_the_server_decides_where_everything_is_listed() -> None:
    operation = Operation(method="POST", path="/x", members=frozenset({"*"}))
    asked = ask(operation, {"Temperature": 2, "TEMPERATURE": 3, "top_p": 1})
    assert document(sent(asked, decided={"/temperature": 0.2})) == {"top_p": 1, "temperature": 0.2}


def test_what_the_server_decides_never_stands_in_for_the_user() -> None:
    operation = Operation(
        method="POST",
        path="/x",
        members=frozenset({"metadata", "userId", "user_id"}),
        user=(Body("/userId"), Body("/metadata/user_id")),
    )
    decided = {"/userId": "mallory", "/user_id": "mallory", "/metadata": {"user_id": "mallory"}}
    assert document(sent(ask(operation, {}), decided=decided)) == {
        "userId": "alice",
        "metadata": {"user_id": "alice"},
    }


def test_one_persons_id_never_stays_in_what_the_org_decided() -> None:
    """One configuration serves everybody: it is written into each request, never changed by it."""
    tell = Operation(
        method="POST",
        path="/x",
        members=frozenset({"metadata"}),
        user=(Body("/metadata/user_id"),),
    )
    quiet = Operation(method="POST", path="/y", members=frozenset({"metadata"}))
    decided = {"/metadata": {"plan": "pro"}}
    sent(ask(tell, {}), decided=decided)
    assert document(sent(ask(quiet, {}), decided=decided)) == {"metadata": {"plan": "pro"}}


def test_planning_twice_gives_the_same_and_changes_no_call() -> None:
    operation = Operation(
        method="POST",
        path="/x",
        members=frozenset({"metadata"}),
        user=(Body("/metadata/user_id"),),
    )
    asked = ask(operation, {"metadata": {"plan": "pro"}})
    assert sent(asked) == sent(asked)
    assert asked.body == {"metadata": {"plan": "pro"}}


# The target


@pytest.mark.parametrize(
    ("base", "target"),
    [("", "/agents/a1/chat"), ("/base", "/base/agents/a1/chat"), ("/a/b", "/a/b/agents/a1/chat")],
)
def test_the_vendors_own_path_stands_below_its_base(base: str, target: str) -> None:
    assert sent(ask(CHAT, {}, variables=AGENT), base_path=base).target == target


def test_parameters_are_written_anew() -> None:
    operation = Operation(method="GET", path="/x", query=frozenset({"*"}))
    raw = b"a=1;userIdx=bob&b+c=d%2Fe&f=%C3%A9&g=%26h%3D1&i"
    assert sent(ask(operation, query=raw)).target == (
        "/x?a=1%3BuserIdx%3Dbob&b%20c=d%2Fe&f=%C3%A9&g=%26h%3D1&i="
    )


SEGMENTS = st.lists(
    st.from_regex(r"[A-Za-z0-9._~:@-]{1,8}", fullmatch=True).filter(lambda s: s not in {".", ".."}),
    min_size=1,
    max_size=5,
)


@given(SEGMENTS, st.integers(0, 4), st.booleans())
def test_the_path_that_was_judged_is_the_path_that_is_sent(
    parts: list[str], variable: int, rest: bool
) -> None:
    """SECURITY.md 3.3 (c)."""
    template = list(parts)
    if variable < len(parts):
        template[variable] = "{agent}"
    if rest and len(parts) > 1 and variable != len(parts) - 1:
        template[-1] = "{+rest}"
    path = "/" + "/".join(parts)
    operation = Operation(method="GET", path="/" + "/".join(template))
    match = Table({"asked": operation}).match("GET", segments(path))
    assert sent(ask(operation, variables=match.variables)).target == path


# Nothing a client says about people arrives

PLACES = Operation(
    method="POST",
    path="/u/{user}/c",
    members=frozenset({"*"}),
    query=frozenset({"*"}),
    fields=frozenset({"x-plan", "x-caller"}),
    user=(
        *(Variable("user"), Query("ref"), Header("x-caller")),
        *(Body("/ref"), Body("/metadata/ref")),
    ),
)
MALLORY = "mallory-7f3a"


def assert_only_alice(asked: Any) -> None:
    request = sent(asked)
    assert MALLORY not in everything(request)
    assert request.target.startswith("/u/alice/c")
    names = [name for name, _ in parse_qsl(urlsplit(request.target).query, keep_blank_values=True)]
    assert names.count("ref") == 1
    assert [value for name, value in request.fields if name == b"x-external-user-id"] == [b"alice"]
    assert [value for name, value in request.fields if name == b"x-caller"] == [b"alice"]
    assert document(request)["ref"] == "alice"
    assert document(request)["metadata"]["ref"] == "alice"


def spelt(words: tuple[str, ...]) -> list[str]:
    # A digit at the end of `ref` makes another name: the tables do not know it.
    return [name for name in spellings(words) if name != "ref1"]


@pytest.mark.parametrize("words", [*PEOPLE, ("ref",)], ids=" ".join)
def test_no_name_of_a_person_arrives_from_anywhere(words: tuple[str, ...]) -> None:
    for name in spelt(words):
        asked = ask(
            PLACES,
            {name: MALLORY, "metadata": {name: MALLORY}},
            query=[(name, MALLORY)] if name.isprintable() else [],
            fields=[(name.lower(), MALLORY)] if name.isascii() else [],
            variables={"user": MALLORY},
        )
        assert_only_alice(asked)


SPELT = [name for words in [*PEOPLE, ("ref",)] for name in spelt(words)]
CLAIMS = st.dictionaries(st.sampled_from(SPELT), st.just(MALLORY), max_size=4)
HARMLESS = st.dictionaries(
    st.sampled_from([name for name in HONEST if name != "metadata"]),
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    max_size=5,
)


@given(CLAIMS, CLAIMS, HARMLESS, CLAIMS, CLAIMS)
def test_no_mix_of_claims_arrives(
    top: dict[str, str],
    inner: dict[str, str],
    harmless: dict[str, Any],
    query: dict[str, str],
    fields: dict[str, str],
) -> None:
    """SECURITY.md 3.3: (a) one identity, ours; (d) no field beyond those allowed; (e) the rest."""
    try:
        asked = ask(
            PLACES,
            {**harmless, **top, "metadata": {**harmless, **inner}},
            query=[(name, value) for name, value in query.items() if name.isprintable()],
            fields=[(name.lower(), value) for name, value in fields.items() if name.isascii()],
            variables={"user": MALLORY},
        )
    except BadRequest:
        assume(False)  # two spellings of one parameter
    assert_only_alice(asked)
    request = sent(asked)
    assert document(request) == {
        **harmless,
        "metadata": {**harmless, "ref": "alice"},
        "ref": "alice",
    }


@given(st.lists(st.tuples(st.text(st.characters(codec="latin-1"), max_size=12), st.text("ab"))))
def test_every_field_that_leaves_was_allowed(fields: list[tuple[str, str]]) -> None:
    """SECURITY.md 3.3 (d)."""
    operation = Operation(method="GET", path="/x", fields=frozenset({"x-plan"}))
    request = sent(ask(operation, fields=[*fields, ("x-plan", "pro")]))
    assert dict(request.fields) == {**OURS, b"x-plan": b"pro"}
    assert all(TOKEN.fullmatch(name) for name, _ in request.fields)


def test_names_in_a_query_are_encoded_as_values_are() -> None:
    operation = Operation(method="GET", path="/chats", query=frozenset({"a/b"}))
    assert sent(ask(operation, query=[("a/b", "c/d")])).target == "/chats?a%2Fb=c%2Fd"


# What is asked and said beside what the client says


METERED = Operation(
    method="POST",
    path="/chat",
    members=frozenset({"stream", "stream_options"}),
    metered=Metered(
        when=Body("/stream"), ask=Body("/stream_options/include_usage"), empty=Body("/choices")
    ),
)


@pytest.mark.parametrize(
    ("body", "leaves"),
    [
        ({"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
        (
            {"stream": True, "stream_options": {"a": 1, "include_usage": False}},
            {"stream": True, "stream_options": {"a": 1, "include_usage": True}},
        ),
        ({"stream": False}, {"stream": False}),
        ({}, {}),
    ],
)
def test_a_stream_is_made_to_say_what_it_costs(body: Any, leaves: Any) -> None:
    assert document(sent(ask(METERED, body))) == leaves


VERSIONED = Operation(
    method="GET",
    path="/x",
    fields=frozenset({"x-version", "x-free"}),
    field_values={"x-version": frozenset({"1", "2"})},
)


@pytest.mark.parametrize(
    ("said", "leaves"), [((), "1"), (("2",), "2"), (("3",), "1"), (("",), "1"), (("2, 3",), "2")]
)
def test_a_field_to_choose_from_says_the_profiles_own_where_the_client_says_nothing_listed(
    said: tuple[str, ...], leaves: str
) -> None:
    asked = ask(VERSIONED, fields=[("x-version", one) for one in said])
    request = sent(asked, vendor_fields={"x-version": "1", "authorization": "Bearer {key}"})
    assert dict(request.fields)[b"x-version"].decode() == leaves


def test_no_other_field_of_a_client_stands_in_for_the_profiles_own() -> None:
    asked = ask(VERSIONED, fields=[("x-free", "theirs"), ("x-external-user-id", "bob")])
    request = sent(asked, vendor_fields={"x-free": "ours"})
    assert dict(request.fields)[b"x-free"] == b"ours"
    assert dict(request.fields)[b"x-external-user-id"] == b"alice"


def test_a_server_that_takes_no_key_gets_no_field_for_one() -> None:
    asked = ask(Operation(method="GET", path="/x"))
    fields = {"authorization": "Bearer {key}", "x-plan": "pro", "x-org": "{org}"}
    sent_fields = dict(sent(asked, vendor_fields=fields, key="").fields)
    assert b"authorization" not in sent_fields
    assert (sent_fields[b"x-plan"], sent_fields[b"x-org"]) == (b"pro", b"acme")
    sent_fields = dict(sent(asked, vendor_fields=fields).fields)
    assert sent_fields[b"authorization"] == b"Bearer sk_vendor_1"


# Tools


def tool_call(name: str, number: int = 1, **arguments: Any) -> dict[str, Any]:
    params = {"name": name, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


def asked_of_tools(body: Any, told_by: dict[str, str]) -> Any:
    return document(
        sent(ask(mcp.VENDOR.operations["call"], raw=json.dumps(body).encode()), told_by=told_by)
    )


def test_a_tool_that_asks_for_whom_is_told_so_whatever_the_client_says() -> None:
    told_by = {"orders": "customer"}
    body = tool_call("orders", customer="bob", limit=5)
    assert asked_of_tools(body, told_by) == tool_call("orders", customer="alice", limit=5)
    assert asked_of_tools(tool_call("orders"), told_by) == tool_call("orders", customer="alice")
    other = tool_call("weather", customer="bob")
    assert asked_of_tools(other, told_by) == other


def test_what_every_tool_is_told_one_of_them_may_be_told_otherwise() -> None:
    told_by = {"*": "user", "orders": "customer"}
    assert asked_of_tools(tool_call("orders"), told_by) == tool_call("orders", customer="alice")
    assert asked_of_tools(tool_call("weather"), told_by) == tool_call("weather", user="alice")
    listing = {"jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": {"name": "orders"}}
    assert asked_of_tools(listing, told_by) == listing


def test_each_call_of_a_batch_is_told_and_a_batch_of_one_stays_one() -> None:
    batch = [tool_call("orders", 1), {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}]
    told_by = {"orders": "customer"}
    assert asked_of_tools(batch, told_by) == [tool_call("orders", 1, customer="alice"), batch[1]]
    assert asked_of_tools(batch[1:], told_by) == batch[1:]


def test_our_signed_word_stands_in_a_field_of_its_own_where_there_is_one() -> None:
    asked = ask(CHAT, {"message": "hi"}, variables=AGENT)
    shown = dict(sent(asked, statement="a.b.c").fields)
    assert shown[b"x-gateway-assertion"] == b"a.b.c"
    assert b"x-gateway-assertion" not in dict(sent(asked).fields)
    with pytest.raises(IdentityNotRepresentable):
        sent(asked, statement="a b\n")


def test_a_request_whose_content_is_sent_as_it_comes_is_the_same_but_for_that() -> None:
    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b""

    planned, coming = sent(ask(LIST, query=b"limit=1", variables={"user": "me"})), pieces()
    form = planned.streaming(coming, content_type=b"multipart/form-data; boundary=x")
    assert (form.method, form.target) == (planned.method, planned.target)
    assert form.fields == (*planned.fields, (b"content-type", b"multipart/form-data; boundary=x"))
    assert (form.content, form.stream) == (None, coming)
