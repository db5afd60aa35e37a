"""Behind oauth2-proxy, by what its documents say it sends: a Go program, and in no registry here.

Its documents: `injectRequestHeaders` strips what a client sent by these names and writes its own;
several values become one line, joined by commas (`X-Forwarded-Groups: a,b`). By its older flags
(`pass_user_headers`) e-mail and preferred username come along. What it lets through without a
sign-in (`skip_auth_routes`) has the static values and none of a person's.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.both_ends import HI, only, refused, signing_in
from tests.support.docbit import DocBit
from tests.support.stage import Stage, docbit_stage

pytestmark = pytest.mark.anyio

PAGE = (Path(__file__).parents[2] / "docs" / "sign-in.md").read_text(encoding="utf-8")
SECRET = "proxy-secret-for-tests-1234567890"
HOST = "chat.acme.example"


def recipe() -> tuple[list[str], dict[str, Any]]:
    """The fields oauth2-proxy is told to write, and the gateway's lines, as the page has both."""
    text = PAGE.partition("### oauth2-proxy")[2].partition("###")[0]
    written = re.findall(r"- name: (\S+)", text)
    lines = dict(re.findall(r'^(\w+) = "([^"]+)"', text, re.MULTILINE))
    return written, lines


def sent(user: str | None, groups: list[str], email: str | None = None) -> list[tuple[str, str]]:
    """What reaches us of a request to oauth2-proxy."""
    fields = [("X-Gateway-Secret", SECRET)]
    fields += [("X-Forwarded-User", user)] if user else []
    fields += [("X-Forwarded-Groups", ",".join(groups))] if groups else []
    fields += [("X-Forwarded-Email", email)] if email else []
    return [
        *fields,
        *(("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "https")),
        *(("X-Forwarded-Host", HOST), ("X-Forwarded-Uri", "/chat"), ("X-Real-IP", "192.0.2.1")),
        *(("Origin", f"https://{HOST}"), ("Cookie", "_oauth2_proxy=abc|1|def")),
    ]


@asynccontextmanager
async def behind(folder: Path) -> AsyncIterator[Stage[DocBit]]:
    _, lines = recipe()
    edit = signing_in(lines | {"shared_secret": SECRET})
    trusting = '\n[server]\ntrusted_proxies = ["127.0.0.1/32"]\n'
    async with docbit_stage(folder, lambda text: edit(text) + trusting) as stage:
        yield stage


def test_the_page_says_the_same_on_both_sides() -> None:
    written, lines = recipe()
    assert set(written) == {"X-Gateway-Secret", lines["forwarded"], lines["roles_field"]}
    assert lines["shared_secret"] == "${env:PROXY_SECRET}"


@pytest.mark.parametrize("email", [None, "alice@acme.example"])
async def test_who_is_signed_in_there_is_here_with_their_groups(
    email: str | None, tmp_path: Path
) -> None:
    async with behind(tmp_path) as stage:
        answer = await stage.ask(
            None, "POST", "/chat", HI, sent("auth0.42", ["staff", "eu"], email)
        )
        assert answer.status == 200, answer.raw
        only(stage, "auth0.42", SECRET, "_oauth2_proxy", "alice@acme")
        assert stage.vendor.requests[0].values("x-external-roles") == ['["staff","eu"]']


async def test_who_is_let_through_without_a_sign_in_is_nobody(tmp_path: Path) -> None:
    async with behind(tmp_path) as stage:
        answer = await stage.ask(None, "POST", "/chat", HI, sent(None, []))
        refused(stage, answer, 401, "credentials_missing")


async def test_a_page_of_others_is_refused_though_the_cookie_was_good_there(
    tmp_path: Path,
) -> None:
    async with behind(tmp_path) as stage:
        fields = [one for one in sent("alice", ["staff"]) if one[0] != "Origin"]
        fields.append(("Origin", "https://evil.example"))
        answer = await stage.ask(None, "POST", "/chat", HI, fields)
        refused(stage, answer, 403, "origin_refused")
