"""Visitors who have not signed in: a cookie of ours, what it opens, and who claims it."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import closing
from pathlib import Path

import pytest

from gateway.config.mistake import ConfigError
from gateway.core.people.identity import VISITOR
from tests.support.chatbase import Chatbase
from tests.support.stage import Stage, chatbase_stage
from tests.support.wire import Answer, raw_request, wire

pytestmark = pytest.mark.anyio

HI = {"message": "hi", "stream": False}
PAGE = ("Sec-Fetch-Site", "same-origin")
COOKIE = re.compile(
    r"(__Host-visitor-[0-9a-f]{8})=(anon_[a-z2-7]{26}\.[a-z2-7]{26}); "
    r"Path=/; Max-Age=31536000; Secure; HttpOnly; SameSite=Lax"
)


def open_to_visitors(text: str) -> str:
    text = text.replace("[sign_in]", "[[orgs.default.sign_in]]")
    text = text.replace("[upstreams.support]", "[orgs.default.upstreams.support]")
    return text + "\n[orgs.default]\nanonymous = true\n"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[Chatbase]]:
    async with chatbase_stage(tmp_path, open_to_visitors) as built:
        yield built


async def own(
    stage: Stage[Chatbase],
    method: str,
    path: str,
    who: str | None = None,
    fields: Iterable[tuple[str, str]] = (),
) -> Answer:
    """A request to a page of the gateway's own."""
    lines = [*fields]
    if who is not None:
        lines.append(("Authorization", f"Bearer {stage.token(who)}"))
    return await wire(stage.url, raw_request(method, path, lines))


def cookie_of(answer: Answer) -> tuple[str, str]:
    """The Cookie field a browser sends from now on."""
    (line,) = answer.values("set-cookie")
    found = COOKIE.fullmatch(line)
    assert found, line
    return ("Cookie", f"{found[1]}={found[2]}")


def subject_of(cookie: tuple[str, str]) -> str:
    return cookie[1].partition("=")[2].partition(".")[0]


def conversation(answer: Answer) -> str:
    assert answer.status == 200, answer.body
    return str(answer.json()["data"]["metadata"]["conversationId"])


async def test_a_visitor_is_given_a_cookie_and_is_one_person_by_it(stage: Stage[Chatbase]) -> None:
    first = await stage.ask(None, "POST", "/chat", HI, [PAGE])
    mine = conversation(first)
    cookie = cookie_of(first)
    assert stage.vendor.requests[0].json()["userId"] == subject_of(cookie)
    again = await stage.ask(None, "GET", f"/conversations/{mine}", None, [PAGE, cookie])
    assert again.status == 200
    assert again.values("set-cookie") == []
    seen = await own(stage, "GET", "/_gateway/whoami", None, [PAGE, cookie])
    assert seen.json()["subject"] == subject_of(cookie)
    assert seen.json()["anonymous"] is True


async def test_visitors_are_not_each_other(stage: Stage[Chatbase]) -> None:
    mine = conversation(await stage.ask(None, "POST", "/chat", HI, [PAGE]))
    stage.vendor.forget()
    answer = await stage.ask(None, "GET", f"/conversations/{mine}", None, [PAGE])
    assert (answer.status, stage.vendor.saw_nothing()) == (404, True)
    answer = await stage.ask("alice", "GET", f"/conversations/{mine}")
    assert (answer.status, stage.vendor.saw_nothing()) == (404, True)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda value: value[:-1] + ("a" if value[-1] != "a" else "b"), id="signature"),
        pytest.param(lambda value: value.replace("anon_", "anon_a", 1)[:-1], id="name"),
        pytest.param(lambda value: value.partition(".")[0], id="no signature"),
        pytest.param(lambda value: value.partition(".")[0] + ".", id="empty signature"),
        pytest.param(lambda value: "alice." + value.partition(".")[2], id="a person's name"),
        pytest.param(lambda value: value.upper(), id="upper case"),
        pytest.param(lambda value: value + ".x", id="more"),
        pytest.param(lambda value: f'"{value}"', id="quoted"),
    ],
)
async def test_a_forged_cookie_is_none(stage: Stage[Chatbase], change: object) -> None:
    first = await stage.ask(None, "POST", "/chat", HI, [PAGE])
    mine, cookie = conversation(first), cookie_of(first)
    name, _, value = cookie[1].partition("=")
    forged = ("Cookie", f"{name}={change(value)}")  # type: ignore[operator]
    stage.vendor.forget()
    answer = await stage.ask(None, "GET", f"/conversations/{mine}", None, [PAGE, forged])
    assert (answer.status, stage.vendor.saw_nothing()) == (404, True)
    assert subject_of(cookie_of(answer)) != subject_of(cookie)


@pytest.mark.parametrize(
    "from_elsewhere",
    [
        [("Sec-Fetch-Site", "cross-site")],
        [("Origin", "https://evil.example")],
        [("Origin", "null")],
        [("Sec-Fetch-Site", "same-site"), ("Origin", "https://evil.acme.example")],
        [],
    ],
    ids=["site", "origin", "null", "sibling", "no browser"],
)
async def test_a_page_of_another_origin_has_no_visitor(
    stage: Stage[Chatbase], from_elsewhere: list[tuple[str, str]]
) -> None:
    cookie = cookie_of(await stage.ask(None, "POST", "/chat", HI, [PAGE]))
    stage.vendor.forget()
    for fields in (from_elsewhere, [*from_elsewhere, cookie]):
        answer = await stage.ask(None, "POST", "/chat", HI, fields)
        assert (answer.status, stage.vendor.saw_nothing()) == (401, True)
        assert answer.values("set-cookie") == []


async def test_who_signs_in_is_no_visitor(stage: Stage[Chatbase]) -> None:
    cookie = cookie_of(await stage.ask(None, "POST", "/chat", HI, [PAGE]))
    stage.vendor.forget()
    answer = await stage.ask("alice", "POST", "/chat", HI, [PAGE, cookie])
    assert answer.values("set-cookie") == []
    assert stage.vendor.requests[0].json()["userId"] == "alice"
    stage.vendor.forget()
    expired = ("Authorization", f"Bearer {stage.token('alice', exp=1_700_000_000)}")
    for bad in (expired, ("Authorization", "Bearer x.y.z")):
        answer = await stage.ask(None, "POST", "/chat", HI, [PAGE, cookie, bad])
        assert (answer.status, stage.vendor.saw_nothing()) == (401, True)


async def test_no_sign_in_vouches_for_a_visitors_name(stage: Stage[Chatbase]) -> None:
    subject = subject_of(cookie_of(await stage.ask(None, "POST", "/chat", HI, [PAGE])))
    assert VISITOR.fullmatch(subject)
    stage.vendor.forget()
    answer = await stage.ask(subject, "POST", "/chat", HI)
    assert (answer.status, stage.vendor.saw_nothing()) == (401, True)


async def test_a_person_claims_what_their_visitor_has_once(stage: Stage[Chatbase]) -> None:
    first = await stage.ask(None, "POST", "/chat", HI, [PAGE])
    mine, cookie = conversation(first), cookie_of(first)
    for _ in range(2):
        answer = await own(stage, "POST", "/_gateway/claim", "alice", [PAGE, cookie])
        assert (answer.status, answer.json()) == (200, {"claimed": True})
        assert "Max-Age=0" in answer.values("set-cookie")[0]
    assert (await stage.ask("alice", "GET", f"/conversations/{mine}")).status == 200
    assert (await stage.ask("bob", "GET", f"/conversations/{mine}")).status == 404
    answer = await own(stage, "POST", "/_gateway/claim", "bob", [PAGE, cookie])
    assert answer.json() == {"claimed": False}
    assert (await stage.ask("bob", "GET", f"/conversations/{mine}")).status == 404


async def test_a_claimed_cookie_opens_nothing_any_more(stage: Stage[Chatbase]) -> None:
    """It may lie in a browser that somebody else uses next."""
    first = await stage.ask(None, "POST", "/chat", HI, [PAGE])
    theirs, cookie = conversation(first), cookie_of(first)
    alices = conversation(await stage.ask("alice", "POST", "/chat", HI))
    await own(stage, "POST", "/_gateway/claim", "alice", [PAGE, cookie])
    stage.vendor.forget()
    for one in (theirs, alices):
        answer = await stage.ask(None, "GET", f"/conversations/{one}", None, [PAGE, cookie])
        assert (answer.status, stage.vendor.saw_nothing()) == (404, True)
        assert subject_of(cookie_of(answer)) != subject_of(cookie)


async def test_two_claims_at_once_have_one_winner(stage: Stage[Chatbase]) -> None:
    first = await stage.ask(None, "POST", "/chat", HI, [PAGE])
    mine, cookie = conversation(first), cookie_of(first)
    people = ["alice", "bob", "carol"]
    answers = await asyncio.gather(
        *(own(stage, "POST", "/_gateway/claim", who, [PAGE, cookie]) for who in people)
    )
    claimed = [one.json()["claimed"] for one in answers]
    assert sorted(claimed) == [False, False, True]
    reads = [(await stage.ask(who, "GET", f"/conversations/{mine}")).status for who in people]
    assert reads == [200 if won else 404 for won in claimed]


@pytest.mark.parametrize(
    ("who", "fields", "status"),
    [
        pytest.param(None, [PAGE], 401, id="a visitor alone"),
        pytest.param("alice", [], 400, id="no page of ours"),
        pytest.param("alice", [("Origin", "https://evil.example")], 400, id="another's page"),
    ],
)
async def test_a_cookie_that_is_merely_there_claims_nothing(
    stage: Stage[Chatbase], who: str | None, fields: list[tuple[str, str]], status: int
) -> None:
    first = await stage.ask(None, "POST", "/chat", HI, [PAGE])
    mine, cookie = conversation(first), cookie_of(first)
    answer = await own(stage, "POST", "/_gateway/claim", who, [*fields, cookie])
    assert answer.status == status
    assert (await stage.ask("alice", "GET", f"/conversations/{mine}")).status == 404
    assert (
        await stage.ask(None, "GET", f"/conversations/{mine}", None, [PAGE, cookie])
    ).status == 200


@pytest.mark.one_process("its store is a file")
async def test_nobody_visits_while_the_store_is_away(
    stage: Stage[Chatbase], tmp_path: Path
) -> None:
    first = await stage.ask(None, "POST", "/chat", HI, [PAGE])
    cookie = cookie_of(first)
    with closing(sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)) as database:
        database.execute("ALTER TABLE aliases RENAME TO elsewhere")
    stage.vendor.forget()
    answer = await stage.ask(None, "POST", "/chat", HI, [PAGE, cookie])
    assert (answer.status, stage.vendor.saw_nothing()) == (503, True)


async def test_visitors_come_only_where_they_may(tmp_path: Path) -> None:
    async with chatbase_stage(tmp_path) as closed:
        answer = await closed.ask(None, "POST", "/chat", HI, [PAGE])
        assert (answer.status, closed.vendor.saw_nothing()) == (401, True)
        assert (await own(closed, "POST", "/_gateway/claim", "alice", [PAGE])).status == 404


@pytest.mark.one_process("none starts")
async def test_visitors_need_an_org_that_stands_alone(tmp_path: Path) -> None:
    def beside_another(text: str) -> str:
        text = text.replace("[sign_in]", "[[sign_in]]\norg_claim = 'org'")
        text = text.replace("[upstreams.support]", "[orgs.one.upstreams.support]")
        upstream = text[text.index("[orgs.one.upstreams.support]") :]
        other = upstream.replace("orgs.one", "orgs.two")
        return f"{text}\n{other}\n[orgs.one]\nanonymous = true\n"

    with pytest.raises(ConfigError, match=r"orgs\.one\.anonymous: nothing says whose visitor"):
        async with chatbase_stage(tmp_path, beside_another):
            pass
