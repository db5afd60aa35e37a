"""A chat in FastAPI that believes whatever user id it is told, and the gateway that tells it.

    pip install chat-identity-gateway fastapi itsdangerous
    python examples/fastapi_app.py            # then open http://127.0.0.1:8000

The application signs people in by its own session. `/api/chat` is its own chat backend: it takes
`userId` from the body, as a vendor would, and never asks whether that is true. The gateway around
it makes it so: who asks comes from the session, a conversation is its opener's alone, and no other
way leads to that route. Below /ai would stand a vendor's chat, with one more upstream:

    "support": {"vendor": "chatbase", "key": "${env:CHATBASE_KEY}", "agent": "agent_1"}
"""

import asyncio
import json
import os
import secrets
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from pydantic import BaseModel
from starlette.middleware.sessions import SessionMiddleware

from gateway import CurrentIdentity, GatewayMiddleware

app = FastAPI()
history: dict[str, list[str]] = {}


class Question(BaseModel):
    message: str
    userId: str  # the gateway writes it
    conversationId: str | None = None


@app.post("/api/chat")
async def chat(question: Question) -> StreamingResponse:
    conversation = question.conversationId or secrets.token_hex(8)
    said = history.setdefault(conversation, [])
    said.append(question.message)
    words = f"{question.userId} has said {len(said)} things here, and now: {question.message}"

    async def events() -> AsyncIterator[str]:
        yield f"data: {json.dumps({'conversationId': conversation})}\n\n"
        for word in words.split():
            yield f"data: {json.dumps({'text': word + ' '})}\n\n"
            await asyncio.sleep(0.05)
        yield "data: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


@app.get("/api/chats/{conversation}")
async def read(conversation: str) -> list[str]:
    return history[conversation]


@app.get("/me")
async def me(who: CurrentIdentity) -> str:
    return who.subject


@app.get("/sign-in/{name}")  # your application has a better way
async def sign_in(name: str, request: Request) -> RedirectResponse:
    request.session["user_id"] = name
    return RedirectResponse("/")


@app.get("/sign-out")
async def sign_out(request: Request) -> RedirectResponse:
    request.session.clear()
    return RedirectResponse("/")


@app.get("/", response_class=HTMLResponse)
async def page(request: Request) -> str:
    who = request.session.get("user_id", "nobody")
    return PAGE.replace("{{who}}", "nobody" if not str(who).isalnum() else who)


PAGE = """<!doctype html><meta charset="utf-8"><title>Chat</title>
<meta name="viewport" content="width=device-width">
<style>pre { white-space: pre-wrap; overflow-wrap: anywhere }</style>
<p>You are <b>{{who}}</b>: <a href="/sign-in/alice">be alice</a>, <a href="/sign-in/bob">be bob</a>,
<a href="/sign-out">be nobody</a>.</p>
<form><input name="message" value="Where is my order?"><button>Ask</button></form><pre></pre>
<script type="module">
let conversationId;
document.forms[0].onsubmit = async (event) => {
  event.preventDefault();
  const out = document.querySelector("pre");
  const body = { message: event.target.message.value, userId: "somebody-else", conversationId };
  const answer = await fetch("/api/chat", {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  });
  if (!answer.ok) { out.append((await answer.text()) + "\\n"); return; }
  const text = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let { value, done } = await text.read(); !done; { value, done } = await text.read()) {
    for (const [, data] of value.matchAll(/^data: (\\{.*)$/gm)) {
      const said = JSON.parse(data);
      conversationId = said.conversationId ?? conversationId;
      out.append(said.text ?? "");
    }
  }
  out.append("\\n");
};
</script>"""

app.add_middleware(
    GatewayMiddleware,
    prefix="/ai",
    identify=lambda connection: connection.session.get("user_id"),
    config={
        "store": {"url": "sqlite:///chat.db"},
        "upstreams": {"bot": {"vendor": "ours", "base_url": "app:"}},
        "vendors": {
            "ours": {
                "operations": {
                    "chat": {
                        "method": "POST",
                        "path": "/api/chat",
                        "user": ["body:/userId"],
                        "conversation": ["body:/conversationId"],
                        "opens": ["body:/conversationId"],
                        "members": ["message", "conversationId"],
                    },
                    "read": {
                        "method": "GET",
                        "path": "/api/chats/{conversation}",
                        "conversation": ["path:conversation"],
                    },
                },
            },
        },
    },
)
# Added later, so it runs earlier: the gateway needs the session.
app.add_middleware(
    SessionMiddleware, secret_key=os.environ.get("SESSION_SECRET") or secrets.token_hex(32)
)

if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8000")))
