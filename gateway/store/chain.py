"""The arithmetic of the audit trail: every row holds the hash of the one before.

rule 1: A row's hash covers its number, all of its columns but the personal ones, the digest of
        these, and the hash before it. So no row can be edited, removed or moved, save all the last
        ones at once; against that the heads of days are kept elsewhere.
rule 2: The personal columns count by a digest with a salt of the row's own (HMAC-SHA-256). When a
        person is erased, the columns and the salt go and the digest stays: the chain holds, and
        without the salt nobody can try names on the digest.
rule 3: The first row of an org follows a hash of the org's name: no org's rows are another's.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

SALT_BYTES = 16
PERSONAL = ("subject", "actor", "user_id", "conversation", "request_id", "detail")
IMPERSONAL = (
    "org",
    "number",
    "id",
    "time",
    "day",
    "event",
    "code",
    "upstream",
    "operation",
    "times",
)
MILLISECONDS_A_DAY = 86_400_000


def personal(row: Mapping[str, Any]) -> bytes:
    """The digest of a row's personal columns, by its salt."""
    text = msgspec.json.encode([row[name] for name in PERSONAL])
    return hmac.digest(row["salt"], text, "sha256")


def link(row: Mapping[str, Any]) -> bytes:
    """The hash of a row, which the next one holds."""
    facts = [row[name] for name in IMPERSONAL]
    text = msgspec.json.encode([*facts, row["personal"], row["previous"]])
    return hashlib.sha256(text).digest()


def beginning(org: str) -> bytes:
    """What the first row of an org follows."""
    return hashlib.sha256(msgspec.json.encode(["audit", org])).digest()


def day_of(time: int) -> int:
    """The day of a time in milliseconds, UTC, since the epoch."""
    return time // MILLISECONDS_A_DAY
