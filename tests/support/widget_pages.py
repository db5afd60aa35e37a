"""Pages with a vendor's widget on them, and the vendors they come from.

The widgets are emulators by the vendors' public documents. Their servers verify what they are shown
by the recipes of these, and remember whom they took for identified.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from pathlib import Path

import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

SCRIPTS = Path(__file__).parent / "widgets"
FRAME = (
    '<!doctype html><output id="who"></output><script src="/widgets/altatech-frame.js"></script>'
)


@dataclass
class WidgetVendors:
    """All four vendors at one address. `secret` is what Chatbase and Bookbag verify by."""

    secret: str
    heard: list[str | None] = field(default_factory=list)  # who was identified; None: taken back
    shown: list[dict[str, str]] = field(default_factory=list)
    sessions: dict[str, str] = field(default_factory=dict)  # of ChatKit: secret → user

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/{vendor}/identify", self.identify, methods=["POST"]),
                Route("/{vendor}/reset", self.reset, methods=["POST"]),
                Route("/v1/chatkit/sessions", self.session, methods=["POST"]),
                Route("/frame/chat.html", lambda _: HTMLResponse(FRAME)),
                Mount("/widgets", StaticFiles(directory=SCRIPTS)),
            ]
        )

    async def identify(self, request: Request) -> Response:
        said = json.loads(await request.body())
        self.shown.append(said)
        user = self.verified(request.path_params["vendor"], said)
        self.heard.append(user or "an impostor")
        return self.answer({"user": user})

    async def session(self, request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer sk-of-llm"
        user = json.loads(await request.body())["user"]
        secret = f"ek_{len(self.sessions)}"
        self.sessions[secret] = user
        return JSONResponse({"client_secret": secret, "user": user})

    async def reset(self, request: Request) -> Response:
        self.heard.append(None)
        return self.answer({})

    def verified(self, vendor: str, said: dict[str, str]) -> str | None:
        """The user id, where it is proven."""
        if "token" in said and vendor == "chatbase":
            claims = jwt.decode(said["token"], self.secret, algorithms=["HS256"])
            return str(claims["user_id"])
        if vendor == "openai":
            return self.sessions.pop(said["client_secret"], None)
        expected = hmac.new(self.secret.encode(), said["user_id"].encode(), hashlib.sha256)
        return said["user_id"] if said["user_hash"] == expected.hexdigest() else None

    @staticmethod
    def answer(said: dict[str, str | None]) -> Response:
        return JSONResponse(said, headers={"access-control-allow-origin": "*"})


@dataclass
class Pages:
    """A company's site. Its policy lets no inline script run, and nothing be evaluated."""

    gateway: str = ""
    vendors: str = ""

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/{name}", self.page),
                Mount("/own", StaticFiles(directory=SCRIPTS)),
            ]
        )

    async def page(self, request: Request) -> Response:
        name = request.path_params["name"]
        policy = (
            f"default-src 'none'; script-src 'self' {self.gateway} {self.vendors}; "
            f"connect-src {self.gateway} {self.vendors}; frame-src {self.vendors}; "
            "style-src 'unsafe-inline'; require-trusted-types-for 'script'"
        )
        tokens = request.query_params.get("token")
        ours = self.ours(name, f' data-token="{tokens}"' if tokens else "")
        if tokens:
            ours = f'<script src="/own/token.js"></script>{ours}'
        theirs = self.theirs(name)
        order = (theirs, ours) if request.query_params.get("first") == "theirs" else (ours, theirs)
        body = "\n".join([STYLE, "<h1>Your orders</h1>", *order])
        return HTMLResponse(
            f"<!doctype html><title>Shop</title><body>{body}",
            headers={"content-security-policy": policy, "cache-control": "no-store"},
        )

    def ours(self, name: str, more: str) -> str:
        names = {"chatbase": "support", "bookbag": "shop", "openai": "llm"}
        upstream = names.get(name, "bot")
        where = f'src="{self.gateway}/_gateway/widget.js" data-org="acme"'
        return f'<script {where} data-upstream="{upstream}"{more}></script>'

    def theirs(self, name: str) -> str:
        if name == "frame":
            address = f"{self.vendors}/frame/chat.html?theme=light"
            return f'<iframe data-gateway-widget="bot" src="{address}"></iframe>'
        if name == "openai":
            kit = """<openai-chatkit data-gateway-widget="llm" data-options='{"theme":"dark"}'>"""
            return f'{kit}</openai-chatkit><script src="{self.vendors}/widgets/openai.js"></script>'
        stub = '<script src="/own/chatbase-stub.js"></script>' if name == "chatbase" else ""
        return f'{stub}<script src="{self.vendors}/widgets/{name}.js" defer></script>'


STYLE = """<style>
body { font: 16px sans-serif; margin: 2rem }
output, openai-chatkit { display: block; width: max-content; padding: .75rem 1rem;
         border-radius: 1rem; background: #1f6feb; color: white }
iframe { border: 1px solid #ccc; border-radius: 1rem; height: 5rem }
</style>"""
