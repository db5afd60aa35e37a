"""Starlette with its own `SessionMiddleware`."""

import os

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.hosts.listening import serve_asgi


async def sign_in(request: Request) -> JSONResponse:
    request.session.update(await request.json())
    return JSONResponse({})


async def sign_out(request: Request) -> JSONResponse:
    request.session.clear()
    return JSONResponse({})


async def me(request: Request) -> JSONResponse:
    try:
        return JSONResponse({"user": request.session.get("user_id")})
    except (AttributeError, ValueError):  # a session that is no object; a user that is NaN
        return JSONResponse({"user": None})


app = Starlette(
    routes=[
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/sign-out", sign_out, methods=["POST"]),
        Route("/me", me),
    ],
    middleware=[Middleware(SessionMiddleware, secret_key=os.environ["SECRET"])],
)

if __name__ == "__main__":
    serve_asgi(app)
