"""Several sign-ins of one org: what two of them read, they read alike.

What stands at one place is one credential, and whichever sign-in takes it, takes it. Read in two
ways it is two credentials: what one takes is forged to the other, and a forged one is refused even
beside a good one. So nobody could sign in, or two people could by one cookie.
"""

from collections.abc import Iterator

from gateway.authn.places import MAX_CHUNKS
from gateway.config.mistake import Finding, Path
from gateway.config.model import OrgSettings
from gateway.config.sign_ins.forwarded import ForwardedSettings
from gateway.config.sign_ins.introspect import IntrospectSettings
from gateway.config.sign_ins.jwt import JwtSignInSettings
from gateway.config.sign_ins.session import SessionSettings, filled_in
from gateway.config.sign_ins.table import SignInTable
from gateway.config.sign_ins.token_introspection import TokenIntrospectionSettings

ALONE = "alone"


def check(org: OrgSettings, path: Path) -> Iterator[Finding]:
    """The findings about the sign-ins of one org beside each other."""
    first: dict[str, tuple[str, int]] = {}
    for index, sign_in in enumerate(org.sign_in):
        for place, how, key in _read_by(sign_in):
            seen, other = first.setdefault(place, (how, index))
            if seen != how:
                yield Finding(
                    (*path, "sign_in", index, key),
                    f"sign_in[{other}] reads the {place} as well, and in another way: one "
                    "would be two credentials, and what is good to one sign-in is forged to the "
                    "other. Leave one out, or read something else",
                )
                break


def _read_by(sign_in: SignInTable) -> Iterator[tuple[str, str, str]]:
    """What a sign-in reads: the cookie or field, in which way, and the key that says so."""
    match sign_in:
        case JwtSignInSettings() | TokenIntrospectionSettings():
            for place in sign_in.places:
                kind, _, name = place.partition(":")
                if name:
                    yield f"{kind} {name.lower() if kind == 'field' else name}", ALONE, "from"
        case SessionSettings():
            for name, how in _of_session(sign_in):
                yield f"cookie {name}", how, "cookie"
        case IntrospectSettings():
            how = ALONE if len(sign_in.cookies) == 1 else "; ".join(sign_in.cookies)
            for name in sign_in.cookies:
                yield f"cookie {name}", how, "cookies"
        case ForwardedSettings():
            yield f"field {sign_in.forwarded.lower()}", "forwarded", "forwarded"


def _of_session(sign_in: SessionSettings) -> Iterator[tuple[str, str]]:
    cookie = filled_in(sign_in).get("cookie")
    if cookie is None:
        return
    if sign_in.framework == "express":
        yield cookie, "signed"
        yield f"{cookie}.sig", "signed"
    elif sign_in.framework == "authjs":
        yield cookie, "in parts"
        for number in range(MAX_CHUNKS):
            yield f"{cookie}.{number}", "in parts"
    else:
        yield cookie, ALONE
