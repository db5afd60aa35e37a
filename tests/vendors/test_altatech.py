import json
import re

import pytest

from gateway.core.answer.observe import Costs, Opens, observe
from gateway.core.errors import BadRequest, ConversationNotFound, NotFound, UnsupportedMediaType
from gateway.core.formats.fields import media_type
from gateway.core.people.identity import fits
from gateway.core.profile.place import Body, Query
from gateway.vendors.altatech import VENDOR
from tests.support.asking import ask, document, sent

MESSAGE = VENDOR.operations["message"]
TURN = {"conversation_id": "c-1", "response_mode": "streaming"}


def test_the_user_is_written_on_opening_and_where_theirs_are_listed() -> None:
    written = {name: operation.user for name, operation in VENDOR.operations.items()}
    assert {name: places for name, places in written.items() if places} == {
        "open": (Body("/user_id"),),
        "conversations": (Query("user_id"),),
    }


def test_opening_needs_nothing_of_the_client() -> None:
    operation = VENDOR.operations["open"]
    assert operation.may_lack_body
    assert document(sent(ask(operation, raw=b"{}"))) == {"user_id": "alice"}


@pytest.mark.parametrize(
    ("subject", "takes"),
    [
        ("x" * 32, True),
        ("x" * 33, False),
        ("1b4e28ba-2fa1-11d2-883f-0016d3cca427", False),
        ("auth0|64", False),
    ],
)
def test_an_id_has_32_characters_at_most(subject: str, takes: bool) -> None:
    assert fits(subject, re.compile(VENDOR.user_id)) is takes


@pytest.mark.parametrize("mode", ["webhook", "Streaming", "", None, True, ["streaming"]])
@pytest.mark.parametrize("name", ["message", "message-v1"])
def test_an_answer_comes_back_to_whoever_asked(name: str, mode: object) -> None:
    with pytest.raises(BadRequest):
        ask(VENDOR.operations[name], {"conversation_id": "c-1", "response_mode": mode})


@pytest.mark.parametrize("role", ["assistant", "system", "USER", None, 1])
def test_nobody_speaks_for_the_agent(role: object) -> None:
    turns = [{"role": "user", "content": "x"}, {"role": role, "content": "x"}]
    with pytest.raises(BadRequest):
        ask(MESSAGE, {**TURN, "messages": turns})


def test_what_is_said_inside_a_message_is_nobodys_identity() -> None:
    turns = [{"role": "user", "content": [{"type": "text", "text": "x", "user_id": "7"}]}]
    asked = ask(MESSAGE, {**TURN, "messages": turns})
    assert document(sent(asked)) == {**TURN, "messages": turns}
    assert not asked.spoofed


def test_the_server_sets_what_a_client_may_not() -> None:
    forged = {"conversation_config": {"custom_variables": {"plan": "gold"}}}
    asked = ask(MESSAGE, {**TURN, "messages": [], **forged})
    decided = {"/conversation_config/custom_variables": {"plan": "pro"}, "/knowledge": {}}
    assert document(sent(asked, decided=decided)) == {
        **TURN,
        "messages": [],
        "conversation_config": {"custom_variables": {"plan": "pro"}},
    }


def test_a_read_is_about_one_conversation() -> None:
    for name in ("messages", "messages-v1"):
        assert VENDOR.operations[name].continues


def test_the_look_up_says_whose_and_all_that_the_list_requires() -> None:
    lookup = VENDOR.lookup
    assert lookup is not None
    assert lookup.query["user_id"] == "{user}"
    required = {"conversation_type", "start_time", "end_time", "page", "page_size"}
    assert required <= set(lookup.query)
    assert VENDOR.operations["conversations"].path == lookup.path


TOKENS = {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6}
DETAILS = {"prompt_tokens_details": {"audio_tokens": 9}}


@pytest.mark.parametrize(
    ("document_", "usage"),
    [
        pytest.param(
            {"code": 4, "message": "Cost", "data": {**TOKENS, **DETAILS}}, TOKENS, id="Cost"
        ),
        pytest.param(
            {
                "conversation_id": "c-1",
                "usage": {
                    "tokens": {**TOKENS, **DETAILS},
                    "credits": {"total_credits": 0.5, "text_input_credits": 0.4},
                },
            },
            {**TOKENS, "total_credits": 0.5},
            id="blocking",
        ),
        pytest.param(
            {"code": 6, "message": "ToolCallResponse", "data": {"price": 5, "tokens": 7}},
            None,
            id="a tool's own numbers",
        ),
    ],
)
def test_reads_what_an_answer_cost(document_: object, usage: dict[str, float] | None) -> None:
    for media in (b"text/event-stream", b"application/json"):
        observer = observe(MESSAGE, media_type(media), ok=True, user="alice", known=("c-1",))
        wire = json.dumps(document_).encode() + b"\n"
        notes = [*observer.feed(wire), *observer.end()]
        assert [note for note in notes if isinstance(note, Costs)] == (
            [Costs(usage)] if usage else []
        )


@pytest.mark.parametrize("name", ["conversation_id", "conversation\\u005fid"])
@pytest.mark.parametrize("where", ['{{"{}":"c-2"}}', '{{"data":{{"{}":"c-2"}}}}'])
def test_a_line_that_names_a_conversation_is_looked_at(where: str, name: str) -> None:
    observer = observe(
        MESSAGE, media_type(b"text/event-stream"), ok=True, user="alice", known=("c-1",)
    )
    assert Opens("c-2") in list(observer.feed(where.format(name).encode() + b"\n"))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadRequest(), 40000),
        (NotFound(), 40000),
        (UnsupportedMediaType(), 40000),
        (ConversationNotFound(), 40356),
    ],
)
def test_an_error_stands_where_either_of_its_names_would_have_it(
    error: BadRequest, code: int
) -> None:
    assert VENDOR.problem is not None
    shown = VENDOR.problem.render(status=error.status, code=error.code, message="no")
    assert shown == {
        "code": code,
        "message": "no",
        "error": {"code": code, "message": "no", "status": error.status},
    }
    last = VENDOR.problem.render_event(status=502, code="upstream_malformed", message="no")
    assert last == {"code": 50000, "message": "no", "data": None}
