"""The description is kept by the process itself: asked by schemathesis, well and badly."""

import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import load_all_checks

from gateway.admin.app import CHANGES, PATHS
from gateway.admin.openapi import document
from tests.admin.stage import TOKEN
from tests.cli.test_serve import get, serving, until_ready, written
from tests.support.ports import free_port

SCHEMA = schemathesis.openapi.from_dict(document())
load_all_checks()
# A cursor or a time may be any text, and most texts are none: those are answered with 400.
NOT_HERE = [
    schemathesis.checks.CHECKS.get_one("positive_data_acceptance"),
    # Ten wrong tokens a minute, and all has to wait: test_app.py asks each path without one.
    schemathesis.checks.CHECKS.get_one("ignored_auth"),
]


def test_describes_every_path() -> None:
    assert set(document()["paths"]) == PATHS | CHANGES


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real `gateway serve`, by its admin listener."""
    folder: Path = tmp_path_factory.mktemp("admin")
    public, port = free_port(), free_port()
    table = f'\n[admin]\nlisten = "127.0.0.1:{port}"\ntoken = "{TOKEN}"\n'
    with serving(written(folder, port=public, more=table)) as process:
        until_ready(process)
        until_it_is_open(port)
        yield f"http://127.0.0.1:{port}"


def until_it_is_open(port: int) -> None:
    """The socket listens before the store is open."""
    end = time.monotonic() + 30
    while True:
        try:
            assert get(port, "/readyz") == 200
        except urllib.error.URLError:
            assert time.monotonic() < end
            time.sleep(0.05)
        else:
            return


@SCHEMA.parametrize()
@settings(
    max_examples=25,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)
def test_answers_as_it_is_described(case: schemathesis.Case, admin: str) -> None:
    fields = {"Authorization": f"Bearer {TOKEN}"}
    case.call_and_validate(base_url=admin, headers=fields, excluded_checks=NOT_HERE)
