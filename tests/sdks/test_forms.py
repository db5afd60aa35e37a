"""Forms as real clients write them: httpx, and what browsers do, on Node."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.support.dify_api import Dify
from tests.support.host_apps import node
from tests.support.stage import Stage, dify_stage

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

HERE = Path(__file__).parent
CONTENT = b"hello\r\n--x\r\n"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[Dify]]:
    async with dify_stage(tmp_path) as built:
        yield built


def uploaded(stage: Stage[Dify], file_id: str) -> None:
    assert stage.vendor.files[file_id] == CONTENT
    assert stage.vendor.forms == [[("user", "alice"), ("file", CONTENT.decode())]]


@pytest.mark.parametrize("name", ["a.txt", "käse 1.txt", "a%22.txt"])
async def test_httpx(stage: Stage[Dify], name: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"{stage.url}/app/v1/files/upload",
            headers={"authorization": f"Bearer {stage.token('alice')}"},
            data={"user": "somebody-else"},
            files={"file": (name, CONTENT, "text/plain")},
        )
    assert answer.status_code == 201, answer.text
    uploaded(stage, answer.json()["id"])


async def test_a_browsers_form(stage: Stage[Dify]) -> None:
    process = await asyncio.create_subprocess_exec(
        node(),
        str(HERE / "node" / "form_upload.mjs"),
        f"{stage.url}/app/v1/files/upload",
        stage.token("alice"),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    answer = json.loads(said)
    assert answer["created_by"] == "alice", answer
    uploaded(stage, answer["id"])
