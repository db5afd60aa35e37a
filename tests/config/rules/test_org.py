import pytest

from tests.config.conftest import Told
from tests.config.parts import SIGN_IN, UPSTREAM, org

HOST = "must be one exact name in lower case, without scheme, port or '*'"
OWN = "the gateway itself answers there"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param('hosts = ["chat.acme.example", "10.0.0.1", "[::1]"]', None, id="hosts"),
        pytest.param('hosts = "Chat.example"', f"2:1  error  orgs.acme.hosts: {HOST}", id="case"),
        pytest.param(
            'hosts = ["a.example", "*.example"]',
            f"2:23  error  orgs.acme.hosts[1]: {HOST}",
            id="wildcard",
        ),
        pytest.param(
            'hosts = ["a.example", "b.example", "a.example"]',
            "2:36  error  orgs.acme.hosts[2]: stands there already",
            id="one host twice",
        ),
        pytest.param('hosts = "a:80"', f"2:1  error  orgs.acme.hosts: {HOST}", id="port"),
        pytest.param('hosts = "http://a"', f"2:1  error  orgs.acme.hosts: {HOST}", id="scheme"),
        pytest.param('hosts = "::1"', f"2:1  error  orgs.acme.hosts: {HOST}", id="no brackets"),
        pytest.param('hosts = "[a]"', f"2:1  error  orgs.acme.hosts: {HOST}", id="brackets"),
        pytest.param('hosts = "[0::1]"', f"2:1  error  orgs.acme.hosts: {HOST}", id="long IPv6"),
        pytest.param(
            "hosts = []",
            "2:1  error  orgs.acme.hosts: is an empty list: leave the key out instead",
            id="no host",
        ),
        pytest.param(
            'origins = ["https://app.example", "http://localhost:3000"]', None, id="origins"
        ),
        pytest.param(
            'origins = ["https://app.example", "https://app.example/"]',
            "2:35  error  orgs.acme.origins[1]: must be as browsers write it: "
            '"https://app.example", lower case, no path, and a port only where it is not the '
            "scheme's own",
            id="an origin with a path",
        ),
        pytest.param(
            'origins = "*"',
            "2:1  error  orgs.acme.origins: must begin with https:// or http://",
            id="any origin",
        ),
        pytest.param(
            'origins = "null"',
            "2:1  error  orgs.acme.origins: must begin with https:// or http://",
            id="null",
        ),
        pytest.param(
            'external_id = "é"',
            "2:1  error  orgs.acme.external_id: must be printable ASCII, 256 characters at most",
            id="an id that no field can hold",
        ),
        pytest.param(
            'external_id = ""', "2:1  error  orgs.acme.external_id: is empty", id="an empty id"
        ),
        pytest.param('path = "/livez"', f"2:1  error  orgs.acme.path: {OWN}", id="livez"),
        pytest.param('path = "/_gateway/x"', f"2:1  error  orgs.acme.path: {OWN}", id="_gateway"),
        pytest.param(
            'path = "/.well-known"', f"2:1  error  orgs.acme.path: {OWN}", id="well-known"
        ),
        pytest.param('path = "/a/livez"', None, id="livez further down"),
        pytest.param(
            'on_spoof = "ignore"',
            "2:1  error  orgs.acme.on_spoof: must be 'drop' or 'refuse'",
            id="on_spoof",
        ),
    ],
)
def test_says_what_is_wrong_with_an_org(lines: str, expected: str | None, told: Told):
    assert told(org("acme", more=lines)) == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("org_path", "mount", "allowed"),
    [
        *(("/", f"/{own}", False) for own in ("livez", "readyz", "_gateway", ".well-known")),
        *(("/a", f"/{own}", False) for own in ("livez", "readyz", "_gateway")),
        ("/a", "/.well-known", True),
        ("/", "/support/livez", True),
        ("/", "/livez-not", True),
        ("/", "/", True),
    ],
)
def test_a_vendor_does_not_stand_where_the_gateway_answers(
    org_path: str, mount: str, allowed: bool, told: Told
):
    text = org("acme", more=f'path = "{org_path}"', upstream=f'{UPSTREAM}\npath = "{mount}"')
    expected = [] if allowed else [f"10:1  error  orgs.acme.upstreams.support.path: {OWN}"]
    assert told(text) == expected


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (("/a", "/b"), None),
        (("/a", "/ab"), None),
        (("/a/b", "/a/c"), None),
        (("/a", "/a"), "one path begins with the other's: upstreams.support stands there"),
        (("/a", "/a/b"), "one path begins with the other's: upstreams.support stands there"),
        (("/a/b", "/a"), "one path begins with the other's: upstreams.support stands there"),
        (("/a", "/"), '"/" is for the only upstream of an org'),
    ],
)
def test_upstreams_of_an_org_do_not_stand_in_each_others_way(
    paths: tuple[str, str], expected: str | None, told: Told
):
    text = org("acme", upstream=f'{UPSTREAM}\npath = "{paths[0]}"')
    text += f'[orgs.acme.upstreams.other]\n{UPSTREAM}\npath = "{paths[1]}"\n'
    said = [] if expected is None else [f"14:1  error  orgs.acme.upstreams.other.path: {expected}"]
    assert told(text) == said


def test_an_upstream_of_a_reserved_name_needs_another_path(told: Told):
    text = org("acme").replace("upstreams.support", "upstreams.readyz")
    assert told(text) == [f"5:22  error  orgs.acme.upstreams.readyz.path: {OWN}"]


def test_an_empty_configuration_says_what_is_missing(told: Told):
    assert told("") == [
        "1:1  error  upstreams: is required: nothing would be reachable",
        "1:1  error  sign_in: is required: nobody could sign in",
    ]


def test_an_org_without_a_sign_in_never_starts(told: Told):
    text = org("acme") + f"[orgs.globex]\npath = '/g'\n[orgs.globex.upstreams.s]\n{UPSTREAM}\n"
    assert told(text) == ["9:7  error  orgs.globex.sign_in: is required: nobody could sign in"]
    text += "[orgs.empty]\npath = '/e'\n"
    assert told(text)[1:] == [
        "15:7  error  orgs.empty.upstreams: is required: nothing would be reachable",
        "15:7  error  orgs.empty.sign_in: is required: nobody could sign in",
    ]


@pytest.mark.parametrize("name", ['"a b"', '""', '"-a"', '"ä"', f'"{"a" * 65}"', '"a/b"'])
def test_a_name_is_plain(name: str, told: Told):
    (said,) = told(org("acme") + f"[orgs.{name}]\n")
    assert said.startswith("9:7  error  orgs.")
    assert "a name has letters, digits and . _ -, 64 at most" in said


def test_staff_need_a_sign_in_that_says_roles(told: Told):
    text = org("acme", more='staff = ["desk"]')
    says = "no sign-in says which roles a person has: see roles_claim"
    assert told(text) == [f"2:1  error  orgs.acme.staff: {says}"]
    assert (
        told(org("acme", more='staff = "desk"', sign_in=f'{SIGN_IN}\nroles_claim = "roles"')) == []
    )
