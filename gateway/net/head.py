"""What the head of a request must be before anybody is asked about it.

llhttp refuses bad characters, obs-fold, bare line feeds, two Content-Lengths, and Content-Length
beside Transfer-Encoding. It lets by what this module refuses: no Host or two of them, HTTP/0.9,
absolute-form and fragments in the target, codings before "chunked", and methods nobody has here.
Fields are `(name, value)` with names in lower case.
"""

import re

from gateway.core.errors import BadRequest, ExpectationFailed, MethodNotAllowed
from gateway.core.fields import Fields

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
VERSIONS = frozenset({"1.0", "1.1"})
# RFC 9112 section 3.2.1, origin-form. A browser sends "|" and "{" as they are; "\\" in a path is
# a "/" to some, and "//" begins an authority to others.
TARGET = re.compile(rb"/(?!/)[^\x00-\x20\x7f-\xff#?\\]*(?:\?[^\x00-\x20\x7f-\xff#]*)?")
FRAMING = frozenset({b"content-length", b"transfer-encoding"})
_BLANKS = b" \t"
_JUDGED = FRAMING | {b"host", b"expect"}


def judge(method: str, target: bytes, version: str, fields: Fields) -> bool:
    """Refuse a head that two servers could read differently, or that no gateway should pass.

    Returns whether the client waits for 100 (Continue).

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
    hosts = lengths = expectations = 0
    for name, value in fields:
        if name not in _JUDGED:
            continue
        if name == b"host":
            hosts += 1
        elif name == b"expect":
            expectations += 1
            _judge_expectation(value)
        else:
            lengths += 1
            _judge_framing(name, value, version)
    if hosts != 1:
        raise BadRequest("The Host field stands not exactly once")
    if lengths > 1:
        raise BadRequest("The length of the body is said more than once")
    return expectations > 0 and version == "1.1"  # RFC 9110 section 10.1.1: ignored in HTTP/1.0


def _judge_expectation(value: bytes) -> None:
    if value.lower().rstrip(_BLANKS) != b"100-continue":
        raise ExpectationFailed


def _judge_framing(name: bytes, value: bytes, version: str) -> None:
    # Byte for byte: a blank behind the value, which llhttp leaves there, is one spelling too many.
    if name == b"content-length" and not value.isdigit():
        raise BadRequest("Content-Length is no number")
    if name == b"transfer-encoding" and (value != b"chunked" or version == "1.0"):
        raise BadRequest("Transfer-Encoding is not chunked alone, or stands in HTTP/1.0")
