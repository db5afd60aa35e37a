"""What an operation makes of a name: written by us, checked, let through, or left out.

A request has rooms in which names stand: its query, its fields, the top of its body, and the
objects in the body that hold an identity or a conversation, or that a profile names. Each has a
guard.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, partial

from gateway.core.formats.pointer import Tokens
from gateway.core.memo import Memo
from gateway.core.profile.names import MAX_NAME, fold, meaning

EVERY = "*"  # in `listed`: all but what names people, a conversation, or is too long to tell


class Verdict(Enum):
    """What becomes of a name and its value."""

    USER = "the user id is ours to write: left out"
    CONVERSATION = "names a conversation: checked, then let through"
    LISTED = "let through"
    OTHER_CONVERSATION = "names a conversation where the operation has none: refused"
    PERSON = "names people: left out and counted"
    UNLISTED = "left out"


@dataclass(frozen=True, slots=True)
class FieldVerdict:
    """What becomes of a field."""

    passes: bool
    conversation: bool  # its value names one
    person: bool  # its value names somebody who may not be the one who asks


LEFT_OUT = FieldVerdict(passes=False, conversation=False, person=False)


@dataclass(frozen=True, kw_only=True)
class Guard:
    """The names of one room. `listed`, `users` and `conversations` are exact spellings.

    `of_houses`: a prefix says whose a name is, as in `_meta` of MCP.
    """

    listed: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    conversations: frozenset[str] = frozenset()
    of_houses: bool = False

    @cached_property
    def _user_folds(self) -> frozenset[str]:
        return frozenset(map(fold, self.users))

    @cached_property
    def _conversation_folds(self) -> frozenset[str]:
        return frozenset(map(fold, self.conversations))

    @cached_property
    def verdicts(self) -> Memo[str, Verdict]:
        """What becomes of a name."""
        return Memo(self.judge)

    @cached_property
    def _field_verdicts(self) -> dict[str, Memo[bytes, FieldVerdict]]:
        return {}

    def field_verdicts(self, user_field: str) -> Memo[bytes, FieldVerdict]:
        """What becomes of a field where we write the user into `user_field` as well; "": nowhere.

        There is one such memory for each field that the configuration names.
        """
        found = self._field_verdicts.get(user_field)
        if found is None:
            found = Memo(partial(self._judge_field, fold(user_field)))
            self._field_verdicts[user_field] = found
        return found

    def _judge_field(self, ours: str, raw_name: bytes) -> FieldVerdict:
        name = raw_name.decode("latin-1")
        verdict = self.judge(name)
        conversation = verdict is Verdict.CONVERSATION
        people = verdict in (Verdict.USER, Verdict.PERSON) or ours in meaning(name).forms
        found = FieldVerdict(
            passes=conversation or verdict is Verdict.LISTED,
            conversation=conversation,
            person=people and not conversation,
        )
        return LEFT_OUT if found == LEFT_OUT else found

    def judge(self, name: str) -> Verdict:
        """What becomes of `name`: exact spellings first, then whatever could pass for one."""
        if name in self.users:
            return Verdict.USER
        if name in self.conversations:
            return Verdict.CONVERSATION
        if name in self.listed:
            return Verdict.LISTED
        if self.of_houses and self._is_the_clients_own(name):
            return Verdict.UNLISTED
        seen = meaning(name)
        if seen.conversation or not seen.forms.isdisjoint(self._conversation_folds):
            return (
                Verdict.UNLISTED if self._is_the_clients_own(name) else Verdict.OTHER_CONVERSATION
            )
        if seen.people or not seen.forms.isdisjoint(self._user_folds):
            return Verdict.PERSON
        if self._is_the_clients_own(name):
            return Verdict.UNLISTED
        if EVERY in self.listed and len(name) <= MAX_NAME:
            return Verdict.LISTED
        return Verdict.UNLISTED

    def _is_the_clients_own(self, name: str) -> bool:
        """Whether it says whom or what the client's own house calls so, as `_meta` of MCP may: on
        each call of ChatGPT stand an `openai/session` and an `openai/subject`. It is no attempt at
        anything, and not refused; but it does not pass, for a server could go by it.
        """
        prefix, _, rest = name.rpartition("/")
        return bool(prefix) and self.judge(rest) not in {Verdict.LISTED, Verdict.UNLISTED}


@dataclass(frozen=True, slots=True)
class Room:
    """An object in a body, and who guards it."""

    where: Tokens
    guard: Guard


def rooms(
    *,
    listed: frozenset[str],
    users: Iterable[Tokens],
    conversations: Iterable[Tokens],
    containers: Iterable[Tokens],
    inner: Mapping[Tokens, frozenset[str]],
    of_houses: frozenset[Tokens] = frozenset(),
) -> tuple[Room, ...]:
    """The rooms of a body, outer ones first; the first is its top. `inner` lists what others pass.

    Every object on the way to an identity or a conversation is one: a server that ignores case
    would take `/metadata/USER_ID` for the `/metadata/user_id` we write.
    """
    users, conversations = tuple(users), tuple(conversations)
    ways = (*users, *conversations)
    on_the_way = {place[:depth] for place in ways for depth in range(1, len(place))}
    passing = {(): listed, **inner}
    every = frozenset({EVERY})
    return tuple(
        Room(
            where,
            Guard(
                listed=passing.get(where, every) | _next(conversations, where),
                users=_last(users, where),
                conversations=_last(conversations, where),
                of_houses=where in of_houses,
            ),
        )
        for where in sorted(
            {*passing, *on_the_way, *containers}, key=lambda where: (len(where), where)
        )
    )


def _last(places: Iterable[Tokens], where: Tokens) -> frozenset[str]:
    return frozenset(place[-1] for place in places if place[:-1] == where)


def _next(places: Iterable[Tokens], where: Tokens) -> frozenset[str]:
    depth = len(where)
    return frozenset(
        place[depth] for place in places if len(place) > depth + 1 and place[:depth] == where
    )
