"""What a request to the admin listener says of itself: its parameters, and a small body."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from gateway.core.errors import BadRequest, ContentTooLarge

if TYPE_CHECKING:
    from starlette.types import Receive

MOST_BYTES = 16 * 1024  # of a body
MOST_PARAMETERS = 32

Pairs = Sequence[tuple[str, str]]


def pairs(raw: bytes) -> Pairs:
    """A query, or a form of a page (`application/x-www-form-urlencoded`, WHATWG URL section 5).

    Raises:
        BadRequest: it is none, or longer than any of ours.
    """
    try:
        return parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_PARAMETERS,
        )
    except ValueError as error:  # UnicodeDecodeError is one
        raise BadRequest("The query is none") from error


async def whole(receive: "Receive") -> bytes:
    """The body.

    Raises:
        BadRequest: it broke off.
        ContentTooLarge: it has more than 16 KiB.
    """
    content = bytearray()
    while True:
        message: Any = await receive()
        if message["type"] != "http.request":
            raise BadRequest("The body broke off")
        content += message.get("body", b"")
        if len(content) > MOST_BYTES:
            raise ContentTooLarge
        if not message.get("more_body", False):
            return bytes(content)
