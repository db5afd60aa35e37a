"""Asking the host app: where, and by which credential."""

from collections.abc import Iterator

from gateway.config.mistake import Finding, Path
from gateway.config.rules import unencrypted
from gateway.config.sign_ins.introspect import IntrospectSettings


def check(sign_in: IntrospectSettings, path: Path) -> Iterator[Finding]:
    """The findings about one."""
    yield from unencrypted.check(sign_in.ask, (*path, "ask"), unencrypted.VOUCH)
    if not sign_in.cookies and not sign_in.bearer:
        yield Finding(
            (*path, "cookies"),
            "is required, unless bearer = true: the app knows people by some credential",
        )
