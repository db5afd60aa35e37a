"""Orgs that are made when they are asked for; what they may be called: test_site.py."""

import time
from typing import cast

import pytest

from gateway.orgs.org import Org
from gateway.orgs.others import MOST, OtherOrgs


class Making:
    """Makes orgs that are nothing but their name, and keeps count."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def __call__(self, external_id: str) -> Org:
        self.made.append(external_id)
        return cast(Org, f"org {external_id} {len(self.made)}")


def test_an_org_is_made_once():
    making = Making()
    others = OtherOrgs(making, taken=())
    assert others["a"] is others["a"]
    assert others["b"] is not others["a"]
    assert making.made == ["a", "b"]


def test_to_look_whether_there_could_be_one_makes_none():
    making = Making()
    others = OtherOrgs(making, taken=["acme"])
    assert "a" in others
    assert "acme" not in others
    assert making.made == []
    with pytest.raises(KeyError):
        others["acme"]


def test_those_that_were_asked_for_last_are_kept():
    """Row N-17."""
    making = Making()
    others = OtherOrgs(making, taken=(), most=3)
    for name in "abcadb":
        assert others[name]
    assert making.made == ["a", "b", "c", "d", "b"]
    assert len(others) == 3


def test_a_name_after_the_other_costs_the_same_from_the_first_to_the_last():
    """Row N-17: whoever signs in for one new org after the other makes nothing grow."""
    others = OtherOrgs(Making(), taken=())
    started = time.process_time()
    for number in range(30_000):
        assert others[f"org_{number}"]
    assert len(others) == MOST
    assert time.process_time() - started < 1
