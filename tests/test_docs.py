"""What the papers say is so: their snippets run, and nothing there is goes unsaid."""

import json
import re
import time
import tomllib
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import ALONE, BESIDE_PEERS
from gateway.cli.main import COMMANDS, app
from gateway.config.allowances import LimitsTable
from gateway.config.contacts import ContactsTable
from gateway.config.events import AnalyticsTable, EventsTable
from gateway.config.load import from_dict, load
from gateway.config.profile import (
    CallbackTable,
    ContactBookTable,
    LookupTable,
    OperationTable,
    ProblemTable,
    VendorTable,
)
from gateway.config.surroundings import Surroundings
from gateway.config.widget import WidgetTable
from gateway.config.written import keys_of
from gateway.core import errors
from gateway.core.events.signature import sign_standard, webhook_secret
from gateway.events.envelope import envelope
from gateway.vendors import VENDORS
from tests.events.test_envelope import EVENT
from tests.support import config
from tests.support.events import WHSEC
from tests.support.serve import serving
from tests.support.tokens import Issuer
from tests.support.wire import raw_request, wire

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAPERS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
RUN = CliRunner()
EXAMPLE_ORG = """
[[orgs.acme.sign_in]]
issuer = "https://id.acme.example/"
audience = "chat"
[orgs.acme.upstreams.support]
vendor = "chatbase"
key = "${env:CHATBASE_KEY}"
agent = "agent_1"
"""


def snippets(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def all_errors() -> list[type[errors.GatewayError]]:
    found = [errors.GatewayError]
    for kind in found:
        found.extend(kind.__subclasses__())
    return found


def test_the_readmes_configuration_is_one(tmp_path: Path) -> None:
    snippet = snippets(README, "toml")[0]
    file = tmp_path / "gateway.toml"
    file.write_text(snippet)
    loaded = load(file, environment={"CHATBASE_KEY": "k" * 20})
    assert list(loaded.settings.orgs) == ["default"]
    assert not [one for one in loaded.warnings if one.severity == "error"]


def test_a_vendor_of_ones_own_is_one(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "vendors-of-your-own.md").read_text(encoding="utf-8")
    (snippet,) = snippets(page, "toml")
    file = tmp_path / "gateway.toml"
    file.write_text(snippet)
    loaded = load(file, environment={"MINE_KEY": "k" * 20})
    assert loaded.warnings == ()
    assert list(loaded.settings.profiles["mine"].operations) == ["ping", "chat", "history"]
    rows = {word for line in page.splitlines() if line.startswith("| `") for word in named(line)}
    tables = (VendorTable, OperationTable, ProblemTable, LookupTable)
    for table in (*tables, ContactBookTable, CallbackTable):
        assert set(keys_of(table)) <= rows, table


def test_many_orgs_are_a_configuration(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "many-orgs.md").read_text(encoding="utf-8")
    (snippet,) = snippets(page, "toml")
    file = tmp_path / "gateway.toml"
    file.write_text(snippet)
    keys = {f"{name}_KEY": name for name in ("ACME", "GLOBEX", "SHARED")}
    loaded = load(file, environment=keys)
    assert loaded.warnings == ()
    assert loaded.settings.orgs["*"].upstreams["support"].user_id == "opaque"


def test_an_mcp_server_is_a_configuration(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "mcp.md").read_text(encoding="utf-8")
    (snippet,) = snippets(page, "toml")
    file = tmp_path / "gateway.toml"
    file.write_text(snippet)
    loaded = load(file, environment={"NOTES_KEY": "k" * 20})
    assert loaded.warnings == ()
    upstream = loaded.settings.orgs["default"].upstreams["notes"]
    assert upstream.allowed_tools == {
        "*": ("search", "read"),
        "editor": ("write",),
        "admin": ("*",),
    }


def test_websockets_are_a_configuration(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "websockets.md").read_text(encoding="utf-8")
    (snippet,) = snippets(page, "toml")
    file = tmp_path / "gateway.toml"
    file.write_text(snippet)
    loaded = load(file, environment={"LIVE_KEY": "k" * 20})
    assert loaded.warnings == ()
    talk = loaded.settings.profiles["mine"].operations["talk"]
    assert list(talk.messages) == ["say", "result"]


def test_models_are_a_configuration(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    (snippet,) = snippets(page, "toml")
    file = tmp_path / "gateway.toml"
    file.write_text(snippet)
    keys = {f"{name}_KEY": name * 5 for name in ("OPENAI", "ANTHROPIC", "DIFY")}
    loaded = load(file, environment=keys)
    assert not [one for one in loaded.warnings if one.severity != "note"]
    assert {"openai", "anthropic", "dify"} == {
        one.vendor for one in loaded.settings.orgs["default"].upstreams.values()
    }


def test_limits_are_a_configuration(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    (snippet,) = snippets(page, "toml")
    file = tmp_path / "gateway.toml"
    file.write_text(snippet)
    loaded = load(file, environment={"CHATBASE_KEY": "k" * 20})
    assert not [one for one in loaded.warnings if one.severity == "error"]
    for key in keys_of(LimitsTable):
        assert f"`{key}`" in page


CONTACTS = (ROOT / "docs" / "contacts.md").read_text(encoding="utf-8")


def test_contacts_are_a_configuration(tmp_path: Path) -> None:
    (snippet,) = snippets(CONTACTS, "toml")
    file = tmp_path / "gateway.toml"
    file.write_text(snippet)
    loaded = load(file, environment={"CHATBASE_KEY": "k" * 20, "CONTACTS_TOKEN": "t" * 32})
    assert loaded.warnings == ()
    for key in keys_of(ContactsTable):
        assert f"| `{key}` |" in CONTACTS


@pytest.mark.anyio
async def test_an_application_pushes_contacts_as_the_paper_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATBASE_KEY", "k" * 32)
    monkeypatch.chdir(tmp_path)
    (snippet,) = snippets(CONTACTS, "python")
    names: dict[str, Any] = {}
    exec(snippet, names)  # noqa: S102 - what the paper says
    await names["seats_changed"]("alice", 12)
    assembled = names["gateway"].assembled
    owed = await assembled.process.store.contacts.owed()
    assert owed == {("default", "support"): ["alice"]}
    await names["gateway"].aclose()


EVENTS = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")


def test_events_are_a_configuration(tmp_path: Path) -> None:
    (snippet,) = snippets(EVENTS, "toml")
    file = tmp_path / "gateway.toml"
    file.write_text(snippet)
    names = ("CHATBASE_KEY", "CHATBASE_WEBHOOK", "GA4_SECRET")
    keys = {**dict.fromkeys(names, "k" * 20), "HOOK_SECRET": WHSEC}
    assert load(file, environment=keys).warnings == ()
    rows = {
        word
        for line in EVENTS.splitlines()
        if line.startswith("| `")
        for word in re.findall(r"`([a-z0-9_]+)`", line)
    }
    assert {*keys_of(EventsTable), *keys_of(AnalyticsTable)} <= rows


def test_what_a_service_gets_is_as_the_paper_shows() -> None:
    (snippet,) = snippets(EVENTS, "json")
    shown = json.loads(snippet)
    event = replace(
        EVENT,
        id=shown["id"],
        org=shown["org"],
        kind=shown["type"],
        user=shown["user"],
        conversation=shown["conversation"],
        at=int(datetime.fromisoformat(shown["timestamp"]).timestamp() * 1000 + 0.5),
        data=json.dumps(shown["data"]).encode(),
    )
    assert list(json.loads(envelope(event)).items()) == list(shown.items())
    (checked,) = snippets(EVENTS, "python")
    body, at, secret = envelope(event), int(time.time()), webhook_secret(WHSEC)
    headers = {
        "webhook-id": event.id,
        "webhook-timestamp": str(at),
        "webhook-signature": sign_standard(secret, id=event.id, at=at, body=body),
    }
    names: dict[str, Any] = {"HOOK_SECRET": WHSEC, "body": body, "headers": headers}
    exec(checked, names)  # noqa: S102 - what the paper says
    assert names["event"] == shown


def test_staff_are_a_configuration(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "staff.md").read_text(encoding="utf-8")
    (snippet,) = snippets(page, "toml")
    file = tmp_path / "gateway.toml"
    file.write_text(snippet)
    loaded = load(file, environment={"CHATBASE_KEY": "k" * 20})
    assert loaded.warnings == ()
    assert loaded.settings.orgs["acme"].staff == ("support-agent",)


def test_a_widget_is_a_configuration(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "widgets.md").read_text(encoding="utf-8")
    (snippet,) = snippets(page, "toml")
    text = EXAMPLE_ORG + snippet
    file = tmp_path / "gateway.toml"
    file.write_text(text)
    keys = {"CHATBASE_KEY": "k" * 20, "WIDGET_SECRET": "kZ3vQ9xT1mB7nL5pR2wS8dF4gH6jK0aC"}
    assert load(file, environment=keys).warnings == ()
    for name, vendor in VENDORS.items():
        rows = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
        assert [row.split("`")[3] for row in rows] == list(vendor.widget)
    for key in keys_of(WidgetTable):
        assert f"`{key}`" in page or f"{key} = " in page


@pytest.mark.anyio
@pytest.mark.parametrize("page", ["README.md", "docs/mounting.md"])
async def test_the_python_of_a_paper_runs(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CHATBASE_KEY", "SESSION_SECRET"):
        monkeypatch.setenv(name, "k" * 32)
    monkeypatch.chdir(tmp_path)
    issuer = Issuer()
    (tmp_path / "gateway.toml").write_text(
        config.chatbase("http://127.0.0.1:9", issuer, store=tmp_path / "other.db")
    )
    names: dict[str, Any] = {}
    for snippet in snippets((ROOT / page).read_text(encoding="utf-8"), "python"):
        exec(snippet, names)  # noqa: S102 - what the paper says
    for host in (names[name] for name in ("app", "mounted") if name in names):
        async with serving(host) as url:
            assert (await wire(url, raw_request("GET", "/ai/readyz"))).status == 200
            asked = raw_request("GET", "/ai/_gateway/whoami")
            assert (await wire(url, asked)).status == 401


def test_an_application_of_ones_own_is_an_upstream() -> None:
    page = (ROOT / "docs" / "mounting.md").read_text(encoding="utf-8")
    (snippet,) = snippets(page, "toml")
    around = Surroundings(wraps=True, identifies=True)
    found = from_dict(tomllib.loads(snippet), around=around)
    assert found.warnings == ()
    assert found.settings.orgs["default"].upstreams["bot"].is_app


def named(row: str) -> list[str]:
    return re.findall(r"`([a-z_]+)`", row)


def test_the_readmes_explain_shows_what_it_promises(tmp_path: Path) -> None:
    snippet = snippets(README, "toml")[0]
    issuer = Issuer("https://acme.eu.auth0.com/")
    file = tmp_path / "gateway.toml"
    secret = f'[sign_in]\nsecret = "{issuer.secret}"'
    file.write_text(snippet.replace("[sign_in]", secret).replace("${env:CHATBASE_KEY}", "k" * 20))
    (line,) = re.findall(r"gateway (explain .*)", README.split("## Vendors")[0])
    words = re.findall(r"'([^']*)'|\"([^\"]*)\"|(\S+)", line)
    typed = [next(filter(None, word)) for word in words]
    token = issuer.token("auth0-alice", algorithm="HS256")
    command = [token if word == "$TOKEN" else word for word in typed]
    done = RUN.invoke(app, [*command, "--config", str(file)])
    assert done.exit_code == 0, done.output
    assert '{"message":"hi","userId":"auth0-alice"}' in done.stdout
    assert "body:userId" in done.stdout


def test_the_readme_names_every_command_and_no_other() -> None:
    table = README.split("| command | does |")[1].split("\n\n")[0]
    named = set(re.findall(r"`gateway ([a-z]+(?: [a-z]+)?)", table))
    assert named == {command.words for command in COMMANDS}


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_every_code_is_explained(kind: type[errors.GatewayError]) -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert f"| {kind.status} | `{kind.code}` |" in page


@pytest.mark.parametrize(
    "kind",
    [
        *(one for one in all_errors() if issubclass(one, errors.Unauthenticated)),
        *(one for one in all_errors() if issubclass(one, errors.Forbidden)),
        *(errors.AmbiguousCredentials, errors.OrgRequired, errors.SpoofedIdentity),
        *(errors.BadRequest, errors.KeysUnavailable),
    ],
    ids=lambda kind: kind.__name__,
)
def test_every_refusal_of_a_person_leads_to_its_cause(kind: type[errors.GatewayError]) -> None:
    page = (ROOT / "docs" / "why-401.md").read_text(encoding="utf-8")
    under = page.partition(f"\n## {kind.status}\n")[2].partition("\n## ")[0]
    cause = under.partition(f"\n### `{kind.code}`\n")[2].partition("\n### ")[0]
    assert len(cause.split()) > 10


def test_why_401_names_every_reason_a_sign_in_gives() -> None:
    """Each detail of a 401 has words that stand on the page."""
    page = (ROOT / "docs" / "why-401.md").read_text(encoding="utf-8")
    rows = page.partition("### `credentials_invalid`")[2].partition("\n### ")[0].splitlines()
    words = [
        part.strip().lower()
        for row in rows
        if row.startswith("| ") and not row.startswith(("| the detail", "|---"))
        for part in row.split("|")[1].split(";")
    ]
    given = [
        one
        for module in (ROOT / "gateway" / "authn").rglob("*.py")
        for one in re.findall(
            r'raise CredentialsInvalid\(\s*f?"([^"]+)"', module.read_text(encoding="utf-8")
        )
    ]
    assert len(given) > 20
    untold = [one for one in given if not any(word in one.lower() for word in words)]
    assert untold == []


SIGN_INS = (ROOT / "docs" / "sign-in.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "snippet",
    [one for one in snippets(SIGN_INS, "toml") if "upstreams" in one],
    ids=lambda snippet: snippet.splitlines()[1].split(" ")[0],
)
def test_a_way_to_sign_in_is_a_configuration(snippet: str, tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(snippet)
    names = re.findall(r"\$\{env:(\w+)\}", snippet)
    secret = "kZ3vQ9xT1mB7nL5pR2wS8dF4gH6jK0aC"
    loaded = load(file, environment={name: f"{secret}-{name}" for name in names})
    assert [one for one in loaded.warnings if one.severity != "note"] == []


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: str(paper.relative_to(ROOT)))
def test_every_link_between_papers_leads_somewhere(paper: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", paper.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (paper.parent / target).exists(), target


def test_what_a_machine_carries_is_as_the_paper_reckons() -> None:
    page = (ROOT / "docs" / "capacity.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    reckoned: list[tuple[str, str, str]] = []
    for snippet in snippets(page, "python"):
        exec(snippet, names)  # noqa: S102 - what the paper says
        reckoned += [
            (asked, said, str(eval(asked, names)))  # noqa: S307 - the same
            for asked, said in re.findall(r"^(\w+\(.*\))  # (.*)$", snippet, re.MULTILINE)
        ]
    assert len(reckoned) >= 6
    assert [one for one in reckoned if one[1] != one[2]] == []


def test_every_scene_that_is_measured_is_told_of() -> None:
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert [scene for scene in (*BESIDE_PEERS, *ALONE) if f"`{scene}`" not in page] == []


def test_a_decision_has_a_number_of_its_own() -> None:
    files = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [file.name[:3] for file in files] == [f"{n:03}" for n in range(1, len(files) + 1)]
    for file in files:
        assert file.read_text().startswith(f"# {file.name[:3]} "), file.name
