"""Test data from elsewhere, kept outside the project."""

import os
from pathlib import Path

import pytest

DEFAULT = Path(__file__).resolve().parents[2].parent / "shared" / "corpora"


def corpus(name: str) -> Path:
    """The folder or file `name` of the corpora; the calling test is skipped where there is none."""
    path = Path(os.environ.get("GATEWAY_TEST_CORPORA", DEFAULT)) / name
    if not path.exists():
        pytest.skip(f"no corpora: {name} (set GATEWAY_TEST_CORPORA)")
    return path
