"""A request for a page, and who makes it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from gateway.admin.body import Pairs, pairs, whole
from gateway.core.errors import BadRequest, UnsupportedMediaType
from gateway.core.formats.fields import Fields, media_type, single

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Asked:
    """`given` is the query, of a form its fields; `who` the address it comes from."""

    method: str
    path: str
    given: Pairs
    fields: Fields
    who: str
    secure: bool

    @property
    def target(self) -> str:
        """The page; of a form, what it sends stays out of it."""
        is_page = self.given and self.method != "POST"
        return f"{self.path}?{urlencode(self.given)}" if is_page else self.path

    @property
    def form(self) -> dict[str, str]:
        """What stands in it, by name; a field that was left empty is not there.

        Raises:
            BadRequest: a name stands twice.
        """
        found: dict[str, str] = {}
        for name, value in self.given:
            if name in found:
                raise BadRequest(f"{name} is there twice")
            found[name] = value
        return {name: value for name, value in found.items() if value}


def _came_by_tls(fields: Fields) -> bool:
    """Whether the page was loaded by TLS, which may end before us: a form says its origin."""
    return (single(fields, b"origin") or b"").startswith(b"https://")


async def asked_of(scope: "Scope", receive: "Receive") -> Asked:
    """What a request says.

    Raises:
        BadRequest, ContentTooLarge, UnsupportedMediaType: it is no query, or no form of ours.
    """
    given = pairs(scope["query_string"])
    if scope["method"] == "POST":
        if given:
            raise BadRequest("A form says all in its body")
        sent_as = media_type(single(scope["headers"], b"content-type"))
        if sent_as is None or sent_as.essence != FORM:
            raise UnsupportedMediaType("The forms of these pages are sent as browsers send forms")
        given = pairs(await whole(receive))
    return Asked(
        method=scope["method"],
        path=scope["path"],
        given=given,
        fields=scope["headers"],
        who=(scope.get("client") or ("",))[0],
        secure=scope["scheme"] == "https" or _came_by_tls(scope["headers"]),
    )
