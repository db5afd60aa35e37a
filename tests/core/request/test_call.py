import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import (
    AmbiguousJson,
    BadRequest,
    ConversationNotFound,
    HeaderMismatch,
    SpoofedIdentity,
    UriTooLong,
)
from gateway.core.people.seal import Seal, handle
from gateway.core.profile.names import meaning
from gateway.core.profile.vendor import Body, Header, Operation, Query, Variable
from gateway.core.request import call
from gateway.core.request.call import Call
from gateway.core.request.route import Match
from gateway.core.request.spelled import canonical_id
from gateway.vendors import mcp
from tests.support.asking import ALICE, ask
from tests.support.spellings import CONVERSATIONS, HONEST, HONEST_FIELDS, PEOPLE, spellings

CHAT = Operation(
    method="POST",
    path="/chat",
    members=frozenset({"message", "stream", "conversationId"}),
    values={"/stream": frozenset({True, False})},
    user=(Body("/userId"),),
    conversation=(Body("/conversationId"),),
    query=frozenset({"lang"}),
    fields=frozenset({"x-plan"}),
)
OPEN = Operation(
    method="POST",
    path="/open",
    members=frozenset({"*"}),
    query=frozenset({"*"}),
    user=(Body("/ref"), Query("ref")),
    conversation=(Body("/talk"), Query("talk")),
)
LIST = Operation(
    method="GET",
    path="/users/{user}/chats",
    user=(Variable("user"),),
    query=frozenset({"cursor", "limit"}),
)
NESTED = Operation(
    method="POST",
    path="/messages",
    members=frozenset({"message", "metadata"}),
    user=(Body("/metadata/user_id"),),
)
HIDDEN = Operation(
    method="POST",
    path="/messages",
    members=frozenset({"message"}),
    user=(Body("/metadata/user_id"),),
)


# Members


def test_listed_members_stay_as_they_are_and_in_their_order() -> None:
    body = {"stream": True, "message": {"role": "user", "user_id": "x", "session": 1}}
    read = ask(CHAT, body)
    assert read.body == body
    assert list(read.body or {}) == ["stream", "message"]
    assert (read.dropped, read.spoofed, read.conversations) == ((), (), ())


def test_unlisted_members_are_left_out_and_shown() -> None:
    read = ask(CHAT, {"message": "hi", "temperature": 2, "api_base": "https://evil", "Message": 1})
    assert read.body == {"message": "hi"}
    assert read.dropped == ("body:temperature", "body:api_base", "body:Message")
    assert read.spoofed == ()


@pytest.mark.parametrize(
    "name", [*HONEST, "__proto__", "constructor", "", " ", "extra_body", "base_url", "名前"]
)
def test_an_honest_unlisted_member_is_no_attempt_on_anybody(name: str) -> None:
    listed = {"message", "stream", "conversationId"}
    read = ask(CHAT, {name: True})
    assert read.spoofed == ()
    assert read.dropped == (() if name in listed else (f"body:{name}",))


@pytest.mark.parametrize("words", PEOPLE, ids=" ".join)
def test_no_spelling_of_a_person_stays_in_a_body(words: tuple[str, ...]) -> None:
    """B-01, B-04."""
    for name in spellings(words):
        for operation in (CHAT, OPEN):
            read = ask(operation, {"message": "hi", name: "bob"})
            assert read.body == {"message": "hi"}, name
            assert len(read.spoofed) == 1, name


@pytest.mark.parametrize("words", CONVERSATIONS, ids=" ".join)
def test_a_conversation_in_another_spelling_is_refused(words: tuple[str, ...]) -> None:
    """B-21."""
    for name in spellings(words):
        if name == "conversationId":
            continue
        for operation in (CHAT, OPEN):
            with pytest.raises(BadRequest):
                ask(operation, {"message": "hi", name: "c1"})


@pytest.mark.parametrize(
    "name", ["Ref", "REF", "r-e-f", "ref ", "\uff52ef", "re\u200bf", "ref[]", "ref[0]", "ref.x"]
)
def test_no_spelling_of_the_place_itself_stays(name: str) -> None:
    """B-04: the tables know no `ref`; the profile does."""
    read = ask(OPEN, {name: "bob"}, query=[(name, "bob")])
    assert (read.body, read.query) == ({}, ())
    assert len(read.spoofed) == 2


@pytest.mark.parametrize("name", ["Talk", "TALK", "talk[id]", "t_alk", "talk\u00ad"])
def test_no_spelling_of_the_conversations_place_stays(name: str) -> None:
    with pytest.raises(BadRequest):
        ask(OPEN, {name: "c1"})
    with pytest.raises(BadRequest):
        ask(OPEN, {}, query=[(name, "c1")])


def test_a_star_lets_through_all_but_people_and_conversations() -> None:
    body = {"temperature": 1, "tools": [{"user_id": "x"}], "userId": "bob", "ref": "bob"}
    read = ask(OPEN, body)
    assert read.body == {"temperature": 1, "tools": [{"user_id": "x"}]}
    assert read.spoofed == ("body:ref", "body:userId")


def test_the_place_of_the_user_is_left_out_even_when_it_is_listed() -> None:
    operation = Operation(
        method="POST", path="/c", members=frozenset({"userId", "x"}), user=(Body("/userId"),)
    )
    for value in ("bob", {"id": "bob"}, ["bob"], 7, None):
        assert ask(operation, {"userId": value, "x": 1}).body == {"x": 1}


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"[]", id="B-13 array"),
        pytest.param(b'"x"', id="B-13 text"),
        pytest.param(b"1", id="B-13 number"),
        pytest.param(b"null", id="B-13 null"),
        pytest.param(b'[{"message":"hi"}]', id="B-13 batch"),
    ],
)
def test_a_body_is_an_object(raw: bytes) -> None:
    with pytest.raises(BadRequest):
        ask(CHAT, raw=raw)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="B-13 empty, B-25"),
        pytest.param(b'{"userId":"alice","userId":"bob"}', id="B-02 duplicate"),
        pytest.param(rb'{"userId":"alice","user\u0049d":"bob"}', id="B-02 escaped"),
        pytest.param(b'{"message":NaN}', id="B-08 NaN"),
        pytest.param(b'{"message":1}{"userId":"bob"}', id="B-11 second object"),
    ],
)
def test_a_body_is_read_in_one_way_or_not_at_all(raw: bytes) -> None:
    with pytest.raises(AmbiguousJson):
        ask(CHAT, raw=raw)


# Identities below the top


@pytest.mark.parametrize("name", ["user_id", "USER_ID", "userId", "user-id", "email", "Uid"])
def test_an_object_that_holds_the_identity_is_cleared_of_others(name: str) -> None:
    """B-01: Go's JSON takes `USER_ID` for `user_id`."""
    read = ask(NESTED, {"metadata": {name: "bob", "plan": "pro"}})
    assert read.body == {"metadata": {"plan": "pro"}}
    shown = "user_id" if name == "user_id" else name
    assert read.spoofed == (f"body:metadata/{shown}",)
    assert read.dropped == (f"body:metadata/{name}",)


def test_an_identity_counts_where_its_object_is_not_listed() -> None:
    read = ask(HIDDEN, {"message": "hi", "metadata": {"user_id": "bob", "plan": "pro"}})
    assert read.body == {"message": "hi"}
    assert read.spoofed == ("body:metadata/user_id",)


def test_a_conversation_beside_an_identity_is_refused() -> None:
    with pytest.raises(BadRequest, match="member 'metadata/session_id'"):
        ask(NESTED, {"metadata": {"session_id": "c1"}})


def test_containers_of_a_profile_are_cleared_message_content_is_not() -> None:
    operation = Operation(
        method="POST",
        path="/c",
        members=frozenset({"metadata", "messages", "items"}),
        containers=(Body("/metadata"), Body("/items/*")),
    )
    body = {
        "metadata": {"user_id": "bob", "plan": "pro", "deep": {"user_id": "bob"}},
        "messages": [{"user_id": "bob", "session_id": "x", "metadata": {"userId": "bob"}}],
        "items": [{"userId": "bob", "a": 1}, "text", {"b": 2}],
    }
    read = ask(operation, body)
    assert read.body == {
        "metadata": {"plan": "pro", "deep": {"user_id": "bob"}},
        "messages": body["messages"],
        "items": [{"a": 1}, "text", {"b": 2}],
    }
    assert read.spoofed == ("body:metadata/user_id", "body:items/*/userId")
    with pytest.raises(BadRequest):
        ask(operation, {"metadata": {"thread": "x"}})


@pytest.mark.parametrize("value", ["text", 1, None, [], [{"user_id": "bob"}], True])
def test_an_object_that_is_none_hides_nobody(value: Any) -> None:
    assert ask(NESTED, {"metadata": value}).spoofed == ()


# Saying who one is


@pytest.mark.parametrize("value", [ALICE, "a-subject", "acme", "", None])
def test_who_says_the_truth_or_nothing_spoofs_nobody(value: str | None) -> None:
    read = ask(
        CHAT,
        {"userId": value, "email": value},
        query=[("uid", value or "")],
        fields=[("x-external-user-id", value or ""), ("x-org-id", value or "")],
        subject="a-subject",
        org="acme",
        refuse_spoofs=True,
    )
    assert read.spoofed == ()
    assert read.body == {}
    assert read.query == ()


@pytest.mark.parametrize(
    "value", ["bob", "Alice", "alice ", 0, False, True, [ALICE], {"id": ALICE}]
)
def test_whoever_says_otherwise_spoofs(value: Any) -> None:
    assert ask(CHAT, {"userId": value}).spoofed == ("body:userId",)


@pytest.mark.parametrize(
    ("where", "asked"),
    [
        pytest.param("body:userId", {"body": {"userId": "bob"}}, id="B-01 body"),
        pytest.param("query:user_id", {"query": [("user_id", "bob")]}, id="Q-01 query"),
        pytest.param(
            "field:x-external-user-id", {"fields": [("x-external-user-id", "bob")]}, id="H-01 field"
        ),
        pytest.param("field:x-user-email", {"fields": [("x-user-email", "c")]}, id="H-08 field"),
    ],
)
def test_an_attempt_is_counted_or_refused_as_the_org_has_it(
    where: str, asked: dict[str, Any]
) -> None:
    body = asked.pop("body", {})
    assert ask(CHAT, body, **asked).spoofed == (where,)
    with pytest.raises(SpoofedIdentity):
        ask(CHAT, body, **asked, refuse_spoofs=True)


def test_three_places_with_three_people_are_three_attempts() -> None:
    """Q-08."""
    read = ask(
        Operation(
            method="POST",
            path="/u/{user}",
            members=frozenset({"x"}),
            user=(Variable("user"), Query("user"), Body("/user")),
        ),
        {"user": "bob"},
        query=[("user", "carol")],
        variables={"user": "dave"},
    )
    assert read.spoofed == ("path:user", "query:user", "body:user")
    assert (read.query, read.body) == ((), {})


@pytest.mark.parametrize(
    ("said", "spoofed"),
    [
        pytest.param("me", (), id="P-11 the polite way"),
        pytest.param(ALICE, (), id="P-10 oneself"),
        pytest.param("bob", ("path:user",), id="P-10 another"),
        pytest.param("self", ("path:user",), id="P-11 another word"),
        pytest.param("ME", ("path:user",), id="P-11 in capitals"),
    ],
)
def test_a_user_in_a_path_is_oneself(said: str, spoofed: tuple[str, ...]) -> None:
    assert ask(LIST, variables={"user": said}).spoofed == spoofed


# Conversations


@pytest.mark.parametrize(
    ("value", "spelling"),
    [
        (7, "7"),
        (0, "0"),
        ("7", "7"),
        ("07", "07"),
        ("-7", "-7"),
        ("7.0", "7.0"),
        ("6F1D0C1E-aaaa", "6F1D0C1E-aaaa"),
        ("conv:1@x~y", "conv:1@x~y"),
        ("a" * 256, "a" * 256),
    ],
)
def test_a_conversation_has_one_spelling(value: Any, spelling: str) -> None:
    """I-07: byte-exact, and `7` is "7"."""
    assert canonical_id(value) == spelling
    read = ask(CHAT, {"conversationId": value})
    assert read.conversations == (spelling,)
    assert read.body == {"conversationId": value}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="B-20 empty"),
        pytest.param(["b"], id="B-20 list"),
        pytest.param({"id": "b"}, id="B-20 object"),
        pytest.param(True, id="B-20 true"),
        pytest.param(False, id="B-20 false"),
        pytest.param(7.0, id="B-20 real"),
        pytest.param(7.5, id="B-20 fraction"),
        pytest.param(-7, id="B-20 negative"),
        pytest.param(-1, id="B-20 just negative"),
        pytest.param("a" * 257, id="B-20 too long"),
        pytest.param("b ", id="I-07 trailing space"),
        pytest.param(" b", id="I-07 leading space"),
        pytest.param("b\n", id="I-07 newline"),
        pytest.param("%62", id="I-07 encoded"),
        pytest.param("{b}", id="I-07 braces"),
        pytest.param("a\u2010b", id="I-07 Unicode hyphen"),
        pytest.param("\uff42", id="I-07 full width"),
        pytest.param("b\0", id="B-12 NUL"),
        pytest.param("b\u200b", id="B-12 zero width"),
        pytest.param("a/b", id="slash"),
        pytest.param("a+b", id="plus"),
    ],
)
def test_what_is_no_conversation_id_is_refused(value: Any) -> None:
    with pytest.raises(BadRequest):
        ask(CHAT, {"conversationId": value})


def test_null_names_no_conversation_where_one_may_be_opened() -> None:
    """B-20: it is left out, so that a vendor can make nothing of it."""
    opens = replace(CHAT, opens=(Body("/conversationId"),))
    read = ask(opens, {"message": "hi", "conversationId": None})
    assert (read.conversations, read.body) == ((), {"message": "hi"})
    deep = replace(opens, conversation=(Body("/a/id"), Body("/b/*/id"), Body("/c")))
    body = {"message": "hi", "a": {"id": None}, "b": [{"id": None}, {"id": "7"}], "c": "8"}
    read = ask(deep, body)
    assert read.conversations == ("7", "8")
    assert read.body == {"message": "hi", "a": {}, "b": [{}, {"id": "7"}], "c": "8"}


DEEP = replace(
    CHAT,
    members=frozenset({"*"}),
    opens=(Body("/id"),),
    conversation=(Body("/a/id"), Body("/b/*"), Body("/c/d/*/id"), Body("/e"), Body("/e/id")),
)


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"a": {}}, {"a": None}, {"b": []}, {"b": None}),
        *({"c": {"d": []}}, {"c": {"d": [{}]}}, {"c": {"d": [None]}}, {"c": {"f": "x"}}),
    ],
)
def test_what_holds_no_conversation_opens_one(body: dict[str, Any]) -> None:
    read = ask(DEEP, body)
    assert (read.conversations, read.body) == ((), body)


def test_a_conversation_deep_inside_is_named_beside_what_is_not() -> None:
    body = {"a": {"id": "1"}, "b": ["2", 3], "c": {"d": [{"id": "4"}, {}]}, "e": "5", "f": ["x"]}
    assert ask(DEEP, body).conversations == ("1", "2", "3", "4", "5")
    assert ask(DEEP, {"e": {"id": "6"}}).conversations == ("6",)


def in_other_types() -> Iterator[dict[str, Any]]:
    """B-20, I-14: what a lenient server finds an id in, and a pointer does not."""
    yield from ({"a": wrong} for wrong in ("7", 7, True, ["7"], [{"id": "7"}], [["id", "7"]]))
    yield from ({"b": wrong} for wrong in ("7", 7, True, {"0": "7"}, {"*": "7"}, {"id": "7"}))
    yield from ({"c": wrong} for wrong in ([{"d": [{"id": "7"}]}], "7"))
    yield from ({"c": {"d": wrong}} for wrong in ({"id": "7"}, {"0": {"id": "7"}}, "7", ["7"]))
    yield {"c": {"d": [[{"id": "7"}]]}}


@pytest.mark.parametrize("body", list(in_other_types()), ids=json.dumps)
def test_another_type_hides_no_conversation(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        ask(DEEP, body)


@pytest.mark.parametrize("words", [("context",), ("reply", "to")], ids=" ".join)
@pytest.mark.parametrize("last", ["id", "*"])
def test_no_spelling_of_the_way_hides_a_conversation(words: tuple[str, ...], last: str) -> None:
    """B-04, B-21: in an object, or an array, that passes by another name of its own."""
    name = words[0] + "".join(word.capitalize() for word in words[1:])
    deep = replace(DEEP, conversation=(Body(f"/{name}/{last}"),))

    def holding(one: str) -> Any:
        return [one] if last == "*" else {last: one}

    assert ask(deep, {name: holding("own")}).conversations == ("own",)
    for other in spellings(words):
        if name.lower() not in meaning(other).forms or other == name:  # "context1" is another
            continue
        for body in ({name: holding("own"), other: holding("bobs")}, {other: holding("bobs")}):
            with pytest.raises(BadRequest):
                ask(deep, body)


def test_null_is_no_conversation_where_one_is_needed() -> None:
    """B-20."""
    with pytest.raises(BadRequest):
        ask(replace(CHAT, opens=()), {"message": "hi", "conversationId": None})


def test_minus_zero_is_no_conversation() -> None:
    with pytest.raises(BadRequest):
        ask(CHAT, raw=b'{"conversationId":-0}')


EVERYWHERE = Operation(
    method="POST",
    path="/c/{conversation}",
    members=frozenset({"message"}),
    conversation=(
        Variable("conversation"),
        Query("conversation"),
        Header("x-session"),
        Body("/conversationId"),
        Body("/ids/*"),
    ),
)


def everywhere(path: str, query: str, field: str, body: Any) -> Call:
    return ask(
        EVERYWHERE,
        {"conversationId": body},
        variables={"conversation": path},
        query=[("conversation", query)],
        fields=[("x-session", field)],
    )


def test_every_conversation_that_is_named_is_to_be_checked() -> None:
    """B-21: one's own in one place does not excuse another's in the next."""
    assert everywhere("p", "q", "f", "b").conversations == ("p", "q", "f", "b")
    assert everywhere("7", "7", "7", 7).conversations == ("7",)
    assert everywhere("a", "A", "a", "a").conversations == ("a", "A")


def test_all_places_pass_with_what_was_checked() -> None:
    read = everywhere("p", "q", "f", "b")
    assert read.query == (("conversation", "q"),)
    assert read.fields == ((b"x-session", b"f"),)
    assert read.body == {"conversationId": "b"}


@pytest.mark.parametrize("value", ["", " ", "a b", "a/b", "\u00e9"])
def test_what_is_no_id_is_refused_in_every_place(value: str) -> None:
    for where in range(4):
        said = ["ok", "ok", "ok", "ok"]
        said[where] = value
        with pytest.raises(BadRequest):
            everywhere(*said)


def test_each_of_several_conversations_is_checked() -> None:
    """I-14."""
    read = ask(EVERYWHERE, {"ids": ["own", 7, "bobs"]}, variables={"conversation": "p"})
    assert read.conversations == ("p", "own", "7", "bobs")
    with pytest.raises(BadRequest):
        ask(EVERYWHERE, {"ids": ["own", None]}, variables={"conversation": "p"})


RESPONSES = Operation(
    method="POST",
    path="/responses",
    members=frozenset({"input"}),
    conversation=(Body("/conversation"), Body("/conversation/id"), Body("/previous_response_id")),
)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"conversation": "c1"}, ("c1",)),
        ({"conversation": {"id": "c1"}}, ("c1",)),
        ({"conversation": {"id": "c1"}, "previous_response_id": "r1"}, ("c1", "r1")),
        ({"input": "hi"}, ()),
    ],
)
def test_a_conversation_is_named_as_text_or_as_an_object(
    body: dict[str, Any], named: tuple[str, ...]
) -> None:
    read = ask(RESPONSES, body)
    assert read.conversations == named
    assert read.body == body


@pytest.mark.parametrize(
    "body",
    [
        {"conversation": {}},
        {"conversation": {"ID": "c1"}},
        {"conversation": {"id": "c1", "Id": "c2"}},
        {"conversation": {"id": "c1", "conversation_id": "c2"}},
        {"conversation": {"id": None}},
        {"conversation": {"id": {"id": "c1"}}},
        {"conversation": ["c1"]},
        {"conversation": None},
        {"Conversation": "c1"},
        {"previousResponseId": "r1"},
        {"previous_response_id": {"id": "r1"}},
    ],
)
def test_an_object_that_hides_its_conversation_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        ask(RESPONSES, body)


def test_a_conversation_beside_the_user_is_kept() -> None:
    operation = Operation(
        method="POST",
        path="/c",
        user=(Body("/session/user"),),
        conversation=(Body("/session/id"),),
    )
    read = ask(operation, {"session": {"id": "c1", "user": "bob", "x": 1}})
    assert read.body == {"session": {"id": "c1", "x": 1}}
    assert (read.conversations, read.spoofed) == (("c1",), ("body:session/user",))


# Values


MESSAGES = Operation(
    method="POST",
    path="/messages",
    members=frozenset({"messages", "mode", "temperature", "config"}),
    values={
        "/messages/*/role": frozenset({"user"}),
        "/mode": frozenset({"blocking", None}),
        "/temperature": frozenset({0, 0.5, 1}),
        "/config/deep": frozenset({False}),
    },
)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": []},
        {"messages": [{"role": "user", "content": "hi"}, {"content": "no role"}]},
        {"messages": None},
        {"mode": "blocking"},
        {"mode": None},
        {"temperature": 1},
        {"temperature": 1.0},
        {"temperature": 0.5},
        {"config": {"deep": False, "other": 1}},
        {"config": {}},
        {"config": None},
    ],
)
def test_a_member_may_hold_what_the_profile_says(body: dict[str, Any]) -> None:
    assert ask(MESSAGES, body).body == body


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"messages": [{"role": "assistant"}]}, id="another value"),
        pytest.param({"messages": [{"role": "user"}, {"role": "system"}]}, id="in the second"),
        pytest.param({"messages": [{"role": "User"}]}, id="another case"),
        pytest.param({"messages": [{"role": ["user"]}]}, id="in a list"),
        pytest.param({"messages": [{"role": None}]}, id="null"),
        pytest.param({"messages": {"role": "assistant"}}, id="no array"),
        pytest.param({"messages": {"0": {"role": "assistant"}}}, id="an array as PHP writes it"),
        pytest.param({"messages": {"*": {"role": "user"}}}, id="a star"),
        pytest.param({"messages": [[{"role": "assistant"}]]}, id="an array in the array"),
        pytest.param({"messages": ["assistant"]}, id="no object"),
        pytest.param({"messages": [{"Role": "assistant"}]}, id="another spelling"),
        pytest.param({"messages": [{"role": "user", "ROLE": "assistant"}]}, id="two spellings"),
        pytest.param({"Mode": "webhook"}, id="another spelling at the top"),
        pytest.param({"mode": "webhook"}, id="a value that is not listed"),
        pytest.param({"mode": True}, id="B-22 another type"),
        pytest.param({"temperature": True}, id="B-22 true is not 1"),
        pytest.param({"temperature": False}, id="B-22 false is not 0"),
        pytest.param({"temperature": "1"}, id="B-22 text"),
        pytest.param({"temperature": None}, id="B-22 null"),
        pytest.param({"config": {"deep": 0}}, id="B-22 0 is not false"),
        pytest.param({"config": [{"deep": True}]}, id="an array for an object"),
        pytest.param({"config": "deep"}, id="text for an object"),
        pytest.param({"config": [False]}, id="an array of what the object may hold"),
    ],
)
def test_a_member_may_hold_nothing_else(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        ask(MESSAGES, body)


def test_minus_zero_is_not_the_zero_that_is_listed() -> None:
    with pytest.raises(BadRequest):
        ask(MESSAGES, raw=b'{"temperature":-0}')


# Parameters


def test_listed_parameters_pass() -> None:
    read = ask(LIST, query=b"limit=20&cursor=a%2Bb&debug=1", variables={"user": "me"})
    assert read.query == (("limit", "20"), ("cursor", "a+b"))
    assert read.dropped == ("query:debug",)


@pytest.mark.parametrize("words", PEOPLE, ids=" ".join)
def test_no_spelling_of_a_person_stays_in_a_query(words: tuple[str, ...]) -> None:
    """Q-01, Q-02."""
    for name in spellings(words):
        for operation in (LIST, OPEN):
            try:
                read = ask(operation, query=[(name, "bob")], variables={"user": "me"})
            except BadRequest:  # a control character
                assert not name.isprintable(), name
                continue
            assert read.query == (), name
            assert len(read.spoofed) == 1, name


@pytest.mark.parametrize("words", CONVERSATIONS, ids=" ".join)
def test_a_conversation_in_a_query_is_refused_where_none_belongs(words: tuple[str, ...]) -> None:
    for name in spellings(words):
        for operation in (LIST, OPEN):
            with pytest.raises(BadRequest):
                ask(operation, query=[(name, "c1")], variables={"user": "me"})


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(b"ref=alice&ref=bob", id="Q-02 duplicate"),
        pytest.param(b"ref=alice&re%66=bob", id="Q-02 encoded"),
        pytest.param(b"ref=alice&REF=bob", id="Q-02 case"),
        pytest.param(b"talk=own&talk=bobs", id="Q-02 conversation"),
        pytest.param(b"talk=own&talk[]=bobs", id="Q-02 brackets"),
        pytest.param(b"a=%00", id="Q-07 NUL"),
        pytest.param(b"talk=", id="B-20 no conversation"),
        pytest.param(b"talk", id="B-20 no value"),
    ],
)
def test_a_query_that_can_be_read_in_two_ways_is_refused(query: bytes) -> None:
    with pytest.raises(BadRequest):
        ask(OPEN, {}, query=query)


def test_a_query_has_an_end() -> None:
    """Q-06."""
    with pytest.raises(UriTooLong):
        ask(OPEN, {}, query=b"a=" + b"b" * 9000)


@pytest.mark.parametrize("name", ["access_token", "api_key", "key", "token"])
def test_a_credential_in_a_query_does_not_pass(name: str) -> None:
    """Q-03."""
    assert ask(LIST, query=[(name, "sk_1")], variables={"user": "me"}).query == ()


# Fields


@pytest.mark.parametrize("name", HONEST_FIELDS)
def test_an_ordinary_field_passes_nothing_and_means_nothing(name: str) -> None:
    read = ask(CHAT, fields=[(name, "x")])
    assert (read.fields, read.spoofed, read.dropped) == ((), (), ())


@pytest.mark.parametrize("words", PEOPLE, ids=" ".join)
def test_no_spelling_of_a_person_passes_as_a_field(words: tuple[str, ...]) -> None:
    """H-02, H-10."""
    for name in spellings(words):
        if all(ord(c) < 0x100 for c in name):
            read = ask(CHAT, fields=[(name.lower(), "bob")])
            assert read.fields == (), name
            assert len(read.spoofed) == 1, name


@pytest.mark.parametrize("name", ["x-who", "x.who", "X-Who", "xwho"])
def test_the_field_we_write_is_known_in_every_spelling(name: str) -> None:
    read = ask(CHAT, fields=[(name, "bob")], user_header="x-who")
    assert (read.fields, read.spoofed) == ((), (f"field:{name}",))
    assert ask(CHAT, fields=[(name, "bob")], user_header="").spoofed == ()


@pytest.mark.parametrize("name", ["x-caller", "X-CALLER", "x.caller"])
def test_a_place_among_the_fields_is_ours(name: str) -> None:
    operation = Operation(
        method="GET", path="/x", user=(Header("x-caller"),), fields=frozenset({"x-caller"})
    )
    read = ask(operation, fields=[(name, "bob")])
    assert (read.fields, read.spoofed) == ((), (f"field:{name}",))


def test_a_listed_field_passes_once() -> None:
    assert ask(CHAT, fields=[("x-plan", "pro")]).fields == ((b"x-plan", b"pro"),)
    for again in ("pro", "free"):
        with pytest.raises(BadRequest):
            ask(CHAT, fields=[("x-plan", "pro"), ("x-plan", again)])


def test_fields_that_do_not_pass_may_repeat() -> None:
    """H-09."""
    read = ask(CHAT, fields=[("x-external-user-id", "bob"), ("x-external-user-id", ALICE)])
    assert (read.fields, read.spoofed) == ((), ("field:x-external-user-id",))


def test_a_session_in_a_field_is_no_conversation_where_none_belongs() -> None:
    read = ask(CHAT, fields=[("mcp-session-id", "s1"), ("x-thread-id", "t1")])
    assert (read.fields, read.conversations, read.spoofed) == ((), (), ())


def test_a_conversation_in_a_field_stands_once() -> None:
    operation = Operation(method="POST", path="/mcp", conversation=(Header("mcp-session-id"),))
    assert ask(operation, fields=[("mcp-session-id", "s1")]).conversations == ("s1",)
    with pytest.raises(BadRequest):
        ask(operation, fields=[("mcp-session-id", "own"), ("mcp-session-id", "bobs")])


# What is shown


def test_what_is_shown_of_a_name_fits_a_log_line() -> None:
    """G-03."""
    name = "user_id\r\n\x1b[31m" + "x" * 100
    read = ask(CHAT, {name: "bob", "a\nb": 1})
    assert read.dropped[1] == "body:a?b"
    assert all(shown.isprintable() for shown in read.dropped)
    assert len(read.dropped[0]) == len("body:") + 64


def test_a_call_knows_its_operation() -> None:
    read = ask(CHAT, {"message": "hi"})
    assert read.operation is CHAT
    assert read.method == "POST"


NAMES = st.sampled_from([*HONEST[:40], "userId", "user_id", "REF", "email"]) | st.text(max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(NAMES, VALUES, max_size=8))
def test_what_is_kept_was_listed_and_is_unchanged(body: dict[str, Any]) -> None:
    """SECURITY.md 3.3 (e)."""
    try:
        read = ask(CHAT, raw=json.dumps(body).encode())
    except BadRequest:
        return
    assert read.body == {name: body[name] for name in body if name in CHAT.members}
    assert set(read.dropped) == {
        f"body:{''.join(c if c.isprintable() else '?' for c in name)}"
        for name in body
        if name not in CHAT.members
    }


# A field with values to choose from


BETAS = Operation(
    method="POST",
    path="/x",
    fields=frozenset({"x-beta"}),
    field_values={"x-beta": frozenset({"a-1", "b-2"})},
)


@pytest.mark.parametrize(
    ("written", "passed"),
    [
        ("a-1", "a-1"),
        ("a-1,b-2", "a-1,b-2"),
        ("b-2 ,\ta-1", "b-2,a-1"),
        ("files-1,a-1,mcp-2", "a-1"),
        ("A-1", None),
        ("a-1 b-2", None),
        ("", None),
        ("é", None),
    ],
)
def test_of_a_list_in_a_field_what_is_listed_passes(written: str, passed: str | None) -> None:
    read = ask(BETAS, fields=[("x-beta", written)])
    assert read.fields == (() if passed is None else ((b"x-beta", passed.encode()),))
    assert read.dropped == (() if written.replace(" ,\t", ",") == passed else ("field:x-beta",))


BLANK = Operation(
    method="POST",
    path="/x",
    conversation=(Body("/conversation_id"),),
    opens=(Body("/conversation_id"),),
    blank_opens=True,
)


@pytest.mark.parametrize("none", ["", None])
def test_an_empty_id_is_none_where_a_profile_says_so(none: str | None) -> None:
    read = ask(BLANK, {"conversation_id": none})
    assert (read.body, read.conversations) == ({}, ())


@pytest.mark.parametrize("value", [" ", 0.0, False, [], {}])
def test_nothing_else_is_empty(value: object) -> None:
    with pytest.raises(BadRequest):
        ask(BLANK, {"conversation_id": value})


# Tools


SEAL = Seal(b"s" * 32, ALICE)
SESSION = ("mcp-session-id", "session-1")
OF_SESSION = f"event {handle('session-1')}"


def stream(*fields: tuple[str, str], seal: Seal | None = SEAL) -> Call:
    """A client that comes back to a stream of its session: there is no body."""
    return call.read(
        Match("listen", mcp.VENDOR.operations["listen"], {}),
        method="GET",
        raw_query=b"",
        fields=[(name.encode(), value.encode("latin-1")) for name, value in fields],
        content=None,
        user=ALICE,
        subject=ALICE,
        seal=seal,
    )


def test_the_id_of_an_event_comes_back_without_its_seal() -> None:
    sealed = SEAL.close(OF_SESSION, "41")
    found = stream(SESSION, ("last-event-id", sealed))
    assert dict(found.fields) == {b"mcp-session-id": b"session-1", b"last-event-id": b"41"}
    assert found.asked is None
    assert found.conversations == (handle("session-1"),)
    assert dict(stream(SESSION).fields) == {b"mcp-session-id": b"session-1"}
    unsealed = stream(SESSION, ("last-event-id", "41"), seal=None)
    assert dict(unsealed.fields)[b"last-event-id"] == b"41"


@pytest.mark.parametrize(
    "event",
    [
        "41",
        "",
        SEAL.close(f"event {handle('session-2')}", "41"),
        SEAL.close("state", "41"),
        Seal(b"s" * 32, "bob").close(OF_SESSION, "41"),
        Seal(b"t" * 32, ALICE).close(OF_SESSION, "41"),
        SEAL.close(OF_SESSION, "41") + "2",
    ],
)
def test_the_id_of_an_event_of_anothers_is_not_found(event: str) -> None:
    with pytest.raises(ConversationNotFound):
        stream(SESSION, ("last-event-id", event))


def test_an_event_of_no_session_is_not_found() -> None:
    with pytest.raises(ConversationNotFound):
        stream(("last-event-id", SEAL.close(OF_SESSION, "41")))


def asking_tools(message: Any, *fields: tuple[str, str], seal: Seal | None = SEAL) -> Call:
    tools = mcp.VENDOR.operations["call"]
    return ask(tools, raw=json.dumps(message).encode(), fields=[SESSION, *fields], seal=seal)


def test_a_request_of_tools_is_read_with_the_fields_that_repeat_it() -> None:
    params = {"name": "search", "requestState": SEAL.close("state", "step 1")}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    found = asking_tools(message, ("mcp-method", "tools/call"), ("mcp-name", "search"))
    assert found.asked is not None
    assert found.asked.tools == ("search",)
    assert found.asked.messages[0]["params"] == {"name": "search", "requestState": "step 1"}
    assert dict(found.fields) == {
        b"mcp-session-id": b"session-1",
        b"mcp-method": b"tools/call",
        b"mcp-name": b"search",
    }
    unsealed = asking_tools(message, seal=None)
    assert unsealed.asked is not None
    assert unsealed.asked.messages[0]["params"] == params


def test_a_state_of_anothers_is_not_found() -> None:
    params = {"name": "search", "requestState": Seal(b"s" * 32, "bob").close("state", "step 1")}
    with pytest.raises(ConversationNotFound):
        asking_tools({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})


def test_a_field_that_says_something_else_than_the_request_is_refused() -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "search"}}
    with pytest.raises(HeaderMismatch):
        asking_tools(message, ("mcp-name", "other"))


def test_each_message_is_judged_as_a_body_is() -> None:
    params = {"name": "search", "userId": "bob"}
    call_ = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params, "email": "bob"}
    task = {"jsonrpc": "2.0", "id": 2, "method": "tasks/get", "params": {"taskId": "t-1"}}
    for messages in ([call_, task], [task, call_]):
        found = asking_tools(messages)
        assert found.spoofed == ("body:email", "body:params/userId")
        assert found.conversations == (handle("session-1"), handle("t-1"))
        assert found.asked is not None
        assert {tuple(one) for one in found.asked.messages} == {
            ("jsonrpc", "id", "method", "params")
        }


def test_the_id_of_an_event_may_be_of_any_session_that_is_named() -> None:
    other = ("x-other-session", "session-2")
    listen = Operation(
        method="GET",
        path="/mcp",
        mcp=True,
        conversation=(Header("mcp-session-id"), Header("x-other-session")),
        fields=frozenset({"last-event-id"}),
    )
    for session in ("session-1", "session-2"):
        sealed = SEAL.close(f"event {handle(session)}", "41")
        found = ask(listen, fields=[SESSION, other, ("last-event-id", sealed)], seal=SEAL)
        assert dict(found.fields)[b"last-event-id"] == b"41"


def test_where_no_org_and_no_field_of_ours_is_named_there_is_none() -> None:
    assert ask(CHAT, {"userId": "X"}).spoofed == ("body:userId",)
    assert ask(CHAT, fields=[("x", "bob")], user_header="").spoofed == ()
    assert (
        call.read(
            Match("asked", LIST, {"user": "me"}),
            method="GET",
            raw_query=b"",
            fields=[(b"x", b"bob")],
            content=None,
            user=ALICE,
            subject=ALICE,
        ).spoofed
        == ()
    )
