"""Further files, and mistakes that are shown where they stand."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config.load import ConfigError, Loaded, from_dict, load
from tests.config.parts import ENVIRONMENT, UPSTREAM, org

MAIN = 'include = "orgs.d/*.toml"\n'
Write = Callable[..., Path]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """Write the file itself, and those of the folder `orgs.d` beside it."""

    def write(main: str, **files: str) -> Path:
        (tmp_path / "orgs.d").mkdir()
        for name, text in files.items():
            (tmp_path / "orgs.d" / f"{name}.toml").write_text(text)
        (tmp_path / "gateway.toml").write_text(main)
        return tmp_path / "gateway.toml"

    return write


def loaded(file: Path, **environment: str) -> Loaded:
    return load(file, environment={**ENVIRONMENT, **environment})


def told(file: Path, **environment: str) -> list[str]:
    try:
        found = loaded(file, **environment).warnings
    except ConfigError as error:
        found = error.mistakes
    return [str(one).removeprefix(f"{file.parent}/") for one in found]


def at(name: str) -> str:
    """An org with a place and a key of its own."""
    upstream = UPSTREAM.replace("KEY}", f"KEY}}-{name}")
    return org(name, more=f'path = "/{name}"', upstream=upstream)


def test_orgs_come_from_further_files(written: Write):
    file = written(MAIN + at("a"), two=at("c"), one=at("b") + at("d"))
    found = loaded(file)
    assert list(found.settings.orgs) == ["a", "b", "d", "c"]  # files by their names
    assert found.warnings == ()


@pytest.mark.parametrize(
    "patterns",
    [
        '["orgs.d/one.toml", "orgs.d/t*.toml"]',
        '["orgs.d/*", "orgs.d/one.toml"]',
        '"${env:WHERE}/*"',
    ],
)
def test_they_are_named_or_matched_from_where_the_file_stands(patterns: str, written: Write):
    file = written(f"include = {patterns}\n", one=at("a"), two=at("b"))
    assert set(loaded(file, WHERE="orgs.d").settings.orgs) == {"a", "b"}
    absolute = f'include = "{file.parent}/orgs.d/*.toml"\n'
    file.write_text(absolute)
    assert set(loaded(file).settings.orgs) == {"a", "b"}


def test_a_folder_may_have_a_name_with_stars(written: Write, tmp_path: Path):
    file = written(MAIN, one=at("a"))
    folder = tmp_path / "[x]*"
    folder.mkdir()
    (tmp_path / "orgs.d").rename(folder / "orgs.d")
    file = file.rename(folder / "gateway.toml")
    assert list(loaded(file).settings.orgs) == ["a"]


def test_paths_of_an_included_file_start_where_it_stands(written: Write, tmp_path: Path):
    text = at("a").replace("${env:KEY}-a", "${file:key}")
    file = written(MAIN + at("b").replace("${env:KEY}-b", "${file:key}"), one=text)
    (tmp_path / "orgs.d" / "key").write_text("inner\n")
    (tmp_path / "key").write_text("outer\n")
    orgs = loaded(file).settings.orgs
    keys = {
        name: [key.get_secret_value() for key in one.upstreams["support"].key]
        for name, one in orgs.items()
    }
    assert keys == {"a": ["inner"], "b": ["outer"]}


def test_mistakes_are_shown_in_the_file_they_stand_in(written: Write):
    file = written(
        MAIN + at("a").replace("chatbase", "chatbse"),
        two="\n" + at("c").replace("agent =", "agnt ="),
        one=at("b").replace('"/b"', '"b"') + '\n[orgs.d]\nexternal_id = "b"\n',
    )
    assert [line.split(": ")[0] for line in told(file)] == [
        "gateway.toml:8:1  error  orgs.a.upstreams.support.vendor",
        "orgs.d/one.toml:2:1  error  orgs.b.path",
        "orgs.d/one.toml:11:7  error  orgs.d.upstreams",
        "orgs.d/one.toml:11:7  error  orgs.d.sign_in",
        "orgs.d/one.toml:12:1  error  orgs.d.external_id",
        "orgs.d/two.toml:7:19  error  orgs.c.upstreams.support.agent",
        "orgs.d/two.toml:10:1  error  orgs.c.upstreams.support.agnt",
    ]


def test_an_org_stands_in_one_file(written: Write):
    file = written(MAIN + at("a"), one=at("a") + at("b"), two=at("b"))
    assert told(file) == [
        f"orgs.d/one.toml:1:7  error  orgs.a: stands in {file} already",
        f"orgs.d/two.toml:1:7  error  orgs.b: stands in {file.parent}/orgs.d/one.toml already",
    ]


def test_a_further_file_has_orgs_and_nothing_else(written: Write):
    text = 'include = "x"\nversion = 1\nserver.listen = "127.0.0.1:1"\n[[sign_in]]\nissuer = "x"\n'
    file = written(MAIN + at("a"), one=text, two="orgs = 5\n", zero="upstreams = {}\n")
    nothing_else = "an included file has [orgs.NAME] and nothing else"
    assert told(file) == [
        "orgs.d/one.toml:1:1  error  include: a file that is included includes no others",
        f"orgs.d/one.toml:2:1  error  version: {nothing_else}",
        f"orgs.d/one.toml:3:1  error  server: {nothing_else}",
        f"orgs.d/one.toml:4:3  error  sign_in: {nothing_else}",
        "orgs.d/two.toml:1:1  error  orgs: must be a table",
        f"orgs.d/zero.toml:1:1  error  upstreams: {nothing_else}",
    ]


@pytest.mark.timeout(10)
def test_a_pipe_is_not_read(written: Write, tmp_path: Path):
    """Who opens it waits until somebody writes: at a reload, for ever."""
    file = written(MAIN + at("a"), one=at("b"))
    os.mkfifo(tmp_path / "orgs.d" / "pipe.toml")
    (line,) = told(file)
    assert line.startswith("orgs.d/pipe.toml  error  is no regular file")


def test_a_file_that_cannot_be_read_is_all_that_is_said(written: Write, tmp_path: Path):
    file = written(MAIN + "nonsense = 1\n", one="a = ", two="[orgs.x]\n[orgs.x]\n", zero="")
    (tmp_path / "orgs.d" / "sub.toml").mkdir()
    assert told(file) == [
        'orgs.d/one.toml:1:5  error  not TOML: Invalid value; text stands in straight quotes: "…"',
        "orgs.d/sub.toml  error  cannot read this file: Is a directory",
        "orgs.d/two.toml:2:8  error  not TOML: Cannot declare ('orgs', 'x') twice; "
        "this table stands twice",
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('include = "nothing.toml"', "1:1  error  include: there is no such file"),
        ('include = ["x/*", "y"]', "1:19  error  include[1]: there is no such file"),
        ('include = "none/*"', "1:1  warning  include: there is no file of such a name yet"),
        ("include = 5", "1:1  error  include: must be a string"),
        ("include = [5]", "1:12  error  include[0]: must be a string"),
        ("include = []", "1:1  error  include: is an empty list: leave the key out instead"),
        ('include = "${env:NO}"', "1:1  error  include: the environment variable NO is not set"),
    ],
)
def test_what_leads_to_no_file_is_said(line: str, expected: str, written: Write):
    file = written(f"{line}\n" + at("a"))
    assert f"gateway.toml:{expected}" in told(file)


def test_the_environment_changes_an_included_org_and_includes_none(written: Write):
    file = written(MAIN, one=at("a"))
    assert loaded(file, GATEWAY__ORGS__A__PATH="/z").settings.orgs["a"].path == "/z"
    assert told(file, GATEWAY__ORGS__A__PATH="z")[0].startswith("GATEWAY__ORGS__A__PATH  error  ")
    assert told(file, GATEWAY__INCLUDE="x.toml") == [
        "GATEWAY__INCLUDE  error  include: is for the file itself to say"
    ]


def test_a_secret_written_out_is_shown_there(written: Write):
    file = written(MAIN, one=at("a").replace("${env:KEY}-a", "CANARY"))
    (warning,) = told(file)
    assert warning.startswith("orgs.d/one.toml:8:1  warning  orgs.a.upstreams.support.key")


def test_a_program_includes_too(written: Write, monkeypatch: pytest.MonkeyPatch):
    file = written("", one=at("a"), two=at("b").replace("agent =", "agnt ="))
    monkeypatch.chdir(file.parent)
    config = {"include": "orgs.d/one.toml", "orgs": {}}
    assert list(from_dict(config, environment=ENVIRONMENT).settings.orgs) == ["a"]
    assert config == {"include": "orgs.d/one.toml", "orgs": {}}
    with pytest.raises(ConfigError) as caught:
        from_dict({"include": "orgs.d/*.toml"}, environment=ENVIRONMENT)
    assert {one.file for one in caught.value.mistakes} == {"orgs.d/two.toml"}
