"""What stands around a gateway that a configuration is for: an application, or nothing.

Two things of a configuration need one: `type = "host"` asks the application who somebody is, and
`base_url = "app:"` is the application.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`wraps`: requests for the application pass us. `identifies`: it says who its people are."""

    wraps: bool = False
    identifies: bool = False


ALONE = Surroundings()


def sign_in_by_host(tree: dict[str, Any]) -> None:
    """An application that says who its people are is the sign-in, where no other is written."""
    written = tree.get("orgs")
    orgs = written if isinstance(written, Mapping) else {}
    tables = [tree, *orgs.values()]
    if not any(isinstance(table, Mapping) and "sign_in" in table for table in tables):
        tree["sign_in"] = {"type": "host", "org": len(orgs) > 1 or "*" in orgs}
