"""The members at the top of a body, and which rules of its operation such bodies concern.

Clients send the same few members again and again. What these names mean, and which places can be
led to by way of them, is worked out once: of thirty rules a message of a chat concerns three.

Names come from strangers: so few shapes are kept, with few names. Where there is no room for one
more, all are forgotten.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from gateway.core.formats.pointer import Tokens
from gateway.core.formats.strictjson import JsonObject
from gateway.core.profile.guard import Room, Verdict
from gateway.core.request.holding import Held, Holding, members_of

MAX_SHAPES = 64  # of one operation
MAX_LENGTH = 512  # characters of all names of one that is kept

_PASSING = (Verdict.LISTED, Verdict.CONVERSATION)


@dataclass(frozen=True, slots=True)
class Shape:
    """What is looked at in bodies that have the same members at their top.

    `users` and `conversations` are where such a body may name one; `refused` are its members that
    do not pass; `rooms` are the objects in it in which names are judged, outer ones first. `named`
    are the members that name a conversation, where none does otherwise: so clients mostly do it.
    """

    holding: Held
    users: tuple[Tokens, ...]
    refused: Mapping[str, Verdict]
    rooms: tuple[Room, ...]
    conversations: tuple[Tokens, ...]
    named: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        are_all = all(len(way) == 1 for way in self.conversations)
        named = tuple(way[0] for way in self.conversations) if are_all else ()
        object.__setattr__(self, "named", named)


class Shapes:
    """The shapes that bodies of an operation come in; the first of its `rooms` is their top."""

    def __init__(
        self,
        holding: Holding,
        rooms: Sequence[Room],
        users: Iterable[Tokens],
        conversations: Iterable[Tokens],
    ) -> None:
        self._holding = holding
        self._top, self._rooms = rooms[0].guard, tuple(rooms[1:])
        self._users, self._conversations = tuple(users), tuple(conversations)
        self._known: dict[tuple[str, ...], Shape] = {}

    def of(self, documents: Sequence[JsonObject]) -> Shape:
        """The one shape of the bodies of one request.

        Raises:
            BadRequest: they have too many members, or one that hides another.
        """
        names = tuple(documents[0]) if len(documents) == 1 else _names_of(documents)
        return self._known.get(names) or self._learn(names)

    def _learn(self, names: tuple[str, ...]) -> Shape:
        shape = self._of(dict.fromkeys(names))
        if sum(map(len, names)) <= MAX_LENGTH:
            if len(self._known) >= MAX_SHAPES:
                self._known.clear()
            self._known[names] = shape
        return shape

    def _of(self, names: JsonObject) -> Shape:
        verdicts = self._top.verdicts
        return Shape(
            holding=self._holding.of(members_of([names])),
            users=tuple(way for way in self._users if way[0] in names),
            refused={
                name: verdict for name in names if (verdict := verdicts[name]) not in _PASSING
            },
            rooms=tuple(room for room in self._rooms if room.where[0] in names),
            conversations=tuple(way for way in self._conversations if way[0] in names),
        )


def _names_of(documents: Sequence[JsonObject]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(documents)))
