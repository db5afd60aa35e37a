import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.interpolate import (
    MAX_FILE,
    Missing,
    Sources,
    expand,
    interpolated,
    is_reference,
    masked,
)
from gateway.config.mistake import Finding

HERE = Path(__file__).parent


def of(text: str, folder: Path = HERE, **environment: str) -> str:
    return expand(text, Sources(environment, folder))


@pytest.mark.parametrize(
    ("text", "environment", "expected"),
    [
        ("plain", {}, "plain"),
        ("${env:A}", {"A": "x"}, "x"),
        ("${env:A}", {"A": ""}, ""),
        ("<${env:A}|${env:B}>", {"A": "x", "B": "y"}, "<x|y>"),
        ("${env:A:-d}", {}, "d"),
        ("${env:A:-d}", {"A": ""}, "d"),
        ("${env:A:-d}", {"A": "x"}, "x"),
        ("${env:A:-}", {}, ""),
        ("${env:A:-a:-b c}", {}, "a:-b c"),
        ("${env:A}", {"A": "${env:B}", "B": "y"}, "${env:B}"),
        ("$${env:A}", {"A": "x"}, "${env:A}"),
        ("$5 $ {} $x", {}, "$5 $ {} $x"),
        ("${env:A}}", {"A": "x"}, "x}"),
    ],
)
def test_replaces_references(text: str, environment: dict[str, str], expected: str):
    assert of(text, **environment) == expected


@pytest.mark.parametrize(
    "text",
    [
        "${A}",
        "${evn:A}",
        "${env:}",
        "${env:1A}",
        "${env:A-B}",
        "${file:}",
        "${ENV:A}",
        "a ${",
        "${}",
    ],
)
def test_refuses_what_looks_like_a_reference_and_is_none(text: str):
    with pytest.raises(Missing, match="begins a reference"):
        of(text, A="x")


def test_names_the_variable_that_is_missing_and_no_value():
    with pytest.raises(Missing) as caught:
        of("${env:A}-${env:GONE}", A="CANARY")
    assert str(caught.value) == "the environment variable GONE is not set"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"secret\n", "secret"),
        (b"secret\r\n", "secret"),
        (b"secret", "secret"),
        (b"secret\n\n", "secret\n"),
        (b"secret\r", "secret\r"),
        (b" secret ", " secret "),
        (b"", ""),
    ],
)
def test_a_file_gives_its_text_without_the_newline_at_its_end(
    tmp_path: Path, content: bytes, expected: str
):
    (tmp_path / "name").write_bytes(content)
    assert of(f"${{file:{tmp_path}/name}}") == expected
    assert of("${file:name}", tmp_path) == expected


def test_says_why_a_file_gives_nothing(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MAX_FILE + 1)
    for name, why in (
        ("none", f"cannot read {tmp_path}/none: No such file or directory"),
        ("folder", f"{tmp_path}/folder is not a regular file"),
        ("pipe", f"{tmp_path}/pipe is not a regular file"),
        ("binary", f"{tmp_path}/binary is not UTF-8 text"),
        ("large", f"{tmp_path}/large is larger than 1 MiB"),
        ("nu\0l", "the path of the file holds a character that paths cannot have"),
    ):
        with pytest.raises(Missing) as caught:
            of(f"${{file:{name}}}", tmp_path)
        assert str(caught.value) == why


def test_goes_through_lists_and_tables_and_finds_every_missing_one():
    tree = {"a": ["${env:A}", {"b": "${env:B}"}, 5], "c": ("${env:C}",), "d": True}
    findings: list[Finding] = []
    found = interpolated(tree, Sources({"A": "x"}, HERE), findings)
    assert found == {"a": ["x", {"b": "${env:B}"}, 5], "c": ["${env:C}"], "d": True}
    assert [finding.path for finding in findings] == [("a", 1, "b"), ("c", 0)]
    assert tree["a"] == ["${env:A}", {"b": "${env:B}"}, 5]


@pytest.mark.parametrize(
    ("text", "reference", "shown"),
    [
        ("CANARY", False, "****"),
        ("", False, "****"),
        ("$${env:CANARY}", False, "****"),
        ("${env:A}", True, "${env:A}"),
        ("${file:/run/a}", True, "${file:/run/a}"),
        ("CANARY${env:A}CANARY", True, "****${env:A}****"),
        ("${env:A:-CANARY}", True, "${env:A:-****}"),
        ("${env:A:-}", True, "${env:A:-}"),
    ],
)
def test_masks_everything_but_the_reference(text: str, reference: bool, shown: str):
    assert is_reference(text) is reference
    assert masked(text) == shown


@given(st.text().filter(lambda text: "${" not in text))
def test_text_without_references_stays_as_it_is(text: str):
    assert of(text) == text


@given(st.text(), st.text().filter(lambda text: "${" not in text))
def test_a_value_is_put_in_as_it_is(value: str, around: str):
    assert of(f"{around} ${{env:A}}", A=value) == f"{around} {value}"


@given(st.text(alphabet="${}:-envfileAB/ ", max_size=40))
def test_any_text_is_replaced_or_refused(text: str):
    with suppress(Missing):
        assert isinstance(of(text, A="x"), str)
