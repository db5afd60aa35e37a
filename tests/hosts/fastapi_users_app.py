"""FastAPI-Users with its JWT strategy, by cookie and by bearer token, and users in memory."""

import os
from dataclasses import dataclass
from typing import Any

from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers
from fastapi_users.authentication import (
    AuthenticationBackend,
    BearerTransport,
    CookieTransport,
    JWTStrategy,
)
from fastapi_users.db import BaseUserDatabase

from tests.hosts.listening import serve_asgi

SECRET = os.environ["SECRET"]


@dataclass
class User:
    id: str
    email: str
    hashed_password: str
    is_active: bool = True
    is_superuser: bool = False
    is_verified: bool = True


class Manager(BaseUserManager[User, str]):
    reset_password_token_secret = SECRET
    verification_token_secret = SECRET

    def parse_id(self, value: Any) -> str:
        return str(value)


USERS: dict[str, User] = {}


class Database(BaseUserDatabase[User, str]):
    async def get(self, id: str) -> User:  # noqa: A002
        return USERS.get(id) or User(id, "", "")  # everybody is there: tokens alone are compared

    async def get_by_email(self, email: str) -> User | None:
        return next((one for one in USERS.values() if one.email == email), None)


async def manager() -> Any:
    yield Manager(Database())


def strategy() -> JWTStrategy[User, str]:
    return JWTStrategy(secret=SECRET, lifetime_seconds=3600)


for number, name in enumerate(("alice", "bob"), 1):
    hashed = Manager(Database()).password_helper.hash("a password")
    USERS[str(number)] = User(str(number), f"{name}@example.com", hashed)

by_cookie = AuthenticationBackend(
    name="cookie",
    transport=CookieTransport(cookie_secure=False),
    get_strategy=strategy,
)
by_bearer = AuthenticationBackend(
    name="bearer", transport=BearerTransport(tokenUrl="bearer/login"), get_strategy=strategy
)
users = FastAPIUsers[User, str](manager, [by_cookie, by_bearer])
app = FastAPI()
app.include_router(users.get_auth_router(by_cookie), prefix="/cookie")
app.include_router(users.get_auth_router(by_bearer), prefix="/bearer")
current = users.current_user(optional=True, active=True)


@app.get("/me")
async def me(user: User | None = Depends(current)) -> dict[str, Any]:  # noqa: B008
    return {"user": None if user is None else user.id}


if __name__ == "__main__":
    serve_asgi(app)
