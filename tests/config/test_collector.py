"""The garbage collector waits while a configuration is read, and goes on as it was."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.config import load, toml_file
from gateway.config.collector import paused
from gateway.config.mistake import ConfigError


@pytest.fixture(autouse=True)
def _collecting() -> Iterator[None]:
    yield
    gc.enable()


@pytest.mark.parametrize("was_on", [True, False])
def test_it_is_paused_within_and_then_as_it_was(was_on: bool):
    (gc.enable if was_on else gc.disable)()
    with paused():
        assert not gc.isenabled()
    assert gc.isenabled() is was_on


def test_a_file_is_read_without_it_also_where_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen: list[bool] = []
    read = toml_file.read

    def looking(file: Path | str) -> toml_file.Text:
        seen.append(gc.isenabled())
        return read(file)

    monkeypatch.setattr(toml_file, "read", looking)
    with pytest.raises(ConfigError):
        load.load(tmp_path / "none.toml")
    assert seen == [False]
    assert gc.isenabled()
