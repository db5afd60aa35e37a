"""Which tool a vendor's call means, by org, upstream and name.

An org that is not listed has the tools of all those, under its own external_id. That there is such
an org the call need not prove: it speaks of a person there, and of one nobody has seen it is 404.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gateway.toolcall import Tool


@dataclass(slots=True)
class Tools:
    """`listed` are those of orgs by their name; `is_other` says of a name that none of them has it.

    What it says yes to may be anybody's: only the store knows whether there are people.
    """

    listed: dict[tuple[str, str, str], Tool] = field(default_factory=dict)
    of_others: dict[tuple[str, str], Tool] = field(default_factory=dict)
    is_other: Callable[[str], bool] = lambda org: False

    def find(self, org: str, upstream: str, name: str) -> Tool | None:
        tool = self.listed.get((org, upstream, name))
        if tool is not None or not self.is_other(org):
            return tool
        template = self.of_others.get((upstream, name))
        return None if template is None else replace(template, org=org, external_id=org)
