"""Fields of an answer as they are written."""

from operator import itemgetter

from gateway.ports import Fields

_CONTROLS = bytes({*range(32), 127} - {9})  # RFC 9110 section 5.5
_LINE = b"%b: %b\r\n"
_NAME_OF = itemgetter(0)
_NOT_IN_NAMES = bytes({*range(33), 127}) + b'()<>@,;:\\[]={}"'


class NoField(Exception):
    """What was to be written could be read as another field, or as the end of a head."""


def field_lines(fields: Fields) -> bytes:
    """The field lines of a head.

    Raises:
        NoField: a name or a value has a character that those cannot have.
    """
    written = b"".join(map(_LINE.__mod__, fields))
    names = b"".join(map(_NAME_OF, fields))
    if len(written.translate(None, _CONTROLS)) != len(written) - 2 * len(fields):
        raise NoField("a value has a control character")
    if len(names.translate(None, _NOT_IN_NAMES)) != len(names):
        raise NoField("a name has a character that names cannot have")
    return written


class Remembered:
    """The lines of fields that are the same list for a while: a server's Date, for a second."""

    __slots__ = ("_fields", "_lines")

    def __init__(self) -> None:
        self._fields: Fields = ()
        self._lines = b""

    def lines(self, fields: Fields) -> bytes:
        if fields is not self._fields:
            self._fields, self._lines = fields, field_lines(fields)
        return self._lines
