from gateway.config.mistake import Finding
from gateway.config.placing import InFile, InProgram

FINDINGS = [
    Finding(("b",), "second"),
    Finding(("a", "x"), "first", "warning"),
    Finding(("c", "d"), "from the environment"),
]


def test_findings_come_in_the_order_of_the_file():
    places = InFile("f.toml", "a = { x = 1 }\nb = 2\n", {("c",): "GATEWAY__C"})
    assert [str(one) for one in places.placed(FINDINGS)] == [
        "GATEWAY__C  error  c.d: from the environment",
        "f.toml:1:7  warning  a.x: first",
        "f.toml:2:1  error  b: second",
    ]


def test_what_stands_nowhere_is_placed_at_the_top():
    assert str(InFile("f", "", {}).placed([Finding((), "is empty")])[0]) == "f:1:1  error  is empty"


def test_positions_are_worked_out_only_when_there_is_something_to_show():
    assert InFile("f.toml", "this = is = not toml", {}).placed([]) == []


def test_only_what_the_environment_has_not_set_is_written_in_the_file():
    places = InFile("f.toml", "", {("a", "b"): "GATEWAY__A__B"})
    assert places.is_written(("a",))
    assert not places.is_written(("a", "b"))
    assert not places.is_written(("a", "b", 0))


def test_what_a_program_gives_has_no_lines():
    places = InProgram()
    assert not places.is_written(("a",))
    assert str(places.placed(FINDINGS)[0]) == "configuration  error  b: second"
