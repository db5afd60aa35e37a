"""The image and the unit keep what they promise, as far as their text can show it."""

import json
import re
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest

from gateway.config.model import Server

ROOT = Path(__file__).parent.parent


class Unit(ConfigParser):
    """A systemd unit: names keep their case, and a repeated one adds to the first."""

    def __init__(self) -> None:
        super().__init__(strict=False, interpolation=None, delimiters=("=",))
        self.read(ROOT / "deploy" / "gateway.service")

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def test_the_unit_waits_for_a_drain_to_end():
    server = Server()
    service = Unit()["Service"]
    assert service["KillSignal"] == "SIGTERM"
    assert float(service["TimeoutStopSec"]) > server.drain_delay + server.drain + 5
    assert int(service["LimitNOFILE"]) > 2 * server.max_connections


def test_the_unit_does_not_restart_a_bad_configuration():
    assert Unit()["Service"]["RestartPreventExitStatus"].split() == ["2", "78"]


def test_the_unit_runs_as_nobody_in_particular_and_writes_in_one_place():
    service = Unit()["Service"]
    assert (service["Type"], service["TimeoutStartSec"]) == ("notify", "infinity")
    assert service["ExecReload"] == "kill -HUP $MAINPID"
    assert (service["DynamicUser"], service["ProtectSystem"]) == ("yes", "strict")
    assert service["WorkingDirectory"] == f"%S/{service['StateDirectory']}"
    assert service["CapabilityBoundingSet"] == ""


@pytest.fixture
def steps() -> list[tuple[str, str]]:
    """Instructions and arguments of the Containerfile, lines joined."""
    text = ROOT.joinpath("Containerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines]


def test_the_image_runs_without_root_and_without_a_shell(steps):
    said = dict(steps)
    assert re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", said["USER"])
    assert json.loads(said["ENTRYPOINT"]) == ["gateway"]
    assert json.loads(said["CMD"])[0] == "serve"
    assert [name for name, _ in steps].index("USER") > [name for name, _ in steps].index("RUN")


def test_the_image_has_every_extra(steps):
    project = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text())["project"]
    (installed,) = re.findall(r"'\.\[(.+)\]'", " ".join(rest for _, rest in steps))
    assert set(installed.split(",")) == set(project["optional-dependencies"]) - {"dev"}


def test_nothing_secret_goes_into_the_image(steps):
    assert not any(name == "ARG" for name, _ in steps)
    copied = {source for name, rest in steps if name == "COPY" for source in rest.split()[:-1]}
    assert copied == {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "gateway",
        "--from=build",
        "/opt/gateway",
    }
    ignored = ROOT.joinpath(".dockerignore").read_text().splitlines()
    assert next(line for line in ignored if line and not line.startswith("#")) == "*"


def test_the_source_distribution_has_what_its_tests_read():
    project = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text())
    included = set(project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"])
    read = {".ci", ".dockerignore", "Containerfile", "config.example.toml", "deploy", "docs"}
    assert read | {"gateway", "scripts", "tests"} <= included
    assert all((ROOT / name).exists() for name in included)
