"""Orgs beside each other: every request belongs to one of them, and so does every person.

All look-ups are by table, so that ten thousand orgs take a second, not an hour.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from gateway.config.kinds import EVERY_ORG
from gateway.config.meaning import sharing_a_key
from gateway.config.mistake import Finding, key_of
from gateway.config.model import OrgSettings
from gateway.config.sign_ins.jwt import JwtSignInSettings
from gateway.config.sign_ins.table import SharedTable, SignInTable
from gateway.config.sign_ins.token_introspection import TokenIntrospectionSettings
from gateway.config.standing import ANY_HOST, Places, are_several, standing
from gateway.core.request.route import segments

_Entry: TypeAlias = tuple[str, int, SignInTable]  # the org's name, and the sign-in's index
_ADDRESSED = (JwtSignInSettings, TokenIntrospectionSettings)  # whose tokens say whom they are for
_UNCLAIMED = "is required: without it, the people of one org are people of the others"


def check(orgs: Mapping[str, OrgSettings]) -> Iterator[Finding]:
    """The findings about orgs that get into each other's way."""
    places = standing(orgs)
    yield from _told_apart(orgs, places)
    for org in orgs.values():
        yield from _covered(org, places)
    yield from _external_ids(orgs)
    yield from _issuers(orgs)
    yield from _user_ids(orgs)


def _told_apart(orgs: Mapping[str, OrgSettings], places: Places) -> Iterator[Finding]:
    """Where several orgs stand, only the claim of a sign-in that they share tells them apart."""
    judged: set[str] = set()
    for names in (names for paths in places.values() for names in paths.values()):
        if are_several(names):
            for name in names:
                if name not in judged:
                    judged.add(name)
                    yield from _by_claim(orgs[name], names)
                    yield from _no_visitors(orgs[name])


def _by_claim(org: OrgSettings, beside: Sequence[str]) -> Iterator[Finding]:
    other = next((name for name in beside if name != org.name), org.name)
    for index, sign_in in enumerate(org.sign_in):
        path = ("orgs", org.name, "sign_in", index)
        if not isinstance(sign_in, SharedTable):
            yield Finding(
                ("orgs", org.name, "path"),
                f"{key_of(('orgs', other))} stands at the same host and path, and only the claim "
                "of a shared [[sign_in]] tells orgs apart: leave the org's own out, or give it "
                "hosts or a path of its own",
            )
            return
        if not sign_in.says_org:
            yield Finding((*path, sign_in.ORG_KEY), _UNCLAIMED)


def _no_visitors(org: OrgSettings) -> Iterator[Finding]:
    if org.anonymous:
        yield Finding(
            ("orgs", org.name, "anonymous"),
            "nothing says whose visitor it is where several orgs stand: give this one hosts or a "
            "path of its own",
        )


def _covered(org: OrgSettings, places: Places) -> Iterator[Finding]:
    """An upstream that another org's longer path takes the requests of."""
    own = segments(org.path)
    for name, upstream in org.upstreams.items():
        full = (*own, *segments(upstream.path))
        for host in org.hosts or (ANY_HOST,):
            others = (places[host].get(full[:end]) for end in range(len(own) + 1, len(full) + 1))
            other = next((names[0] for names in others if names), None)
            if other is not None:
                yield Finding(
                    ("orgs", org.name, "upstreams", name, "path"),
                    f"{key_of(('orgs', other))} stands there",
                )
                break


def _external_ids(orgs: Mapping[str, OrgSettings]) -> Iterator[Finding]:
    """A claim's value means one org: no two have one external_id, and none another's name."""
    taken: dict[str, str] = {}
    for name, org in orgs.items():
        if name == EVERY_ORG:
            continue
        other = taken.setdefault(org.external_id, name)
        if other == name and org.external_id != name and org.external_id in orgs:
            other = org.external_id
        if other != name:
            yield Finding(("orgs", name, "external_id"), f"means {key_of(('orgs', other))} already")


def _issuers(orgs: Mapping[str, OrgSettings]) -> Iterator[Finding]:
    """One who vouches for two orgs: unless they say which, the people of one are the other's."""
    by_word: dict[tuple[str, str], list[_Entry]] = defaultdict(list)
    for name, org in orgs.items():
        for index, sign_in in enumerate(org.sign_in):
            for word in sign_in.vouched_by:
                by_word[sign_in.type, word].append((name, index, sign_in))
    for entries in by_word.values():
        yield from _twice(entries)
        yield from _unclaimed(entries)


def _twice(entries: Sequence[_Entry]) -> Iterator[Finding]:
    seen: set[str] = set()
    for name, index, sign_in in entries:
        if name in seen and name != EVERY_ORG and isinstance(sign_in, JwtSignInSettings):
            yield Finding(
                ("orgs", name, "sign_in", index, "issuer"),
                "this org has this issuer twice, and a token names no more than its issuer",
            )
        seen.add(name)


def _unclaimed(entries: Sequence[_Entry]) -> Iterator[Finding]:
    apart = _what_tells_apart([sign_in for _, _, sign_in in entries])
    users: dict[str, set[str]] = defaultdict(set)
    for name, _, sign_in in entries:
        for addressee in apart(sign_in):
            users[addressee].add(name)
    for name, index, sign_in in entries:
        several = any(len(users[addressee]) > 1 for addressee in apart(sign_in))
        if several and not sign_in.says_org:
            yield Finding(("orgs", name, "sign_in", index, sign_in.ORG_KEY), _UNCLAIMED)


def _what_tells_apart(
    sign_ins: Sequence[SignInTable],
) -> Callable[[SignInTable], tuple[str, ...]]:
    """What every sign-in of one issuer asks for; a token for one is then none for the others."""
    for addressees in (_audience, _client):
        if all(addressees(sign_in) for sign_in in sign_ins):
            return addressees
    return lambda _: ("",)


def _audience(sign_in: SignInTable) -> tuple[str, ...]:
    return sign_in.audience if isinstance(sign_in, _ADDRESSED) else ()


def _client(sign_in: SignInTable) -> tuple[str, ...]:
    return sign_in.client if isinstance(sign_in, _ADDRESSED) else ()


def _user_ids(orgs: Mapping[str, OrgSettings]) -> Iterator[Finding]:
    for name, key in sorted(sharing_a_key(orgs)):
        if orgs[name].upstreams[key].user_id == "verbatim":
            yield Finding(
                ("orgs", name, "upstreams", key, "user_id"),
                "another org uses this key, and the vendor is not told the org: verbatim would "
                "make one person of two; auto or opaque",
            )
