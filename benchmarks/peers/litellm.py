"""LiteLLM's pass-through, from an environment of its own.

`python -m benchmarks.peers.litellm` makes that; without it LiteLLM takes no part.

Its own JWT sign-in and its OAuth2 are of the paid edition. What is free is a function that judges
each request (`custom_auth`): here it verifies the RS256 token by PyJWT, as a user would write it.
The pass-through replaces the credential, and changes neither body nor user id.
"""

import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers import PATH, Peer, running
from benchmarks.tokens import AUDIENCE, ISSUER, Issuer
from tests.support.ports import free_port

HOME = Path(__file__).resolve().parents[1] / ".venv" / "litellm"
CONFIGURATION = """
general_settings:
  master_key: sk-a-key-of-a-benchmark
  custom_auth: judge.judge
  pass_through_endpoints:
    - path: "{path}"
      target: "http://127.0.0.1:{vendor}{path}"
      auth: true
      headers:
        Authorization: "Bearer a-key-of-a-benchmark"
        content-type: application/json
"""
JUDGE = """
import jwt
from fastapi import Request
from litellm.proxy._types import UserAPIKeyAuth

with open({pem!r}, "rb") as file:
    KEY = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).prepare_key(file.read())


async def judge(request: Request, api_key: str) -> UserAPIKeyAuth:
    claims = jwt.decode(
        api_key, KEY, algorithms=["RS256"], audience={audience!r}, issuer={issuer!r}
    )
    return UserAPIKeyAuth(api_key=api_key, user_id=claims["sub"])
"""


def program() -> str | None:
    found = HOME / "bin" / "litellm"
    return str(found) if found.exists() else None


@contextmanager
def litellm(folder: Path, vendor: int, issuer: Issuer) -> Iterator[Peer]:
    port, place = free_port(), folder / "litellm"
    place.mkdir()
    (place / "config.yaml").write_text(CONFIGURATION.format(path=PATH, vendor=vendor))
    said = JUDGE.format(pem=str(issuer.pem), audience=AUDIENCE, issuer=ISSUER)
    (place / "judge.py").write_text(said)
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # no look at the network for prices
    command = [str(program()), "--config", str(place / "config.yaml"), "--num_workers", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
    with running(command, port, place / "log") as pid:
        lacks = "user id, body, ownership, usage, limits of a person"
        yield Peer("LiteLLM", port, pid, lacks=lacks, slow=True)


def make() -> None:
    """The environment, from the registry that pip knows; some 750 MB."""
    venv.create(HOME, with_pip=True)
    pip = str(HOME / "bin" / "pip")
    if subprocess.run([pip, "install", "litellm[proxy]"]).returncode:
        sys.exit("LiteLLM could not be installed here; the benchmark does without it")
    print(f"LiteLLM is in {HOME}, and takes part from now on")


if __name__ == "__main__":
    make()
