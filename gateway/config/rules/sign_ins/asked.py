"""A URL where somebody is asked who somebody is: whoever can answer there lets anybody in."""

from collections.abc import Iterator

from gateway.config.mistake import Finding, Path
from gateway.config.urls import url


def check(written: str, path: Path) -> Iterator[Finding]:
    """The findings about one: https, this machine, or a network of one's own."""
    try:
        found = url(written)
    except ValueError as error:
        yield Finding(path, str(error))
        return
    if found.is_encrypted or found.stays_here:
        return
    if found.is_private:
        told = "is not encrypted: whoever is on that network can say who anybody is"
        yield Finding(path, told, "warning")
    else:
        told = "must be https: whoever is on the way could say who anybody is"
        yield Finding(path, f"{told}; http is for this machine, and for private networks")
