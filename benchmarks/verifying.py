"""A token that is seen for the first time, beside PyJWT's bare decode of it: in this process."""

import time
from pathlib import Path
from typing import Any

import jwt
import uvloop
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from benchmarks.figure import Figure
from benchmarks.scenes import Size
from benchmarks.tokens import AUDIENCE, ISSUER, issuer
from gateway.authn.claims import JwtRules
from gateway.authn.jwt import JwtSignIn
from gateway.authn.keys import public_keys
from gateway.authn.places import place_of
from gateway.authn.verifier import Credential
from tests.support.ask import Ask

NEW = "a token seen for the first time"
BARE = "PyJWT's decode of it, the key at hand"
PEM = "PyJWT's decode of it, the key as PEM"
BATCHES = 4  # for each round of requests
BATCH = 50  # tokens between two looks at the clock


def measure(folder: Path, size: Size) -> list[Figure]:
    """µs of CPU each, of the best batch: they take turns, so that none has the quiet moments."""
    folder.mkdir()
    made = issuer(folder)
    tokens = [made.token(f"person-{number}") for number in range(BATCH)]
    pem = made.pem.read_bytes()
    rules = JwtRules(issuer=ISSUER, audience=(AUDIENCE,), algorithms=("RS256",))
    keys, place = public_keys(pem.decode()), place_of("authorization")
    ask: Any = Ask()  # nothing of it is looked at
    credentials = [Credential(place, token, ask) for token in tokens]
    best = dict.fromkeys((NEW, BARE, PEM), float("inf"))

    def bare(key: RSAPublicKey | bytes) -> None:
        for token in tokens:
            jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER)

    async def ours() -> int:
        sign_in = JwtSignIn(rules, keys, clock=time.time)  # one that has seen none of them
        began = time.process_time_ns()
        for credential in credentials:
            await sign_in.verify(credential)
        return time.process_time_ns() - began

    for _ in range(BATCHES * size.rounds):
        best[NEW] = min(best[NEW], uvloop.run(ours()))
        keys_of: dict[str, RSAPublicKey | bytes] = {BARE: made.key.public_key(), PEM: pem}
        for what, key in keys_of.items():
            began = time.process_time_ns()
            bare(key)
            best[what] = min(best[what], time.process_time_ns() - began)
    return [Figure(what, took / BATCH / 1e3, "µs") for what, took in best.items()]
