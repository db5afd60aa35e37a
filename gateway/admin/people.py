"""Blocking people and orgs over HTTP, as `gateway users block` does beside the store."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.config.kinds import EVERY_ORG
from gateway.core import problem
from gateway.core.errors import BadRequest
from gateway.core.formats import strictjson
from gateway.core.formats.strictjson import JsonObject
from gateway.core.people.identity import Person
from gateway.core.problem import Answer
from gateway.events.envelope import moment
from gateway.store.people.blocking import block, blocked, unblock
from gateway.store.store import Store

MEMBERS = frozenset({"org", "user", "everybody"})
ROW = ("org", "user", "since")
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
LONGEST = 512  # characters of a subject, and more than an org's name has


@dataclass(frozen=True, slots=True)
class Whom:
    """A person of an org, by its external_id; None: all of it."""

    org: str
    user: str | None


class People:
    """The people of one store; `orgs` are names to external_ids."""

    def __init__(self, store: Store, orgs: Mapping[str, str]) -> None:
        self._store = store
        self._orgs = orgs

    async def change(self, what: str, content: bytes, who: str) -> Answer:
        """Block or unblock; this process knows at once, and every other within five seconds.

        Raises:
            BadRequest: it is not said whom.
            LedgerUnavailable: it cannot be written.
        """
        return problem.of_json(await self.set(what, read(content, self._orgs), who))

    async def set(self, what: str, whom: Whom, who: str) -> dict[str, Any]:
        """As `change`; what came of it.

        Raises:
            LedgerUnavailable: it cannot be written.
        """
        by = f"operator:{who}"
        answer: dict[str, Any]
        if what == "block":
            names = await block(self._store.database, whom.org, whom.user, by=by)
            answer = {"names": names if whom.user is not None else []}
        else:
            answer = {
                "was_blocked": await unblock(self._store.database, whom.org, whom.user, by=by)
            }
        await self._store.cutoffs.look()
        return answer

    def whom(self, body: JsonObject) -> Whom:
        """Whom the members of a body, or the fields of a form, mean.

        Raises:
            BadRequest: they say so in no way that is known.
        """
        return whom_of(body, self._orgs)

    async def blocked(self) -> Answer:
        """Everybody who is blocked."""
        return problem.of_json({"data": await self.who_is_blocked()})

    async def who_is_blocked(
        self, *, of: Person | None = None, most: int | None = None
    ) -> list[Any]:
        """The same, a row each: an org by its name, and None for all of it.

        `of`: what keeps that person out; `most`: no more rows than so many.

        Raises:
            LedgerUnavailable: it cannot be read.
        """
        names = {external_id: name for name, external_id in self._orgs.items()}
        return [
            dict(
                zip(ROW, (names.get(one.org, one.org), one.subject, moment(one.since)), strict=True)
            )
            for one in await blocked(self._store.database, of=of, most=most)
        ]


def read(content: bytes, orgs: Mapping[str, str]) -> Whom:
    """Whom a body means.

    Raises:
        BadRequest: it says so in no way that is known.
    """
    body = strictjson.loads(content)
    if not isinstance(body, dict):
        raise BadRequest(f"Send an object of {', '.join(sorted(MEMBERS))}")
    return whom_of(body, orgs)


def whom_of(body: JsonObject, orgs: Mapping[str, str]) -> Whom:
    """Whom its members mean.

    Raises:
        BadRequest: they say so in no way that is known.
    """
    if not MEMBERS.issuperset(body):
        raise BadRequest(f"There are {', '.join(sorted(MEMBERS))}, and nothing else")
    everybody = body.get("everybody", False)
    if not isinstance(everybody, bool) or ("user" in body) is everybody:
        raise BadRequest('Say whom: a user, or "everybody": true')
    return Whom(_org(body, orgs), _name(body, "user") if "user" in body else None)


def _org(body: JsonObject, orgs: Mapping[str, str]) -> str:
    if "org" not in body and len(orgs) == 1 and EVERY_ORG not in orgs:
        return next(iter(orgs.values()))
    name = _name(body, "org")
    if name == EVERY_ORG or (name not in orgs and EVERY_ORG not in orgs):
        raise BadRequest("There is no such org")
    return orgs.get(name, name)


def _name(body: JsonObject, member: str) -> str:
    """A name that both databases can hold."""
    value = body.get(member)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or _NO_TEXT.search(value):
        raise BadRequest(f"Say which {member}, by its name")
    return value
