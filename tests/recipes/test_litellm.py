"""In front of a LiteLLM proxy, by what its documents say it looks at. It was tried with the real
one, 1.106, by hand: 740 MB are too much to install for that each time.
"""

import re
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.openai_api import OpenAI
from tests.support.stage import Stage, adding, openai_stage
from tests.support.vendor import Request

pytestmark = pytest.mark.anyio

PAGE = (Path(__file__).parents[2] / "docs" / "deploying.md").read_text(encoding="utf-8")
HI: dict[str, Any] = {"model": "gpt-test", "messages": [{"role": "user", "content": "hi"}]}
FIELDS = ("x-litellm-customer-id", "x-litellm-end-user-id")


def recipe() -> dict[str, Any]:
    (text,) = re.findall(r"```toml\n(\[upstreams\.models\].*?)```", PAGE, re.DOTALL)
    return dict(tomllib.loads(text)["upstreams"]["models"])


def customer(request: Request) -> object:
    """Whom LiteLLM takes for its customer: the first of these that is there."""
    body = request.json()
    places = [value for name in FIELDS for value in request.values(name)]
    places += [body.get("user"), body.get("litellm_metadata", {}).get("user")]
    places += [body.get("metadata", {}).get("user_id"), body.get("safety_identifier")]
    return next(one for one in places if one)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[OpenAI]]:
    lines = recipe()
    assert lines["vendor"] == "openai"
    edit = adding("upstreams.llm", f'user_header = "{lines["user_header"]}"')
    async with openai_stage(tmp_path, edit) as built:
        yield built


@pytest.mark.parametrize("stream", [False, True])
async def test_its_customer_is_whoever_has_signed_in(stage: Stage[OpenAI], stream: bool) -> None:
    said = {
        "user": "mallory",
        "litellm_metadata": {"user": "mallory"},
        "metadata": {"user_id": "mallory"},
        "safety_identifier": "mallory",
    }
    fields = [(name, "mallory") for name in FIELDS]
    body = {**HI, **said, "stream": stream}
    answer = await stage.ask("alice", "POST", "/chat/completions", body, fields)
    assert answer.status == 200, answer.raw
    (request,) = stage.vendor.requests
    assert customer(request) == "alice"
    assert b"mallory" not in request.raw
    assert [name for name, _ in request.fields if name.lower().startswith("x-litellm")] == [
        FIELDS[0]
    ]
