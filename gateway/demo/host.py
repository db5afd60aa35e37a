"""The companies' own app: it signs people in, and serves the page they chat on.

It is what a customer of the gateway has already. The gateway is mounted in it at `/ai`, so the
page and the chat are of one origin, and the session cookie is all the browser needs.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.demo.curl import cheating_curl
from gateway.demo.people import COMPANIES, CUSTOMERS, Company, Customer, victim_of
from gateway.demo.recorder import Journal
from gateway.demo.sign_in import LIFETIME, SignIns

COOKIE = "session"
GATEWAY = "/ai"
HERE = Path(__file__).parent
FIELDS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
}


def chat_path(company: Company) -> str:
    """Where the gateway serves the vendor's API of one company."""
    return f"{GATEWAY}/{company.key}/api/v2/agents/{company.agent}"


@dataclass(slots=True)
class Host:
    """The pages, and what they show."""

    sign_ins: SignIns
    journal: Journal
    configuration: str = ""
    conversations: Mapping[Customer, str] = field(default_factory=dict)  # one of each customer

    _templates: Jinja2Templates = field(
        default_factory=lambda: Jinja2Templates(HERE / "templates"), init=False
    )

    def app(self) -> ASGIApp:
        pages = Starlette(
            routes=[
                Route("/", self._welcome),
                Route("/sign-in/{handle}", self._sign_in, methods=["POST"]),
                Route("/sign-out", self._sign_out, methods=["POST"]),
                Route("/chat", self._chat),
                Route("/exchanges", self._exchanges),
                Mount("/static", StaticFiles(directory=HERE / "static")),
            ]
        )
        return _with_fields(pages, FIELDS)

    async def _welcome(self, request: Request) -> Response:
        people = {
            company: [customer for customer in CUSTOMERS if customer.company == company]
            for company in COMPANIES
        }
        return self._templates.TemplateResponse(request, "sign_in.html", {"people": people})

    async def _sign_in(self, request: Request) -> Response:
        handle = request.path_params["handle"]
        customer = next((one for one in CUSTOMERS if one.handle == handle), None)
        if customer is None:
            return RedirectResponse("/", status_code=303)
        answer = RedirectResponse("/chat", status_code=303)
        token = self.sign_ins.mint(customer)
        # Not `__Host-`, nor Secure: the demo is plain http on loopback.
        answer.set_cookie(COOKIE, token, max_age=LIFETIME, httponly=True, samesite="lax")
        return answer

    async def _sign_out(self, request: Request) -> Response:
        answer = RedirectResponse("/", status_code=303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return answer

    async def _chat(self, request: Request) -> Response:
        customer = customer_of(request.headers, self.sign_ins)
        if customer is None:
            return RedirectResponse("/", status_code=303)
        victim = victim_of(customer)
        other_company = next(one for one in COMPANIES if one != customer.company)
        page = {
            "api": chat_path(customer.company),
            "issuer": customer.company.issuer,
            "me": customer.subject,
            "victim": {
                "subject": victim.subject,
                "conversation": self.conversations.get(victim, ""),
            },
            "otherCompany": {"api": chat_path(other_company)},
        }
        shown = {
            "customer": customer,
            "victim": victim,
            "other_company": other_company,
            "page": json.dumps(page),
            "configuration": self.configuration,
            "curl": self.curl(customer, f"{request.url.scheme}://{request.url.netloc}"),
        }
        return self._templates.TemplateResponse(request, "chat.html", shown)

    def curl(self, customer: Customer, origin: str) -> str:
        """A command by which `customer` tries to go on with somebody else's conversation."""
        victim = victim_of(customer)
        return cheating_curl(
            origin + chat_path(customer.company) + "/chat",
            token=self.sign_ins.mint(customer),
            claimed=victim.subject,
            conversation=self.conversations.get(victim, ""),
        )

    async def _exchanges(self, request: Request) -> Response:
        customer = customer_of(request.headers, self.sign_ins)
        if customer is None:
            return Response(status_code=401)
        return StreamingResponse(self._events(customer), media_type="text/event-stream")

    async def _events(self, customer: Customer) -> AsyncIterator[str]:
        yield "retry: 1000\n\n"
        async for exchange in self.journal.follow(customer):
            yield f"data: {json.dumps(exchange)}\n\n"


def customer_of(fields: Headers, sign_ins: SignIns) -> Customer | None:
    """Whose request this is: by the session cookie of the page, else by the token of a `curl`."""
    bearer = fields.get("authorization", "").partition(" ")[2]
    session = cookie_parser(fields.get("cookie", "")).get(COOKIE, "")
    return sign_ins.customer(session) or sign_ins.customer(bearer)


def _with_fields(app: ASGIApp, fields: Mapping[str, str]) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(fields)
            await send(message)

        await app(scope, receive, tell)

    return answer
