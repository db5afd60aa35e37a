"""The ledger, only looked at: what `explain` is given."""

from gateway.core.errors import LedgerUnavailable
from gateway.core.people.identity import Person
from gateway.ports import ConversationLedger, Whose


class ReadOnlyLedger(ConversationLedger):
    """Answers as the ledger it stands before would, and writes nothing."""

    def __init__(self, ledger: ConversationLedger) -> None:
        self._ledger = ledger

    async def owner(self, org: str, upstream: str, conversation: str) -> Person | None:
        return await self._ledger.owner(org, upstream, conversation)

    async def whose(self, upstream: str, conversation: str, person: Person) -> Whose:
        return await self._ledger.whose(upstream, conversation, person)

    def check_takes_claims(self) -> None:
        """What only looks opens nothing."""

    async def claim(self, upstream: str, conversation: str, person: Person) -> bool:
        raise LedgerUnavailable("Nothing is recorded while looking")

    async def has_become(self, person: Person) -> bool:
        return await self._ledger.has_become(person)

    async def become(self, visitor: Person, person: Person) -> bool:
        raise LedgerUnavailable("Nothing is recorded while looking")

    async def was_named(self, upstream: str, person: Person, user_id: str) -> bool:
        return await self._ledger.was_named(upstream, person, user_id)

    async def person_named(self, upstream: str, org: str, user_id: str) -> Person | None:
        return await self._ledger.person_named(upstream, org, user_id)

    def remembered_user_id(self, upstream: str, person: Person) -> str | None:
        return self._ledger.remembered_user_id(upstream, person)

    async def known_user_id(self, upstream: str, person: Person) -> str | None:
        return await self._ledger.known_user_id(upstream, person)

    async def user_id(self, upstream: str, person: Person, proposed: str) -> str:
        return await self._ledger.known_user_id(upstream, person) or proposed
