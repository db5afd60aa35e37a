from dataclasses import replace
from pathlib import Path

from tests.mutants.pool import Verdict
from tests.mutants.record import Outcome, Record, report

DEAD = Outcome("core.a", 0, 3, "a < b", False, Verdict.KILLED.name, "test_a", "source", "tests")
ALIVE = replace(DEAD, number=1, verdict=Verdict.SURVIVED.name, by="")
TEXT = replace(ALIVE, number=2, for_people=True)


def read(file: Path, *, source: str = "source", tests: str = "tests") -> set[int]:
    record = Record(file, sources={"core.a": source}, tests=tests)
    return {one.number for one in record.outcomes()}


def test_a_later_run_goes_on_where_the_last_one_was_ended(tmp_path: Path) -> None:
    record = Record(tmp_path / "record", sources={"core.a": "source"}, tests="tests")
    record.add(DEAD)
    record.add(ALIVE)
    assert read(tmp_path / "record") == {0, 1}
    assert read(tmp_path / "record", tests="more") == {0}, "survivors are tried again"
    assert read(tmp_path / "record", source="changed") == set()


def test_a_record_cut_within_a_line_is_read(tmp_path: Path) -> None:
    record = Record(tmp_path / "record", sources={"core.a": "source"}, tests="tests")
    record.add(DEAD)
    with (tmp_path / "record").open("a") as file:
        file.write('{"module": "co')
    assert read(tmp_path / "record") == {0}


def test_texts_are_counted_apart() -> None:
    rows = {line.split("|")[1].strip(): line for line in report([DEAD, ALIVE, TEXT], ["core"])}
    assert rows["**behaviour**"].split("|")[-2].strip() == "50.0"
    assert rows["texts for people"].split("|")[-2].strip() == "0.0"
    assert rows["all"].split("|")[-2].strip() == "33.3"


def test_a_control_that_fails_voids_the_figures_of_its_module() -> None:
    failing = replace(DEAD, number=-1)
    assert next(report([failing], ["core"])).startswith("void: core.a")
    assert not next(report([replace(ALIVE, number=-1)], ["core"])).startswith("void")
