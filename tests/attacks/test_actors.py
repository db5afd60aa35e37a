"""Row C-20: an operator who looks at the app as somebody else. Both are in the trail.

A session is as good as its app says, whether it was made by a password or remembered; who sits
before it is asked of the app, not guessed.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.store.schema import audit
from tests.attacks.both_ends import HI, OWN_ORIGIN, only, refused, signing_in
from tests.sessions.minting import django, starlette
from tests.support.chatbase import Chatbase
from tests.support.host_app import HostApp
from tests.support.host_apps import SECRET
from tests.support.kept import all_written
from tests.support.mutations import Pair
from tests.support.stage import Stage, chatbase_stage
from tests.support.wire import Answer

pytestmark = pytest.mark.anyio

HIJACKED = {"_auth_user_id": "alice", "hijack_history": ["root", "helper"]}


async def ask(stage: Stage[Chatbase], cookies: list[Pair]) -> Answer:
    field = b"Cookie: " + b"; ".join(b"=".join(cookie) for cookie in cookies)
    return await stage.ask(None, "POST", "/chat", HI, [field, ("Origin", OWN_ORIGIN)])


async def who_spoke(stage: Stage[Chatbase]) -> list[tuple[str, str | None]]:
    """The person and the actor of what was said, as the audit trail has it."""
    assert stage.gateway is not None
    assert stage.gateway.assembled is not None
    process = stage.gateway.assembled.process
    process.kept.auditor.close()
    await all_written(process.kept.trail.batches)
    rows = await process.store.database.rows(select(audit).where(audit.c.event == "spoke"), {})
    return [(row.subject, row.actor) for row in rows]


@pytest.mark.parametrize(
    ("said", "actor"),
    [
        pytest.param(HIJACKED, "root", id="hijacked twice"),
        pytest.param({**HIJACKED, "hijack_history": [7]}, "7", id="by number"),
        pytest.param({**HIJACKED, "hijack_history": []}, None, id="released"),
        pytest.param({"_auth_user_id": "alice"}, None, id="nobody else"),
    ],
)
async def test_of_a_hijacked_django_session_both_are_recorded(
    said: Mapping[str, Any], actor: str | None, tmp_path: Path
) -> None:
    sign_in = {"framework": "django", "secret": SECRET}
    async with chatbase_stage(tmp_path, signing_in(sign_in)) as stage:
        assert (await ask(stage, django(json.dumps(said).encode()))).status == 200
        only(stage, "alice", "root", "helper", "hijack")
        assert await who_spoke(stage) == [("alice", actor)]


async def test_any_other_session_says_it_where_the_configuration_says(tmp_path: Path) -> None:
    sign_in = {"framework": "starlette", "secret": SECRET, "actor_key": "/by/id"}
    said = {"user_id": "alice", "by": {"id": 1}}
    async with chatbase_stage(tmp_path, signing_in(sign_in)) as stage:
        assert (await ask(stage, starlette(json.dumps(said).encode()))).status == 200
        assert await who_spoke(stage) == [("alice", "1")]


async def test_an_actor_that_is_no_name_is_not_let_by_as_nobody(tmp_path: Path) -> None:
    said = {**HIJACKED, "hijack_history": [{"pk": 1}]}
    async with chatbase_stage(
        tmp_path, signing_in({"framework": "django", "secret": SECRET})
    ) as stage:
        answer = await ask(stage, django(json.dumps(said).encode()))
        refused(stage, answer, 401, "credentials_invalid")


async def test_an_app_that_is_asked_says_it_itself(tmp_path: Path) -> None:
    with HostApp() as app:
        app.sessions["s1"] = {"user_id": "alice", "operator": "root"}
        app.sessions["s2"] = {"user_id": "bob", "operator": None}
        sign_in = {"ask": app.me, "cookies": ["sessionid"], "user_key": "user_id"}
        edit = signing_in({**sign_in, "actor_key": "operator"})
        async with chatbase_stage(tmp_path, edit) as stage:
            for session in (b"s1", b"s2"):
                assert (await ask(stage, [(b"sessionid", session)])).status == 200
            assert await who_spoke(stage) == [("alice", "root"), ("bob", None)]
