"""A request as an `Inbound` shows it, without a socket: for what decides by its fields alone."""

from dataclasses import dataclass, field

from gateway.authn.places import Authorization
from gateway.authn.verifier import Credential
from gateway.ports import Watcher

Fields = list[tuple[bytes, bytes]]


@dataclass
class Ask:
    """An `Inbound` whose body nobody may read: a stranger must not make us."""

    fields: Fields = field(default_factory=list)
    method: str = "POST"
    scheme: str = "https"
    host: str | None = "chat.acme.example"
    raw_path: str = "/support/api/v2/agents/a/chat"
    raw_query: bytes = b""
    peer: str = "192.0.2.1"
    from_proxy: bool = False

    async def body(self, limit: int) -> bytes:
        raise AssertionError("the body was read before it was known who asks")

    def on_leave(self, watcher: Watcher | None) -> None:
        raise AssertionError("nobody waits for the client at this stage")


def asking(*lines: tuple[str, str], method: str = "POST", raw_query: bytes = b"") -> Ask:
    """A request with these field lines."""
    fields = [(name.encode("ascii"), value.encode("latin-1")) for name, value in lines]
    return Ask(fields, method=method, raw_query=raw_query)


def bearing(token: str) -> Credential:
    """A token as the chain hands it to a sign-in."""
    return Credential(Authorization(), token, asking())
