"""The rows of usage and audit that name somebody: as who was heard, or who spoke for them.

Each of the two is found by an index of its own. Asked for in one OR, SQLite reads all rows of the
org: of 300,000 that took 0.2 s, in which nobody else could write.
"""

from typing import Any

from sqlalchemy import CompoundSelect, literal_column, select, union

from gateway.store.schema import audit, usage

# Its index has these rows alone, and is not used unless it is said.
HAS_ACTOR = usage.c.actor != literal_column("''")


def in_usage(org: Any, names: Any) -> CompoundSelect[Any]:
    """Their ids."""
    return union(
        select(usage.c.id).where(usage.c.org == org, usage.c.subject.in_(names)),
        select(usage.c.id).where(usage.c.org == org, usage.c.actor.in_(names), HAS_ACTOR),
    )


def in_audit(org: Any, names: Any) -> CompoundSelect[Any]:
    """Their numbers, and nothing that is not in the index: for a time beside them, say, SQLite
    would rather read the org's.
    """
    return union(
        *(
            select(audit.c.number).where(audit.c.org == org, column.in_(names))
            for column in (audit.c.subject, audit.c.actor)
        )
    )
