import functools
from collections.abc import Collection
from pathlib import Path

from tests.mutants.doubt import sure
from tests.mutants.pool import Act, Tell, Verdict


def trial(folder: Path, key: str, only: str | None, but: Collection[str]) -> Act:
    return functools.partial(try_one, folder, key, only, but)


def try_one(folder: Path, key: str, only: str | None, but: Collection[str], tell: Tell) -> None:
    """`flaky` fails the first time, `strict` at mutants named so, in this order."""
    for test in ("flaky", "strict"):
        if only in {None, test} and test not in but:
            first = not (folder / key).exists()
            (folder / key).touch()
            if (test == "flaky" and first) or (test == "strict" and key == "bad"):
                return tell(Verdict.KILLED, test)
    return tell(Verdict.SURVIVED, "")


def test_what_one_test_says_once_is_no_death(tmp_path: Path) -> None:
    found = sure(["bad", "harmless"], functools.partial(trial, tmp_path), lambda _: True, 2)
    assert {key: (one.verdict, one.by) for key, one in found} == {
        "bad": (Verdict.KILLED, "strict"),
        "harmless": (Verdict.SURVIVED, ""),
    }


def test_a_test_that_waits_for_nothing_is_believed(tmp_path: Path) -> None:
    found = sure(["harmless"], functools.partial(trial, tmp_path), lambda _: False, 1)
    assert [one.verdict for _, one in found] == [Verdict.KILLED]
