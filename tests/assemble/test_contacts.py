"""What `check --probe` asks of contacts, and what `--apply` does; contacts across a reload."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.config.load import load
from tests.contacts.stage import chat, chatbase, eventually, push, quickly, settled, syncs, written
from tests.support.chatbase import Chatbase

pytestmark = pytest.mark.anyio

TABLE = """\
[upstreams.support.contacts]
attributes = { email = "/email", plan = "/plan" }
types = { seats = "number" }
"""


def config(folder: Path, vendor: str, key: str = "cb-key") -> Path:
    file = folder / "gateway.toml"
    file.write_text(
        f"""\
[store]
url = "sqlite:///{folder}/gateway.db"
[sign_in]
issuer = "https://id.example/"
audience = "chat"
secret = "kZ3vQ9xT1mB7nL5pR2wS8dF4gH6jK0aC"
algorithms = ["HS256"]
[upstreams.support]
vendor = "chatbase"
base_url = "{vendor}"
key = "{key}"
agent = ["agent_1", "agent_2"]
{TABLE}"""
    )
    return file


async def probed(file: Path, *options: str) -> tuple[int, str]:
    def run() -> tuple[int, str]:
        done = CliRunner().invoke(app, ["check", "--probe", *options, "--config", str(file)])
        (line,) = [one for one in done.stdout.splitlines() if "contacts.attributes" in one]
        return done.exit_code, line

    return await asyncio.to_thread(run)


async def test_probe_names_attributes_that_the_vendor_does_not_know(tmp_path: Path) -> None:
    async with Chatbase() as vendor:
        vendor.contacts.define("agent_2", "plan")
        status, line = await probed(config(tmp_path, vendor.url))
        assert (status, line[:4]) == (1, "FAIL")
        assert "agent_1 does not have plan (text), seats (number)" in line
        assert "agent_2 does not have seats (number)" in line
        assert "email" not in line
        assert {one.method for one in vendor.requests} == {"GET"}


async def test_apply_defines_them(tmp_path: Path) -> None:
    async with Chatbase() as vendor:
        file = config(tmp_path, vendor.url)
        status, line = await probed(file, "--apply")
        assert (status, line[:4]) == (0, "ok  ")
        assert "agent_1 now has plan (text), seats (number)" in line
        for agent in ("agent_1", "agent_2"):
            assert vendor.contacts.defined(agent) == {"plan": "text", "seats": "number"}
            assert vendor.contacts.of(agent) == {}
        vendor.forget()
        status, line = await probed(file, "--apply")
        assert status == 0
        assert "every attribute is known there" in line
        assert {one.method for one in vendor.requests} == {"GET"}


async def test_a_vendor_that_does_not_answer_is_told_of(tmp_path: Path) -> None:
    async with Chatbase() as vendor:
        status, line = await probed(config(tmp_path, vendor.url, key="another"))
        assert (status, line[:4]) == (1, "FAIL")
        assert "cannot be asked about attributes" in line
        assert "another" not in line


def test_apply_goes_with_probe(tmp_path: Path) -> None:
    file = config(tmp_path, "http://127.0.0.1:9")
    assert CliRunner().invoke(app, ["check", "--apply", "--config", str(file)]).exit_code == 2


async def test_a_reload_goes_on_with_what_is_owed(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        (before,) = syncs(stage)
        stage.vendor.contacts.away = True
        await push(stage, "alice", {"plan": "pro"})
        file = tmp_path / "gateway.toml"
        file.write_text(file.read_text().replace('plan = "/app/plan"', 'name = "/name"'))
        assert stage.gateway is not None
        await stage.gateway.reload(load(file).settings)
        (after,) = syncs(stage)
        assert after is not before
        quickly(stage)
        stage.vendor.contacts.away = False
        contacts = stage.vendor.contacts.of("agent_1")
        await eventually(lambda: "alice" in contacts)
        assert contacts["alice"]["custom_attributes"] == {"plan": "pro"}
        await chat(stage, "bob", name="Bob")
        await settled(stage)
        assert written(stage.vendor)[-1].json()["users"][0]["name"] == "Bob"


async def test_what_a_reload_leaves_alike_goes_on(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        (before,) = syncs(stage)
        assert stage.gateway is not None
        await stage.gateway.reload(load(tmp_path / "gateway.toml").settings)
        assert syncs(stage) == [before]


async def test_operators_see_how_many_wait(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        stage.vendor.contacts.away = True
        await push(stage, "alice", {"plan": "pro"})
        assert stage.gateway is not None
        assert stage.gateway.assembled is not None
        states = dict(stage.gateway.assembled.states())
        assert states["contacts of default at support"].says == "1 wait"
