"""Which org a request says it is for, where its person belongs to several: "field:NAME".

It says so, and no more: what it names counts only where the credential vouches for it as well.
"""

from collections.abc import Sequence

from gateway.authn.places import check_place
from gateway.core.errors import BadRequest
from gateway.core.formats import fields as http
from gateway.core.formats.fields import Fields

_FIELD = "field:"


def check_org_place(place: str) -> str:
    """Whether a place is one for the name of an org.

    Raises:
        ValueError: it is none.
    """
    if not place.startswith(_FIELD):
        raise ValueError('org_from: "field:NAME"')
    return check_place(place)


def field_of(place: str) -> bytes:
    """The name of the field."""
    return place.removeprefix(_FIELD).encode("ascii")


def asked_for(fields: Fields, places: Sequence[str]) -> str | None:
    """The org that a request names; None where it names none.

    Raises:
        BadRequest: it names two, or one twice.
    """
    found = [http.single(fields, field_of(place)) for place in places]
    named = {value.decode("latin-1") for value in found if value is not None}
    if len(named) > 1:
        raise BadRequest("The request names two organisations")
    return named.pop() if named else None
