"""Rows F-01 to F-05 and F-07, on the part that decides them."""

import time
from typing import Any

import pytest

from gateway.core.errors import (
    BadRequest,
    ContentTooLarge,
    SpoofedIdentity,
    UnsupportedMediaType,
)
from gateway.core.profile.operation import Operation
from gateway.core.profile.place import Body
from gateway.core.request.form import (
    MAX_PARTS,
    MAX_TEXT,
    FormRewriter,
    PartBegins,
    PartEnds,
    PartGoesOn,
    boundary_of,
)
from tests.support.spellings import PEOPLE, spellings

UPLOAD = Operation(
    method="POST",
    path="/files",
    members=frozenset({"note"}),
    files=frozenset({"file"}),
    user=(Body("/user"),),
)


def rewriter(operation: Operation = UPLOAD, **more: Any) -> FormRewriter:
    settings = {"user": "alice", "own": ("alice",), "boundary": b"OURS", "refuse_spoofs": False}
    return FormRewriter(operation, **{**settings, **more})


def named(name: str, filename: str | None = None) -> tuple[bytes, bytes]:
    value = f'form-data; name="{name}"' + ("" if filename is None else f'; filename="{filename}"')
    return (b"content-disposition", value.encode())


def part(form: FormRewriter, head: list[tuple[bytes, bytes]], *content: bytes) -> bytes:
    events = [PartBegins(head), *map(PartGoesOn, content), PartEnds()]
    return b"".join(map(form.take, events))


# Where parts end


@pytest.mark.parametrize(
    "written",
    [
        b"multipart/form-data; boundary=X",
        b"multipart/form-data;boundary=X",
        b'Multipart/Form-Data; Boundary="X"',
        b"multipart/form-data ; boundary=X",
    ],
)
def test_a_form_says_where_its_parts_end(written: bytes) -> None:
    assert boundary_of(written) == b"X"


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(b"multipart/form-data", id="F-02 missing"),
        pytest.param(b"multipart/form-data; boundary=", id="empty"),
        pytest.param(b"multipart/form-data; boundary=X; boundary=Y", id="F-02 two"),
        pytest.param(b"multipart/form-data; boundary=X; Boundary=Y", id="F-02 two cases"),
        pytest.param(b"multipart/form-data; charset=utf-8; boundary=X", id="another parameter"),
        pytest.param(b"multipart/form-data; boundary=X,multipart/form-data; boundary=Y", id="list"),
        pytest.param(b"multipart/form-data; boundary=" + b"X" * 71, id="71 characters"),
        pytest.param(b"multipart/form-data; boundary=" + b"X" * 10_000, id="F-02 10 KB"),
        pytest.param(b'multipart/form-data; boundary="X', id="F-02 half a quote"),
        pytest.param(b'multipart/form-data; boundary="X\\"Y"', id="an escape"),
        pytest.param(b"multipart/form-data; boundary*=utf-8''X", id="encoded"),
        pytest.param(b"multipart/form-data; boundary=X Y", id="a blank in it"),
        pytest.param(b"multipart/form-data; boundary='X'; x", id="something behind it"),
    ],
)
def test_a_form_that_could_be_split_in_two_ways_is_refused(written: bytes) -> None:
    with pytest.raises(BadRequest):
        boundary_of(written)


@pytest.mark.parametrize(
    "written",
    [
        None,
        b"",
        b"application/json",
        b"application/x-www-form-urlencoded",
        b"multipart/mixed; boundary=X",
        b"multipart/form-datax; boundary=X",
        b"text/plain; multipart/form-data; boundary=X",
    ],
)
def test_nothing_else_is_a_form(written: bytes | None) -> None:
    """F-06, F-07: by the declared type alone."""
    with pytest.raises(UnsupportedMediaType):
        boundary_of(written)


@pytest.mark.parametrize("mark", [b" ", b";", b'"', b"=", b"; boundary", b"\\", b'"; x="'])
def test_no_content_type_takes_long(mark: bytes) -> None:
    """F-05: under 5 ms, however long it is."""
    written = b"multipart/form-data; boundary=X" + mark * 100_000
    began = time.process_time()
    with pytest.raises(BadRequest):
        boundary_of(written)
    assert time.process_time() - began < 0.5  # quadratic would be minutes


# What goes on


def test_our_part_comes_first_and_heads_are_made_anew() -> None:
    form = rewriter()
    made = form.opening()
    assert not form.has_file
    made += part(form, [named("note")], b"h", b"i")
    assert not form.has_file
    head = [named("file", "a b.txt"), (b"content-type", b"text/plain; x=y"), (b"x-a", b"b")]
    made += part(form, head, b"con", b"tent")
    assert form.has_file
    made += form.closing()
    assert form.content_type == b"multipart/form-data; boundary=OURS"
    lines = [
        b"--OURS",
        b'Content-Disposition: form-data; name="user"',
        b"",
        b"alice",
        b"--OURS",
        b'Content-Disposition: form-data; name="note"',
        b"",
        b"hi",
        b"--OURS",
        b'Content-Disposition: form-data; name="file"; filename="a b.txt"',
        b"Content-Type: text/plain",
        b"",
        b"content",
        b"--OURS--",
        b"",
    ]
    assert made == b"\r\n".join(lines)
    assert (form.dropped, form.spoofed) == ([], [])


@pytest.mark.parametrize("media", [b"Multipart/Mixed; boundary=C", b"multipart/form-data"])
def test_a_form_in_a_form_is_a_file(media: bytes) -> None:
    """F-09: to whom would its parts belong?"""
    form = rewriter()
    made = part(form, [named("file", "page.mht"), (b"content-type", media)], b"--C\r\n")
    assert b"\r\nContent-Type: application/octet-stream\r\n" in made
    assert b"ultipart" not in made


@pytest.mark.parametrize("words", PEOPLE[:6], ids="_".join)
def test_no_part_says_who_asks(words: tuple[str, ...]) -> None:
    """F-01."""
    for name in dict.fromkeys(spellings(words)):
        if not name.isprintable() or set(name) & set('"\\'):
            continue
        for filename in (None, "x"):
            form = rewriter()
            assert b"mallory" not in part(form, [named(name, filename)], b"mallory"), name
            assert form.spoofed == ["form:" + name[:64]]
            with pytest.raises(SpoofedIdentity):
                part(rewriter(refuse_spoofs=True), [named(name, filename)], b"mallory")


@pytest.mark.parametrize("name", ["user[id]", "user[]", "userId", "USER", "us\u200ber"])
def test_the_users_own_part_has_no_second_spelling(name: str) -> None:
    form = rewriter()
    assert part(form, [named(name)], b"bob") == b""
    assert form.spoofed


def test_who_says_the_truth_spoofs_nobody() -> None:
    form = rewriter()
    assert part(form, [named("user")], b"alice") == b""
    assert part(form, [named("email")], b"") == b""
    assert form.spoofed == []
    assert form.dropped == ["form:user", "form:email"]


def test_a_file_says_nobodys_truth() -> None:
    form = rewriter(own=("alice", "a file"))
    assert part(form, [named("user", "x")], b"a file") == b""
    assert form.spoofed == ["form:user"]


@pytest.mark.parametrize("name", ["conversation_id", "threadId", "session[id]"])
def test_a_part_that_names_a_conversation_is_refused(name: str) -> None:
    with pytest.raises(BadRequest):
        part(rewriter(), [named(name)], b"c-1")


@pytest.mark.parametrize(
    "head",
    [
        pytest.param([named("other", "x")], id="a file that is not listed"),
        pytest.param([named("other")], id="a text that is not listed"),
        pytest.param([named("file")], id="a text where a file is listed"),
        pytest.param([named("note", "x")], id="a file where a text is listed"),
        pytest.param([named("File", "x")], id="another case"),
        pytest.param([named("file[]", "x")], id="brackets"),
    ],
)
def test_what_is_not_listed_is_left_out(head: list[tuple[bytes, bytes]]) -> None:
    form = rewriter()
    assert part(form, head, b"x" * 100) == b""
    assert not form.has_file
    assert len(form.dropped) == 1


@pytest.mark.parametrize(("one", "two"), [("note", "note"), ("note", "NOTE"), ("user", "u_ser")])
def test_two_parts_of_one_name_are_refused(one: str, two: str) -> None:
    """F-01."""
    form = rewriter()
    part(form, [named(one)], b"x")
    with pytest.raises(BadRequest):
        part(form, [named(two)], b"x")


DISPOSITION = b"content-disposition"


@pytest.mark.parametrize(
    "head",
    [
        pytest.param([], id="no name"),
        pytest.param([named("note"), named("user")], id="F-03 two"),
        pytest.param([(DISPOSITION, b'form-data; name="a"; name="b"')], id="two names"),
        pytest.param([(DISPOSITION, b"form-data; name*=utf-8''user")], id="F-03 name*"),
        pytest.param(
            [(DISPOSITION, b"form-data; name=\"file\"; filename*=utf-8''x")], id="F-03 filename*"
        ),
        pytest.param(
            [(DISPOSITION, b'form-data; name="file"; filename="x"; filename*=utf-8\'\'y')],
            id="F-03 both",
        ),
        pytest.param([(DISPOSITION, b'form-data; filename="x"; name="file"')], id="another order"),
        pytest.param([(DISPOSITION, b"form-data; name=user")], id="unquoted"),
        pytest.param([(DISPOSITION, b'form-data; name="a\\"; x="user"')], id="an escape"),
        pytest.param([(DISPOSITION, b'form-data; name="a\r\nb"')], id="F-03 a line break"),
        pytest.param([(DISPOSITION, b'form-data; name="a\0"')], id="NUL"),
        pytest.param([(DISPOSITION, b'form-data; name="\xff"')], id="no UTF-8"),
        pytest.param([(DISPOSITION, b'form-data; name=""')], id="empty"),
        pytest.param([(DISPOSITION, b'attachment; name="note"')], id="no part of a form"),
        pytest.param([(DISPOSITION, b'form-data; name="' + b"x" * 129 + b'"')], id="long"),
        pytest.param(
            [(DISPOSITION, b'form-data; name="file"; filename="../x"')], id="a way to a file"
        ),
        pytest.param(
            [named("file", "x"), (b"content-type", b"a/b"), (b"content-type", b"c/d")],
            id="two types",
        ),
    ],
)
def test_a_part_that_could_be_named_in_two_ways_is_refused(
    head: list[tuple[bytes, bytes]],
) -> None:
    with pytest.raises(BadRequest):
        rewriter().take(PartBegins(head))


@pytest.mark.parametrize("content", [b"\xff", b"a\0b", b"\x1b[2J"])
def test_a_text_is_text(content: bytes) -> None:
    with pytest.raises(BadRequest):
        part(rewriter(), [named("note")], content)


def test_texts_and_parts_are_bounded_and_files_are_not_held() -> None:
    """F-04."""
    form = rewriter()
    form.take(PartBegins([named("note")]))
    form.take(PartGoesOn(b"x" * MAX_TEXT))
    with pytest.raises(ContentTooLarge):
        form.take(PartGoesOn(b"x"))
    form = rewriter()
    for number in range(MAX_PARTS):
        part(form, [named(f"other-{number}")], b"x")
    with pytest.raises(BadRequest):
        part(form, [named("another")], b"x")
    form = rewriter()
    form.take(PartBegins([named("file", "x")]))
    for _ in range(3):
        assert form.take(PartGoesOn(b"x" * 100_000)) == b"x" * 100_000


def test_a_text_has_no_type_and_a_file_only_what_it_said() -> None:
    typed = (b"content-type", b"text/html; charset=utf-16")
    assert b"Content-Type" not in part(rewriter(), [named("note"), typed], b"hi")
    assert b"Content-Type" not in part(rewriter(), [named("file", "x")], b"hi")
    assert b"\r\nContent-Type: text/html\r\n" in part(rewriter(), [named("file", "x"), typed], b"")


def test_what_is_not_listed_and_names_nobody_is_no_attempt_on_anybody() -> None:
    form = rewriter(refuse_spoofs=True)
    assert part(form, [named("colour")], b"red") == b""
    assert (form.dropped, form.spoofed) == (["form:colour"], [])


def test_bytes_that_are_no_text_name_somebody_too() -> None:
    form = rewriter()
    assert part(form, [named("email")], b"\xff") == b""
    assert form.spoofed == ["form:email"]


def test_the_end_of_no_part_is_nothing() -> None:
    assert rewriter().take(PartEnds()) == b""


def test_a_type_has_256_characters_at_most() -> None:
    written = b"multipart/form-data;" + b" " * 226 + b"boundary=X"
    assert (len(written), boundary_of(written)) == (256, b"X")
    with pytest.raises(BadRequest):
        boundary_of(written.replace(b"; ", b";  "))


def test_the_limits_are_these() -> None:
    assert (MAX_PARTS, MAX_TEXT) == (32, 65_536)
