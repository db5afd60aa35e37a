"""A form with files (multipart/form-data, RFC 7578), made anew part by part as it comes.

Nothing of the client's framing goes on: its boundary, its preamble, the heads of its parts. Our
part with the user id comes first; of the client's, the texts that are listed and the files that
are.

rule 1: Names are judged as the members of a body are: one that means people is left out and
    counted, one that names a conversation is refused.
rule 2: Two parts of one name, in whatever spelling, are refused: servers take the first, or the
    last.
rule 3: A text is held until it is whole, 64 KiB at most; of a file no more than came.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gateway.core.errors import BadRequest, ContentTooLarge, SpoofedIdentity, UnsupportedMediaType
from gateway.core.formats.fields import media_type
from gateway.core.profile.guard import Verdict
from gateway.core.profile.names import fold
from gateway.core.profile.operation import Operation
from gateway.core.profile.place import bodies
from gateway.core.request.spelled import shown

MAX_PARTS = 32
MAX_TEXT = 65_536  # bytes
FILE = "application/octet-stream"
LONGEST_TYPE = 256  # characters of a Content-Type that says where parts end

# RFC 2046 section 5.1.1, without the blank.
_FORM = re.compile(
    rb"multipart/form-data[ \t]*;[ \t]*boundary="
    rb"(?:\"([0-9A-Za-z'()+_,./:=?-]{1,70})\"|([0-9A-Za-z'+_.-]{1,70}))",
    re.IGNORECASE,
)
_ANY_FORM = re.compile(rb"multipart/form-data[ \t]*(?:;.*)?", re.IGNORECASE)
# As browsers write it (WHATWG HTML section 4.10.21.8): no escapes, no `filename*`.
_DISPOSITION = re.compile(
    rb'form-data; ?name="([^"\\\x00-\x1f\x7f]{1,128})"'
    rb'(?:; ?filename="([^"\\/\x00-\x1f\x7f]{0,255})")?',
    re.IGNORECASE,
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

Head = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class PartBegins:
    """The head of a part; names in lower case."""

    fields: Head


@dataclass(frozen=True, slots=True)
class PartGoesOn:
    """Some of its content."""

    content: bytes


@dataclass(frozen=True, slots=True)
class PartEnds:
    """All of it has come."""


FormEvent = PartBegins | PartGoesOn | PartEnds


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    filename: str | None  # None: it is a text
    media: str


def boundary_of(content_type: bytes | None) -> bytes:
    """What stands between the parts of a form.

    Raises:
        UnsupportedMediaType: the body is no form with files.
        BadRequest: it does not say so in one way.
    """
    written = content_type or b""
    if not _ANY_FORM.fullmatch(written[:LONGEST_TYPE]):
        raise UnsupportedMediaType("Send the body as multipart/form-data, without a content coding")
    found = _FORM.fullmatch(written) if len(written) <= LONGEST_TYPE else None
    if found is None:
        raise BadRequest("The form has not exactly one boundary, or one that is none")
    return found[1] or found[2]


class FormRewriter:
    """Takes the events of a client's form; what `take` returns, in order, is the vendor's.

    `user` is written first; who names themselves by `own` spoofs nobody. `boundary` is ours, and
    nobody's who could have chosen the content.
    """

    def __init__(
        self,
        operation: Operation,
        *,
        user: str,
        own: Collection[str],
        boundary: bytes,
        refuse_spoofs: bool,
    ) -> None:
        self.dropped: list[str] = []
        self.spoofed: list[str] = []
        self.has_file = False  # one has begun: what was taken may go on
        self._operation = operation
        self._guard = operation.rooms[0].guard
        self._user = user
        self._own = {"", *own}
        self._line = b"--" + boundary
        self._refuse_spoofs = refuse_spoofs
        self._seen: set[str] = set()
        self._part: _Part | None = None
        self._verdict = Verdict.UNLISTED
        self._text = bytearray()

    @property
    def content_type(self) -> bytes:
        return b"multipart/form-data; boundary=" + self._line[2:]

    def opening(self) -> bytes:
        """Our own parts."""
        names = [place.tokens[0] for place in bodies(self._operation.user)]
        return b"".join(self._whole(name, self._user.encode("utf-8")) for name in names)

    def closing(self) -> bytes:
        return self._line + b"--\r\n"

    def take(self, event: FormEvent) -> bytes:
        """What goes on because of this event.

        Raises:
            BadRequest, ContentTooLarge, SpoofedIdentity: nothing does.
        """
        match event:
            case PartBegins(fields):
                return self._begin(_read_head(fields))
            case PartGoesOn(content):
                return self._go_on(content)
            case PartEnds():
                return self._end()

    def _begin(self, part: _Part) -> bytes:
        name = fold(part.name)
        if name in self._seen or len(self._seen) == MAX_PARTS:
            raise BadRequest(f"A part stands twice, or there are more than {MAX_PARTS}")
        self._seen.add(name)
        self._part, self._text = part, bytearray()
        self._verdict = self._judge(part)
        if self._verdict is Verdict.OTHER_CONVERSATION:
            raise BadRequest("This operation takes no part that names a conversation")
        if self._verdict is not Verdict.LISTED or part.filename is None:
            return b""
        self.has_file = True
        return self._head(part)

    def _judge(self, part: _Part) -> Verdict:
        if part.filename is None:
            return self._guard.judge(part.name)
        if part.name in self._operation.files:
            return Verdict.LISTED
        verdict = self._guard.judge(part.name)
        return Verdict.UNLISTED if verdict is Verdict.LISTED else verdict

    def _go_on(self, content: bytes) -> bytes:
        if self._part is not None and self._part.filename is not None:
            return content if self._verdict is Verdict.LISTED else b""
        self._text += content
        if len(self._text) > MAX_TEXT:
            raise ContentTooLarge("A text in the form is larger than 64 KiB")
        return b""

    def _end(self) -> bytes:
        part, self._part = self._part, None
        if part is None:
            return b""
        if self._verdict is not Verdict.LISTED:
            self._drop(part)
            return b""
        if part.filename is not None:
            return b"\r\n"
        return self._whole(part.name, _plain(bytes(self._text)).encode("utf-8"))

    def _drop(self, part: _Part) -> None:
        self.dropped.append(f"form:{shown(part.name)}")
        names_somebody = self._verdict in {Verdict.USER, Verdict.PERSON}
        said = self._text.decode("utf-8", "replace") if part.filename is None else None  # a file
        if names_somebody and said not in self._own:
            self.spoofed.append(f"form:{shown(part.name)}")
            if self._refuse_spoofs:
                raise SpoofedIdentity

    def _whole(self, name: str, content: bytes) -> bytes:
        return self._head(_Part(name, None, "")) + content + b"\r\n"

    def _head(self, part: _Part) -> bytes:
        lines = [self._line, b'Content-Disposition: form-data; name="%b"' % part.name.encode()]
        if part.filename is not None:
            lines[1] += b'; filename="%b"' % part.filename.encode()
        if part.media:
            lines.append(b"Content-Type: " + part.media.encode("ascii"))
        return b"\r\n".join([*lines, b"", b""])


def _read_head(fields: Head) -> _Part:
    """The head of a part, which every server reads alike."""
    names = [name for name, _ in fields]
    if names.count(b"content-disposition") != 1 or names.count(b"content-type") > 1:
        raise BadRequest("The head of a part says twice, or not at all, what it is")
    found = _DISPOSITION.fullmatch(dict(fields)[b"content-disposition"])
    if found is None:
        raise BadRequest("A part is not named as forms name theirs")
    try:
        name = found[1].decode("utf-8")
        filename = None if found[2] is None else found[2].decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("A part's name is not UTF-8") from error
    media = media_type(dict(fields).get(b"content-type"))
    essence = "" if media is None else media.essence
    # To some server it is further parts of the form (RFC 7578 section 4.3); a saved page is one.
    return _Part(name, filename, FILE if essence.startswith("multipart/") else essence)


def _plain(content: bytes) -> str:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("A text in the form is not UTF-8") from error
    if _CONTROL.search(text):
        raise BadRequest("A text in the form has a control character")
    return text
