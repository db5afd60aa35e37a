import pytest

from gateway.config.rules import server
from tests.config.conftest import Told
from tests.config.parts import STRONG, short

SCHEME = 'must begin with "sqlite:///", as in "sqlite:///gateway.db", or "postgresql://"'
ENCODE = "cannot be taken apart: percent-encode what is special in the password, "
ENCODE += "%2F for /, %3F for ?, %23 for #, %25 for %"
FILE = "must name a file: in memory, who owns what is lost with the process"


@pytest.mark.parametrize("url", ["sqlite:///gateway.db", "sqlite:////var/lib/gateway/gateway.db"])
def test_a_store_is_a_file(url: str, told: Told):
    assert told(f'store.url = "{url}"\n' + short()) == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("gateway.db", SCHEME),
        ("mysql://u:CANARY@db/x", SCHEME),
        ("sqlite://", SCHEME),
        ("sqlite+aiosqlite:///x", SCHEME),
        ("sqlite:///", FILE),
        ("sqlite:///:memory:", FILE),
        ("sqlite:///file:x", FILE),
        ("sqlite:///x.db?mode=memory", "must be a path and nothing more"),
        ("postgresql://d b/x", ENCODE),
    ],
)
def test_and_nothing_else(url: str, why: str, told: Told):
    assert told(f'store.url = "{url}"\n' + short()) == [f"1:7  error  store.url: {why}"]


URL = "postgresql://gateway:${env:PASSWORD}@db.example:5432/gateway?sslmode=verify-full"


def test_or_it_is_in_postgresql(told: Told):
    assert told(f'store.url = "{URL}"\n' + short(), PASSWORD="CANARY") == []
    assert told('store.url = "${env:URL}"\n' + short(), URL="postgres://u:CANARY@db/x") == []


def test_its_driver_is_an_extra(told: Told, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server, "find_spec", lambda name: None)
    assert told(f'store.url = "{URL}"\n' + short(), PASSWORD="x") == [
        "1:7  error  store.url: needs the extra postgres: "
        "pip install 'chat-identity-gateway[postgres]'"
    ]


def test_a_password_that_is_written_out_is_a_warning(told: Told):
    text = URL.replace("${env:PASSWORD}", "CANARY")
    (said,) = told(f'store.url = "{text}"\n' + short())
    assert said.startswith("1:7  warning  store.url: its password is written out here")


def traces(**lines: str) -> str:
    return "\n".join(["[traces]", *(f"{key} = {text}" for key, text in lines.items()), short()])


@pytest.mark.parametrize(
    "lines",
    [
        {},
        {"endpoint": '"https://otlp.example/otlp"', "sample": "0.25", "user": '"id"'},
        {"endpoint": '"http://localhost:4318/"', "sample": "0", "user": '"none"'},
        {"headers": '{ Authorization = "Bearer ${env:TOKEN}" }'},
    ],
)
def test_traces_go_to_a_collector(lines: dict[str, str], told: Told):
    assert told(traces(**lines), TOKEN="CANARY") == []


def test_and_their_library_is_an_extra(told: Told, monkeypatch: pytest.MonkeyPatch):
    says = [
        "1:2  error  traces: needs the extra otel: pip install 'chat-identity-gateway[otel]'",
    ]
    monkeypatch.setattr(server, "find_spec", lambda name: None)
    assert told(traces()) == says

    def no_part_of_it(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(server, "find_spec", no_part_of_it)
    assert told(traces()) == says


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ({"endpoint": '"127.0.0.1:4317"'}, "endpoint: must begin with https:// or http://"),
        (
            {"endpoint": '"https://u:CANARY@otlp.example"'},
            "endpoint: must not hold a user name or password",
        ),
        ({"endpoint": '"https://otlp.example/?key=CANARY"'}, "endpoint: must not hold a query"),
        (
            {"endpoint": '"https://otlp.example/v1/traces"'},
            "endpoint: must be without /v1/traces: that is added",
        ),
        (
            {"endpoint": '"http://otlp.example"'},
            "endpoint: must be https: whoever is on the way can read what is said of people; "
            "http is for this machine, and for private networks",
        ),
        ({"sample": "1.5"}, "sample: must be a number from 0 to 1, as in 0.1 for a tenth"),
        ({"sample": "-0.1"}, "sample: must be a number from 0 to 1, as in 0.1 for a tenth"),
        ({"sample": "nan"}, "sample: must be a number from 0 to 1, as in 0.1 for a tenth"),
        ({"sample": "true"}, "sample: must be a number from 0 to 1, as in 0.1 for a tenth"),
        ({"sample": '"0.5"'}, "sample: must be a number from 0 to 1, as in 0.1 for a tenth"),
        ({"user": '"email"'}, "user: must be 'hash', 'id' or 'none'"),
        ({"headers": '{ Host = "x" }'}, "headers.Host: is a field that OTLP writes itself"),
        (
            {"headers": '{ Content-Type = "x" }'},
            "headers.Content-Type: is a field that OTLP writes itself",
        ),
        (
            {"headers": '{ x-a = "${env:TOKEN}" }'},
            "headers.x-a: must be printable ASCII without spaces at its ends",
        ),
        (
            {"headers": '{ x-a = "a", X-A = "b" }'},
            "headers: has one field twice, in two spellings",
        ),
        ({"endpiont": '"https://otlp.example"'}, "endpiont: unknown key - did you mean endpoint?"),
    ],
)
def test_and_nowhere_else(lines: dict[str, str], why: str, told: Told):
    said = [one for one in told(traces(**lines), TOKEN="CAN\nARY") if "error" in one]
    (line,) = said
    assert line.partition("  error  ")[2] == f"traces.{why}"
    assert "CANARY" not in line


def test_a_collector_in_a_private_network_is_a_warning(told: Told):
    (said,) = told(traces(endpoint='"http://collector:4318"'))
    assert said.startswith("2:1  warning  traces.endpoint: is not encrypted")


def test_a_header_that_is_written_out_is_a_warning(told: Told):
    (said,) = told(traces(headers='{ authorization = "CANARY" }'))
    assert "warning  traces.headers.authorization: is written out here" in said
    assert "CANARY" not in said


@pytest.mark.parametrize("secret", ["x", "secret", "a" * 40])
def test_an_identity_secret_that_can_be_guessed_never_starts(secret: str, told: Told):
    text = 'identity.secret = "${env:SECRET}"\n' + short()
    (said,) = told(text, SECRET=secret)
    assert said.startswith("1:10  error  identity.secret: ")
    assert told(text, SECRET=STRONG) == []


def test_an_empty_identity_secret_is_not_an_absent_one(told: Told):
    (said,) = told('identity.secret = "${env:SECRET:-}"\n' + short())
    assert said.startswith("1:10  error  identity.secret: has fewer than 32 bytes")


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("x" * 15, "has fewer than 16 bytes"),
        ("", "has fewer than 16 bytes"),
        ("a" * 40, "repeats a few characters"),
    ],
)
def test_an_operators_token_that_can_be_guessed_never_starts(token: str, why: str, told: Told):
    """Row Z-03."""
    (said,) = told('admin.token = "${env:TOKEN:-}"\n' + short(), TOKEN=token)
    assert said.startswith(f"1:7  error  admin.token: {why}")


def test_an_admin_listener_has_a_token(told: Told):
    (said,) = told('admin.listen = "127.0.0.1:9090"\n' + short())
    assert "admin.token: is required: what operators show, as a bearer token; `openssl" in said


def test_operators_come_in_by_another_door(told: Told):
    text = 'admin = { listen = "127.0.0.1:8080", token = "${env:TOKEN}" }\n' + short()
    (said,) = told(text, TOKEN=STRONG)
    assert "admin.listen: is where people come in" in said


def test_a_token_that_can_be_read_on_the_way_is_warned_of(told: Told):
    text = 'admin = { listen = "0.0.0.0:9090", token = "${env:TOKEN}" }\n' + short()
    (said,) = told(text, TOKEN=STRONG)
    assert "warning  admin.listen: is not a loopback address" in said


@pytest.mark.parametrize("head", ["heads.ndjson", "/var/log/heads", "https://siem.example/heads"])
def test_heads_go_to_a_file_or_a_url(head: str, told: Told):
    assert told(f'audit.head = "{head}"\n' + short()) == []


@pytest.mark.parametrize("head", ["http://siem.example/heads", "ftp://siem.example/", "https://"])
def test_heads_go_nowhere_that_others_can_read(head: str, told: Told):
    (said,) = told(f'audit.head = "{head}"\n' + short())
    assert "audit.head: must be an https URL" in said


@pytest.mark.parametrize(
    ("more", "needs"),
    [
        ("", False),
        ("[limits]\nper_user = ['5/s']", True),
        ("[limits]\nbudget_per_org = ['5 credits/day']", True),
        ("[limits]\nper_user = ['5/s']\n[shared]\nurl = 'redis://127.0.0.1'", False),
    ],
)
def test_limits_of_several_workers_are_counted_together(more: str, needs: bool, told: Told):
    said = told(short() + f"\n{more}\n[server]\nworkers = 2\n")
    expected = "server.workers: each would count the limits of default for itself"
    assert any(expected in line for line in said) is needs
    assert not any(expected in line for line in told(short() + f"\n{more}\n"))


WHSEC = "whsec_c2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXMtMDAwMDE="


@pytest.mark.parametrize(
    ("verify", "more", "needs"),
    [
        (f'standard_webhooks = "{WHSEC}"', "", True),
        (f'standard_webhooks = "{WHSEC}"', "[shared]\nurl = 'redis://127.0.0.1'", False),
        (f'bearer = "{32 * "t"}"', "", False),
    ],
)
def test_what_counts_once_counts_once_among_workers(
    verify: str, more: str, needs: bool, told: Told
) -> None:
    """J-28, W-02: each of them would take what another has heard."""
    tool = '[upstreams.support.tools.orders]\nurl = "http://127.0.0.1:9000/"\n'
    tool += f'user = "field:x-user-id"\nverify = {{ {verify} }}\n'
    said = told(short() + f"\n{tool}{more}\n[server]\nworkers = 2\n")
    expected = "server.workers: each would hear a call of the tools of default once"
    assert any(expected in line for line in said) is needs, said
    assert not any(expected in line for line in told(short() + f"\n{tool}{more}\n"))
