"""Just enough HTTP/1.1 (RFC 9112) to read back what crossed a socket, byte for byte.

Nothing is repaired: fields keep their order and their duplicates, and a message that stops before
its end says so.
"""

from dataclasses import dataclass

HEAD_END = b"\r\n\r\n"

Field = tuple[str, str]


class Malformed(ValueError):
    """The other side wrote something that is no HTTP/1.1."""


@dataclass(frozen=True, slots=True)
class Body:
    """`content` without its transfer coding; `used` bytes of the wire; whether the end was seen."""

    content: bytes
    used: int
    complete: bool


def parse_head(head: bytes) -> tuple[str, list[Field]]:
    """The start line and the fields, names in lower case.

    Raises:
        Malformed: a line is no field.
    """
    start, *lines = head.removesuffix(HEAD_END).decode("latin-1").split("\r\n")
    fields = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or "\n" in line or "\r" in line:
            raise Malformed(f"no field line: {line!r}")
        fields.append((name.lower(), value.strip(" \t")))
    return start, fields


def values(fields: list[Field], name: str) -> list[str]:
    return [value for key, value in fields if key == name]


def read_body(fields: list[Field], raw: bytes, *, until_close: bool) -> Body:
    """The body at the beginning of `raw`, framed as the fields say (RFC 9112 section 6.3).

    `until_close`: without framing the body is all that follows, and its end cannot be told from a
    cut; without it, there is no body.
    """
    if "chunked" in ",".join(values(fields, "transfer-encoding")).lower():
        return dechunk(raw)
    lengths = set(values(fields, "content-length"))
    if len(lengths) > 1 or any(not (one.isascii() and one.isdigit()) for one in lengths):
        raise Malformed(f"content-length is {sorted(lengths)}")
    if lengths:
        length = int(lengths.pop())
        return Body(raw[:length], min(length, len(raw)), len(raw) >= length)
    if until_close:
        return Body(raw, len(raw), complete=True)
    return Body(b"", 0, complete=True)


def dechunk(raw: bytes) -> Body:
    """A chunked body and its trailers (RFC 9112 section 7.1)."""
    content = bytearray()
    at = 0
    while (line_end := raw.find(b"\r\n", at)) >= 0:
        size = _chunk_size(raw[at:line_end])
        begin = line_end + 2
        if size == 0:
            return _after_last_chunk(raw, begin, bytes(content))
        content += raw[begin : begin + size]
        at = begin + size + 2
        if len(raw) < at:
            break
        if raw[at - 2 : at] != b"\r\n":
            raise Malformed("a chunk is longer than it says")
    return Body(bytes(content), len(raw), complete=False)


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError as error:
        raise Malformed(f"no chunk size: {line!r}") from error


def _after_last_chunk(raw: bytes, begin: int, content: bytes) -> Body:
    if raw.startswith(b"\r\n", begin):
        return Body(content, begin + 2, complete=True)
    end = raw.find(HEAD_END, begin)
    if end < 0:
        return Body(content, len(raw), complete=False)
    return Body(content, end + len(HEAD_END), complete=True)
