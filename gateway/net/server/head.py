"""What the head of a request must be before anybody is asked about it.

llhttp refuses bad characters, obs-fold, bare line feeds, two Content-Lengths, and Content-Length
beside Transfer-Encoding. It lets by what this module refuses: no Host or two of them, HTTP/0.9,
absolute-form and fragments in the target, codings before "chunked", and methods nobody has here.
Fields are `(name, value)` with names in lower case.
"""

import re

import msgspec

from gateway.core.errors import BadRequest, ContentTooLarge, ExpectationFailed, MethodNotAllowed
from gateway.core.formats.fields import Fields

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
VERSIONS = frozenset({"1.0", "1.1"})
# RFC 9112 section 3.2.1, origin-form. A browser sends "|" and "{" as they are; "\\" in a path is
# a "/" to some, and "//" begins an authority to others.
TARGET = re.compile(rb"/(?!/)[^\x00-\x20\x7f-\xff#?\\]*(?:\?[^\x00-\x20\x7f-\xff#]*)?")
FRAMING = frozenset({b"content-length", b"transfer-encoding"})
BLANKS = b" \t"
_NOT_ONE_HOST = "The Host field stands not exactly once"
_NO_NUMBER = "Content-Length is no number"
_LONGEST = 18  # digits: an exabyte, and quick to read as a number
_TWO_LENGTHS = "The length of the body is said more than once"


class Head(msgspec.Struct):
    """A request's head, judged."""

    method: str
    target: bytes
    version: str
    fields: Fields
    length: bytes | None  # of the body, in digits, where Content-Length says it
    chunked: bool
    expects: bool  # the client waits for 100 (Continue)
    upgrades: bool  # there is an Upgrade field

    @property
    def has_body(self) -> bool:
        """Whether a field says where a body ends; it may be an empty one."""
        return self.chunked or self.length is not None


def judge(method: str, target: bytes, version: str, fields: Fields) -> Head:
    """Refuse a head that two servers could read differently, or that no gateway should pass.

    Raises:
        BadRequest: version, target, Host, or framing is not as above.
        MethodNotAllowed: CONNECT, TRACE, and all that are not in `METHODS`.
        ExpectationFailed: something else than 100-continue is expected.
    """
    if version not in VERSIONS:
        raise BadRequest("The version of HTTP is neither 1.0 nor 1.1")
    if method not in METHODS:
        raise MethodNotAllowed(METHODS)
    if not TARGET.fullmatch(target) and not (method == "OPTIONS" and target == b"*"):
        raise BadRequest("The request target is no path, or has characters that paths cannot have")
    named = dict(fields)
    if len(named) < len(fields):
        _judge_repeated(fields)
    if b"expect" in named:
        _judge_expectations(fields)
    if b"host" not in named:
        raise BadRequest(_NOT_ONE_HOST)
    length, coding = named.get(b"content-length"), named.get(b"transfer-encoding")
    if length is not None or coding is not None:
        _judge_framing(length, coding, version)
    return Head(
        method,
        target,
        version,
        fields,
        length,
        coding is not None,
        # RFC 9110 section 10.1.1: ignored in HTTP/1.0
        b"expect" in named and version == "1.1",
        b"upgrade" in named,
    )


def announced(length: bytes | None) -> int:
    """The bytes of a body whose Content-Length this is; 0 where there is none.

    Raises:
        BadRequest: it is no number.
        ContentTooLarge: it is beyond all bounds.
    """
    if length is None:
        return 0
    if not length.isdigit():
        raise BadRequest(_NO_NUMBER)
    if len(length) > _LONGEST:
        raise ContentTooLarge
    return int(length)


def _judge_repeated(fields: Fields) -> None:
    names = [name for name, _ in fields]
    if names.count(b"host") > 1:
        raise BadRequest(_NOT_ONE_HOST)
    if sum(names.count(name) for name in FRAMING) > 1:
        raise BadRequest(_TWO_LENGTHS)


def _judge_expectations(fields: Fields) -> None:
    for name, value in fields:
        if name == b"expect" and value.lower().rstrip(BLANKS) != b"100-continue":
            raise ExpectationFailed


def _judge_framing(length: bytes | None, coding: bytes | None, version: str) -> None:
    if length is not None and coding is not None:
        raise BadRequest(_TWO_LENGTHS)
    # Byte for byte: a blank behind the value, which llhttp leaves there, is one spelling too many.
    if length is not None and not length.isdigit():
        raise BadRequest(_NO_NUMBER)
    if coding is not None and (coding != b"chunked" or version == "1.0"):
        raise BadRequest("Transfer-Encoding is not chunked alone, or stands in HTTP/1.0")
