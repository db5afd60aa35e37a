import errno
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.main import app
from tests.config.parts import STRONG, short

RUN = CliRunner()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gateway.toml"


def check(file: Path, *options: str, **environment: str) -> Result:
    return RUN.invoke(app, ["check", "--config", str(file), *options], env=environment)


def test_a_good_configuration_is_ok(file: Path):
    file.write_text(short())
    result = check(file, KEY="k")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "ok\n", "")


def test_what_cannot_be_read_is_a_mistake_as_any_other(file: Path, monkeypatch: pytest.MonkeyPatch):
    file.write_text(short())
    monkeypatch.setattr(os, "access", lambda *_, **__: False)

    def refused(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refused)
    result = check(file, KEY="k")
    assert result.exit_code == 78
    assert result.stderr == f"{file}  error  cannot read this file: Permission denied\n"


def test_a_warning_does_not_stop_it(file: Path):
    file.write_text(short())
    result = check(file, KEY="k", GATEWAY__UPSTREAMS__SUPPORT__BASE_URL="http://vendor.example")
    assert (result.exit_code, result.stdout) == (0, "ok\n")
    assert result.stderr.startswith("GATEWAY__UPSTREAMS__SUPPORT__BASE_URL  warning  upstreams.")


def test_every_mistake_is_said_and_it_exits_78(file: Path):
    file.write_text(short(upstream='path = "/livez"\nagnt = "x"'))
    result = check(file)
    assert (result.exit_code, result.stdout) == (78, "")
    assert [line.removeprefix(str(file)) for line in result.stderr.splitlines()] == [
        ":6:1  error  upstreams.support.key: the environment variable KEY is not set",
        ":8:1  error  upstreams.support.path: the gateway itself answers there",
        ":9:1  error  upstreams.support.agnt: unknown key - did you mean agent?",
    ]


def test_expand_prints_the_long_form_alone(file: Path):
    file.write_text(f'identity.secret = "{STRONG}"\n' + short())
    result = check(file, "--expand", KEY="CANARY")
    assert result.exit_code == 0
    tree = tomllib.loads(result.stdout)
    assert tree["orgs"]["default"]["upstreams"]["support"]["key"] == ["${env:KEY}"]
    assert tree["identity"]["secret"] == "****"
    assert "identity.secret: is written out here" in result.stderr
    assert "CANARY" not in result.output
    assert STRONG not in result.output


def test_the_configuration_may_be_named_by_the_environment(file: Path):
    file.write_text(short())
    result = RUN.invoke(app, ["check"], env={"GATEWAY_CONFIG": str(file), "KEY": "k"})
    assert (result.exit_code, result.stdout) == (0, "ok\n")


def test_the_process_ends_with_that_code_and_is_plain_when_piped(file: Path):
    file.write_text("a = 1\n")
    ran = subprocess.run(
        [sys.executable, "-m", "gateway", "check", "--config", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 78
    assert ran.stderr.splitlines()[0] == f"{file}:1:1  error  a: unknown key"
    assert "\x1b" not in ran.stderr
