from gateway.config.standing import are_several, standing
from tests.config.conftest import Load
from tests.config.parts import UPSTREAM

SHARED = '[[sign_in]]\nissuer = "https://id.example/"\naudience = "chat"\norg_claim = "org"\n'


def test_a_place_is_a_host_and_a_path(loaded: Load):
    text = SHARED
    for name, lines in {
        "a": 'hosts = ["x.example", "y.example"]',
        "b": 'hosts = "y.example"',
        "c": 'path = "/c"',
        '"*"': "",
    }.items():
        upstream = UPSTREAM.replace("KEY}", f"KEY}}-{name[0]}")
        text += f"[orgs.{name}]\n{lines}\n[orgs.{name}.upstreams.support]\n{upstream}\n".replace(
            '-"', "-others"
        )
    found = standing(loaded(text).settings.orgs)
    assert {host: dict(paths) for host, paths in found.items()} == {
        "x.example": {(): ["a"]},
        "y.example": {(): ["a", "b"]},
        "": {("c",): ["c"], (): ["*"]},
    }


def test_the_place_alone_names_no_more_than_one():
    assert not are_several(["a"])
    assert are_several(["a", "b"])
    assert are_several(["*"])
