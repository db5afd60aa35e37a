"""A store with something in it, and commands that look."""

import asyncio
import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from gateway.cli.main import app
from gateway.core.people.identity import Person
from gateway.store.store import Store
from gateway.store.usage import row_of, write
from tests.store.test_usage import finished
from tests.store.trails import event, put
from tests.support import config
from tests.support.stores import laid
from tests.support.tokens import Issuer

RUN = CliRunner()
TIMES = (1_800_000_000, 1_800_000_060, 1_800_090_000)  # 2027-01-15, -15, -16


def filled(folder: Path) -> Path:
    """A configuration whose store has three exchanges, two conversations and an audit trail."""
    file = folder / "gateway.toml"
    file.write_text(config.chatbase("http://127.0.0.1:9", Issuer(), store=folder / "gateway.db"))
    asyncio.run(fill(f"sqlite:///{folder}/gateway.db"))
    return file


async def fill(url: str) -> None:
    store = await Store.open(laid(url))
    done = [finished(time) for time in TIMES]
    for one in done:
        one.record.org_id = "default"
    done[2].record.subject = "=bob"
    rows = [row_of(*one) for one in done]
    database = store.database
    await database.start(database.commit(lambda connection: write(connection, rows)))
    for number, who in enumerate(("alice", "=bob")):
        await store.ledger.claim("support", f"c-{number}", Person("default", who))
    await put(database, event(1, org="default"), event(2, org="default", subject="=bob"))
    await store.aclose()


def look(file: Path, *words: str) -> Result:
    return RUN.invoke(app, [*words, "--config", str(file)])


def rows(file: Path, *words: str) -> list[dict[str, Any]]:
    done = look(file, *words, "--format", "ndjson")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]
