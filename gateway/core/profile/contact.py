"""What a vendor keeps of people beside their conversations, and how it is written there.

This is the vendor's back office. No operation of a profile leads there: who could write contacts
could write anybody's. A `ContactBook` says where the gateway itself writes, and in what shape; what
is written is made here, from nothing.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gateway.core.formats import strictjson
from gateway.core.formats.pointer import find
from gateway.core.formats.strictjson import JsonObject, JsonValue
from gateway.core.people.identity import DOT_SEGMENTS, Scalar
from gateway.core.profile.place import Body

Attributes: TypeAlias = Mapping[str, Scalar | None]  # None clears one
Kind = Literal["text", "number", "boolean", "date"]  # of an attribute, where a vendor has kinds

ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
MAX_TEXT = 1000  # characters of a value
MAX_ATTRIBUTES = 50
MOST = 1000  # contacts in one request, whatever a vendor takes
AGENT = "{agent}"

_TEMPLATE = re.compile(r"(?:/(?:\{agent\}|[A-Za-z0-9._~:@-]+))+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,9})?")
_BOOLEANS: Mapping[object, bool] = {"true": True, "false": False}


@dataclass(frozen=True, kw_only=True)
class ContactBook:
    """Where a vendor keeps contacts: POST to `path` writes them, new ones and known ones alike.

    A contact is an object with the user id in the member `user`, attributes of `own` as members of
    their own, and the rest in the member `others`: an object, or where `pair` is given a list of
    objects with a name and a value by these two names. `contacts` is the body's list of contacts;
    "": the body is one contact. An answer names at `refused` what it did not take.

    Where a vendor has to be told first which attributes there are, GET `definitions` lists them as
    {"data": [{"name", "type", "archived"}]}, and POST {"name", "type", "label"} adds one.

    `removes`: DELETE of `path` with a slash and the user id after it removes a contact.

    Raises:
        ValueError: it contradicts itself; the text says where.
    """

    path: str
    user: str
    contacts: str = ""
    own: frozenset[str] = frozenset()
    others: str = ""
    pair: tuple[str, str] | None = None
    most: int = 1
    refused: Body | None = None
    definitions: str = ""
    removes: bool = False

    def __post_init__(self) -> None:
        for name, path in (("path", self.path), ("definitions", self.definitions or "/x")):
            if not _TEMPLATE.fullmatch(path) or not DOT_SEGMENTS.isdisjoint(path.split("/")):
                raise ValueError(f"{name}: plain segments, and {{agent}} where it is kept by agent")
        if not 1 <= self.most <= MOST or (self.most > 1 and not self.contacts):
            raise ValueError(f"most: from 1 to {MOST}, and 1 where the body is one contact")
        if self.pair is not None and not self.others:
            raise ValueError("pair: is of the list in others")
        if not self.user or self.user in self.own | {self.others}:
            raise ValueError("user: a member of its own")
        if self.refused is not None:
            _ = self.refused.tokens

    @property
    def by_agent(self) -> bool:
        return AGENT in self.path

    def contact(self, user: str, attributes: Attributes) -> JsonObject:
        """One contact, as it is written."""
        own = {name: value for name, value in attributes.items() if name in self.own}
        rest = {name: value for name, value in attributes.items() if name not in self.own}
        contact: JsonObject = {self.user: user, **own}
        if rest and self.pair is None and self.others:
            contact[self.others] = {**rest}
        elif rest and self.pair is not None:
            name, value = self.pair
            contact[self.others] = [{name: one, value: rest[one]} for one in sorted(rest)]
        return contact

    def body(self, contacts: Sequence[JsonObject]) -> JsonObject:
        """The body that writes them."""
        return {self.contacts: [*contacts]} if self.contacts else contacts[0]

    def not_taken(self, answer: JsonValue) -> frozenset[str]:
        """The attributes that an answer names as not taken."""
        found = [] if self.refused is None else find(answer, self.refused.tokens)
        return frozenset(one for one in found if isinstance(one, str))


def definitions_in(answer: JsonValue) -> dict[str, str] | None:
    """Each attribute that may be written, and its kind; None where the answer says nothing of it.

    One that is archived is as though it were not there: a single value for it is refused, and with
    it all that comes in the same request.
    """
    listed = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        return None
    return {
        str(one["name"]): str(one.get("type") or "text")
        for one in listed
        if isinstance(one, dict) and one.get("name") and not one.get("archived")
    }


def fitted(
    book: ContactBook, attributes: Attributes, known: Mapping[str, str] | None
) -> tuple[Attributes, frozenset[str]]:
    """What a vendor takes of `attributes`, and the names of those it does not.

    `known` are its definitions; None: it has none, and takes what it is given.
    """
    taken: dict[str, Scalar | None] = {}
    for name, value in attributes.items():
        if name in book.own:
            taken[name] = None if value is None else as_text(value)
        elif known is None or value is None:
            if known is None or name in known:
                taken[name] = value
        elif name in known and (one := as_kind(value, known[name])) is not None:
            taken[name] = one
    return taken, frozenset(attributes) - frozenset(taken)


def as_text(value: Scalar) -> str:
    """A value as a person would read it."""
    if isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_kind(value: Scalar, kind: str) -> Scalar | None:
    """A value as one of this kind; None where it is none."""
    if kind == "number":
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            return float(value) if "." in value else int(value)
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    if kind == "boolean":
        return value if isinstance(value, bool) else _BOOLEANS.get(value)
    return as_text(value)


def is_attribute(value: object) -> bool:
    """Whether it can be the value of one: short text, a number, true or false."""
    if isinstance(value, str):
        return len(value) <= MAX_TEXT and _has_utf8(value)
    return isinstance(value, (bool, int, float))


def _has_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can spell
        return False
    return True


def digest(written: JsonValue) -> bytes:
    """What tells one thing written from another."""
    return hashlib.sha256(strictjson.dumps(written)).digest()
