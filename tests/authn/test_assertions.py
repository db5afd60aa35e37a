"""Our own keys: the same in all replicas, other ones each month, and known before they are used."""

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from gateway.authn.assertions import PERIOD, Assertions
from gateway.core.people.identity import Identity
from tests.support.clock import WoundClock

ALICE = Identity(org="org_1", subject="alice")
SECRET = b"s" * 32


def signed(assertions: Assertions) -> str:
    return assertions.sign(ALICE, user="alice", audience="http://orders")


def keys(assertions: Assertions) -> list[dict[str, Any]]:
    found: Any = assertions.jwk_set()["keys"]
    return list(found)


def kids(assertions: Assertions) -> list[str]:
    return [key["kid"] for key in keys(assertions)]


def part(token: str, number: int) -> bytes:
    text = token.split(".")[number]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_statement_verifies_by_the_key_it_names() -> None:
    assertions = Assertions(SECRET)
    token = signed(assertions)
    header = json.loads(part(token, 0))
    assert (header["alg"], header["typ"]) == ("EdDSA", "gateway-assertion+jwt")
    (key,) = (one for one in keys(assertions) if one["kid"] == header["kid"])
    raw = base64.urlsafe_b64decode(key["x"] + "=")
    Ed25519PublicKey.from_public_bytes(raw).verify(
        part(token, 2), token.rpartition(".")[0].encode()
    )


def test_replicas_have_the_same_keys_and_other_deployments_others() -> None:
    clock = WoundClock()
    assert kids(Assertions(SECRET, clock=clock)) == kids(Assertions(SECRET, clock=clock))
    assert not set(kids(Assertions(SECRET, clock=clock))) & set(
        kids(Assertions(b"t" * 32, clock=clock))
    )


def test_a_key_is_known_before_it_is_used_and_after() -> None:
    clock = WoundClock()
    assertions = Assertions(SECRET, clock=clock)
    before = kids(assertions)
    clock.now += PERIOD
    after = kids(assertions)
    assert before[1:] == after[:2]
    assert json.loads(part(signed(assertions), 0))["kid"] == before[2]


def test_no_private_half_is_published() -> None:
    for key in keys(Assertions(SECRET)):
        assert set(key) == {"crv", "kty", "x", "kid", "alg", "use"}


def test_no_statement_is_made_twice() -> None:
    assertions = Assertions(SECRET)
    assert len({json.loads(part(signed(assertions), 1))["jti"] for _ in range(50)}) == 50


def test_keys_stay_what_they_are() -> None:
    """Made by hand of the secret and the month: replicas of two versions have the same."""
    number = 1_800_000_000 // PERIOD
    seed = hmac.digest(
        hmac.digest(SECRET, b"assertions", "sha256"), number.to_bytes(8, "big"), "sha256"
    )
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    x = base64.urlsafe_b64encode(public).decode().rstrip("=")
    required = '{"crv":"Ed25519","kty":"OKP","x":"' + x + '"}'  # RFC 7638 section 3.2
    thumbprint = hashlib.sha256(required.encode()).digest()
    assert keys(Assertions(SECRET, clock=lambda: 1_800_000_000.0))[1] == {
        "crv": "Ed25519",
        "kty": "OKP",
        "x": x,
        "kid": base64.urlsafe_b64encode(thumbprint).decode().rstrip("="),
        "alg": "EdDSA",
        "use": "sig",
    }


def test_it_says_what_it_was_told() -> None:
    token = Assertions(SECRET).sign(
        ALICE, user="u_1", audience="http://orders", conversation="c-1", tool="orders"
    )
    said = json.loads(part(token, 1))
    assert (said["conversation"], said["tool"]) == ("c-1", "orders")
    assert len(base64.urlsafe_b64decode(said["jti"] + "==")) == 16


def test_a_key_is_of_thirty_days() -> None:
    assert PERIOD == 2_592_000
