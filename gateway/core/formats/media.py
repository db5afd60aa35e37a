"""Media types (RFC 9110 section 8.3.1): few, each of them read once."""

import re
from dataclasses import dataclass
from functools import cached_property

from gateway.core.memo import Memo


@dataclass(frozen=True)
class MediaType:
    """`type/subtype` in lower case, parameters aside (RFC 9110 section 8.3.1).

    `charset` is what a parameter of that name says, in lower case; None: there is none.
    """

    essence: str
    charset: str | None

    @cached_property
    def is_json(self) -> bool:
        return self.essence == "application/json" or self.essence.endswith("+json")

    @cached_property
    def is_page(self) -> bool:
        """What a browser would show or run; an API has no use for it, and a captive portal has."""
        return (
            self.essence == "text/html"
            or self.essence.endswith(("/xml", "+xml"))
            or self.essence.startswith("multipart/")
        )

    @cached_property
    def is_event_stream(self) -> bool:
        return self.essence == "text/event-stream"

    @cached_property
    def is_json_lines(self) -> bool:
        return self.essence in {"application/x-ndjson", "application/jsonl", "application/ndjson"}

    @cached_property
    def hides(self) -> bool:
        """Whether a client that goes by the charset may find in JSON, or in events, what is not
        there for us: in UTF-7, Shift_JIS or UTF-16 other bytes are a quote.
        """
        reads_text = self.is_json or self.is_event_stream or self.is_json_lines
        return reads_text and self.charset is not None and self.charset not in _OF_ASCII


# Encodings of one reading wherever all is ASCII. Old servers name their own for JSON, by default.
_OF_ASCII = frozenset(
    {"", "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252"}
)
_ESSENCE = re.compile(r"[!#$&^_.+a-z0-9-]+/[!#$&^_.+a-z0-9-]+")
_CHARSET = re.compile(r"(?:\A|;)[ \t]*charset[ \t]*=([^;]*)")


def media_type(value: bytes | None) -> MediaType | None:
    """The media type of a Content-Type field; None where it is absent or no media type."""
    return None if value is None else _media_types[value]


def _media_type(value: bytes) -> MediaType | None:
    essence, _, parameters = value.decode("latin-1").lower().partition(";")
    essence = essence.strip(" \t")
    if not _ESSENCE.fullmatch(essence):
        return None
    said = {one.strip(" \t\"'") for one in _CHARSET.findall(parameters)}
    return MediaType(essence, ",".join(sorted(said)) if said else None)


_media_types: Memo[bytes, MediaType | None] = Memo(_media_type)
_UTF_8 = frozenset({"charset=utf-8", 'charset="utf-8"', "charset=utf8"})


def is_plain_json(value: bytes | None) -> bool:
    """Whether a Content-Type is JSON, and nothing a form or a sniffer could take it for."""
    return value is not None and _plain[value]


def _is_plain_json(value: bytes) -> bool:
    essence, _, parameters = value.decode("latin-1").lower().partition(";")
    if essence.strip(" \t") != "application/json":
        return False
    said = [one for item in parameters.split(";") if (one := item.strip(" \t"))]
    return not said or (len(said) == 1 and said[0] in _UTF_8)


_plain: Memo[bytes, bool] = Memo(_is_plain_json)
