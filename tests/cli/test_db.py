import asyncio
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.main import app
from gateway.core.people.identity import Person
from gateway.store.schema import HEAD
from gateway.store.store import Store
from tests.support import config, postgres
from tests.support.ports import free_port
from tests.support.tokens import Issuer

Run = Callable[..., Result]
ROOT = Path(__file__).parents[2]
ALICE = Person("acme", "alice")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def empty() -> Iterator[str]:
    with postgres.database() as url:
        yield url


def configured(folder: Path, name: str, url: str) -> None:
    text = config.chatbase("http://127.0.0.1:9", Issuer(), store=url)
    (folder / name).write_text(text)


@pytest.fixture
def gateway(here: Path, empty: str) -> Run:
    """Runs a command; old.toml names a file, new.toml an empty PostgreSQL."""
    configured(here, "old.toml", f"sqlite:///{here}/gateway.db")
    configured(here, "new.toml", empty)
    return lambda *words: CliRunner().invoke(app, list(words))


def claimed(url: str, *conversations: str) -> str:
    """Open the store, claim, and close it; the identity secret."""

    async def claim() -> str:
        store = await Store.open(url)
        for one in conversations:
            assert await store.ledger.claim("support", one, ALICE)
        secret = await store.identity_secret()
        await store.aclose()
        return secret.hex()

    return asyncio.run(claim())


@pytest.mark.parametrize("name", ["old.toml", "new.toml"])
def test_a_store_is_made_and_then_there_is_nothing_to_do(gateway: Run, name: str) -> None:
    before = gateway("db", "status", "--config", name)
    assert before.exit_code == 1
    assert "form   none yet: `gateway db migrate` makes it" in before.stdout
    made = gateway("db", "migrate", "--config", name)
    assert (made.exit_code, made.stdout) == (0, f"nothing → {HEAD}\n")
    again = gateway("db", "migrate", "--config", name)
    assert (again.exit_code, again.stdout[:4]) == (0, HEAD)
    after = gateway("db", "status", "--config", name)
    assert after.exit_code == 0
    assert f"form   {HEAD}, the newest" in after.stdout


def test_a_store_moves_to_postgresql(gateway: Run, here: Path, empty: str) -> None:
    secret = claimed(f"sqlite:///{here}/gateway.db", "c-1", "c-2")
    done = gateway("db", "import", "gateway.db", "--config", "new.toml")
    assert done.exit_code == 0, done.output
    assert "conversations  2\n" in done.stdout
    assert claimed(empty, "c-1", "c-3") == secret
    again = gateway("db", "import", "gateway.db", "--config", "new.toml")
    assert again.exit_code == 1
    assert "is in use already" in again.stderr


def test_not_to_a_file(gateway: Run, here: Path) -> None:
    claimed(f"sqlite:///{here}/gateway.db")
    done = gateway("db", "import", "gateway.db", "--config", "old.toml")
    assert done.exit_code == 1
    assert "name the PostgreSQL store to import into" in done.stderr


def test_a_copy_is_made_and_not_over_another(gateway: Run, here: Path) -> None:
    claimed(f"sqlite:///{here}/gateway.db", "c-1")
    done = gateway("db", "backup", "copy.db", "--config", "old.toml")
    assert done.exit_code == 0, done.output
    assert "is a whole copy" in done.stdout
    assert claimed(f"sqlite:///{here}/copy.db", "c-1") == claimed(f"sqlite:///{here}/gateway.db")
    assert gateway("db", "backup", "copy.db", "--config", "old.toml").exit_code == 1


def test_what_is_not_there_yet_is_not_copied(gateway: Run, here: Path) -> None:
    done = gateway("db", "backup", "copy.db", "--config", "old.toml")
    assert done.exit_code == 1
    assert done.stderr == f"There is no store at {here}/gateway.db yet: nothing to copy\n"
    assert list(here.glob("*.db*")) == []


def test_postgresql_is_copied_by_its_own_tool(gateway: Run, here: Path) -> None:
    done = gateway("db", "backup", "copy.db", "--config", "new.toml")
    assert done.exit_code == 1
    assert "pg_dump --format=custom --file=copy.db" in done.stderr
    assert not (here / "copy.db").exists()


@pytest.mark.parametrize("name", ["old.toml", "new.toml"])
def test_to_explain_a_request_makes_no_store(gateway: Run, name: str) -> None:
    token = Issuer().token("alice", algorithm="HS256")
    asked = ("POST", "/support/api/v2/agents/agent_1/chat", "-d", '{"message":"hi"}')
    shown = gateway("explain", *asked, "--token", token, "--config", name)
    assert '"userId":"alice"' in shown.stdout
    assert "none yet" in gateway("db", "status", "--config", name).stdout


@pytest.mark.parametrize("words", ["status", "migrate", "import gateway.db", "backup copy.db"])
def test_no_password_is_ever_shown(gateway: Run, here: Path, words: str) -> None:
    claimed(f"sqlite:///{here}/gateway.db")
    configured(here, "new.toml", f"postgresql://u:CANARY@127.0.0.1:{free_port()}/x")
    done = gateway("db", *words.split(), "--config", "new.toml")
    assert done.exit_code == 1
    assert "CANARY" not in done.output


def test_the_page_about_the_store_can_be_followed(here: Path, empty: str) -> None:
    """Each command of docs/storage.md, as it stands there, by a shell; `serve` aside."""
    page = (ROOT / "docs" / "storage.md").read_text(encoding="utf-8")
    # Those about people who are blocked are followed by tests/cli/test_blocking.py.
    moving, copying, restoring, *_ = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    for name in ("old.toml", "gateway.toml"):
        configured(here, name, f"sqlite:///{here}/gateway.db")
    configured(here, "new.toml", empty)
    secret = claimed(f"sqlite:///{here}/gateway.db", "before")
    follow(moving)
    assert claimed(empty, "before") == secret
    follow(copying)
    claimed(f"sqlite:///{here}/gateway.db", "after")
    follow(restoring)
    assert claimed(f"sqlite:///{here}/gateway.db", "before") == secret

    async def owner() -> Person | None:
        store = await Store.open(f"sqlite:///{here}/gateway.db")
        found = await store.ledger.owner("acme", "support", "after")
        await store.aclose()
        return found

    assert asyncio.run(owner()) is None


def follow(commands: str) -> None:
    for line in commands.splitlines():
        words = shlex.split(line)
        if words[:2] != ["gateway", "serve"]:
            command = [sys.executable, "-m", *words] if words[0] == "gateway" else words
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, (line, done.stderr)
