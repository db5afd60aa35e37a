import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.mistake import Path
from gateway.config.positions import nearest, positions

TEXT = '''\
version = 1
a.b."c.d" = 1
inline = { x = { "y z" = [1, { q = 'r' }] } }
"quoted key" = 2
plain = """
several
lines"""

[server] # a comment
  listen = "x"

[[sign_in]]
issuer = "a"
[[sign_in]]
issuer = "b"
from = ["é", # one
  # none
  "two"]
[sign_in.require]
email = true

[orgs.acme.upstreams.support]
key = "k"
[[orgs.acme.sign_in]]
issuer = "c"
[orgs.acme]
path = "/"
[orgs."*".'x y']
k = [[1, 2], [3]]
'''

POSITIONS: dict[Path, tuple[int, int]] = {
    ("version",): (1, 1),
    ("a",): (2, 1),
    ("a", "b"): (2, 3),
    ("a", "b", "c.d"): (2, 5),
    ("inline",): (3, 1),
    ("inline", "x"): (3, 12),
    ("inline", "x", "y z"): (3, 18),
    ("inline", "x", "y z", 0): (3, 27),
    ("inline", "x", "y z", 1): (3, 30),
    ("inline", "x", "y z", 1, "q"): (3, 32),
    ("quoted key",): (4, 1),
    ("plain",): (5, 1),
    ("server",): (9, 2),
    ("server", "listen"): (10, 3),
    ("sign_in",): (12, 3),
    ("sign_in", 0): (12, 3),
    ("sign_in", 0, "issuer"): (13, 1),
    ("sign_in", 1): (14, 3),
    ("sign_in", 1, "issuer"): (15, 1),
    ("sign_in", 1, "from"): (16, 1),
    ("sign_in", 1, "from", 0): (16, 9),
    ("sign_in", 1, "from", 1): (18, 3),
    ("sign_in", 1, "require"): (19, 10),
    ("sign_in", 1, "require", "email"): (20, 1),
    ("orgs",): (22, 2),
    ("orgs", "acme"): (26, 7),
    ("orgs", "acme", "path"): (27, 1),
    ("orgs", "acme", "upstreams"): (22, 12),
    ("orgs", "acme", "upstreams", "support"): (22, 22),
    ("orgs", "acme", "upstreams", "support", "key"): (23, 1),
    ("orgs", "acme", "sign_in"): (24, 13),
    ("orgs", "acme", "sign_in", 0): (24, 13),
    ("orgs", "acme", "sign_in", 0, "issuer"): (25, 1),
    ("orgs", "*"): (28, 7),
    ("orgs", "*", "x y"): (28, 11),
    ("orgs", "*", "x y", "k"): (29, 1),
    ("orgs", "*", "x y", "k", 0): (29, 6),
    ("orgs", "*", "x y", "k", 0, 0): (29, 7),
    ("orgs", "*", "x y", "k", 0, 1): (29, 10),
    ("orgs", "*", "x y", "k", 1): (29, 14),
    ("orgs", "*", "x y", "k", 1, 0): (29, 15),
}


def test_finds_every_key_and_item():
    assert tomllib.loads(TEXT)
    assert positions(TEXT) == POSITIONS


@pytest.mark.parametrize("path", POSITIONS)
def test_asked_for_one_it_gives_that_and_what_holds_it(path: Path):
    held = [path[:end] for end in range(1, len(path) + 1)]
    assert positions(TEXT, [path]) == {one: POSITIONS[one] for one in held if one in POSITIONS}


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        pytest.param('"é" = 1', ("é",), (1, 1), id="quoted"),
        pytest.param('x = { "éé" = 1, y = 2 }', ("x", "y"), (1, 17), id="characters, not bytes"),
        pytest.param("a = 1\r\nb = 2\r\n", ("b",), (2, 1), id="CRLF"),
        pytest.param('"a\\u0062" = 1', ("ab",), (1, 1), id="escaped key"),
        pytest.param("x = [\n]\ny = 1", ("y",), (3, 1), id="empty array"),
    ],
)
def test_counts_as_an_editor_does(text: str, path: Path, expected: tuple[int, int]):
    assert positions(text)[path] == expected


def test_what_is_absent_has_the_position_of_what_holds_it():
    assert nearest(POSITIONS, ("sign_in", 1, "audience")) == (14, 3)
    assert nearest(POSITIONS, ("nothing", "below")) is None


KEYS = st.sampled_from(["a", "b-c", '"d.e"', "'f g'"])


@given(st.lists(KEYS, min_size=1, max_size=4), st.integers(0, 3), st.booleans())
def test_every_key_of_a_table_and_a_pair_is_found(keys: list[str], cut: int, spaced: bool):
    dot = " . " if spaced else "."
    head, pair = keys[:cut], keys[cut:] or ["z"]
    text = (f"[{dot.join(head)}]\n" if head else "") + f"{dot.join(pair)} = 1\n"
    tree, path = tomllib.loads(text), ()
    found = positions(text)
    while isinstance(tree, dict):
        name, tree = next(iter(tree.items()))
        path = (*path, name)
        line, column = found[path]
        assert text.split("\n")[line - 1][column - 1 :].lstrip("\"'").startswith(name)
