"""URLs of the company's own: https, this machine, or a network of one's own."""

from collections.abc import Iterator

from gateway.config.mistake import Finding, Path
from gateway.config.urls import url

# What whoever is on the way could do.
VOUCH = "can say who anybody is"
LISTEN = "can read what is said of people"


def check(written: str, path: Path, danger: str) -> Iterator[Finding]:
    """The findings about one; `danger` is what whoever is on the way could do there."""
    try:
        found = url(written)
    except ValueError as error:
        yield Finding(path, str(error))
        return
    if found.is_encrypted or found.stays_here:
        return
    if found.is_private:
        message = f"is not encrypted: whoever is on that network {danger}"
        yield Finding(path, message, "warning")
    else:
        message = f"must be https: whoever is on the way {danger}"
        yield Finding(path, f"{message}; http is for this machine, and for private networks")
