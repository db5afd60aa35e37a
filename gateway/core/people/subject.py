"""A subject as one segment of a path: itself, or `b64:` and its base64url where it cannot stand.

`auth0|7f3a` is written `b64:YXV0aDB8N2YzYQ`. Each subject has one spelling.
"""

import base64

from gateway.core.errors import BadPath
from gateway.core.people.identity import DOT_SEGMENTS
from gateway.core.request.route import SEGMENT

CODED = "b64:"


def segment_of(subject: str) -> str:
    """How a path names `subject`."""
    plain = SEGMENT.fullmatch(subject) and subject not in DOT_SEGMENTS
    if plain and not subject.startswith(CODED):
        return subject
    coded = base64.urlsafe_b64encode(subject.encode("utf-8", "surrogatepass"))
    return CODED + coded.decode("ascii").rstrip("=")


def subject_of(segment: str) -> str:
    """Whom a segment names.

    Raises:
        BadPath: nobody, or somebody who has another spelling.
    """
    if not segment.startswith(CODED):
        return segment
    coded = segment.removeprefix(CODED)
    try:
        subject = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode("utf-8")
    except ValueError:  # no base64, or no UTF-8
        subject = ""
    if not subject or segment_of(subject) != segment:
        raise BadPath("A subject stands as it is, or as 'b64:' and its base64url without padding")
    return subject
