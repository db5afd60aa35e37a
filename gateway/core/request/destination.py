"""A vendor as one org's configuration has it, and the fields it gets: who asks, and with which key.

A field is a template. It is compiled once, and so is its value where no word in it is a person's.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gateway.core.errors import IdentityNotRepresentable
from gateway.core.formats import pointer
from gateway.core.formats.fields import VISIBLE
from gateway.core.formats.pointer import Tokens
from gateway.core.formats.strictjson import JsonValue
from gateway.core.people.identity import Identity
from gateway.core.profile.vendor import Vendor

_WORD = re.compile(r"\{(key|user|org|roles|subject)\}")
_UNSAYABLE = "\n"  # no field can hold it, so only those who are told the roles are refused
# A field holds ASCII; JSON can say everything else in it.
_ASCII = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


@dataclass(frozen=True, kw_only=True)
class Destination:
    """A vendor as one org's configuration has it: what all plans for it share."""

    vendor: Vendor
    base_path: str = ""  # what stands before the operations' paths; no slash at its end
    user_header: str = "x-external-user-id"  # "": none
    fields: Mapping[str, str] = field(default_factory=dict)  # the org's own, templates alike
    decided: Mapping[str, JsonValue] = field(default_factory=dict)  # pointer → value
    default_roles: tuple[str, ...] = ()
    told_by: Mapping[str, str] = field(default_factory=dict)  # tool → argument: the user id
    via: str = "1.1 gateway"

    @cached_property
    def decisions(self) -> tuple[tuple[Tokens, JsonValue], ...]:
        """`decided`, by the tokens of its pointers."""
        return tuple((pointer.parse(written), value) for written, value in self.decided.items())

    @cached_property
    def _headings(self) -> dict[str, "_Heading"]:
        return {}

    def write(
        self,
        fields: dict[bytes, bytes],
        *,
        identity: Identity,
        user: str,
        key: str,
        but: Collection[bytes] = (),
    ) -> None:
        """Write who asks, and with which of our keys, into `fields`; leave those in `but` alone.

        Raises:
            IdentityNotRepresentable: a name cannot stand in a field.
        """
        heading = self._headings.get(key)
        if heading is None:
            heading = self._headings[key] = _Heading(self, key)
        constant = heading.constant
        fields.update({n: v for n, v in constant.items() if n not in but} if but else constant)
        if heading.personal:
            words = {
                "key": key,
                "user": user,
                "org": identity.org,
                "roles": roles_as_json(identity.roles or self.default_roles),
                "subject": identity.subject,
            }
            for name, text in heading.personal:
                if name not in but:
                    fields[name] = visible(text % words)
        if heading.user_field:
            fields[heading.user_field] = visible(user)


class _Heading:
    """The fields of a destination, compiled for one key of ours.

    `constant` are alike in every request, `personal` have words of a person in them.
    """

    __slots__ = ("constant", "personal", "user_field")

    def __init__(self, destination: Destination, key: str) -> None:
        self.constant: dict[bytes, bytes] = {}
        self.personal: list[tuple[bytes, str]] = []
        self.user_field = destination.user_header.encode("ascii")
        for name, template in {**destination.vendor.fields, **destination.fields}.items():
            words = set(_WORD.findall(template))
            if "key" in words and not key:  # a server of one's own may take none
                continue
            # Filled in one pass: a subject that reads "{key}" stays those five characters.
            text = _WORD.sub(r"%(\1)s", template.replace("%", "%%"))
            if words <= {"key"}:
                self.constant[name.encode("ascii")] = visible(text % {"key": key})
            else:
                self.personal.append((name.encode("ascii"), text))


def roles_as_json(roles: tuple[str, ...]) -> str:
    """A JSON array, in ASCII; what `visible` refuses where a role is no text."""
    try:
        "".join(roles).encode("utf-8")
    except UnicodeEncodeError:
        return _UNSAYABLE
    return _ASCII.encode(roles)


def visible(value: str) -> bytes:
    """A field's value. Raises `IdentityNotRepresentable` where a field cannot hold it."""
    if not VISIBLE.fullmatch(value):
        raise IdentityNotRepresentable
    return value.encode("ascii")
