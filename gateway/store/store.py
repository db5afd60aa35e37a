"""The store, opened: what the rest of the gateway is given."""

import secrets

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.errors import LedgerUnavailable
from gateway.store import schema
from gateway.store.askings import Askings
from gateway.store.contacts import KeptContacts
from gateway.store.cutoffs import Cutoffs
from gateway.store.database import Database
from gateway.store.dialect import insert
from gateway.store.ledger import Ledger
from gateway.store.opening import opened

IDENTITY = "identity"
SECRET_BYTES = 32

_SECRET = select(schema.secrets.c.value).where(schema.secrets.c.name == IDENTITY)


class Store:
    """One store of one process. Made within a running event loop, closed with `aclose`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ledger = Ledger(database)
        self.cutoffs = Cutoffs(database)
        self.askings = Askings(database)
        self.contacts = KeptContacts(database)

    @classmethod
    async def open(cls, url: str) -> "Store":
        """Open the store at `url`, sqlite:///… or postgresql://…; make it where there is none.

        Raises:
            StoreError: it cannot be used; the text says what to do.
        """
        return cls(await opened(url))

    async def identity_secret(self) -> bytes:
        """The secret behind opaque user ids: made once, by whoever asks first, and kept.

        Raises:
            LedgerUnavailable: it can be neither read nor made.
        """
        secret = await self.database.scalar(_SECRET, {})
        if secret is None:
            await self.database.start(self.database.commit(_make_secret))
            secret = await self.database.scalar(_SECRET, {})
        if not isinstance(secret, bytes) or len(secret) < SECRET_BYTES:
            raise LedgerUnavailable("The identity secret in the store is not one")
        return secret

    async def ping(self) -> None:
        """Whether the store can be used now.

        Raises:
            LedgerUnavailable: it cannot.
        """
        await self.database.ping()

    async def aclose(self) -> None:
        await self.database.aclose()


async def _make_secret(connection: AsyncConnection) -> None:
    keep = insert(connection, schema.secrets).on_conflict_do_nothing()
    await connection.execute(keep, {"name": IDENTITY, "value": secrets.token_bytes(SECRET_BYTES)})
