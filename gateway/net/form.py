"""Forms with files, read by python-multipart: bytes in, events out, bounded.

Its parser takes what it is given as it comes; how long heads may be, it is told.
"""

import logging
from collections.abc import Sequence

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from gateway.core.errors import BadRequest
from gateway.core.request.form import FormEvent, PartBegins, PartEnds, PartGoesOn

logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns of what clients send

MAX_FIELDS = 8  # of the head of one part
MAX_FIELD = 1024  # bytes of one line of it


class MultipartReader:
    """The `FormReader` of `gateway.ports.forms`."""

    def __init__(self, boundary: bytes) -> None:
        self._events: list[FormEvent] = []
        self._fields: list[tuple[bytes, bytes]] = []
        self._name = b""
        self._value = b""
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._fields.clear,
                "on_header_field": self._read_name,
                "on_header_value": self._read_value,
                "on_header_end": self._end_field,
                "on_headers_finished": self._begin,
                "on_part_data": self._go_on,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
            max_header_count=MAX_FIELDS,
            max_header_size=MAX_FIELD,
        )

    def feed(self, chunk: bytes) -> Sequence[FormEvent]:
        try:
            if not self._ended:  # what follows a form says nothing (RFC 2046 section 5.1.1)
                self._parser.write(chunk)
        except FormParserError as error:
            raise BadRequest("The form is malformed") from error
        events, self._events = self._events, []
        return events

    def end(self) -> None:
        if not self._ended:
            raise BadRequest("The form has no end")

    def _read_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _read_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_field(self) -> None:
        self._fields.append((self._name.lower(), self._value))
        self._name = self._value = b""

    def _begin(self) -> None:
        self._events.append(PartBegins(tuple(self._fields)))

    def _go_on(self, data: bytes, start: int, end: int) -> None:
        self._events.append(PartGoesOn(data[start:end]))

    def _end_part(self) -> None:
        self._events.append(PartEnds())

    def _end(self) -> None:
        self._ended = True
