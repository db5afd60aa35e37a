"""A configuration of many orgs, read again by another process: what is alike is the same object."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.config.load import load
from gateway.config.mistake import ConfigError
from gateway.config.model import Settings
from gateway.reload import rereading
from gateway.reload.rereading import NotRead, reread
from tests.config.parts import ENVIRONMENT, org
from tests.config.test_load import EXAMPLE, SECRETS

SHARED = """\
[[sign_in]]
issuer = "https://id.example/"
audience = "chat"
org_claim = "org"
"""
SHARING = """\
[orgs.{name}]
[orgs.{name}.upstreams.support]
vendor = "chatbase"
key = "${{env:KEY}}"
agent = "agent_1"
"""


@pytest.fixture(autouse=True)
def _many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rereading, "MANY", 0)
    for name, value in {**SECRETS, **ENVIRONMENT}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gateway.toml"


def written(file: Path, text: str) -> Settings:
    file.write_text(text)
    return load(file).settings


@pytest.mark.parametrize("many", [0, 500])
def test_a_pipe_is_not_read_again(many: int, file: Path, monkeypatch: pytest.MonkeyPatch):
    """Who opens it waits until somebody writes: for ever, most likely."""
    monkeypatch.setattr(rereading, "MANY", many)
    before = written(file, org("acme"))
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(ConfigError, match="is no regular file"):
        reread(file, {}, before)


def test_a_change_of_one_org_is_of_that_org_alone(file: Path):
    text = org("acme", more='path = "/acme"') + org("globex", more='path = "/globex"')
    before = written(file, text)
    file.write_text(text.replace('"/globex"', '"/elsewhere"') + org("third", more='path = "/3"'))
    now = reread(file, {}, before)
    assert now == load(file).settings
    assert list(now.orgs) == ["acme", "globex", "third"]
    assert now.orgs["acme"] is before.orgs["acme"]
    assert now.orgs["globex"].path == "/elsewhere"
    assert now.orgs["globex"].upstreams["support"].profile is before.profiles["chatbase"]


def test_all_that_a_file_can_hold_comes_across(file: Path):
    """The example has every key there is."""
    shutil.copy(EXAMPLE, file)
    before = load(file).settings
    other = before.model_copy(update={"orgs": {}, "profiles": {}, "sign_in": ()})
    for known in (before, other):
        now = reread(file, {}, known)
        assert now == before
        for name, one in now.orgs.items():
            assert (one is before.orgs[name]) is (known is before)
        shared = {id(one) for one in now.sign_in}
        assert {id(one) for one in now.orgs["*"].sign_in} <= shared


def test_with_another_shared_sign_in_whoever_has_it_has_changed(file: Path):
    text = SHARED + SHARING.format(name="acme") + org("globex", more='path = "/globex"')
    before = written(file, text)
    file.write_text(text.replace('audience = "chat"', 'audience = "other"', 1))
    now = reread(file, {}, before)
    assert now.orgs["globex"] is before.orgs["globex"]
    assert now.orgs["acme"].sign_in[0] is now.sign_in[0]
    assert now.sign_in[0] != before.sign_in[0]


def test_what_goes_before_the_file_goes_before_it_there(file: Path):
    before = written(file, org("acme"))
    now = reread(file, {"server.listen": "127.0.0.1:4321"}, before)
    assert now.server.listen == "127.0.0.1:4321"


def test_its_mistakes_are_all_told(file: Path):
    before = written(file, org("acme"))
    file.write_text(org("acme").replace("agent =", "agnet =").replace("issuer", "isuer"))
    with pytest.raises(ConfigError) as expected:
        load(file)
    with pytest.raises(ConfigError) as told:
        reread(file, {}, before)
    assert told.value.mistakes == expected.value.mistakes


def _dead(command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", "import os; os.abort()"], **options)


def _short(command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
    code = "import pickle, sys; sys.stdout.buffer.write(pickle.dumps('read' * 99)[:-9])"
    return subprocess.Popen([sys.executable, "-c", code], **options)


def _none(command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["/no/such/program"], **options)


@pytest.mark.parametrize("process", [_dead, _short, _none])
def test_a_process_that_fails_changes_nothing(
    process: Callable[..., "subprocess.Popen[bytes]"], file: Path, monkeypatch: pytest.MonkeyPatch
):
    before = written(file, org("acme"))
    begun: list[subprocess.Popen[bytes]] = []

    def begin(command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        begun.append(process(command, **options))
        return begun[-1]

    with monkeypatch.context() as patch:
        patch.setattr(rereading, "subprocess", _Subprocess(begin))
        with pytest.raises(NotRead):
            reread(file, {}, before)
    assert all(one.poll() is not None for one in begun)


class _Subprocess:
    PIPE, DEVNULL = subprocess.PIPE, subprocess.DEVNULL

    def __init__(self, begin: Callable[..., "subprocess.Popen[bytes]"]) -> None:
        self.Popen = begin


def test_few_are_read_here(file: Path, monkeypatch: pytest.MonkeyPatch):
    before = written(file, org("acme"))
    monkeypatch.setattr(rereading, "MANY", 2)
    monkeypatch.setattr(rereading, "subprocess", None)
    assert reread(file, {}, before) == before


def test_it_finds_the_same_program_wherever_it_is_started(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A folder with a `gateway` of its own, as a working directory, is not the program."""
    before = written(file, org("acme"))
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway" / "__init__.py").write_text("raise SystemExit(1)")
    monkeypatch.setattr(sys, "path", [one or os.getcwd() for one in sys.path])
    monkeypatch.chdir(tmp_path)
    assert reread(file, {}, before) == before
