"""What the members of a body hold: the values an operation takes, and objects where it reads them.

rule 1: What hides a value, or a conversation deep inside, from us is refused: another spelling of a
    name, another type on the way.
rule 2: On the way to what `inner` lists, an object in place of an array is refused, and an array in
    place of an object. A text may stand in place of an array of such objects, or of one that is no
    item, as the APIs of models have it.
rule 3: What is `flat` holds neither objects nor arrays: nothing is named in it.

All objects of one kind are looked at together, for a name costs what it costs to judge once: a body
of a mebibyte has sixty thousand members.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from gateway.core.errors import BadRequest
from gateway.core.formats import pointer, strictjson
from gateway.core.formats.pointer import Tokens
from gateway.core.formats.strictjson import JsonObject, JsonValue
from gateway.core.memo import Memo
from gateway.core.profile.names import fold, meaning

MAX_MEMBERS = 1000  # different ones of the objects of one kind, where names are judged
MAX_NAMES = 16 * 1024  # characters of all of these: a name of many words takes 50 µs, others four
_FEW = 64  # are not counted: none is judged whose name is longer than 128


def members_of(objects: Sequence[JsonObject]) -> Collection[str]:
    """The names in objects of one kind, each once.

    Raises:
        BadRequest: there are more than 1,000, or their names are more than 16 KiB.
    """
    names = objects[0] if len(objects) == 1 else set[str]().union(*objects)
    if len(names) > MAX_MEMBERS:
        raise BadRequest(f"An object in the body has more than {MAX_MEMBERS:,} members")
    if len(names) > _FEW and sum(map(len, names)) > MAX_NAMES:
        raise BadRequest("The names of the members of an object in the body are too long together")
    return names


class Holding:
    """What the bodies of an operation hold.

    `deeper` are the objects in which members are listed, `limited` the values that some members
    take, `flat` what holds no objects and no arrays, `named` where conversations are.
    """

    def __init__(
        self,
        deeper: Collection[Tokens],
        limited: Iterable[tuple[Tokens, frozenset[JsonValue]]],
        flat: Iterable[Tokens],
        named: Collection[Tokens] = (),
    ) -> None:
        self._deeper = tuple(deeper)
        self._flat = tuple(flat)
        self._top = _Place()
        for tokens, allowed in limited:
            self._top.at(tokens).allowed = tuple(allowed)
        # Of what stands at the top, its guard judges all that there is to be judged.
        for tokens in named:
            if len(tokens) > 1:
                self._top.at(tokens)
        self._top.settle((), deeper, named)

    def of(self, names: Collection[str]) -> "Held":
        """What of it concerns bodies that have members of these names at their top.

        Raises:
            BadRequest: one of them is another spelling of one that is looked for; an array is.
        """
        if self._top.items is not None:
            raise self._top.wrong_type()
        self._top.check_names(names)
        members = {name: one for name, one in self._top.members.items() if name in names}
        return Held(
            tuple(way for way in self._deeper if way[0] in names or way[0] == "*"),
            tuple(
                (name, one.allowed)
                for name, one in members.items()
                if one.allowed is not None and not one.holds
            ),
            tuple((name, one) for name, one in members.items() if one.holds),
            tuple(way for way in self._flat if way[0] in names),
        )


@dataclass(frozen=True, slots=True)
class Held:
    """What bodies hold that have the same members at their top: `values` are of those that nothing
    is looked for in.
    """

    deeper: tuple[Tokens, ...]
    values: tuple[tuple[str, tuple[JsonValue, ...]], ...]
    members: "tuple[tuple[str, _Place], ...]"
    flat: tuple[Tokens, ...]

    def check(self, *documents: JsonObject) -> None:
        """Refuse bodies that hold what the operation does not take.

        Raises:
            BadRequest: they do.
        """
        for tokens in self.deeper:
            _check_way(documents, tokens)
        for name, allowed in self.values:
            for document in documents:
                if name in document:
                    _check_value(document[name], allowed)
        for name, place in self.members:
            place.check([one[name] for one in documents if name in one])
        for tokens in self.flat:
            for document in documents:
                for value in pointer.find(document, tokens):
                    _check_flat(value, tokens[-1])


@dataclass(slots=True)
class _Place:
    """A place in a body, what may stand there, and what it may hold: rules 1 and 2.

    `allowed` are its values; None: any. `members` and `items` are the places in it; a `text` may
    stand instead. `hidden` is the member that a name is another spelling of; "": it is of none.
    """

    allowed: tuple[JsonValue, ...] | None = None
    members: dict[str, "_Place"] = field(default_factory=dict)
    items: "_Place | None" = None
    text: bool = False
    hidden: Memo[str, str] = field(init=False)

    def at(self, tokens: Tokens) -> "_Place":
        """The place that these lead to."""
        place = self
        for step in tokens:
            if step == "*":
                place.items = place = place.items or _Place()
            else:
                place = place.members.setdefault(step, _Place())
        return place

    def settle(self, here: Tokens, deeper: Collection[Tokens], named: Collection[Tokens]) -> None:
        """Work out, once all places are known, where a text may stand, and how names are judged.

        A conversation that ends where another goes deeper is judged by itself.
        """
        is_item = here[-1:] == ("*",)
        of_objects = self.items is not None and (*here, "*") in deeper
        self.text = of_objects or (here in deeper and not is_item) or here in named
        self.hidden = Memo(self._hidden)
        for name, place in self.members.items():
            place.settle((*here, name), deeper, named)
        if self.items is not None:
            self.items.settle((*here, "*"), deeper, named)

    def _hidden(self, name: str) -> str:
        if name in self.members:
            return ""
        seen = meaning(name)
        for member, place in self.members.items():
            # What holds others may be written with them: `context.id`, `context[id]`.
            if fold(member) in (seen.forms if place.holds else {seen.spelling}):
                return member
        return ""

    @property
    def holds(self) -> bool:
        """Whether there are places in it."""
        return bool(self.members) or self.items is not None

    def check(self, values: Sequence[JsonValue]) -> None:
        """Refuse what may not stand here; `values` are those of all such places of a body."""
        if self.allowed is not None:
            for value in values:
                _check_value(value, self.allowed)
        if not self.members and self.items is None:
            return
        objects: list[JsonObject] = []
        items: list[JsonValue] = []
        for value in values:
            if isinstance(value, dict) and self.items is None:
                objects.append(value)
            elif isinstance(value, list) and not self.members:
                items += value
            elif value is not None and not (isinstance(value, str) and self.text):
                raise self.wrong_type()
        if items and self.items is not None:
            self.items.check(items)
        if objects:
            self._check_members(objects)

    def wrong_type(self) -> BadRequest:
        found = "', '".join(self.members) or "*"
        return BadRequest(f"A member has the wrong type: '{found}' cannot be found in it")

    def check_names(self, names: Iterable[str]) -> None:
        """Refuse names of members here that hide one of the places."""
        if not self.members:
            return
        for name in names:
            if hidden := self.hidden[name]:
                raise BadRequest(f"A member is another spelling of '{hidden}'")

    def _check_members(self, objects: Sequence[JsonObject]) -> None:
        self.check_names(members_of(objects))
        for name, place in self.members.items():
            found = [one[name] for one in objects if name in one]
            if found:
                place.check(found)


def _check_value(value: JsonValue, allowed: tuple[JsonValue, ...]) -> None:
    for one in allowed:
        if value is one or strictjson.same(value, one):  # there is one true, and one null
            return
    raise BadRequest("A member has a value this operation does not take")


def _check_way(values: Sequence[JsonValue], tokens: Tokens) -> None:
    """Rule 2, on the way to the objects of one kind."""
    for step in tokens:
        if step == "*":
            _check_none(values, dict)
            values = [item for one in values if isinstance(one, list) for item in one]
        else:
            _check_none(values, list)
            values = [one[step] for one in values if isinstance(one, dict) and step in one]
        if not values:
            return
    _check_none(values, list)


def _check_none(
    values: Sequence[JsonValue], wrong: type[dict[str, JsonValue] | list[JsonValue]]
) -> None:
    for value in values:
        if isinstance(value, wrong):
            raise BadRequest("An array stands where none is due, or an object in place of an array")


def _check_flat(value: JsonValue, name: str) -> None:
    members = value.values() if isinstance(value, dict) else [value]
    if any(isinstance(inner, (dict, list)) for inner in members):
        raise BadRequest(f"The members of '{name}' are texts, numbers, true, false or null")
