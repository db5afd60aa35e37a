"""Where we stand among the middlewares of a real application."""

import logging
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware

from gateway import GatewayMiddleware
from gateway.mounted.placement import remarks
from tests.support.chatbase import Chatbase
from tests.support.hosts import configured
from tests.support.serve import serving
from tests.support.tokens import Issuer
from tests.support.wire import raw_request, wire

SESSION = (SessionMiddleware, {"secret_key": "s" * 32})
OURS = (GatewayMiddleware, {"config": {}})


class Timing(BaseHTTPMiddleware):
    async def dispatch(self, request: Any, call_next: Any) -> Any:
        return await call_next(request)


def added(*middlewares: Any) -> Starlette:
    """An application to which these were added, one after the other."""
    app = Starlette()
    for one in middlewares:
        cls, options = one if isinstance(one, tuple) else (one, {})
        app.add_middleware(cls, **options)
    return app


def of(app: object, *, identifies: bool = True) -> list[str]:
    return [
        one.partition(" stands ")[0]
        for one in remarks(app, GatewayMiddleware, identifies=identifies)
    ]


@pytest.mark.parametrize(
    ("middlewares", "expected"),
    [
        ((OURS, SESSION), []),
        ((SESSION, OURS), ["SessionMiddleware"]),
        ((Timing, OURS, SESSION), []),
        ((OURS, Timing, SESSION), ["Timing"]),
        ((SESSION, OURS, Timing), ["Timing", "SessionMiddleware"]),
        ((OURS, GZipMiddleware), []),
        ((Timing,), ["Timing"]),  # a gateway that is mounted: all stand outside
    ],
)
def test_says_what_stands_where_it_should_not(middlewares: Any, expected: list[str]) -> None:
    assert of(added(*middlewares)) == expected


def test_a_session_inside_matters_only_to_identify() -> None:
    assert of(added(SESSION, OURS), identifies=False) == []


@pytest.mark.parametrize("app", [None, object()])
def test_of_another_framework_nothing_is_known(app: object) -> None:
    assert of(app) == []


@pytest.mark.anyio
async def test_it_is_said_once_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    issuer = Issuer()
    async with Chatbase() as vendor:
        config = configured(vendor, issuer, tmp_path / "gateway.db")
        app = added((GatewayMiddleware, {"config": config}), Timing)
        with caplog.at_level(logging.WARNING, logger="gateway"):
            async with serving(app) as url:
                for _ in range(2):
                    assert (await wire(url, raw_request("GET", "/ai/livez"))).status == 200
    said = [one.getMessage() for one in caplog.records if one.name == "gateway"]
    assert len(said) == 1
    assert said[0].startswith("Timing stands outside the gateway")
