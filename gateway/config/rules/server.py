"""The server, the store, the audit trail and the identity secret."""

from collections.abc import Iterator

from gateway.authn.fetch import check_url
from gateway.config.mistake import Finding
from gateway.config.model import Settings
from gateway.config.rules.secrets import weakness
from gateway.store.address import address, is_postgres
from gateway.store.errors import StoreError

_SQLITE = "sqlite:///"


def check(settings: Settings) -> Iterator[Finding]:
    """The findings about what all orgs share."""
    yield from _store(settings.store.url)
    yield from _told(settings.audit.head)
    secret = settings.identity.secret
    if secret is not None and (told := weakness(secret, least=32)) is not None:
        yield Finding(("identity", "secret"), told)


def _store(url: str) -> Iterator[Finding]:
    path = ("store", "url")
    name = url.removeprefix(_SQLITE)
    if is_postgres(url):
        yield from _postgres(url)
    elif name == url:
        yield Finding(
            path, 'must begin with "sqlite:///", as in "sqlite:///gateway.db", or "postgresql://"'
        )
    elif not name.strip("/") or name.startswith((":", "file:")):
        yield Finding(path, "must name a file: in memory, who owns what is lost with the process")
    elif "?" in name or "#" in name:
        yield Finding(path, "must be a path and nothing more")


def _told(head: str | None) -> Iterator[Finding]:
    if head is not None and "://" in head:
        try:
            check_url(head)
        except ValueError as error:
            yield Finding(("audit", "head"), str(error))


def _postgres(url: str) -> Iterator[Finding]:
    try:
        address(url)
    except StoreError as error:
        yield Finding(("store", "url"), str(error).removeprefix("store.url "))
