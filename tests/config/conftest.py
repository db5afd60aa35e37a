"""What loading a configuration says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config.load import ConfigError, Loaded, load
from tests.config.parts import ENVIRONMENT

Told = Callable[..., list[str]]
Load = Callable[..., Loaded]


@pytest.fixture
def loaded(tmp_path: Path) -> Load:
    """Load a text, with an environment of its own."""

    def load_text(text: str, **environment: str) -> Loaded:
        file = tmp_path / "gateway.toml"
        file.write_text(text, encoding="utf-8")
        return load(file, environment={**ENVIRONMENT, **environment})

    return load_text


@pytest.fixture
def told(loaded: Load, tmp_path: Path) -> Told:
    """Every mistake and warning about a text as it is printed, without the file's name."""

    def told_of(text: str, **environment: str) -> list[str]:
        try:
            found = loaded(text, **environment).warnings
        except ConfigError as error:
            found = error.mistakes
        return [str(one).removeprefix(f"{tmp_path}/gateway.toml:") for one in found]

    return told_of
