"""A sign-in: what every one needs, and what one of its kind does. One module a kind."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from gateway.config.mistake import Finding, Path
from gateway.config.model import OrgSettings
from gateway.config.rules import unencrypted
from gateway.config.rules.sign_ins import (
    forwarded,
    host,
    introspect,
    jwt,
    reading,
    session,
    token_introspection,
)
from gateway.config.sign_ins.table import SignInTable

Check: TypeAlias = Callable[[Any, Path], Iterator[Finding]]  # of a kind's own settings

CHECKS: Mapping[str, Check] = {
    "jwt": jwt.check,
    "introspect": introspect.check,
    "token_introspection": token_introspection.check,
    "forwarded": forwarded.check,
    "host": host.check,
    "session": session.check,
}


def check(orgs: Mapping[str, OrgSettings]) -> Iterator[Finding]:
    """The findings about every sign-in, and those of an org beside each other.

    Those that several orgs share are judged once.
    """
    judged: set[int] = set()
    together: set[tuple[int, ...]] = set()
    for name, org in orgs.items():
        beside = tuple(map(id, org.sign_in))
        if beside not in together:
            together.add(beside)
            yield from reading.check(org, ("orgs", name))
        for index, sign_in in enumerate(org.sign_in):
            if id(sign_in) not in judged:
                judged.add(id(sign_in))
                path = ("orgs", name, "sign_in", index)
                yield from _of_any_kind(sign_in, path)
                yield from CHECKS[sign_in.type](sign_in, path)


def _of_any_kind(sign_in: SignInTable, path: Path) -> Iterator[Finding]:
    if sign_in.org_from is not None and not sign_in.says_org:
        yield Finding(
            (*path, "org_from"),
            f"needs {sign_in.ORG_KEY}: whoever asks for an org must belong to it",
        )
    if sign_in.membership is not None:
        yield from unencrypted.check(sign_in.membership, (*path, "membership"), unencrypted.VOUCH)
    elif sign_in.membership_secret is not None:
        yield Finding((*path, "membership_secret"), "needs membership, where it is sent")
