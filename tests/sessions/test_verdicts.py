"""One Cookie field, two verdicts: the app's own, and ours. They agree, or ours is stricter.

Rows C-01, C-03, C-04, C-05, C-08, C-15 and C-16 of SECURITY.md, as mutations of real cookies and
as sessions that are truly signed and yet no app's.
"""

import asyncio
import json
from collections.abc import Sequence

import pytest

from tests.sessions.frameworks import Framework
from tests.support.chatbase import Chatbase
from tests.support.host_apps import ask_all
from tests.support.mutations import mutants, written
from tests.support.stage import Stage
from tests.support.wire import Answer

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

OURS = b"Sec-Fetch-Site: same-origin"
REFUSED = frozenset({400, 401, 431})


def at_the_app(answer: Answer | None) -> str | None:
    """Whom the app takes it for; a number is the text of it."""
    if answer is None or answer.status != 200:
        return None
    user = json.loads(answer.body)["user"]
    if user is None:
        return None
    is_one = isinstance(user, (str, int)) and not isinstance(user, bool)
    return str(user) if is_one else repr(user)


def at_the_gateway(answer: Answer | None) -> str | None:
    assert answer is not None
    if answer.status in REFUSED:
        return None
    assert answer.status == 200, answer.raw
    return str(answer.json()["subject"])


async def verdicts(
    stage: Stage[Chatbase], framework: Framework, app: str, fields: Sequence[bytes]
) -> list[tuple[bytes, str | None, str | None]]:
    """Of each field: what the app says, and what we say."""
    theirs, ours = await asyncio.gather(
        ask_all(app, "/me", fields),
        ask_all(stage.url, f"/{framework.name}/_gateway/whoami", fields, OURS),
    )
    pairs = zip(fields, map(at_the_app, theirs), map(at_the_gateway, ours), strict=True)
    return list(pairs)


async def test_the_gateway_is_never_laxer_than_the_app(
    stage: Stage[Chatbase], framework: Framework, app: str
) -> None:
    alice, bob = (framework.sign_in_as(app, who) for who in ("1", "2"))
    fields = [written(alice), written(bob), *mutants(alice, bob, count=1000)]
    fields += [written(one) for one in framework.minted()]
    # A space after a value is no part of it (RFC 6265 section 5.2); only Express takes it for one.
    fields = [one for one in fields if b" ;" not in one]
    assert len(fields) > 1000
    judged = await verdicts(stage, framework, app, fields)
    assert [one[1:] for one in judged[:2]] == [("1", "1"), ("2", "2")]
    laxer = [one for one in judged if one[2] is not None and one[1] != one[2]]
    assert laxer == []
    assert stage.vendor.saw_nothing()
    both = [one for one in judged if one[2] is not None]
    assert len(both) > 5, "nothing but refusals compares nothing"
