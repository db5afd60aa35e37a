"""The file itself: which form it has, whom each shared sign-in is for, and all other orgs."""

from collections.abc import Iterator

from gateway.config.allowances import LimitsTable
from gateway.config.kinds import EVERY_ORG
from gateway.config.meaning import Meaning
from gateway.config.mistake import Finding, did_you_mean
from gateway.config.written import File


def form(file: File) -> Iterator[Finding]:
    """The findings of a file that has both forms."""
    if not file.orgs:
        return
    if file.upstreams:
        yield Finding(
            ("upstreams",), "with [orgs], each upstream is one org's: orgs.NAME.upstreams"
        )
    if file.limits != LimitsTable():
        yield Finding(("limits",), "with [orgs], limits are each org's own: orgs.NAME.limits")


def check(file: File, meaning: Meaning) -> Iterator[Finding]:
    """The findings about whom the shared sign-ins are for."""
    if not file.orgs:
        for index, sign_in in enumerate(file.sign_in):
            if sign_in.orgs:
                yield Finding(("sign_in", index, "orgs"), "there are no [orgs] to choose from")
        return
    yield from _named(file)
    yield from _others(file)
    used = set(meaning.sources.values())
    for index in range(len(file.sign_in)):
        if ("sign_in", index) not in used:
            message = "is for nobody: every org has a sign-in of its own, or is named by another"
            yield Finding(("sign_in", index), message, "warning")


def _named(file: File) -> Iterator[Finding]:
    known = {table.external_id or name for name, table in file.orgs.items()} | {EVERY_ORG}
    everybody = [index for index, one in enumerate(file.sign_in) if EVERY_ORG in one.orgs]
    for index, sign_in in enumerate(file.sign_in):
        place = ("sign_in", index, "orgs")
        if len(file.sign_in) > 1 and not sign_in.orgs:
            yield Finding(place, "is required, since there are several shared sign-ins")
        if index in everybody[1:]:
            yield Finding(place, '"*" stands at one shared sign-in at most')
        for position, org in enumerate(sign_in.orgs):
            if org not in known and (EVERY_ORG not in file.orgs or org in file.orgs):
                hint = did_you_mean(org, known)
                yield Finding((*place, position), f"is no org's external_id{hint}")


def _others(file: File) -> Iterator[Finding]:
    """Of orgs that are not listed nothing is known but what a shared sign-in says."""
    others = file.orgs.get(EVERY_ORG)
    if others is None:
        return
    if others.external_id not in {None, EVERY_ORG}:
        yield Finding(
            ("orgs", EVERY_ORG, "external_id"), "is what the org claim says: leave it out"
        )
    if others.sign_in:
        message = "a shared sign-in vouches for these orgs: [[sign_in]], at the top level"
        yield Finding(("orgs", EVERY_ORG, "sign_in"), message)
