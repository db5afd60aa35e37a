"""RFC 7662: where the server is asked, and for whom its tokens are."""

from collections.abc import Iterator

from gateway.config.mistake import Finding, Path
from gateway.config.rules import unencrypted
from gateway.config.sign_ins.token_introspection import TokenIntrospectionSettings


def check(sign_in: TokenIntrospectionSettings, path: Path) -> Iterator[Finding]:
    """The findings about one."""
    yield from unencrypted.check(
        sign_in.introspection_url, (*path, "introspection_url"), unencrypted.VOUCH
    )
    if not sign_in.client_secret.get_secret_value():
        yield Finding((*path, "client_secret"), "is empty")
    if not sign_in.audience and not sign_in.client:
        yield Finding(
            (*path, "audience"),
            "not given, nor client: a token without `aud` counts, whichever application of this "
            "server it is for",
            "warning",
        )
