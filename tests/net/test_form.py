from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import BadRequest
from gateway.core.request.form import FormEvent, PartBegins, PartEnds, PartGoesOn
from gateway.net.form import MAX_FIELD, MAX_FIELDS, MultipartReader
from tests.core.formats.test_sse import pieces

FORM = (
    b"--B\r\n"
    b'Content-Disposition: form-data; name="note"\r\n\r\n'
    b"hi\r\n"
    b"--B\r\n"
    b'Content-Disposition: form-data; name="file"; filename="x"\r\n'
    b"CONTENT-Type: text/plain\r\n\r\n"
    b"a\r\n--\r\n--C\r\n-B\r\n--"
    b"\r\n--B--\r\n"
)
READ = [
    ([(b"content-disposition", b'form-data; name="note"')], b"hi"),
    (
        [
            (b"content-disposition", b'form-data; name="file"; filename="x"'),
            (b"content-type", b"text/plain"),
        ],
        b"a\r\n--\r\n--C\r\n-B\r\n--",
    ),
]
CUTS = st.lists(st.integers(0, len(FORM)), max_size=12).map(sorted)


def events(chunks: list[bytes]) -> list[FormEvent]:
    reader = MultipartReader(b"B")
    found = [event for chunk in chunks for event in reader.feed(chunk)]
    reader.end()
    return found


def parts(found: list[FormEvent]) -> list[tuple[list[tuple[bytes, bytes]], bytes]]:
    read: list[tuple[list[tuple[bytes, bytes]], bytes]] = []
    for event in found:
        match event:
            case PartBegins(fields):
                read.append((list(fields), b""))
            case PartGoesOn(content):
                read[-1] = (read[-1][0], read[-1][1] + content)
    assert sum(isinstance(event, PartEnds) for event in found) == len(read)
    return read


@given(CUTS)
def test_any_cut_of_the_bytes_reads_alike(cuts: list[int]) -> None:
    assert parts(events(pieces(FORM, cuts))) == READ


def test_so_does_a_byte_at_a_time() -> None:
    assert parts(events([bytes([one]) for one in FORM])) == READ


@given(st.binary(max_size=300), CUTS)
def test_whatever_a_file_holds_it_is_read_as_it_is(content: bytes, cuts: list[int]) -> None:
    head = b'--B\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n'
    if b"\r\n--B" in b"\r\n" + content + b"\r":
        return
    ((_, read),) = parts(events(pieces(head + content + b"\r\n--B--\r\n", cuts)))
    assert read == content


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(FORM[:-8], id="no end"),
        pytest.param(b"--C\r\n\r\n\r\n--C--\r\n", id="F-02 another boundary"),
        pytest.param(b"preamble\r\n" + FORM, id="F-09 a preamble"),
        pytest.param(b"--B\nContent-Disposition: x\n\nx\n--B--\n", id="bare line feeds"),
        pytest.param(b"--B\r\nA B: x\r\n\r\nx\r\n--B--\r\n", id="a blank in a name"),
        pytest.param(b"--B\r\n x\r\n\r\nx\r\n--B--\r\n", id="F-03 obs-fold"),
        pytest.param(b"--B\r\nA: " + b"x" * MAX_FIELD + b"\r\n\r\n\r\n--B--\r\n", id="F-04 head"),
        pytest.param(
            b"--B\r\n" + b"A: x\r\n" * (MAX_FIELDS + 1) + b"\r\n\r\n--B--", id="F-04 heads"
        ),
    ],
)
def test_what_is_no_form_is_refused(form: bytes) -> None:
    for chunks in ([form], [bytes([one]) for one in form]):
        with pytest.raises(BadRequest):
            events(chunks)


@pytest.mark.parametrize("rest", [b"x", b"--B\r\n\r\nmore\r\n--B--\r\n", FORM, b"\r\n" * 9])
def test_what_follows_a_form_says_nothing(rest: bytes) -> None:
    """F-09."""
    for chunks in ([FORM + rest], [FORM, rest], [bytes([one]) for one in FORM + rest]):
        assert parts(events(chunks)) == READ


@given(st.binary(max_size=200), CUTS)
def test_nothing_but_a_refusal_comes_of_noise(noise: bytes, cuts: list[int]) -> None:
    with suppress(BadRequest):
        events(pieces(FORM[:60] + noise + FORM[60:], cuts))
