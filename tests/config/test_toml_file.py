from pathlib import Path

import pytest

from gateway.config.mistake import ConfigError
from gateway.config.toml_file import Text, parsed, read


def test_a_file_is_text_without_its_byte_order_mark(tmp_path: Path):
    file = tmp_path / "a.toml"
    file.write_bytes(b"\xef\xbb\xbfa = 1\n")
    assert parsed(read(file)) == {"a": 1}


def test_what_is_not_toml_says_from_where_on():
    with pytest.raises(ConfigError) as caught:
        parsed(Text("f.toml", "a = 1\nb = [1,"))
    assert str(caught.value) == (
        'f.toml:2:8  error  not TOML: Invalid value; text stands in straight quotes: "…"'
    )


LINES = 'a line is a key and its value, as in path = "/", or the name of a table, as in [server]'


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        pytest.param("a = ${env:A}", 'text stands in straight quotes: "…"', id="no quotes"),
        pytest.param("a = “b”", 'text stands in straight quotes: "…"', id="curly quotes"),
        pytest.param('a = "b\nc = 1', "a quote is not closed", id="half a quote"),
        pytest.param("a = 1\na = 2", "this key stands twice in its table", id="key twice"),
        pytest.param("[a]\n[b]\n[a]", "this table stands twice", id="table twice"),
        pytest.param('{"a": 1}', LINES, id="JSON"),
        pytest.param("a:\n  b: 1", LINES, id="YAML"),
    ],
)
def test_what_is_not_toml_says_what_to_write(text: str, remedy: str):
    with pytest.raises(ConfigError) as caught:
        parsed(Text("f.toml", text))
    assert str(caught.value).endswith(f"; {remedy}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 100_000, "nested too deep"),
        ("a = " + "{a = " * 100_000, "nested too deep"),
        ("a = " + "9" * 10_000, "a number is too long"),
    ],
    ids=["arrays", "tables", "a number"],
)
def test_what_python_gives_up_reading_is_a_mistake_as_well(text: str, said: str):
    with pytest.raises(ConfigError) as caught:
        parsed(Text("f.toml", text))
    assert str(caught.value) == f"f.toml  error  not TOML: {said}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a = 1\nb = '\xff'\n", ":2  error  is not UTF-8 text from here on"),
        (None, "  error  cannot read this file: No such file or directory"),
    ],
)
def test_what_cannot_be_read_says_so(content: bytes | None, said: str, tmp_path: Path):
    file = tmp_path / "a.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read(file)
    assert str(caught.value) == f"{file}{said}"
