from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.admin.lists import Lists
from gateway.admin.people import People, Whom
from gateway.console import person
from gateway.console.asked import Asked
from gateway.console.lists import Lists as Tables
from tests.console.stage import Looking, looking
from tests.support.replicas import all_know

pytestmark = pytest.mark.anyio
HI = {"message": "hi", "stream": False}
ALICE = "/console/person?org=default&user=alice"


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Looking]:
    async with looking(tmp_path) as browser:
        yield browser


async def test_shows_what_one_person_did_and_nobody_else(browser: Looking) -> None:
    body = (await browser.get(ALICE)).body
    assert b"c-0" in body
    assert b"=bob" not in body
    assert b"Let in again" not in body


@pytest.mark.parametrize("query", ["", "?org=default", "?user=", "?user=alice&by=day"])
async def test_says_whom_it_wants_to_know(browser: Looking, query: str) -> None:
    assert (await browser.get(f"/console/person{query}")).status == 400


async def test_blocks_and_lets_in_again(browser: Looking) -> None:
    stage = browser.operators.stage
    answer = await browser.send("/console/block", {"org": "default", "user": "alice"})
    assert (answer.status, answer.values("location")) == (303, [ALICE])
    await all_know()
    refused = await stage.ask("alice", "POST", "/chat", HI)
    assert refused.values("x-gateway-error") == ["blocked"]
    assert stage.vendor.saw_nothing()
    assert b"Let in again" in (await browser.get(ALICE)).body
    assert b"user=alice" in (await browser.get("/console/people")).body
    await browser.send("/console/unblock", {"org": "default", "user": "alice"})
    await all_know()
    assert (await stage.ask("alice", "POST", "/chat", HI)).status == 200
    event = (await browser.operators.rows("/audit?user=alice"))[-2:]
    assert {row["actor"].partition(":")[0] for row in event} == {"operator"}


async def test_blocks_everybody_of_an_org(browser: Looking) -> None:
    answer = await browser.send("/console/block", {"org": "default", "everybody": "yes"})
    assert answer.values("location") == ["/console/people"]
    await all_know()
    assert (await browser.operators.stage.ask("bob", "POST", "/chat", HI)).status == 403
    assert b"Everybody of this org is blocked" in (await browser.get(ALICE)).body


@pytest.mark.parametrize(
    "form",
    [
        pytest.param({}, id="nobody"),
        pytest.param({"org": "default"}, id="nobody of an org"),
        pytest.param({"org": "other", "user": "alice"}, id="another org"),
        pytest.param({"org": "default", "user": "a", "everybody": "yes"}, id="both"),
        pytest.param({"org": "default", "user": "a", "note": "x"}, id="more"),
        pytest.param({"org": "default", "user": "a\0"}, id="no name"),
        pytest.param({"org": "default", "user": "a\r\nb"}, id="a name that forms write otherwise"),
    ],
)
async def test_whom_nobody_can_mean_is_not_blocked(browser: Looking, form: dict[str, str]) -> None:
    assert (await browser.send("/console/block", form)).status == 400
    assert (await browser.operators.ask("/users/blocked")).json() == {"data": []}


async def test_a_page_has_the_first_of_those_who_are_blocked(
    browser: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(person, "MOST_BLOCKED", 2)
    for name in ("a", "b", "c"):
        await browser.send("/console/block", {"user": name})
    body = (await browser.get("/console/people")).body
    assert (body.count(b"Let in again"), b"the first 2" in body) == (2, True)


@pytest.mark.one_process("its own lists are asked")
async def test_an_org_is_the_same_by_each_of_its_names(browser: Looking) -> None:
    """With every customer let in, lists take an org's external_id for its name."""
    assembled = browser.operators.stage.gateway.assembled
    assert assembled is not None
    store, orgs = assembled.process.store, {"*": "*", "acme": "org_123"}
    now: Any = SimpleNamespace(
        orgs=orgs, people=People(store, orgs), lists=Lists(store.database, orgs)
    )
    await now.people.set("block", Whom("org_123", "alice"), "")
    people = person.People(now, Tables(now))
    for name in ("acme", "org_123"):
        given = [("org", name), ("user", "alice")]
        answer = await people.person(Asked("GET", "/console/person", given, (), "", secure=False))
        assert b"Blocked since" in answer.content
