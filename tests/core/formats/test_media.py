import pytest

from gateway.core.formats.media import MediaType, is_plain_json, media_type


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (b"", None),
        (b"json", None),
        (b"text/html, application/json", None),
        (b"Application/JSON", MediaType("application/json", None)),
        (b" application/json ; charset=UTF-8", MediaType("application/json", "utf-8")),
        (b'text/event-stream;charset="utf-8"', MediaType("text/event-stream", "utf-8")),
        (b"text/plain; a=b", MediaType("text/plain", None)),
    ],
)
def test_reads_a_media_type(value: bytes | None, expected: MediaType | None) -> None:
    assert media_type(value) == expected


@pytest.mark.parametrize(
    ("essence", "kind"),
    [
        ("application/json", "is_json"),
        ("application/problem+json", "is_json"),
        ("text/event-stream", "is_event_stream"),
        ("application/x-ndjson", "is_json_lines"),
        ("application/jsonl", "is_json_lines"),
        ("application/ndjson", "is_json_lines"),
        ("text/html", None),
    ],
)
def test_a_media_type_is_of_one_kind(essence: str, kind: str | None) -> None:
    media = MediaType(essence, None)
    kinds = ("is_json", "is_event_stream", "is_json_lines")
    assert [name for name in kinds if getattr(media, name)] == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (b"application/json", True),
        (b"application/json; charset=utf-8", True),
        (b"application/json;charset=UTF-8", True),
        (b'Application/JSON; charset="utf-8"', True),
        (b"\tapplication/json\t;\tcharset=utf-8\t", True),
        (None, False),
        (b"", False),
        (b"text/plain", False),
        (b"application/x-www-form-urlencoded", False),
        (b"multipart/form-data; boundary=x", False),
        (b"application/json, text/html", False),
        (b"application/vnd.api+json", False),
        (b"application/json; charset=utf-16", False),
        (b"application/json; boundary=x", False),
        (b"application/json; charset=utf-8; charset=utf-16", False),
        (b"application/jsonx", False),
        (b"application/json\x00", False),
        (b"application/json; charset=utf8", True),
        (b"application/json; charset=utf-8;", True),
        (b"application/json;; charset=UTF-8 ; ", True),
        (b"application/json; charset=utf-8; charset=utf-8", False),
        (b"application/json; charset=utf-8; boundary=x", False),
    ],
)
def test_only_json_is_plain_json(value: bytes | None, plain: bool) -> None:
    """B-14, V-04: a form or a sniffed text needs no preflight."""
    assert is_plain_json(value) is plain


@pytest.mark.parametrize(
    ("written", "page"),
    [
        *((one, True) for one in (b"text/html", b"TEXT/HTML; charset=utf-8", b"image/svg+xml")),
        *((one, True) for one in (b"text/xml", b"application/xml", b"application/xhtml+xml")),
        *(
            (one, True)
            for one in (b"application/rss+xml", b"multipart/x-mixed-replace; boundary=x")
        ),
        *((one, False) for one in (b"application/json", b"text/plain", b"text/event-stream")),
        *((one, False) for one in (b"application/problem+json", b"audio/mpeg", b"text/htmlx")),
    ],
)
def test_knows_what_a_browser_would_show_or_run(written: bytes, page: bool) -> None:
    """Row L-08."""
    media = media_type(written)
    assert media is not None
    assert media.is_page is page


@pytest.mark.parametrize(
    ("value", "charset"),
    [
        (b"text/plain\t;\tcharset=utf-8\t", "utf-8"),
        (b"text/plain; charset=utf-8; x=1", "utf-8"),
        (b"text/plain; x=1; Charset = 'UTF-7'", "utf-7"),
        (b"text/plain; charset=utf-8; charset=utf-16", "utf-16,utf-8"),
        (b"text/plain; charset=utf-8;charset=utf-8", "utf-8"),
        (b"text/plain; charset=", ""),
        (b"text/plain; charset", None),
        (b"text/plain; a-charset=utf-16", None),
    ],
)
def test_a_charset_is_read_wherever_it_stands(value: bytes, charset: str | None) -> None:
    assert media_type(value) == MediaType("text/plain", charset)


@pytest.mark.parametrize(
    "essence", [b"application/json", b"text/event-stream", b"application/jsonl"]
)
@pytest.mark.parametrize(
    ("charset", "hides"),
    [
        *((one, True) for one in (b"utf-16", b"UTF-7", b'"utf-32"', b"shift_jis", b"iso-2022-jp")),
        *(
            (one, True)
            for one in (b"utf-8; charset=utf-16", b"gb18030", b"cp037", b"x-user-defined")
        ),
        *((one, False) for one in (b"utf-8", b'"UTF-8"', b"utf8", b"us-ascii", b"ISO-8859-1", b"")),
    ],
)
def test_knows_an_encoding_that_hides_something(
    essence: bytes, charset: bytes, hides: bool
) -> None:
    """Row L-08."""
    media = media_type(essence + b";charset=" + charset)
    assert media is not None
    assert media.hides is hides


def test_what_is_no_text_of_ours_hides_nothing() -> None:
    media = media_type(b"text/plain; charset=utf-16")
    assert media is not None
    assert not media.hides


def test_a_media_type_of_any_length_is_read_each_time() -> None:
    long = b"text/plain; x=" + b"y" * 1000
    for _ in range(2):
        assert media_type(long) == MediaType("text/plain", None)
        assert not is_plain_json(long)
