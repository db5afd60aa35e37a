"""Which orgs stand at which host and path, and whether the place alone names one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from gateway.config.kinds import EVERY_ORG
from gateway.config.model import OrgSettings
from gateway.core.request.route import Segments, segments

ANY_HOST = ""

Places = Mapping[str, Mapping[Segments, Sequence[str]]]  # host → path → the names of orgs


def standing(orgs: Mapping[str, OrgSettings]) -> Places:
    """Every place where an org stands."""
    places: dict[str, dict[Segments, list[str]]] = defaultdict(lambda: defaultdict(list))
    for org in orgs.values():
        for host in dict.fromkeys(org.hosts or (ANY_HOST,)):
            places[host][segments(org.path)].append(org.name)
    return places


def are_several(names: Sequence[str]) -> bool:
    """Whether it takes more than the place to say which org is meant."""
    return len(names) > 1 or EVERY_ORG in names
