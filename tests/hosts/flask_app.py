"""Flask with its own session."""

import os
from typing import Any
from uuid import UUID

from flask import Flask, jsonify, request, session

from tests.hosts.listening import serve_wsgi

app = Flask(__name__)
app.config.update(SECRET_KEY=os.environ["SECRET"], SECRET_KEY_FALLBACKS=[os.environ["OLD_SECRET"]])


@app.post("/sign-in")
def sign_in() -> Any:
    session.permanent = True
    given = request.get_json()
    session.update(given)
    if request.args.get("as") == "uuid":
        session["user_id"] = UUID(given["user_id"])
    return {}


@app.get("/me")
def me() -> Any:
    user = session.get("user_id")
    return jsonify({"user": str(user) if isinstance(user, UUID) else user})


if __name__ == "__main__":
    serve_wsgi(app)
