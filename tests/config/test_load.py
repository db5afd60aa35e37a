import re
from pathlib import Path

import pytest

from gateway.config import positions
from gateway.config.allowances import LimitsTable, SharedCounters
from gateway.config.contacts import ContactsTable
from gateway.config.load import ConfigError, from_dict, load
from gateway.config.model import (
    IdentitySettings,
    OrgTable,
    Server,
    Store,
    Timeouts,
    UpstreamTable,
)
from gateway.config.operators import Traces
from gateway.config.profile import (
    ContactBookTable,
    LookupTable,
    OperationTable,
    ProblemTable,
    VendorTable,
)
from gateway.config.sign_ins import SHARED_KINDS
from gateway.config.table import Table
from gateway.config.written import File, keys_of
from tests.config.conftest import Load, Told
from tests.config.parts import STRONG, UPSTREAM, org, short

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config.example.toml"
SECRETS = {
    "GATEWAY_SECRET": STRONG,
    "GATEWAY_ADMIN_TOKEN": STRONG,
    "COLLECTOR_TOKEN": "collector-token",
    "SUPPORT_KEY": "support-key",
    "JWT_SECRET": STRONG[::-1],
    "SESSION_SECRET": STRONG.swapcase(),
    "INTROSPECT_SECRET": "introspect-secret",
    "PROXY_SECRET": STRONG[1:],
    "PROXY_SECRET_OLD": "",
    "CHATBASE_KEY": "chatbase-key",
    "DOCS_KEY": "docs-key",
    "MINE_KEY": "mine-key",
    "TOOL_TOKEN": "tool-token-0123456789",
    "WIDGET_SECRET": STRONG[2:] + "w7",
    "NOTES_KEY": "notes-key-0123456789",
    "CONTACTS_TOKEN": "contacts-token-0123456789",
    "CHATBASE_WEBHOOK": "webhook-secret-0123456789",
    "HOOK_SECRET": "whsec_c2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXMtMDAwMDE=",
    "GA4_SECRET": "ga4-secret",
}
WRITTEN = (
    *(File, Server, IdentitySettings, Store, *SHARED_KINDS.values()),
    *(OrgTable, UpstreamTable, Timeouts, LimitsTable, SharedCounters, Traces),
    *(VendorTable, OperationTable, ProblemTable, LookupTable, ContactBookTable, ContactsTable),
)
SMALLEST = """\
[sign_in]
issuer = "https://acme.eu.auth0.com/"
audience = "chat"
[upstreams.support]
vendor = "chatbase"
key = "${env:CHATBASE_KEY}"
agent = "agent_1"
"""


def test_seven_lines_are_a_configuration(loaded: Load):
    found = loaded(SMALLEST, CHATBASE_KEY="k")
    assert list(found.settings.orgs) == ["default"]
    assert [one.severity for one in found.warnings] == ["note"]


def test_the_example_loads_without_a_warning():
    found = load(EXAMPLE, environment=SECRETS)
    assert found.warnings == ()
    assert list(found.settings.orgs) == ["*", "acme", "globex"]


def test_the_example_needs_what_it_says(told: Told):
    said = told(EXAMPLE.read_text())
    assert [re.findall(r"variable (\w+) is not set", line) for line in said] == [
        ["GATEWAY_SECRET"],
        ["GATEWAY_ADMIN_TOKEN"],
        ["COLLECTOR_TOKEN"],
        ["SUPPORT_KEY"],
        ["JWT_SECRET"],
        ["SESSION_SECRET"],
        ["INTROSPECT_SECRET"],
        ["PROXY_SECRET"],
        ["CHATBASE_KEY"],
        ["NOTES_KEY"],
        ["TOOL_TOKEN"],
        ["WIDGET_SECRET"],
        ["CONTACTS_TOKEN"],
        ["CHATBASE_WEBHOOK"],
        ["HOOK_SECRET"],
        ["GA4_SECRET"],
        ["DOCS_KEY"],
        ["MINE_KEY"],
    ]


@pytest.mark.parametrize("table", WRITTEN, ids=lambda table: table.__name__)
def test_the_example_has_every_key_there_is(table: type[Table]):
    text = EXAMPLE.read_text()
    lines = re.compile(
        r"^(?:# )?([\w]+) = |^\[+(?:(?:orgs|vendors)\.\w+\.(?:upstreams\.\w+\.)?)?(\w+)",
        re.MULTILINE,
    )
    named = {name for pair in lines.findall(text) for name in pair}
    named |= set(re.findall(r"(\w+) = ", text.partition("timeouts = {")[2].partition("}")[0]))
    assert set(keys_of(table)) <= named


def test_the_example_names_its_schema():
    assert EXAMPLE.read_text().startswith("#:schema ")


def test_every_mistake_is_found_at_once(told: Told):
    text = """\
include = ["orgs.d/*.toml"]
versio = 1
[server]
listen = "nowhere"
max_body = 5.5
[[sign_in]]
isuer = "https://id.example/"
secret = "CANARY"
[[sign_in]]
framework = "flask"
[orgs.acme]
hosts = ["Chat.example"]
upstreams.a = { vendor = "chatbse", key = "${env:NOT_SET}" }
upstreams.b = { vendor = "chatbase", key = "${env:KEY}", agent = "x", operations = ["chatt"] }
"""
    assert [line.partition(":  ")[0].split(": ")[0] for line in told(text)] == [
        "1:12  warning  include[0]",
        "2:1  error  versio",
        "4:1  error  server.listen",
        "5:1  error  server.max_body",
        "6:3  error  sign_in[0].issuer",
        "6:3  error  sign_in[0].orgs",
        "6:3  error  sign_in[0].audience",
        "7:1  error  sign_in[0].isuer",
        "8:1  error  sign_in[0].secret",
        "8:1  warning  sign_in[0].secret",
        "9:3  error  sign_in[1].secret",
        "9:3  error  sign_in[1].orgs",
        "12:10  error  orgs.acme.hosts[0]",
        "13:17  error  orgs.acme.upstreams.a.vendor",
        "13:37  error  orgs.acme.upstreams.a.key",
        "14:85  error  orgs.acme.upstreams.b.operations[0]",
    ]


def test_what_is_missing_twice_does_not_seem_shared(told: Told):
    rule = f'{UPSTREAM}\nuser_id = "verbatim"'.replace("KEY", "NOT_SET")
    audience = 'audience = "chat"'
    text = org("a", more='path = "/a"', upstream=rule, sign_in=audience)
    text += org("b", more='path = "/b"', upstream=rule, sign_in=audience)
    assert [line.split("  error  ")[1].split(": ")[0] for line in told(text)] == [
        "orgs.a.sign_in[0].issuer",
        "orgs.a.upstreams.support.key",
        "orgs.b.sign_in[0].issuer",
        "orgs.b.upstreams.support.key",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = ", '1:5  error  not TOML: Invalid value; text stands in straight quotes: "…"'),
        (
            "a = 1\nb = [1,",
            '2:8  error  not TOML: Invalid value; text stands in straight quotes: "…"',
        ),
        (
            'a = 1\n\nb = "x\n',
            "3:7  error  not TOML: Illegal character '\\n'; a quote is not closed",
        ),
        (
            "a = 1\na = 2\n",
            "2:6  error  not TOML: Cannot overwrite a value; this key stands twice in its table",
        ),
        (
            "[a]\n[a]\n",
            "2:3  error  not TOML: Cannot declare ('a',) twice; this table stands twice",
        ),
    ],
)
def test_what_is_not_toml_has_a_position_too(text: str, expected: str, told: Told):
    assert told(text) == [expected]


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path):
    for path, why in (
        (tmp_path / "none.toml", "cannot read this file: No such file or directory"),
        (tmp_path, "cannot read this file: Is a directory"),
    ):
        with pytest.raises(ConfigError) as caught:
            load(path, environment={})
        assert str(caught.value) == f"{path}  error  {why}"


def test_a_file_that_is_not_utf_8_says_where(tmp_path: Path):
    file = tmp_path / "gateway.toml"
    file.write_bytes(b"a = 1\nb = '\xff'\n")
    with pytest.raises(ConfigError, match=r"toml:2  error  is not UTF-8 text from here on"):
        load(file, environment={})
    file.write_bytes(b"\xef\xbb\xbf" + short().encode())
    assert load(file, environment={"KEY": "k"}).warnings == ()


def test_a_clean_file_needs_no_positions(loaded: Load, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(positions, "positions", None)
    assert loaded(short()).warnings == ()
    with pytest.raises(TypeError):
        loaded(short(upstream="zzz = 1"))


def test_relative_files_start_at_the_file(tmp_path: Path):
    (tmp_path / "key").write_text("from a file\n")
    file = tmp_path / "gateway.toml"
    file.write_text(short().replace("${env:KEY}", "${file:key}"))
    upstream = load(file, environment={}).settings.orgs["default"].upstreams["support"]
    assert upstream.key[0].get_secret_value() == "from a file"


def test_options_go_before_the_environment_and_the_file(tmp_path: Path):
    file = tmp_path / "gateway.toml"
    file.write_text('server.listen = "127.0.0.1:1"\n' + short())
    environment = {"KEY": "k", "GATEWAY__SERVER__LISTEN": "127.0.0.1:2"}
    given = {"server.listen": "127.0.0.1:3"}
    found = load(file, environment=environment, overrides=given).settings.server.listen
    assert found == "127.0.0.1:3"
    with pytest.raises(ConfigError, match=r"^the command line  error  server\.listen: must be an"):
        load(file, environment=environment, overrides={"server.listen": "x"})


def test_the_environment_of_the_process_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KEY", "k")
    file = tmp_path / "gateway.toml"
    file.write_text(short())
    assert load(str(file)).warnings == ()


def test_a_program_gives_a_mapping():
    upstream = {"vendor": "chatbase", "key": ("literal", "${env:KEY}"), "agent": "a"}
    config = {
        "sign_in": {"issuer": "https://id.example/", "audience": ("chat",)},
        "upstreams": {"support": upstream},
    }
    found = from_dict(config, environment={"KEY": "k"})
    assert found.warnings == ()
    keys = found.settings.orgs["default"].upstreams["support"].key
    assert [key.get_secret_value() for key in keys] == ["literal", "k"]
    assert config["upstreams"]["support"] == upstream


def test_its_mistakes_have_no_lines():
    with pytest.raises(ConfigError) as caught:
        from_dict({"upstreams": {"a": {"vendr": "chatbase", 5: "x"}}, "sign_in": [5]})
    assert str(caught.value).splitlines() == [
        "configuration  error  sign_in[0]: must be a table",
        "configuration  error  upstreams.a.vendor: is required: the profile: one of `gateway "
        "vendors`, or of [vendors]",
        "configuration  error  upstreams.a.vendr: unknown key - did you mean vendor?",
        "configuration  error  upstreams.a.5: unknown key",
        "configuration  error  upstreams.a.key: is required",
    ]


CANARY = "CANARY-5d41402abc4b2a76b9719d911017c592"
LEAVES = [
    ("server.listen", CANARY),
    ("server.trusted_proxies", CANARY),
    ("server.max_body", CANARY),
    ("server.drain", CANARY),
    ("server.max_connections", CANARY),
    ("server.workers", CANARY),
    ("identity.secret", CANARY[:20]),
    ("store.url", f"postgresql://u:{CANARY}@db/x"),
    ("sign_in.issuer", f"http://u:{CANARY}@id.example"),
    ("sign_in.type", CANARY),
    ("sign_in.algorithms", CANARY),
    ("sign_in.from", CANARY),
    ("sign_in.user_claim", f"/{CANARY}~"),
    ("sign_in.secret", CANARY[:20]),
    ("sign_in.public_key", CANARY),
    ("sign_in.jwks", CANARY),
    ("sign_in.jwks_url", f"http://u:{CANARY}@id.example"),
    ("sign_in.leeway", CANARY),
    ("sign_in.orgs", CANARY),
    ("upstreams.a.vendor", CANARY),
    ("upstreams.a.base_url", f"https://u:{CANARY}@vendor.example"),
    ("upstreams.a.path", f"/{CANARY}//"),
    ("upstreams.a.agent", f"{CANARY}/"),
    ("upstreams.a.user_header", f"{CANARY} "),
    ("upstreams.a.user_id", CANARY),
    ("upstreams.a.fields.x-key", f"{CANARY} "),
    ("upstreams.a.fields.x-other", f"{{{CANARY}}}"),
    ("upstreams.a.operations", CANARY),
    ("upstreams.a.timeouts.connect", CANARY),
    ("upstreams.a.timeouts", CANARY),
    ("upstreams.a.default_roles", CANARY),
    ("upstreams.a.proxy", f"http://u:{CANARY}@proxy"),
    ("upstreams.a.unknown", CANARY),
    ("vendors.a", CANARY),
    ("vendors.a.base_url", f"https://u:{CANARY}@vendor.example"),
    ("vendors.a.fields.x-key", f"{CANARY} "),
    ("vendors.a.fields.x-other", f"{{{CANARY}}}"),
    ("vendors.a.user_id", f"{CANARY}["),
    ("vendors.a.closed", CANARY),
    ("vendors.a.credential_fields", f"{CANARY}:"),
    ("vendors.a.operations.b", CANARY),
    ("vendors.a.operations.b", f"GET /{CANARY}//"),
    ("vendors.a.operations.b.method", CANARY),
    ("vendors.a.operations.b.path", CANARY),
    ("vendors.a.operations.b.user", CANARY),
    ("vendors.a.operations.b.user", f"path:{CANARY}"),
    ("vendors.a.operations.b.user", f"body:{CANARY}"),
    ("vendors.a.operations.b.opens", f"query:{CANARY}"),
    ("vendors.a.operations.b.fields", f"{CANARY}:"),
    ("vendors.a.operations.b.response_fields", f"{CANARY}:"),
    ("vendors.a.operations.b.thinks", CANARY),
    ("vendors.a.problem.body.x", f"{CANARY} {{code}}"),
    ("vendors.a.lookup.query.x", f"{CANARY} {{user}}"),
    ("vendors.a.lookup.items", CANARY),
    ("upstreams.a.key", f"{CANARY}${{env:NOT_SET}}"),
    ("upstreams.a.key", f"{CANARY}${{bad"),
]


@pytest.mark.parametrize(("path", "value"), LEAVES)
@pytest.mark.parametrize("way", ["literal", "reference", "overlay"])
def test_no_value_is_ever_quoted(path: str, value: str, way: str, told: Told):
    """A value may be a secret, or a secret put in the wrong place."""
    base = 'upstreams.a.vendor = "chatbase"\nupstreams.a.key = "${env:KEY}"\n'
    text = "\n".join(line for line in base.splitlines() if not line.startswith(path))
    environment = {}
    if way == "literal":
        text += f"\n{path} = '{value}'\n"
    elif way == "reference":
        environment["SECRET"] = value
        text += f"\n{path} = '${{env:SECRET}}'\n"
    else:
        environment["GATEWAY__" + path.upper().replace(".", "__").replace("-", "_")] = value
    said = told(text, **environment)
    assert said
    assert CANARY[:20] not in "\n".join(said).replace(f"unknown.{CANARY}", "")
