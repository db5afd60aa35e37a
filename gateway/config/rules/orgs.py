"""Orgs beside each other: every request belongs to one of them, and so does every person.

All look-ups are by table, so that ten thousand orgs take a second, not an hour.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from gateway.config.meaning import sharing_a_key
from gateway.config.mistake import Finding, key_of
from gateway.config.model import JwtSignInSettings, OrgSettings
from gateway.core.route import Segments, segments

ANY_HOST = ""

Places = Mapping[str, Mapping[Segments, str]]  # host → path → the org that stands there


def check(orgs: Mapping[str, OrgSettings]) -> Iterator[Finding]:
    """The findings about orgs that get into each other's way."""
    places: dict[str, dict[Segments, str]] = defaultdict(dict)
    for org in orgs.values():
        yield from _place(org, places)
    for org in orgs.values():
        yield from _covered(org, places)
    yield from _external_ids(orgs)
    yield from _issuers(orgs)
    yield from _user_ids(orgs)


def _place(org: OrgSettings, places: dict[str, dict[Segments, str]]) -> Iterator[Finding]:
    path = segments(org.path)
    for host in org.hosts or (ANY_HOST,):
        other = places[host].setdefault(path, org.name)
        if other != org.name:
            yield Finding(
                ("orgs", org.name, "path"),
                f"{key_of(('orgs', other))} stands at the same host and path: telling orgs apart "
                "by their claim is not available yet, so give each its own hosts or path",
            )
            return


def _covered(org: OrgSettings, places: Places) -> Iterator[Finding]:
    """An upstream that another org's longer path takes the requests of."""
    own = segments(org.path)
    for name, upstream in org.upstreams.items():
        full = (*own, *segments(upstream.path))
        for host in org.hosts or (ANY_HOST,):
            others = (places[host].get(full[:end]) for end in range(len(own) + 1, len(full) + 1))
            other = next((one for one in others if one is not None), None)
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
        other = taken.setdefault(org.external_id, name)
        if other == name and org.external_id != name and org.external_id in orgs:
            other = org.external_id
        if other != name:
            yield Finding(("orgs", name, "external_id"), f"means {key_of(('orgs', other))} already")


def _issuers(orgs: Mapping[str, OrgSettings]) -> Iterator[Finding]:
    """One issuer for two orgs: without an org claim, the people of one are people of the other."""
    by_issuer: dict[str, list[tuple[str, int, JwtSignInSettings]]] = defaultdict(list)
    for name, org in orgs.items():
        for index, sign_in in enumerate(org.sign_in):
            by_issuer[sign_in.issuer].append((name, index, sign_in))
    for entries in by_issuer.values():
        yield from _twice(entries)
        yield from _unclaimed(entries)


def _twice(entries: Sequence[tuple[str, int, JwtSignInSettings]]) -> Iterator[Finding]:
    seen: set[str] = set()
    for name, index, _ in entries:
        if name in seen:
            yield Finding(
                ("orgs", name, "sign_in", index, "issuer"),
                "this org has this issuer twice, and a token names no more than its issuer",
            )
        seen.add(name)


def _unclaimed(entries: Sequence[tuple[str, int, JwtSignInSettings]]) -> Iterator[Finding]:
    apart = _what_tells_apart([sign_in for _, _, sign_in in entries])
    users: dict[str, set[str]] = defaultdict(set)
    for name, _, sign_in in entries:
        for addressee in apart(sign_in):
            users[addressee].add(name)
    for name, index, sign_in in entries:
        several = any(len(users[addressee]) > 1 for addressee in apart(sign_in))
        if several and sign_in.org_claim is None:
            yield Finding(
                ("orgs", name, "sign_in", index, "org_claim"),
                "is required: several orgs have this issuer and audience, and without it "
                "the people of one are people of the others",
            )


def _what_tells_apart(
    sign_ins: Sequence[JwtSignInSettings],
) -> Callable[[JwtSignInSettings], tuple[str, ...]]:
    """What every sign-in of one issuer asks for; a token for one is then none for the others."""
    if all(sign_in.audience for sign_in in sign_ins):
        return lambda sign_in: sign_in.audience
    if all(sign_in.client for sign_in in sign_ins):
        return lambda sign_in: sign_in.client
    return lambda _: ("",)


def _user_ids(orgs: Mapping[str, OrgSettings]) -> Iterator[Finding]:
    for name, key in sorted(sharing_a_key(orgs)):
        if orgs[name].upstreams[key].user_id == "verbatim":
            yield Finding(
                ("orgs", name, "upstreams", key, "user_id"),
                "another org uses this key, and the vendor is not told the org: verbatim would "
                "make one person of two; auto or opaque",
            )
