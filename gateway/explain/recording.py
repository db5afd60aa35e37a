"""Requests recorded somewhere else: HAR 1.2, or NDJSON with one request a line.

A line of NDJSON is {"method", "url" or "path", "headers": {…} or [[name, value], …], "body": text
or JSON}. Nothing that is read is believed: a recording is input like any other.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gateway.ports import Fields

# Written by whoever sends; a recording of HTTP/2 also has `:authority` and the like.
_METHOD = re.compile("[A-Za-z_-]{1,32}")
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "accept-encoding"})


class NotARecording(ValueError):
    """The text is neither; says where it stops being one, and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request. `place` says where in the recording it stands."""

    place: str
    method: str
    path: str  # and query
    fields: Fields
    content: bytes


def read(text: str) -> Iterator[Recorded]:
    """The requests of a recording, in their order.

    Raises:
        NotARecording: it is neither HAR nor NDJSON.
    """
    whole = _har(text)
    if whole is not None:
        for number, entry in enumerate(whole, 1):
            yield _request(f"entry {number}", entry)
        return
    # Not `splitlines`: it would cut a message in two at U+2028, which JSON may hold as it is.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _request(f"line {number}", _object(line, number))


def _har(text: str) -> list[dict[str, Any]] | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not isinstance(document.get("log"), dict):
        return None
    entries = document["log"].get("entries", [])
    if not isinstance(entries, list):
        raise NotARecording("its log has no list of entries")
    return [entry for entry in entries if isinstance(entry, dict)]


def _object(line: str, number: int) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise NotARecording(f"line {number} is no JSON object; is this HAR or NDJSON?")
    return found


def _request(place: str, entry: dict[str, Any]) -> Recorded:
    try:
        return _recorded(place, entry.get("request", entry))
    except NotARecording:
        raise
    except (AttributeError, TypeError, ValueError) as error:  # which may quote what it stumbled on
        raise NotARecording(f"{place} is no request as HAR or NDJSON has one") from error


def _recorded(place: str, found: dict[str, Any]) -> Recorded:
    address = found.get("url", found.get("path"))
    method = found.get("method")
    if not isinstance(address, str) or not isinstance(method, str) or not _METHOD.fullmatch(method):
        raise NotARecording(f"{place} has no method, or neither url nor path")
    parts = urlsplit(address) if "://" in address else None
    path = (
        address
        if parts is None
        else (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    )
    return Recorded(
        place=place,
        method=method.upper(),
        path=path,
        fields=tuple(_fields(found.get("headers", ()))),
        content=_content(found),
    )


def _fields(headers: Any) -> Iterator[tuple[bytes, bytes]]:
    pairs = headers.items() if isinstance(headers, dict) else headers
    for pair in pairs:
        name, value = (pair.get("name"), pair.get("value")) if isinstance(pair, dict) else pair
        lower = str(name).lower()
        if lower not in _FRAMING and not lower.startswith(":"):
            yield lower.encode("latin-1", "replace"), str(value).encode("latin-1", "replace")


def _content(found: dict[str, Any]) -> bytes:
    posted = found.get("postData")
    body = posted.get("text") if isinstance(posted, dict) else found.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        return json.dumps(body).encode()
    return body.encode("utf-8", "surrogatepass")  # half a pair is for the gateway to refuse
