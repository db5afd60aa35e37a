"""A pytest plugin for CI: a skipped test is a failed one, but for the reasons listed here.

    pytest -p tests.support.no_skips

A machine where something is missing must not look like one where everything holds. Reports are
changed where they are made: pytest-xdist does not carry the skip of a whole module to its
controller.
"""

from collections.abc import Generator
from typing import Any

import pytest

ALLOWED: tuple[str, ...] = ()  # how the reason of a skip may begin


def _forbid(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if not reason.startswith(ALLOWED):
        report.outcome = "failed"
        report.longrepr = f"skipped, where nothing may be: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    report = yield
    _forbid(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    report = yield
    _forbid(report)
    return report
