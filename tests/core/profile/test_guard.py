import pytest

from gateway.core.profile.guard import EVERY, LEFT_OUT, FieldVerdict, Guard, Verdict, rooms
from gateway.core.profile.names import MAX_NAME
from tests.support.spellings import CONVERSATIONS, HONEST, PEOPLE, disguised, spellings

GUARD = Guard(
    listed=frozenset({"message", "email"}),
    users=frozenset({"ref"}),
    conversations=frozenset({"talk"}),
)
OPEN = Guard(listed=frozenset({"*"}), users=frozenset({"ref"}), conversations=frozenset({"talk"}))


@pytest.mark.parametrize("guard", [GUARD, OPEN], ids=["listed", "everything"])
@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("ref", Verdict.USER),
        ("REF", Verdict.PERSON),
        ("ref[]", Verdict.PERSON),
        ("ref[$ne]", Verdict.PERSON),
        ("talk", Verdict.CONVERSATION),
        ("Talk", Verdict.OTHER_CONVERSATION),
        ("talk.id", Verdict.OTHER_CONVERSATION),
        ("userId", Verdict.PERSON),
        ("threadId", Verdict.OTHER_CONVERSATION),
        ("message", Verdict.LISTED),
        ("com.example/ref", Verdict.UNLISTED),
        ("com.example/talk", Verdict.UNLISTED),
        ("com.example/threadId", Verdict.UNLISTED),
        ("openai/session", Verdict.UNLISTED),
        ("openai/subject", Verdict.PERSON),
        ("a/b/userId", Verdict.UNLISTED),
    ],
)
def test_judges_a_name(guard: Guard, name: str, verdict: Verdict) -> None:
    assert guard.judge(name) is verdict


def test_what_is_listed_passes_even_where_it_names_people() -> None:
    assert GUARD.judge("email") is Verdict.LISTED
    assert GUARD.judge("Email") is Verdict.PERSON


@pytest.mark.parametrize(
    ("field", "ours", "meaning"),
    [
        pytest.param(b"accept", "", FieldVerdict(False, False, False), id="nothing"),
        pytest.param(b"message", "", FieldVerdict(True, False, False), id="listed"),
        pytest.param(b"userid", "", FieldVerdict(False, False, True), id="a person"),
        pytest.param(b"x-caller", "X_Caller", FieldVerdict(False, False, True), id="ours to write"),
        pytest.param(b"message", "message", FieldVerdict(True, False, True), id="listed, and ours"),
        pytest.param(
            b"talk", "talk", FieldVerdict(True, True, False), id="a conversation, and ours"
        ),
    ],
)
def test_a_field_means_what_its_name_says(field: bytes, ours: str, meaning: FieldVerdict) -> None:
    found = GUARD.field_verdicts(ours)[field]
    assert found == meaning
    assert (found is LEFT_OUT) == (meaning == FieldVerdict(False, False, False))


def test_what_is_not_listed_does_not_pass() -> None:
    assert GUARD.judge("temperature") is Verdict.UNLISTED
    assert GUARD.judge("Message") is Verdict.UNLISTED
    assert GUARD.judge("") is Verdict.UNLISTED


def test_a_star_lets_everything_harmless_through() -> None:
    assert {OPEN.judge(name) for name in HONEST} == {Verdict.LISTED}


def test_a_star_lets_no_name_through_that_is_too_long_to_judge() -> None:
    assert OPEN.judge("a" * MAX_NAME) is Verdict.LISTED
    assert OPEN.judge("a" * (MAX_NAME + 1)) is Verdict.UNLISTED


@pytest.mark.parametrize("words", PEOPLE, ids=" ".join)
def test_a_star_lets_no_spelling_of_people_through(words: tuple[str, ...]) -> None:
    assert {OPEN.judge(name) for name in spellings(words)} == {Verdict.PERSON}


@pytest.mark.parametrize("words", CONVERSATIONS, ids=" ".join)
def test_a_star_lets_no_spelling_of_a_conversation_through(words: tuple[str, ...]) -> None:
    assert {OPEN.judge(name) for name in spellings(words)} == {Verdict.OTHER_CONVERSATION}


def test_no_disguise_of_a_place_passes_for_it() -> None:
    # A digit at the end is part of a name that the tables do not know.
    disguises = [name for name in disguised("ref") if name not in {"ref", "ref1"}]
    assert {OPEN.judge(name) for name in disguises} == {Verdict.PERSON}


def test_a_body_without_places_has_one_room() -> None:
    (top,) = rooms(listed=frozenset({"a"}), users=(), conversations=(), containers=(), inner={})
    assert (top.where, top.guard) == ((), Guard(listed=frozenset({"a"})))


def test_every_object_on_the_way_to_a_place_is_a_room() -> None:
    found = rooms(
        listed=frozenset({"message"}),
        users=[("metadata", "user", "id")],
        conversations=[("session", "id"), ("talk",)],
        containers=[("extra",)],
        inner={},
    )
    assert {room.where: room.guard for room in found} == {
        (): Guard(listed=frozenset({"message", "session"}), conversations=frozenset({"talk"})),
        ("extra",): Guard(listed=frozenset({EVERY})),
        ("metadata",): Guard(listed=frozenset({EVERY})),
        ("metadata", "user"): Guard(listed=frozenset({EVERY}), users=frozenset({"id"})),
        ("session",): Guard(listed=frozenset({EVERY}), conversations=frozenset({"id"})),
    }
    assert [len(room.where) for room in found] == sorted(len(room.where) for room in found)


def test_a_room_lets_the_way_to_a_conversation_through() -> None:
    guards = {
        room.where: room.guard
        for room in rooms(
            listed=frozenset(),
            users=[],
            conversations=[("metadata", "session", "id")],
            containers=[],
            inner={},
        )
    }
    assert guards[()].judge("metadata") is Verdict.LISTED
    assert guards[("metadata",)].judge("session") is Verdict.LISTED
    assert guards[("metadata",)].judge("Session") is Verdict.OTHER_CONVERSATION
    assert guards[("metadata", "session")].judge("id") is Verdict.CONVERSATION


def test_the_way_to_a_conversation_is_open_in_its_own_room_only() -> None:
    guards = {
        room.where: room.guard
        for room in rooms(
            listed=frozenset(),
            users=[("other", "user")],
            conversations=[("metadata", "session", "id")],
            containers=[],
            inner={},
        )
    }
    assert guards[("other",)].judge("session") is Verdict.OTHER_CONVERSATION


def test_a_room_that_lists_lets_nothing_else_through() -> None:
    found = rooms(
        listed=frozenset({"input"}),
        users=[],
        conversations=[("input", "*", "id")],
        containers=[],
        inner={("input", "*"): frozenset({"role"}), ("tools", "*"): frozenset({"name"})},
    )
    guards = {room.where: room.guard for room in found}
    assert list(guards) == [(), ("input",), ("input", "*"), ("tools", "*")]
    item = guards["input", "*"]
    judged = {name: item.judge(name) for name in ("role", "id", "ID", "file", "userId")}
    assert judged == {
        "role": Verdict.LISTED,
        "id": Verdict.CONVERSATION,
        "ID": Verdict.OTHER_CONVERSATION,
        "file": Verdict.UNLISTED,
        "userId": Verdict.PERSON,
    }
