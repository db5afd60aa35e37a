"""One of those the gateway knows: what they did, and whether they are let in."""

from urllib.parse import urlencode

from gateway.admin.current import Current
from gateway.config.kinds import EVERY_ORG
from gateway.console.asked import Asked
from gateway.console.lists import Lists, Table
from gateway.console.rendering import moved, page
from gateway.core.errors import BadRequest
from gateway.core.people.identity import Person
from gateway.core.problem import Answer

A_FEW = "20"  # rows of each list
MOST_BLOCKED = 500  # on a page: a row is half a kilobyte, and they are written at once
KNOWN = ("org", "user", "users")


class People:
    """Those of one gateway."""

    def __init__(self, now: Current, lists: Lists) -> None:
        self._now = now
        self._lists = lists

    async def page(self, asked: Asked) -> Answer:
        """Who is blocked, and a form to look for somebody."""
        return page(
            "people.html",
            blocked=await self._now.people.who_is_blocked(most=MOST_BLOCKED),
            most=MOST_BLOCKED,
            only=self._only_org(),
        )

    async def person(self, asked: Asked) -> Answer:
        """What one person did lately, and whether they are blocked."""
        form, org = asked.form, self._org(asked)
        if not set(form) <= {"org", "user"} or "user" not in form:
            raise BadRequest("Say which user, and of which org")
        which = {"org": org, "user": form["user"]}
        few = which | {"limit": A_FEW}

        async def table(what: str, form: dict[str, str]) -> Table:
            return await self._lists.table(what, form, asked.who, known=KNOWN)

        person = Person(self._now.orgs.get(org, org), form["user"])
        return page(
            "person.html",
            org=org,
            user=form["user"],
            blocked=await self._now.people.who_is_blocked(of=person),
            upstreams=await table("usage", which | {"by": "upstream"}),
            exchanges=await table("usage", few | {"by": "exchange"}),
            conversations=await table("conversations", few),
            events=await table("audit", few),
        )

    async def change(self, asked: Asked) -> Answer:
        """Block somebody, or let them in again; then show them."""
        form = asked.form
        if any("\r" in value or "\n" in value for value in form.values()):
            # Forms write every end of a line as CRLF (HTML 4.10.21.4): that is another name.
            raise BadRequest("No form can hold this name: `gateway users` takes it")
        body = {name: form[name] for name in form if name != "everybody"}
        whom = self._now.people.whom(
            {**body, **({"everybody": True} if "everybody" in form else {})}
        )
        await self._now.people.set(asked.path.rpartition("/")[2], whom, asked.who)
        if whom.user is None:
            return moved("/console/people")
        return moved(f"/console/person?{urlencode({'org': self._org(asked), 'user': whom.user})}")

    def _org(self, asked: Asked) -> str:
        """By its name; where there is only one, that."""
        if "org" in asked.form:
            return asked.form["org"]
        only = self._only_org()
        if only is None:
            raise BadRequest("Say which org")
        return only

    def _only_org(self) -> str | None:
        """None: there are several, or every customer that a sign-in vouches for is one."""
        orgs = self._now.orgs
        return next(iter(orgs)) if len(orgs) == 1 and EVERY_ORG not in orgs else None
