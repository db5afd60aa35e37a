"""Proofs by the vendors' own recipes, and for no longer than a sign-in."""

import hashlib
import hmac
from typing import Any

import jwt
import pytest

from gateway.authn.widgets import Proofs, Prove, by_hash, by_id, by_jwt
from gateway.core.people.identity import Identity
from gateway.ports.widgets import Shown

pytestmark = pytest.mark.anyio

NOW = 1_790_000_000.5
SECRET = "secret-of-an-agent-" + "0123456789abcdef"


async def show(prove: Prove, user: str = "alice", *, expires_at: float | None = None) -> Shown:
    proofs = Proofs(prove, lifetime=600.0, clock=lambda: NOW)
    identity = Identity(org="acme", subject="s", expires_at=expires_at)
    unasked: Any = None
    return await proofs.show(identity, user, unasked, unasked)


async def test_a_token_says_who_and_how_long() -> None:
    shown = await show(by_jwt(SECRET))
    token = shown.proof["token"]
    read = jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_exp": False})
    assert read == {"user_id": "alice", "exp": int(NOW) + 600}
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    assert shown.lasts == 600.0


@pytest.mark.parametrize("user", ["alice", "u_" + "a7" * 13, "A.b-c_9", "é"])
async def test_a_hash_is_as_the_vendors_make_it(user: str) -> None:
    expected = hmac.new(SECRET.encode("utf-8"), user.encode("utf-8"), hashlib.sha256).hexdigest()
    assert (await show(by_hash(SECRET), user)).proof == {"user_hash": expected}


async def test_where_nothing_is_verified_nothing_is_shown() -> None:
    assert (await show(by_id)).proof == {}


@pytest.mark.parametrize(
    ("expires_at", "lasts"),
    [(None, 600.0), (NOW + 3600, 600.0), (NOW + 60, 60.0), (NOW - 10, 0.0)],
)
async def test_no_proof_outlives_the_sign_in(expires_at: float | None, lasts: float) -> None:
    """A clock that is allowed to be late lets a sign-in through that is over by ours."""
    shown = await show(by_jwt(SECRET), expires_at=expires_at)
    assert shown.lasts == lasts
    options = {"verify_exp": False}
    end = jwt.decode(shown.proof["token"], SECRET, algorithms=["HS256"], options=options)["exp"]
    assert end <= (NOW + 600 if expires_at is None else expires_at)
