"""A folder is a layer, and imports look down only.

`LEVELS` is the house from the ground up. A module imports what stands on a lower level, and on its
own level only its own room: `authn` never `store`, `core.request.call` never `core.answer.observe`.
A room is a package with all below it ("gateway.authn.*") or one module; what has no level fails, so
that whoever adds a module says where it belongs.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gateway"

# Folders whose `__init__.py` says what is in them, and does nothing.
FOLDERS = (
    "gateway.core",
    "gateway.core.answer",
    "gateway.core.events",
    "gateway.core.formats",
    "gateway.core.limits",
    "gateway.core.mcp",
    "gateway.core.people",
    "gateway.core.profile",
    "gateway.core.request",
    "gateway.core.websocket",
    "gateway.explain",
    "gateway.orgs",
    "gateway.pages",
    "gateway.reload",
    "gateway.steps",
    "gateway.system",
)
LEVELS: tuple[tuple[str, ...], ...] = (
    (*FOLDERS, "gateway.core.formats.digests", "gateway.core.lru", "gateway.core.memo"),
    (
        "gateway.core.failure",
        "gateway.core.formats.media",
        "gateway.core.profile.names",
        "gateway.core.formats.sse",
    ),
    (
        "gateway.core.errors",
        "gateway.core.mcp.tools",
        "gateway.core.events.event",
        "gateway.core.events.patience",
    ),
    (
        "gateway.core.limits.budget",
        "gateway.core.limits.fairshare",
        "gateway.core.events.ga4",
        "gateway.core.limits.quota",
        "gateway.core.limits.window",
    ),
    (
        "gateway.core.people.identity",
        "gateway.core.formats.strictjson",
        "gateway.core.formats.fields",
    ),
    (
        "gateway.core.people.assertion",
        "gateway.core.websocket.closing",
        "gateway.core.websocket.handshake",
        "gateway.core.people.logout",
        "gateway.core.formats.traceparent",
    ),
    (
        "gateway.core.request.origin",
        "gateway.core.formats.pointer",
        "gateway.core.formats.request_id",
        "gateway.core.people.seal",
        "gateway.core.trace",
    ),
    (
        "gateway.core.formats.forwarded",
        "gateway.core.request.idempotency",
        "gateway.core.answer.keywatch",
        "gateway.core.record",
        "gateway.core.answer.usage",
    ),
    (
        "gateway.core.profile.guard",
        "gateway.core.profile.place",
        "gateway.core.profile.problem_shape",
        "gateway.core.profile.paths",
        "gateway.core.formats.query",
        "gateway.core.events.signature",
    ),
    ("gateway.core.request.holding", "gateway.core.profile.metered", "gateway.core.answer.sought"),
    ("gateway.core.profile.shape",),
    (
        "gateway.core.profile.operation",
        "gateway.core.profile.doors",
        "gateway.core.events.callback",
    ),
    ("gateway.core.profile.contact",),
    ("gateway.core.profile.vendor",),
    (
        "gateway.core.answer.note",
        "gateway.core.problem",
        "gateway.core.request.route",
    ),
    ("gateway.core.mcp.messages", "gateway.core.request.spelled", "gateway.core.answer.whole"),
    ("gateway.core.mcp.mirror", "gateway.core.mcp.answers", "gateway.core.request.reading"),
    (
        "gateway.core.request.call",
        "gateway.core.request.destination",
        "gateway.core.request.directory",
        "gateway.core.request.form",
        "gateway.core.answer.observe",
        "gateway.core.people.subject",
    ),
    ("gateway.core.request.plan", "gateway.core.websocket.spoken"),
    ("gateway.core.request.lookup", "gateway.core.request.contact_call"),
    (
        "gateway.ports.*",
        "gateway.verification",
        "gateway.mounted",
        "gateway.mounted.caller",
        "gateway.events",
        "gateway.events.envelope",
        "gateway.system.randomness",
        "gateway.system.deadline",
        "gateway.system.resolver",
        "gateway.system.trust",
    ),
    (
        "gateway.vendors.*",
        "gateway.authn.*",
        "gateway.store.*",
        "gateway.limits.*",
        "gateway.net.*",
        "gateway.telemetry.*",
    ),
    (
        "gateway.steps.interrupt",
        "gateway.steps.lease",
        "gateway.steps.stamp",
        "gateway.steps.shortcut",
        "gateway.orgs.org",
    ),
    ("gateway.orgs.site", "gateway.orgs.others"),
    ("gateway.pages.resource", "gateway.pages.whoami"),
    ("gateway.steps.errand", "gateway.steps.idempotency", "gateway.steps.uploading"),
    (
        "gateway.relay",
        "gateway.steps.adoption",
        "gateway.steps.welcome",
        "gateway.toolcall",
        "gateway.pages.logout",
    ),
    ("gateway.callback", "gateway.events.receivers", "gateway.events.delivery"),
    ("gateway.exchange", "gateway.orgs.tools", "gateway.pages.chatkit", "gateway.contacts.*"),
    ("gateway.pages.staff",),
    ("gateway.pages.widgets",),
    ("gateway.websocket",),
    ("gateway.dispatch",),
    ("gateway.opening",),
    ("gateway.explain.decisions", "gateway.explain.recording"),
    ("gateway.config.*",),
    ("gateway.assemble.*",),
    ("gateway.mounted.lifespan", "gateway.mounted.placement", "gateway.mounted.host_contacts"),
    ("gateway.app", "gateway.mounted.current"),
    ("gateway.middleware", "gateway.reload.sighup", "gateway.reload.rereading"),
    ("gateway",),
    ("gateway.admin.rows", "gateway.admin.throttle", "gateway.admin.health", "gateway.admin.body"),
    ("gateway.admin.query",),
    ("gateway.admin.lists", "gateway.admin.people"),
    ("gateway.admin.current", "gateway.admin.sending"),
    ("gateway.console.*",),
    ("gateway.admin.*",),
    ("gateway.demo.*",),
    ("gateway.cli.*",),
    ("gateway.__main__",),
)
PIPELINES = (
    "gateway.system.deadline",
    "gateway.steps.interrupt",
    "gateway.steps.lease",
    "gateway.steps.stamp",
    "gateway.steps.shortcut",
    "gateway.orgs.org",
    "gateway.orgs.site",
    "gateway.pages.resource",
    "gateway.pages.whoami",
    "gateway.orgs.others",
    "gateway.relay",
    "gateway.steps.adoption",
    "gateway.steps.errand",
    "gateway.steps.idempotency",
    "gateway.steps.uploading",
    "gateway.steps.welcome",
    "gateway.toolcall",
    "gateway.pages.logout",
    "gateway.contacts.*",
    "gateway.callback",
    "gateway.events.envelope",
    "gateway.events.receivers",
    "gateway.events.delivery",
    "gateway.exchange",
    "gateway.orgs.tools",
    "gateway.pages.chatkit",
    "gateway.pages.staff",
    "gateway.pages.widgets",
    "gateway.websocket",
    "gateway.dispatch",
    "gateway.opening",
    "gateway.explain.decisions",
    "gateway.explain.recording",
)
# Of what is lower, these may import no more than this.
ONLY: dict[str, tuple[str, ...]] = {
    "gateway.vendors.*": ("gateway.core.profile.vendor", "gateway.vendors.*"),
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
    "gateway.core.events.event": "values without code; tests/events/test_envelope.py shows them",
    "gateway.limits.rules": "values without code; tests/limits/test_org.py is made of them",
    "gateway.limits.scripts": "Lua; test_counts.py and test_shared.py run it in a real Valkey",
    "gateway.net.upstream.sending": "half a connection; test_connection.py drives it",
    "gateway.net.http2.carrier": "promises without code; test_multiplex.py keeps them",
    "gateway.net.upstream.clocks": "values without code; test_connection.py winds them",
    "gateway.net.server.turn": "promises without code; test_own_turn.py keeps them",
    "gateway.pages.whoami": "one answer; tests/test_dispatch.py asks for it",
    "gateway.orgs.org": "values without code; every test of the pipeline is made of them",
    "gateway.cli.looking": "what two commands share; their tests drive it",
    "gateway.assemble.wire": "a choice; tests/assemble/test_orgs.py and test_contacts.py see it",
    "gateway.net.http2.connection": "a socket around a Multiplex; test_http2.py drives it",
    "gateway.net.http2.stream": "one exchange; test_transports.py and test_http2.py drive it",
    "gateway.assemble.egress": "a few values; every test of a proxy on the way is made by it",
    "gateway.assemble.tools": "every tool of tests/test_toolcall.py is made by it",
    "gateway.assemble.events": "every event of tests/test_callback.py goes through it",
    "gateway.config.events": "values; tests/config/rules/test_events.py drives them",
    "gateway.config.operators": "values; tests/config/rules/test_server.py drives them",
    "gateway.config.tools": "values; tests/config/rules/test_tools.py drives them",
    "gateway.config.widget": "values; tests/config/rules/test_widget.py drives them",
    "gateway.assemble.widgets": "every widget of tests/pages/test_widgets.py is made by it",
    "gateway.assemble.sign_ins.probed": "one class without code",
    "gateway.assemble.sign_ins.making": "values without code",
    "gateway.assemble.process": "what is opened once; every test that opens a gateway runs it",
    "gateway.assemble.host": "values without code",
    "gateway.config.rules.sign_ins.host": "a kind that cannot be wrong by itself",
    "gateway.config.sign_ins.table": "what the kinds share; each kind's own tests drive it",
    "gateway.store.errors": "classes without code",
    "gateway.store.upgrade": "one call of Alembic; every test that makes a store runs it",
    "gateway.ports.*": "promises without code; each adapter's test holds it to them",
    "gateway.__main__": "two calls; tests/cli drives it as a process",
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
    assert len(told) > 150
    assert sorted(set(told) - MODULES) == []


def test_what_contributors_read_of_is_there():
    shown = re.search(
        r"by what comes in:\n\n(.*?)\n\n", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL
    )
    assert shown is not None
    told = {f"gateway.{name}" for name in re.findall(r"`(\w+)/?`", shown[1])}
    assert told <= MODULES
    assert len(told) > 15


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


# A module that prose names by its place: `core.request.plan`, `core.people.identity.VISITOR`.
PLACE = re.compile(
    r"`(?:gateway\.)?((?:core|net|authn|assemble|ports|steps|telemetry)(?:\.[a-z_0-9]+)+)"
)


def is_there(place: str) -> bool:
    """Whether a module, or something in one, has this name."""
    module, _, name = f"gateway.{place}".rpartition(".")
    return f"gateway.{place}" in MODULES or (
        module in MODULES and re.search(rf"\b{name}\b", SOURCES[module].read_text()) is not None
    )


def test_what_prose_names_by_its_place_stands_there():
    prose = [*PACKAGE.rglob("*.py"), *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    named = {(file.name, place) for file in prose for place in PLACE.findall(file.read_text())}
    assert [one for one in sorted(named) if not is_there(one[1])] == []


def test_a_folder_says_of_each_module_what_it_is():
    unsaid = []
    for name, path in SOURCES.items():
        said = ast.get_docstring(ast.parse(path.read_text())) or ""
        if path.name == "__init__.py" and "What is where" in said:
            words = set(re.findall(r"[a-z_0-9]+", said))
            inside = {module.stem for module in path.parent.glob("[!_]*.py")}
            unsaid += [f"{name}: {one}" for one in sorted(inside - words)]
    assert unsaid == []


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
        ("gateway.exchange", "gateway.core.request.plan", True),
        ("gateway.core.request.plan", "gateway.exchange", False),
        ("gateway.exchange", "gateway.net.upstream.http1", False),
        ("gateway.exchange", "gateway.ports", True),
        ("gateway.authn.jwt", "gateway.authn.jwks", True),
        ("gateway.authn.jwt", "gateway.store.ledger", False),
        ("gateway.vendors.chatbase", "gateway.core.profile.vendor", True),
        ("gateway.vendors.chatbase", "gateway.core.formats.fields", False),
        ("gateway.core.people.identity", "gateway.core.formats.strictjson", False),
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
from gateway.core.formats import pointer, JsonValue
from . import near
def f():
    if TYPE_CHECKING:
        from gateway.ports import Clock
"""
    modules = frozenset({"gateway.core.formats.pointer", "gateway.ports"})
    found = {
        "a.b",
        "c",
        ".",
        "gateway.core.formats",
        "gateway.core.formats.pointer",
        "gateway.ports",
    }
    assert set(imports(source, modules)) == found
