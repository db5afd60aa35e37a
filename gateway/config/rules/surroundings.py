"""What a configuration needs to stand around it, and whether that is there."""

from collections.abc import Iterator, Mapping

from gateway.config.mistake import Finding, Path, Severity
from gateway.config.model import OrgSettings
from gateway.config.sign_ins.host import HostSignInSettings
from gateway.config.surroundings import Surroundings

_WRAPPED = "is the application that GatewayMiddleware wraps"
_ASKED = "asks the application: identify=… of GatewayMiddleware, or of a Gateway that is mounted"


def check(orgs: Mapping[str, OrgSettings], around: Surroundings | None) -> Iterator[Finding]:
    """The findings about what is needed. None: it is not known yet where this will run."""
    wraps, identifies = around is None or around.wraps, around is None or around.identifies
    severity: Severity = "note" if around is None else "error"
    for path in _apps(orgs):
        if around is None or not wraps:
            message = _WRAPPED if around is None else f"{_WRAPPED}, and none is wrapped here"
            yield Finding((*path, "base_url"), message, severity)
    asked = list(_askings(orgs))
    for path in asked:
        if around is None or not identifies:
            message = _ASKED if around is None else f"{_ASKED}: there is none here"
            yield Finding((*path, "type"), message, severity)
    if around is not None and identifies and not asked:
        yield Finding(
            ("sign_in",),
            'identify is given, and nothing asks it: [[sign_in]] with type = "host"',
        )


def _apps(orgs: Mapping[str, OrgSettings]) -> Iterator[Path]:
    for name, org in orgs.items():
        for key, upstream in org.upstreams.items():
            if upstream.is_app:
                yield ("orgs", name, "upstreams", key)


def _askings(orgs: Mapping[str, OrgSettings]) -> Iterator[Path]:
    judged: set[int] = set()
    for name, org in orgs.items():
        for index, sign_in in enumerate(org.sign_in):
            if isinstance(sign_in, HostSignInSettings) and id(sign_in) not in judged:
                judged.add(id(sign_in))
                yield ("orgs", name, "sign_in", index)
