"""Tools of orgs that are not listed: as their own, and of no other org."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.stage import Saas, saas_stage
from tests.support.wire import Answer, raw_request, wire
from tests.test_toolcall import Service

pytestmark = pytest.mark.anyio

TOKEN = "tool-token-" + "t" * 32
OTHER = "other-token-" + "o" * 32


@dataclass(frozen=True)
class Staged:
    """Many orgs: acme has a tool of its own, those that are not listed have another."""

    stage: Saas
    service: Service

    async def meet(self, who: str, org: str) -> str:
        """The id by which the vendor gets to know a person."""
        stage = self.stage
        stage.docs.forget()
        await stage.ask(stage.token(who, org), "POST", "/docs/api/ai/chat", {"message": "hi"})
        return stage.docs.requests[0].values("x-external-user-id")[0]

    async def call(self, org: str, user: str, token: str = OTHER, name: str = "orders") -> Answer:
        fields = [("Authorization", f"Bearer {token}"), ("X-User-Id", user)]
        fields.append(("Content-Type", "application/json"))
        path = f"/_gateway/tools/{org}/docs/{name}"
        return await wire(self.stage.url, raw_request("POST", path, fields, b'{"orderId":7}'))


@pytest.fixture
async def staged(tmp_path: Path) -> AsyncIterator[Staged]:
    async with Service() as service:

        def edit(text: str) -> str:
            for org, name, token in (("acme", "own", TOKEN), ('"*"', "orders", OTHER)):
                text += (
                    f"[orgs.{org}.upstreams.docs.tools.{name}]\n"
                    f'url = "{service.url}/{name}"\nverify = {{ bearer = "{token}" }}\n'
                    'user = "field:X-User-Id"\n'
                )
            return text

        async with saas_stage(tmp_path, edit) as stage:
            yield Staged(stage, service)


async def test_an_org_that_is_not_listed_has_them_as_its_own(staged: Staged) -> None:
    for org in ("org_new", "org_other"):
        user = await staged.meet("alice", org)
        assert (await staged.call(org, user)).status == 200
    told = [
        (one.values("x-external-org-id"), one.values("x-external-user-id"))
        for one in staged.service.requests
    ]
    assert told == [(["org_new"], ["alice"]), (["org_other"], ["alice"])]


async def test_of_whom_an_org_has_not_seen_nobody_hears(staged: Staged) -> None:
    """Rows O-02, M-14: a person of another org, and an org that nobody has come from."""
    user = await staged.meet("alice", "org_new")
    for org, named in (("org_other", user), ("org_never", user), ("org_new", "bob")):
        assert (await staged.call(org, named)).status == 404
    assert staged.service.saw_nothing()


@pytest.mark.parametrize("org", ["acme", "org_acme", "globex", "org_globex", "org_own", "own"])
async def test_their_secret_opens_no_listed_org(staged: Staged, org: str) -> None:
    """Row O-09: by its name, or by what its claim says."""
    user = await staged.meet("alice", "org_acme")
    for name in ("orders", "own"):
        answer = await staged.call(org, user, name=name)
        assert answer.status == (401 if (org, name) == ("acme", "own") else 404)
    assert staged.service.saw_nothing()


async def test_who_does_not_know_the_secret_learns_nothing(staged: Staged) -> None:
    user = await staged.meet("alice", "org_new")
    for org in ("org_new", "org_never"):
        answer = await staged.call(org, user, TOKEN)
        assert answer.status == 401
    assert json.loads(answer.body)["code"] == "credentials_invalid"
    assert (await staged.call("*", user)).status in {400, 404}
    assert staged.service.saw_nothing()
