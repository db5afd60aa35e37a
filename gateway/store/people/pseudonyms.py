"""What is left of the names of somebody who was erased: digests, by a key of the store's own.

They are what tombstones are called by. Without the key nobody can try names on them; with the key,
which is in the same store, one can, and that is what they are for: to know an erased person's row
that comes late, and an id that a vendor knew them by. So they are pseudonyms, and no anonymity.
"""

import hmac
import secrets

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.formats.digests import base32, joined
from gateway.store.dialect import insert
from gateway.store.schema import secrets as secrets_table

NAME = "erasure"
KEY_BYTES = 32
ID_BYTES = 16

_KEY = select(secrets_table.c.value).where(secrets_table.c.name == NAME)


async def known_key(connection: AsyncConnection) -> bytes | None:
    """The key; None where nobody has ever been erased."""
    key: bytes | None = (await connection.execute(_KEY)).scalar()
    return key


async def key_for_erasing(connection: AsyncConnection) -> bytes:
    """The key, made where there is none yet."""
    made = insert(connection, secrets_table).on_conflict_do_nothing()
    await connection.execute(made, {"name": NAME, "value": secrets.token_bytes(KEY_BYTES)})
    key = await known_key(connection)
    if key is None:
        raise RuntimeError("the key that was just written is not there")
    return key


def pseudonym(key: bytes, *names: str) -> str:
    """What stands for these names, of the shape `core.people.identity.ERASED`."""
    return "erased_" + base32(hmac.digest(key, joined(*names), "sha256")[:ID_BYTES])


def fresh_user_id() -> str:
    """An id that no vendor has seen, of the shape of opaque ones."""
    return "u_" + base32(secrets.token_bytes(ID_BYTES))
