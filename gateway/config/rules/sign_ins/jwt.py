"""A JWT sign-in: whose keys are believed, with which algorithms, for which audience."""

from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from gateway.authn.keys import shared_secrets
from gateway.config.given_keys import given_keys
from gateway.config.mistake import Finding, Path
from gateway.config.rules.secrets import weakness
from gateway.config.sign_ins.jwt import JwtSignInSettings
from gateway.config.urls import Url, url

KEY_SOURCES = ("secret", "public_key", "jwks", "jwks_url")
# Bytes of hash output, RFC 7518 section 3.2.
HMAC: Mapping[str, int] = {"HS256": 32, "HS384": 48, "HS512": 64}
_MAIL = frozenset({"email", "/email", "mail", "/mail"})


def check(sign_in: JwtSignInSettings, path: Path) -> Iterator[Finding]:
    """The findings about one."""
    if not sign_in.audience and not sign_in.client:
        yield Finding(
            (*path, "audience"),
            "is required, unless client is given: or a token for any application would do",
        )
    yield from _one_source(sign_in, path)
    yield from _one_family(sign_in, path)
    yield from _strong(sign_in, path)
    yield from _usable(sign_in, path)
    yield from _reachable(sign_in, path)
    if sign_in.user_claim in _MAIL and "email_verified" not in sign_in.require:
        yield Finding(
            (*path, "user_claim"),
            "an address nobody has verified can be another's: "
            'require = { email_verified = true }, or user_claim = "sub"',
            "warning",
        )


def _given(sign_in: JwtSignInSettings) -> list[str]:
    return [source for source in KEY_SOURCES if getattr(sign_in, source)]


def _one_source(sign_in: JwtSignInSettings, path: Path) -> Iterator[Finding]:
    given = _given(sign_in)
    for source in given[1:]:
        yield Finding((*path, source), f"says where the keys are, and {given[0]} does already")


def _one_family(sign_in: JwtSignInSettings, path: Path) -> Iterator[Finding]:
    """A public key taken for a shared secret lets everybody sign (RFC 8725 section 2.1)."""
    for index, algorithm in enumerate(sign_in.algorithms):
        if algorithm in HMAC and not sign_in.secret:
            yield Finding(
                (*path, "algorithms", index),
                "is for a shared secret, and these keys are public: whoever has them could sign",
            )
        elif algorithm not in HMAC and sign_in.secret:
            yield Finding(
                (*path, "algorithms", index),
                "is for public keys, and secret is a shared one: HS256, HS384 or HS512",
            )


def _strong(sign_in: JwtSignInSettings, path: Path) -> Iterator[Finding]:
    least = max((HMAC.get(algorithm, 32) for algorithm in sign_in.algorithms), default=32)
    for secret in sign_in.secret:
        if (message := weakness(secret, least=least) or _misplaced(secret)) is not None:
            yield Finding((*path, "secret"), message)


def _misplaced(secret: SecretStr) -> str | None:
    try:
        shared_secrets([secret.get_secret_value()], ["HS256"])
    except ValueError as error:
        return str(error)
    return None


def _usable(sign_in: JwtSignInSettings, path: Path) -> Iterator[Finding]:
    source = "public_key" if sign_in.public_key is not None else "jwks"
    try:
        keys = given_keys(sign_in)
    except ValueError as error:
        yield Finding((*path, source), str(error))
        return
    if keys is not None and keys.algorithms.isdisjoint(sign_in.algorithms):
        yield Finding((*path, "algorithms"), f"none of them is for the keys of {source}")


def _reachable(sign_in: JwtSignInSettings, path: Path) -> Iterator[Finding]:
    if sign_in.jwks_url:
        yield from _fetched(sign_in.jwks_url, (*path, "jwks_url"))
    elif not _given(sign_in):
        yield from _fetched(sign_in.issuer, (*path, "issuer"), discovered=True)


def _fetched(written: str, path: Path, *, discovered: bool = False) -> Iterator[Finding]:
    wants = " (its keys are discovered, since none are given)" if discovered else ""
    try:
        found = url(written)
    except ValueError as error:
        yield Finding(path, f"{error}{wants}")
        return
    if discovered and "?" in written:
        yield Finding(path, f"must not hold a query{wants}")
    if discovered and found.host.endswith(".auth0.com") and not found.path:
        yield Finding(path, "lacks the slash at its end that Auth0's tokens have in their `iss`")
    if discovered and "/.well-known/" in found.path:
        yield Finding(
            path,
            "is where it is discovered: leave out /.well-known/ and what follows, which tokens "
            "have not in their `iss`",
        )
    if not _is_safe(found):
        yield Finding(
            path, f"must be https: whoever is on the way could send keys of their own{wants}"
        )


def _is_safe(found: Url) -> bool:
    return found.is_encrypted or found.stays_here
