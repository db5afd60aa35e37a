"""A Flask app whose people chat through the gateway.

    pip install flask chat-identity-gateway
    SECRET_KEY=$(openssl rand -hex 32) flask --app examples/flask_app run --port 8000
    CHATBASE_KEY=… gateway serve --config examples/flask_app.toml

Then open http://localhost:8000. The gateway asks /me who a session is; it has no key of Flask's.
"""

import os
from pathlib import Path

from flask import Flask, request, session

app = Flask(__name__)
app.secret_key = os.environ["SECRET_KEY"]

PAGE = Path(__file__).with_name("chat.html").read_text()


@app.get("/")
def page():
    return PAGE


@app.post("/login")
def login():
    session["user_id"] = request.form["name"]  # your own sign-in stands here
    return {"ok": True}


@app.post("/logout")
def logout():
    session.clear()
    return {"ok": True}


@app.get("/me")
def me():
    if "user_id" not in session:
        return {"error": "nobody is signed in"}, 401
    return {"user_id": session["user_id"]}
