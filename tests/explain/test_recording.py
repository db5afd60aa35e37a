import json

import pytest

from gateway.explain.recording import NotARecording, Recorded, read

HAR = {
    "log": {
        "version": "1.2",
        "entries": [
            {
                "request": {
                    "method": "post",
                    "url": "https://app.example/api/chat?x=1",
                    "headers": [
                        {"name": "Authorization", "value": "Bearer t"},
                        {"name": ":authority", "value": "app.example"},
                        {"name": "Content-Length", "value": "2"},
                    ],
                    "postData": {"mimeType": "application/json", "text": "{}"},
                }
            },
            "no entry",
        ],
    }
}


def test_reads_har() -> None:
    assert list(read(json.dumps(HAR))) == [
        Recorded("entry 1", "POST", "/api/chat?x=1", ((b"authorization", b"Bearer t"),), b"{}")
    ]


def test_a_line_ends_where_it_ends_and_not_within_a_message() -> None:
    messages = ["a\u2028b", "c\u2029d", "e\u0085f"]
    asked = [{"method": "POST", "path": "/a", "body": one} for one in messages]
    text = "\r\n".join(json.dumps(one, ensure_ascii=False) for one in asked) + "\r\n"
    assert [one.content.decode() for one in read(text)] == messages


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            {"method": "GET", "path": "/a?b=c", "headers": {"X-A": "1"}},
            Recorded("line 1", "GET", "/a?b=c", ((b"x-a", b"1"),), b""),
            id="path and a mapping of headers",
        ),
        pytest.param(
            {"method": "POST", "url": "http://h/a", "headers": [["A", "1"]], "body": {"m": "x"}},
            Recorded("line 1", "POST", "/a", ((b"a", b"1"),), b'{"m": "x"}'),
            id="url, pairs, and a body as JSON",
        ),
        pytest.param(
            {"method": "POST", "url": "http://h", "body": '{"m":1}'},
            Recorded("line 1", "POST", "/", (), b'{"m":1}'),
            id="a body as text",
        ),
    ],
)
def test_reads_a_line_of_ndjson(line: object, expected: Recorded) -> None:
    assert list(read(json.dumps(line) + "\n\n")) == [expected]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no json", "line 1"),
        ('{"method":"GET","path":"/"}\nSECRET', "line 2"),
        ('{"method":"GET"}', "line 1 has no method"),
        ('{"path":"/"}', "line 1 has no method"),
        ("[1]", "line 1"),
        ("[" * 100_000, "line 1"),
        ('{"log":{"entries":5}}', "no list"),
        ('{"log":{"entries":[{"request":null}]}}', "entry 1"),
        ('{"log":{"entries":[{"request":["SECRET"]}]}}', "entry 1"),
        ('{"method":"GET","path":"/","headers":5}', "line 1"),
        ('{"method":"GET","path":"/","headers":[["SECRET"]]}', "line 1"),
        ('{"method":"GET","path":"/","headers":[5]}', "line 1"),
        ('{"method":"GET","url":"http://[SECRET"}', "line 1"),
        ('{"method":"G\\u001b[2JT","path":"/"}', "line 1 has no method"),
        ('{"method":"","path":"/"}', "line 1 has no method"),
    ],
)
def test_says_where_a_text_is_no_recording_and_quotes_nothing(text: str, says: str) -> None:
    with pytest.raises(NotARecording, match=says) as caught:
        list(read(text))
    assert "SECRET" not in str(caught.value)


def test_half_an_emoji_is_there_to_be_refused() -> None:
    (recorded,) = read('{"method":"POST","path":"/","body":"\\ud83d"}')
    assert recorded.content == b"\xed\xa0\xbd"
