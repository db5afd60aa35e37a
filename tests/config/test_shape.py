import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.mistake import Path
from gateway.config.shape import at, read, take_out, without_lone_indices
from gateway.config.written import File
from tests.config.conftest import Told

UNNAMED = "must be a table, and an upstream has a name: [upstreams.NAME]"
SHAPES = [
    ("versio = 1", "1:1  error  versio: unknown key - did you mean version?"),
    ("version = 2", "1:1  error  version: must be 1"),
    ("listen = 'x:1'", "1:1  error  listen: unknown key - it belongs in [server]"),
    (
        "origins = []",
        "1:1  error  origins: unknown key - it belongs in [orgs.NAME], the form "
        "`gateway check --expand` prints",
    ),
    ("audience = 'x'", '1:1  error  audience: unknown key - it belongs in a sign_in of type "jwt"'),
    ("vendor = 'x'", "1:1  error  vendor: unknown key - it belongs in an upstream"),
    ("zzz = 1", "1:1  error  zzz: unknown key"),
    (
        "upstreams.a = { vendor = 'mcp', base_url = 'https://a.example', per_usr = 'y' }",
        "1:65  error  upstreams.a.per_usr: unknown key - did you mean per_user? "
        "It belongs in [limits] of an org",
    ),
    ("server = 5", "1:1  error  server: must be a table"),
    ("server.listen = 5", "1:8  error  server.listen: must be a string"),
    ("server.sign_in = 5", "1:8  error  server.sign_in: unknown key - it belongs at the top level"),
    ("server.orgs = []", "1:8  error  server.orgs: unknown key - it belongs at the top level"),
    (
        "server.max_connections = 1.5",
        "1:8  error  server.max_connections: must be a whole number",
    ),
    ("server.max_connections = 0", "1:8  error  server.max_connections: must be at least 1"),
    (
        "server.max_connections = 1_000_000_000",
        "1:8  error  server.max_connections: must be at most 10000000",
    ),
    (
        "server.max_connections = 'many'",
        "1:8  error  server.max_connections: must be a whole number",
    ),
    ("server.drain = '2d'", "1:8  error  server.drain: must be from 0s to 1d"),
    ("server.max_body = '1GiB'", "1:8  error  server.max_body: must be from 1KiB to 64MiB"),
    (
        "server.trusted_proxies = ['10.0.0.0/8', 'x']",
        "1:41  error  server.trusted_proxies[1]: must be an address or a network as in "
        '"10.0.0.0/8"',
    ),
    ("identity.secret = 5", "1:10  error  identity.secret: must be a string"),
    ("store.url = true", "1:7  error  store.url: must be a string"),
    ("upstreams.a = 5", f"1:11  error  upstreams.a: {UNNAMED}"),
    ("upstreams = 5", f"1:1  error  upstreams: {UNNAMED}"),
    ("upstreams = [{ vendor = 'chatbase' }]", f"1:1  error  upstreams: {UNNAMED}"),
    ("server.port = 8080", "1:8  error  server.port: unknown key - did you mean listen?"),
    (
        "upstreams.a = { vendor = 'mcp', base_url = 'https://a.example', url = 'y' }",
        "1:65  error  upstreams.a.url: unknown key - did you mean base_url?",
    ),
    ("sign_in = 5", "1:1  error  sign_in: must be a table"),
    ("sign_in = [5]", "1:12  error  sign_in[0]: must be a table"),
    (
        "upstreams.a = { vendor = 'chatbase', agent = 'x', key = 'k', user_id = 'opak' }",
        "1:62  error  upstreams.a.user_id: must be 'auto', 'verbatim' or 'opaque' "
        "- did you mean opaque?",
    ),
    (
        "upstreams.a = { vendor = 'chatbase', agent = 'x', key = 'k', set = { a = 1 } }",
        "1:70  error  upstreams.a.set.a: must be a JSON Pointer: '/' first, and '~' written '~0'",
    ),
    (
        "upstreams.a = { vendor = 'chatbase', agent = 'x', key = 'k', set = { '/x' = 07:32:00 } }",
        "1:70  error  upstreams.a.set./x: has a value that JSON cannot hold",
    ),
]


@pytest.mark.parametrize(("text", "expected"), SHAPES)
def test_says_where_a_table_has_another_shape(text: str, expected: str, told: Told):
    said = [line for line in told(text + "\n") if "is required" not in line]
    assert [line for line in said if "  error  " in line] == [
        expected.replace("set./x", 'set."/x"')
    ]


def test_one_bad_value_does_not_hide_the_others():
    tree: dict[str, Any] = {
        "server": {"listen": 5, "drain": "x", "max_body": "2KiB"},
        "sign_in": [{"audience": [5, ""]}, {"issuer": "https://x.example"}],
        "upstreams": {"a": {"vendr": "chatbase"}},
    }
    reading = read(tree)
    assert {finding.path for finding in reading.findings} == {
        ("server", "listen"),
        ("server", "drain"),
        ("sign_in", 0, "issuer"),
        ("sign_in", 0, "audience", 0),
        ("sign_in", 0, "audience", 1),
        ("upstreams", "a", "vendr"),
        ("upstreams", "a", "vendor"),
    }
    assert reading.file.server.max_body == 2048
    assert reading.file.sign_in[1].issuer == "https://x.example"
    assert "a" in reading.file.upstreams


def test_says_nothing_of_what_is_known_to_be_wrong():
    reading = read({"upstreams": {"a": {"vendor": "chatbase"}}}, [("upstreams", "a", "key")])
    assert reading.findings == []
    assert reading.speaks_of_a_hole(("upstreams", "a", "key"))
    assert reading.speaks_of_a_hole(("upstreams", "a", "key", 0))
    assert reading.speaks_of_a_hole(("upstreams",))
    assert not reading.speaks_of_a_hole(("upstreams", "a", "path"))


TREE = {"a": [{"b": "x"}, {"c": ["y", "z"]}], "d": {"e": ("f",)}}


@pytest.mark.parametrize(
    ("path", "written", "found"),
    [
        (("a", 1, "c", 0), ("a", 1, "c", 0), "y"),
        (("a", 0, "b", 0), ("a", 0, "b"), "x"),
        (("d", 0, "e", 0), ("d", "e", 0), "f"),
        (("a", 5), ("a", 5), None),
        (("x", 0, "y"), ("x", "y"), None),
    ],
)
def test_a_lone_item_has_no_index(path: Path, written: Path, found: object):
    assert without_lone_indices(TREE, path) == written
    assert at(TREE, path) == found


def test_of_a_list_all_is_taken_out_so_that_no_item_gets_anothers_index():
    tree = copy.deepcopy(TREE)
    for path in (("a", 1, "c", 0), ("d", "e", 0), ("nothing", "here"), ()):
        take_out(tree, path)
    assert tree == {"a": [{"b": "x"}, {}], "d": {}}
    assert take_out(tree, ("a", 1)) == ("a",)


KEYS = """
    server listen sign_in issuer audience upstreams vendor key orgs a set timeouts connect vendors
    operations method path user values problem body codes lookup
"""
NAMES = st.sampled_from([*KEYS.split(), "fields", "version", "[key]", "require", "store", "url"])
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.floats()
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4)
)


@given(st.dictionaries(NAMES, TREES, max_size=6))
def test_any_tree_can_be_read(tree: dict[str, Any]):
    reading = read(tree)
    assert isinstance(reading.file, File)
    assert reading.findings or not reading.holes
