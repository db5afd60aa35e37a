"""Where we stand below servers, mounts and prefixes, each with its own idea of `root_path`."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount

from gateway.core.errors import BadPath
from gateway.net.asgi.mounted_path import below, mount, raw_path, routed_path
from tests.support.serve import serving
from tests.support.wire import raw_request, wire


def scope(raw: bytes | None, **roots: str) -> dict[str, Any]:
    """A request's scope; `roots` are root_path and app_root_path."""
    return {"path": (raw or b"").decode("latin-1"), "raw_path": raw, **roots}


@pytest.mark.parametrize(
    ("raw", "roots", "prefix", "rest"),
    [
        (b"/a", {}, "", "/a"),
        (b"/", {}, "", "/"),
        (b"/ai/a", {}, "/ai", "/a"),
        (b"/ai", {}, "/ai", "/"),
        (b"/ai/", {}, "/ai", "/"),
        (b"/ai/a%2Fb%2e", {}, "/ai", "/a%2Fb%2e"),
        # uvicorn: the server's root stands in the path
        (b"/host/ai/a", {"root_path": "/host"}, "/ai", "/a"),
        (b"/host/ai/a", {"root_path": "/host/"}, "/ai", "/a"),
        # hypercorn, granian, FastAPI(root_path=…): it does not
        (b"/ai/a", {"root_path": "/host"}, "/ai", "/a"),
        (b"/hostage/a", {"root_path": "/host"}, "", "/hostage/a"),
        # a mount of Starlette's, without and with a server's root before it
        (b"/ai/a", {"root_path": "/ai", "app_root_path": ""}, "", "/a"),
        (b"/ai/ai/a", {"root_path": "/ai", "app_root_path": ""}, "", "/ai/a"),
        (b"/host/ai/a", {"root_path": "/host/ai", "app_root_path": "/host"}, "", "/a"),
        (b"/ai/a", {"root_path": "/host/ai", "app_root_path": "/host"}, "", "/a"),
        (b"/my%20host/ai/a", {"root_path": "/my host/ai", "app_root_path": "/my host"}, "", "/a"),
        # another framework's, which says root_path and no more
        (b"/ai/a", {"root_path": "/ai"}, "", "/a"),
        (b"/ai/a", {"root_path": "/ai", "app_root_path": "/elsewhere"}, "", "/a"),
    ],
)
def test_finds_what_is_left_of_the_path_that_was_sent(
    raw: bytes, roots: dict[str, str], prefix: str, rest: str
) -> None:
    assert raw_path(scope(raw, **roots), prefix) == rest
    if b"%" not in raw:
        assert below(routed_path(scope(raw, **roots)), prefix) == rest


@pytest.mark.parametrize(
    "raw",
    [b"/aix", b"/aix/a", b"/a", b"/", b"", b"/AI/a", b"/%61i/a", b"//ai/a", b"/x/ai/a", b"ai/a"],
)
@pytest.mark.parametrize(
    ("roots", "prefix"),
    [
        ({"root_path": "/ai", "app_root_path": ""}, ""),
        ({}, "/ai"),
        ({"root_path": "/host"}, "/ai"),
    ],
    ids=["mount", "prefix", "prefix below a root"],
)
def test_refuses_a_path_that_is_not_below_our_mount(
    raw: bytes, roots: dict[str, str], prefix: str
) -> None:
    """P-20"""
    with pytest.raises(BadPath):
        raw_path(scope(raw, **roots), prefix)


def test_refuses_a_raw_path_beyond_ascii() -> None:
    with pytest.raises(BadPath):
        raw_path(scope(b"/\xc3\xa9"))


@pytest.mark.parametrize("path", ["/a/b-c_d.e~f", "/a:b@c", "/"])
def test_takes_a_plain_path_where_the_server_gives_no_raw_one(path: str) -> None:
    assert raw_path({"path": path, "raw_path": None}) == path
    assert raw_path({"path": path}) == path


@given(st.characters(exclude_characters="/:@~-._", exclude_categories=["Cs"]))
def test_without_a_raw_path_refuses_what_has_two_spellings(character: str) -> None:
    asked = {"path": f"/a{character}"}
    if character.isascii() and character.isalnum():
        assert raw_path(asked) == f"/a{character}"
    else:
        with pytest.raises(BadPath):
            raw_path(asked)


@pytest.mark.anyio
@pytest.mark.parametrize("root", ["", "/host"])
async def test_agrees_with_starlettes_own_routing(root: str) -> None:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        answer = PlainTextResponse(f"{raw_path(scope)} {routed_path(scope)}")
        await answer(scope, receive, send)

    app = Starlette(routes=[Mount("/v1", Starlette(routes=[Mount("/ai", inner)]))])
    async with serving(app, root_path=root) as url:
        for path, seen in (("/v1/ai/a/b", b"/a/b /a/b"), ("/v1/ai/a%2Fb", b"/a%2Fb /a/b")):
            assert (await wire(url, raw_request("GET", path))).body == seen


@pytest.mark.parametrize(
    ("roots", "prefix", "expected"),
    [
        ({}, "", ""),
        ({}, "/ai", "/ai"),
        ({"root_path": "/api/"}, "/ai", "/api/ai"),
        ({"root_path": "/api/app", "app_root_path": "/api"}, "", "/api/app"),
        ({"root_path": "/grüße", "app_root_path": "/grüße"}, "/ai", "/gr%C3%BC%C3%9Fe/ai"),
    ],
)
def test_a_client_is_told_where_we_stand(roots: dict[str, str], prefix: str, expected: str) -> None:
    assert mount(scope(b"/", **roots), prefix) == expected
