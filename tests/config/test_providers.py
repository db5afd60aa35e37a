"""Each provider's page: tokens of its shape are taken by its lines, and `gateway init` writes them.

The shapes are from the providers' own documents; a local issuer signs them.
"""

import json
import re
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.init import begin
from gateway.config.providers import KNOWN, recognise, sign_in
from tests.attacks.both_ends import bearer, signing_in
from tests.support.stage import chatbase_stage
from tests.support.tokens import ABSENT, Issuer

pytestmark = pytest.mark.anyio

PAGES = Path(__file__).parents[2] / "docs" / "identity-providers"
HI = {"message": "hi"}


@dataclass(frozen=True)
class Page:
    name: str
    header: dict[str, Any]
    claims: dict[str, Any]
    refused: dict[str, Any]
    lines: dict[str, Any]


def read(file: Path) -> Page:
    text = file.read_text(encoding="utf-8")

    def snippet(kind: str) -> str:
        (found,) = re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)
        return str(found)

    return Page(
        file.stem,
        *(json.loads(snippet(f"json {kind}")) for kind in ("header", "claims", "refused")),
        tomllib.loads(snippet("toml"))["sign_in"],
    )


EVERY = [read(file) for file in sorted(PAGES.glob("*.md"))]
PROVIDERS = pytest.mark.parametrize("page", EVERY, ids=[page.name for page in EVERY])


def signed(page: Page, claims: dict[str, Any]) -> tuple[Issuer, str]:
    """A token of these claims that is good now, signed by a local issuer."""
    issuer = Issuer(page.lines["issuer"])
    now = int(time.time())
    times = {"iat": now - 5, "exp": now + 300} | ({"nbf": now - 5} if "nbf" in claims else {})
    header = {"typ": ABSENT, **page.header, "kid": issuer.kid(page.header["alg"])}
    return issuer, issuer.seal({**claims, **times}, algorithm=page.header["alg"], header=header)


def test_every_known_provider_has_a_page() -> None:
    assert {page.name for page in EVERY} == {one.page for one in KNOWN}


@PROVIDERS
def test_a_token_of_it_is_recognised_and_gives_the_lines_of_its_page(page: Page) -> None:
    assert recognise(page.claims).page == page.name
    assert sign_in(page.claims, page.header["alg"]) == page.lines
    text, notes = begin(signed(page, page.claims)[1], "chatbase")
    assert tomllib.loads(text)["sign_in"] == page.lines
    assert any(f"docs/identity-providers/{page.name}.md" in note for note in notes)


@PROVIDERS
async def test_its_lines_take_its_tokens_and_no_others(page: Page, tmp_path: Path) -> None:
    issuer, good = signed(page, page.claims)
    _, bad = signed(page, page.refused)
    given = {key: value for key, value in page.lines.items() if key != "jwks_url"}
    edit = signing_in(given | {"jwks": issuer.jwks_text(page.header["alg"])})
    async with chatbase_stage(tmp_path, edit) as stage:
        answer = await stage.ask(None, "POST", "/chat", HI, [bearer(bad)])
        assert (answer.status, stage.vendor.saw_nothing()) == (401, True)
        answer = await stage.ask(None, "POST", "/chat", HI, [bearer(good)])
        assert answer.status == 200, answer.body
        (row,) = stage.vendor.requests
        subject = page.claims[page.lines.get("user_claim", "sub")]
        assert row.json()["userId"] == subject or row.json()["userId"].startswith("u_")


@pytest.mark.parametrize(
    "issuer",
    [
        pytest.param("https://acme.eu.auth0.com.evil.example/", id="suffix"),
        pytest.param("https://evil.example/acme.eu.auth0.com/", id="path"),
        pytest.param("http://acme.eu.auth0.com/", id="not encrypted"),
        pytest.param("https://login.microsoftonline.com/common/v2.0", id="every tenant"),
        pytest.param(3, id="a number"),
    ],
)
def test_what_only_looks_like_a_known_issuer_is_none(issuer: object) -> None:
    assert recognise({"iss": issuer}).page == ""  # type: ignore[dict-item]
