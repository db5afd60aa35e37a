"""Which tools of a server a person may use, by the roles they have."""

from collections.abc import Mapping
from dataclasses import dataclass

EVERYBODY = "*"  # in place of a role
EVERY_TOOL = "*"  # in place of a tool's name


@dataclass(frozen=True, slots=True)
class ToolRules:
    """Names of tools by role; exact ones, so that no spelling of a name is another one's."""

    by_role: Mapping[str, frozenset[str]]

    def of(self, roles: tuple[str, ...]) -> frozenset[str] | None:
        """The tools somebody with these roles may use; None: every one."""
        found = [self.by_role.get(role, frozenset()) for role in (EVERYBODY, *roles)]
        names = frozenset[str]().union(*found)
        return None if EVERY_TOOL in names else names
