"""What a request holds; what becomes of it stands in test_org.py."""

import subprocess
import sys

import pytest

from gateway.core.errors import OrgLimit, UserLimit
from gateway.core.limits.quota import Rate, Streams
from gateway.limits.counts import Standing
from gateway.limits.named import Layer, RateOf, StreamsOf
from gateway.limits.ticket import judge, names
from gateway.ports import Record

USER = RateOf.named(Layer.USER, Rate(9, 60), alone=True)
ORG = RateOf.named(Layer.ORG, Rate(90, 60), alone=True)
PLACES = StreamsOf(Layer.USER, Streams(3))


def fresh() -> Record:
    return Record("r", "POST", 0.0)


def test_people_are_told_what_is_left_for_them_and_nothing_of_others() -> None:
    record = fresh()
    judge([USER, ORG, PLACES], [Standing(True, one, 1.0) for one in (80, 800, 2)], record)
    assert [standing for _, standing in record.quotas] == [
        '"per-user";r=8;t=1',
        '"per-user-streams";r=2',
    ]


def test_a_refusal_is_told_alone() -> None:
    record = fresh()
    judge([USER], [Standing(True, 80, 1.0)], record)
    standings = [Standing(True, 80, 1.0), Standing(False, 0, 9.1), Standing(False, 0, 1.0)]
    with pytest.raises(OrgLimit) as caught:
        judge([USER, ORG, PLACES], standings, record)
    assert caught.value.retry_after == 10
    assert record.quotas == (('"per-org";q=90;w=60', '"per-org";r=0;t=10'),)
    with pytest.raises(UserLimit):
        judge([USER, ORG, PLACES], [*standings[:1], *reversed(standings[1:])], record)


def test_where_nobody_counts_nobody_is_refused() -> None:
    record = fresh()
    judge([USER, ORG], [], record)
    assert record.quotas == ()


def test_no_two_exchanges_have_one_name() -> None:
    assert len({names.next() for _ in range(1000)}) == 1000


def test_processes_forked_from_one_name_their_exchanges_apart() -> None:
    script = """
import os
from gateway.limits.ticket import names
if os.fork() == 0:
    print(names.next(), flush=True)
    os._exit(0)
os.wait()
print(names.next())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(set(done.stdout.split())) == 2


def test_a_limit_that_nobody_says_the_standing_of_is_a_fault() -> None:
    record = Record(request_id="r", method="POST", started=0.0)
    with pytest.raises(ValueError, match="zip"):
        judge([USER, ORG], [Standing(True, 80, 1.0)], record)
