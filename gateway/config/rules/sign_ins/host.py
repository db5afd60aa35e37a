"""A sign-in by the application: there is nothing in it that could be wrong by itself."""

from collections.abc import Iterator

from gateway.config.mistake import Finding, Path
from gateway.config.sign_ins.host import HostSignInSettings


def check(sign_in: HostSignInSettings, path: Path) -> Iterator[Finding]:
    """The findings about one."""
    del sign_in, path
    yield from ()
