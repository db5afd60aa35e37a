"""A folder is a layer, and imports look down only.

`LEVELS` is the house from the ground up. A module imports what stands on a lower level, and on its
own level only its own room: `authn` never `store`, `core.call` never `core.plan`. A room is a
package with all below it ("gateway.authn.*") or one module; what has no level fails, so that
whoever adds a module says where it belongs.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gateway"

LEVELS: tuple[tuple[str, ...], ...] = (
    ("gateway.core", "gateway.core.digests", "gateway.core.lru", "gateway.core.memo"),
    ("gateway.core.failure", "gateway.core.media", "gateway.core.names", "gateway.core.sse"),
    ("gateway.core.errors", "gateway.core.tools", "gateway.core.event", "gateway.core.patience"),
    (
        "gateway.core.budget",
        "gateway.core.fairshare",
        "gateway.core.ga4",
        "gateway.core.quota",
        "gateway.core.window",
    ),
    ("gateway.core.identity", "gateway.core.strictjson", "gateway.core.fields"),
    (
        "gateway.core.assertion",
        "gateway.core.closing",
        "gateway.core.handshake",
        "gateway.core.logout",
    ),
    (
        "gateway.core.origin",
        "gateway.core.pointer",
        "gateway.core.request_id",
        "gateway.core.seal",
    ),
    (
        "gateway.core.forwarded",
        "gateway.core.idempotency",
        "gateway.core.keywatch",
        "gateway.core.record",
        "gateway.core.usage",
    ),
    (
        "gateway.core.guard",
        "gateway.core.place",
        "gateway.core.problem_shape",
        "gateway.core.query",
        "gateway.core.signature",
    ),
    ("gateway.core.holding", "gateway.core.metered", "gateway.core.sought"),
    ("gateway.core.shape",),
    ("gateway.core.operation", "gateway.core.doors", "gateway.core.callback"),
    ("gateway.core.contact",),
    ("gateway.core.vendor",),
    (
        "gateway.core.note",
        "gateway.core.problem",
        "gateway.core.route",
    ),
    ("gateway.core.mcp", "gateway.core.spelled", "gateway.core.whole"),
    ("gateway.core.mirror", "gateway.core.mcp_answer", "gateway.core.reading"),
    (
        "gateway.core.call",
        "gateway.core.destination",
        "gateway.core.directory",
        "gateway.core.form",
        "gateway.core.observe",
        "gateway.core.subject",
    ),
    ("gateway.core.plan", "gateway.core.spoken"),
    ("gateway.core.lookup", "gateway.core.contact_call"),
    (
        "gateway.ports.*",
        "gateway.verification",
        "gateway.mounted",
        "gateway.mounted.caller",
        "gateway.events",
        "gateway.events.envelope",
        "gateway.randomness",
        "gateway.deadline",
        "gateway.resolver",
        "gateway.trust",
    ),
    (
        "gateway.vendors.*",
        "gateway.authn.*",
        "gateway.store.*",
        "gateway.limits.*",
        "gateway.net.*",
        "gateway.telemetry.*",
    ),
    ("gateway.interrupt", "gateway.stamp", "gateway.shortcut", "gateway.org"),
    ("gateway.site", "gateway.others"),
    ("gateway.resource",),
    ("gateway.errand", "gateway.idempotency", "gateway.uploading"),
    ("gateway.relay", "gateway.adoption", "gateway.welcome", "gateway.toolcall", "gateway.logout"),
    ("gateway.callback", "gateway.events.receivers", "gateway.events.delivery"),
    ("gateway.exchange", "gateway.tools", "gateway.chatkit", "gateway.contacts.*"),
    ("gateway.staff",),
    ("gateway.widgets",),
    ("gateway.websocket",),
    ("gateway.dispatch",),
    ("gateway.opening",),
    ("gateway.explain", "gateway.recording"),
    ("gateway.config.*",),
    ("gateway.assemble.*",),
    ("gateway.mounted.lifespan", "gateway.mounted.placement", "gateway.mounted.host_contacts"),
    ("gateway.app", "gateway.mounted.current"),
    ("gateway.middleware", "gateway.reload", "gateway.rereading"),
    ("gateway",),
    ("gateway.rows",),
    ("gateway.admin.*",),
    ("gateway.demo.*",),
    ("gateway.cli.*",),
    ("gateway.__main__",),
)
PIPELINES = (
    "gateway.deadline",
    "gateway.interrupt",
    "gateway.stamp",
    "gateway.shortcut",
    "gateway.org",
    "gateway.site",
    "gateway.resource",
    "gateway.others",
    "gateway.relay",
    "gateway.adoption",
    "gateway.errand",
    "gateway.idempotency",
    "gateway.uploading",
    "gateway.welcome",
    "gateway.toolcall",
    "gateway.logout",
    "gateway.contacts.*",
    "gateway.callback",
    "gateway.events.envelope",
    "gateway.events.receivers",
    "gateway.events.delivery",
    "gateway.exchange",
    "gateway.tools",
    "gateway.chatkit",
    "gateway.staff",
    "gateway.widgets",
    "gateway.websocket",
    "gateway.dispatch",
    "gateway.opening",
    "gateway.explain",
    "gateway.recording",
)
# Of what is lower, these may import no more than this.
ONLY: dict[str, tuple[str, ...]] = {
    "gateway.vendors.*": ("gateway.core.vendor", "gateway.vendors.*"),
    **dict.fromkeys(PIPELINES, ("gateway.core.*", "gateway.ports.*", *PIPELINES)),
}
# Nothing under core/ waits, looks at a clock, opens anything or writes a log.
IMPURE = frozenset(
    {"asyncio", "concurrent", "datetime", "io", "logging", "multiprocessing", "os", "pathlib"}
    | {"random", "secrets", "select", "selectors", "shutil", "signal", "socket", "sqlite3", "ssl"}
    | {"subprocess", "sys", "tempfile", "threading", "time"}
)
NAMES_THAT_SAY_NOTHING = frozenset(
    {"base", "common", "helpers", "manager", "misc", "util", "utils"}
)
LONGEST = 300  # lines
IN_FOLDER = re.compile(
    r"^    (\S.*?)  +\S", re.MULTILINE
)  # a row of what an __init__.py says is there
UNTESTED: dict[str, str] = {
    "gateway.core.event": "values without code; tests/events/test_envelope.py shows them",
    "gateway.limits.rules": "values without code; tests/limits/test_org.py is made of them",
    "gateway.limits.scripts": "Lua; test_counts.py and test_shared.py run it in a real Valkey",
    "gateway.net.sending": "half a connection; test_connection.py and test_http1.py drive it",
    "gateway.net.carrier": "promises without code; test_multiplex.py keeps them",
    "gateway.net.clocks": "values without code; test_connection.py winds them",
    "gateway.net.turn": "promises without code; test_own_turn.py and test_asgi_turn.py keep them",
    "gateway.org": "values without code; every test of the pipeline is made of them",
    "gateway.cli.looking": "what two commands share; their tests drive it",
    "gateway.assemble.wire": "a choice; tests/assemble/test_orgs.py and test_contacts.py see it",
    "gateway.net.http2_connection": "a socket around a Multiplex; test_http2.py drives it",
    "gateway.net.stream": "one exchange; test_transports.py and test_http2.py drive it",
    "gateway.assemble.egress": "a few values; every test of a proxy on the way is made by it",
    "gateway.assemble.tools": "every tool of tests/test_toolcall.py is made by it",
    "gateway.assemble.events": "every event of tests/test_callback.py goes through it",
    "gateway.config.events": "values; tests/config/rules/test_events.py drives them",
    "gateway.config.tools": "values; tests/config/rules/test_tools.py drives them",
    "gateway.config.widget": "values; tests/config/rules/test_widget.py drives them",
    "gateway.assemble.widgets": "every widget of tests/test_widgets.py is made by it",
    "gateway.assemble.sign_ins.probed": "one class without code",
    "gateway.assemble.sign_ins.making": "values without code",
    "gateway.assemble.process": "what is opened once; every test that opens a gateway runs it",
    "gateway.assemble.host": "values without code",
    "gateway.config.rules.sign_ins.host": "a kind that cannot be wrong by itself",
    "gateway.config.sign_ins.table": "what the kinds share; each kind's own tests drive it",
    "gateway.store.errors": "classes without code",
    "gateway.store.upgrade": "one call of Alembic; every test that makes a store runs it",
    "gateway.ports.*": "promises without code; each adapter's test holds it to them",
    "gateway.__main__": "one call; tests/cli drives it as a process",
    "gateway.store.migrations.*": "Alembic's own scripts; every test that opens a store runs them",
}


def covers(room: str, module: str) -> bool:
    package = room.removesuffix(".*")
    return module == package or (room != package and module.startswith(package + "."))


def place(module: str) -> tuple[int, str] | None:
    """Level and room of a module, by the longest name; None where nobody gave it one."""
    found = [
        (level, room)
        for level, rooms in enumerate(LEVELS)
        for room in rooms
        if covers(room, module)
    ]
    return max(found, key=lambda one: len(one[1]), default=None)


def may_import(module: str, imported: str) -> bool:
    here, there = place(module), place(imported)
    if here is None or there is None:
        return False
    if here[1] in ONLY and not any(covers(room, imported) for room in ONLY[here[1]]):
        return False
    return there[0] < here[0] or there[1] == here[1]


def imports(source: str, modules: frozenset[str]) -> Iterator[str]:
    """What a module imports, anywhere in it; of our own, the module and not the name in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            names = (f"{origin}.{alias.name}" for alias in node.names)
            yield from (name if name in modules else origin for name in names)


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
MODULES = frozenset(SOURCES)
IMPORTS = {name: set(imports(path.read_text(), MODULES)) for name, path in SOURCES.items()}


def is_ours(name: str) -> bool:
    return name.split(".")[0] == "gateway"


def test_every_module_has_a_level():
    assert [name for name in SOURCES if place(name) is None] == []


def test_what_a_folder_says_is_in_it_is_there():
    told = [
        f"{package}.{name.removesuffix('.py').removesuffix('/')}"
        for package, path in SOURCES.items()
        if path.name == "__init__.py"
        for names in IN_FOLDER.findall(ast.get_docstring(ast.parse(path.read_text())) or "")
        for name in names.split(", ")
    ]
    assert len(told) > 100
    assert sorted(set(told) - MODULES) == []


def test_what_contributors_read_of_is_there():
    shown = re.search(
        r"by what comes in:\n\n(.*?)\n\n", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL
    )
    assert shown is not None
    told = {f"gateway.{name}" for name in re.findall(r"`(\w+)`", shown[1])}
    assert told <= MODULES
    assert len(told) > 30


def test_imports_look_down_only():
    wrong = [
        f"{module} imports {imported}"
        for module, found in IMPORTS.items()
        for imported in sorted(found)
        if is_ours(imported) and not may_import(module, imported)
    ]
    assert wrong == []


def test_imports_are_absolute():
    relative = [name for name, found in IMPORTS.items() if any(one[0] == "." for one in found)]
    assert relative == []


def test_core_is_pure():
    allowed = (sys.stdlib_module_names - IMPURE) | {"gateway", "msgspec"}
    wrong = [
        f"{module} imports {imported}"
        for module, found in IMPORTS.items()
        for imported in sorted(found)
        if covers("gateway.core.*", module) and imported.split(".")[0] not in allowed
    ]
    assert wrong == []


def test_pipelines_know_no_library():
    wrong = [
        f"{module} imports {imported}"
        for module in sorted(MODULES)
        if any(covers(room, module) for room in PIPELINES)
        for imported in sorted(IMPORTS[module])
        if imported.split(".")[0] not in sys.stdlib_module_names | {"gateway"}
    ]
    assert wrong == []


def test_a_modules_name_says_what_it_is():
    assert [name for name in SOURCES if NAMES_THAT_SAY_NOTHING & set(name.split("."))] == []


def test_a_module_is_one_idea():
    lengths = {name: len(path.read_text().splitlines()) for name, path in SOURCES.items()}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_every_module_opens_with_its_contract():
    silent = [
        name
        for name, path in SOURCES.items()
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def expected_test(module: str) -> Path:
    *rooms, name = module.split(".")[1:]
    return ROOT.joinpath("tests", *rooms, f"test_{name}.py")


def test_every_module_has_tests_where_one_looks_for_them():
    modules = [name for name, path in SOURCES.items() if path.name != "__init__.py"]
    untested = [name for name in modules if not expected_test(name).exists()]
    excused = {room for room in UNTESTED for name in untested if covers(room, name)}
    assert [name for name in untested if not any(covers(room, name) for room in UNTESTED)] == []
    assert {room for room in UNTESTED if any(covers(room, name) for name in modules)} == excused


@pytest.mark.parametrize(
    ("module", "imported", "allowed"),
    [
        ("gateway.exchange", "gateway.core.plan", True),
        ("gateway.core.plan", "gateway.exchange", False),
        ("gateway.exchange", "gateway.net.http1", False),
        ("gateway.exchange", "gateway.ports", True),
        ("gateway.authn.jwt", "gateway.authn.jwks", True),
        ("gateway.authn.jwt", "gateway.store.ledger", False),
        ("gateway.vendors.chatbase", "gateway.core.vendor", True),
        ("gateway.vendors.chatbase", "gateway.core.fields", False),
        ("gateway.core.identity", "gateway.core.strictjson", False),
        ("gateway.core.new", "gateway.core.errors", False),
        ("gateway.assemble.orgs", "gateway.store.ledger", True),
        ("gateway.app", "gateway.cli.serve", False),
        ("gateway.cli.serve", "gateway", True),
    ],
)
def test_the_table_says(module: str, imported: str, allowed: bool):
    assert may_import(module, imported) == allowed


def test_the_walk_finds_imports_wherever_they_stand():
    source = """
import a.b, c
from gateway.core import pointer, JsonValue
from . import near
def f():
    if TYPE_CHECKING:
        from gateway.ports import Clock
"""
    modules = frozenset({"gateway.core.pointer", "gateway.ports"})
    found = {"a.b", "c", "gateway.core.pointer", "gateway.core", ".", "gateway.ports"}
    assert set(imports(source, modules)) == found
