"""The file itself: which form it has, and whom each shared sign-in is for."""

from collections.abc import Iterator, Mapping

from gateway.config.mistake import Finding, did_you_mean
from gateway.config.model import OrgTable
from gateway.config.written import File

EVERY_ORG = "*"


def form(file: File) -> Iterator[Finding]:
    """The finding of a file that has both forms."""
    if file.orgs and file.upstreams:
        yield Finding(
            ("upstreams",), "with [orgs], each upstream is one org's: orgs.NAME.upstreams"
        )


def check(file: File) -> Iterator[Finding]:
    """The findings about whom the shared sign-ins are for."""
    if file.orgs:
        yield from _shared(file)
    else:
        for index, sign_in in enumerate(file.sign_in):
            if sign_in.orgs:
                yield Finding(("sign_in", index, "orgs"), "there are no [orgs] to choose from")


def _shared(file: File) -> Iterator[Finding]:
    without = {
        table.external_id or name: table for name, table in file.orgs.items() if not table.sign_in
    }
    known = {table.external_id or name for name, table in file.orgs.items()}
    several = len(file.sign_in) > 1
    everybody = [index for index, one in enumerate(file.sign_in) if EVERY_ORG in one.orgs]
    for index, sign_in in enumerate(file.sign_in):
        place = ("sign_in", index, "orgs")
        if several and not sign_in.orgs:
            yield Finding(place, "is required, since there are several shared sign-ins")
        if index in everybody[1:]:
            yield Finding(place, '"*" stands at one shared sign-in at most')
        for position, org in enumerate(sign_in.orgs):
            if org != EVERY_ORG and org not in known:
                yield Finding(
                    (*place, position), f"is no org's external_id{did_you_mean(org, known)}"
                )
        if _reaches_nobody(sign_in.orgs, without):
            yield Finding(
                ("sign_in", index), "is for nobody: every org has a sign-in of its own", "warning"
            )


def _reaches_nobody(orgs: tuple[str, ...], without: Mapping[str, OrgTable]) -> bool:
    return not without or (bool(orgs) and EVERY_ORG not in orgs and without.keys().isdisjoint(orgs))
