"""The contacts of Chatbase v1 and Bookbag v1, which are alike, as their documents have them.

A contact is upserted by its external_id. Attributes have to be defined first: Chatbase strips
those that are not, Bookbag refuses them. One that is archived, or a value of another type, spoils
the whole request, and so does an e-mail address that is another contact's.

    vendor.contacts.of("agent_1")["alice"]["custom_attributes"]["plan"]
    vendor.contacts.define("agent_1", "plan", "text")
    vendor.contacts.away = True                  # 503 to all, until it is False
"""

import re
from collections import defaultdict
from typing import Any

from tests.support.reply import Reply
from tests.support.vendor import Request

Json = dict[str, Any]

OWN = ("external_id", "name", "email", "phonenumber", "stripe_accounts")
NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]*")
PATH = re.compile(r"/api/v1/chatbots/([^/]+)/(contacts|custom-attributes)(?:/([^/]+))?")
TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "date": (str,),
}


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Contacts:
    """All that a vendor keeps of contacts. `strict`: what is not defined is refused."""

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.away = False
        self.status_when_away = 503
        self.batches: list[int] = []  # how many contacts came together
        self._contacts: dict[str, dict[str, Json]] = defaultdict(dict)
        self._defined: dict[str, dict[str, Json]] = defaultdict(dict)

    def of(self, agent: str) -> dict[str, Json]:
        return self._contacts[agent]

    def defined(self, agent: str) -> dict[str, str]:
        return {name: one["type"] for name, one in self._defined[agent].items()}

    def define(self, agent: str, name: str, kind: str = "text", *, archived: bool = False) -> None:
        attribute = {"name": name, "label": name, "type": kind, "archived": archived}
        self._defined[agent][name] = attribute

    async def answer(self, request: Request, reply: Reply) -> bool:
        """Whether it was about contacts, and has been answered."""
        found = PATH.fullmatch(request.target.partition("?")[0])
        if found is None:
            return False
        try:
            await reply.json(
                200, {"message": "Success", "data": self._of(request, *found.groups())}
            )
        except Refused as error:
            await reply.json(error.status, {"message": str(error)})
        return True

    def _of(self, request: Request, agent: str, what: str, one: str | None) -> Any:
        if self.away:
            raise Refused(self.status_when_away, "Away")
        if one is not None:
            if what != "contacts" or request.method != "DELETE":
                raise Refused(404, "Not found")
            if self._contacts[agent].pop(one, None) is None:
                raise Refused(404, "Contact not found")
            return {"external_id": one}
        if what == "custom-attributes":
            if request.method == "POST":
                self._add(agent, request.json())
            return list(self._defined[agent].values())
        if request.method == "POST":
            return self._upsert(agent, request.json())
        return list(self._contacts[agent].values())

    def _add(self, agent: str, body: Json) -> None:
        if not NAME.fullmatch(body["name"]) or body["type"] not in TYPES:
            raise Refused(400, "Invalid request body")
        if body["name"] in self._defined[agent]:
            raise Refused(400, "It is there")
        self.define(agent, body["name"], body["type"])

    def _upsert(self, agent: str, body: Json) -> list[Json]:
        users = body.get("users")
        if set(body) != {"users"} or not isinstance(users, list) or not 1 <= len(users) <= 1000:
            raise Refused(400, "Maximum 1000 contacts per request")
        taken = [self._taken(agent, one) for one in users]
        self.batches.append(len(taken))
        for one in taken:
            known = self._contacts[agent].setdefault(one["external_id"], {"custom_attributes": {}})
            known["custom_attributes"] |= one.pop("custom_attributes")
            known |= one
        return taken

    def _taken(self, agent: str, one: Json) -> Json:
        taken = {name: one[name] for name in OWN if name in one}
        if not isinstance(taken.get("external_id"), str):
            raise Refused(400, "external_id")
        for name in ("name", "email", "phonenumber"):
            if not isinstance(taken.get(name, ""), str | None):
                raise Refused(400, name)
        others = self._contacts[agent].items()
        email = taken.get("email")
        if email and any(
            it.get("email") == email for name, it in others if name != one["external_id"]
        ):
            raise Refused(409, "Email already exists")
        custom = one.get("custom_attributes", {})
        taken["custom_attributes"] = {
            name: value for name, value in custom.items() if self._takes(agent, name, value)
        }
        return taken

    def _takes(self, agent: str, name: str, value: object) -> bool:
        attribute = self._defined[agent].get(name)
        if attribute is None:
            if self.strict:
                raise Refused(400, f"Unknown attribute {name}")
            return False
        if attribute["archived"]:
            raise Refused(400, f"Archived {name}")
        kinds = TYPES[attribute["type"]]
        is_bool = isinstance(value, bool) and bool not in kinds
        if value is not None and (is_bool or not isinstance(value, kinds)):
            raise Refused(400, f"Type of {name}")
        return True
