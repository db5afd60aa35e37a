"""This gateway, with everything on that a user would have on; and with that taken out.

`python -m benchmarks.peers.gateway --config FILE` is `gateway serve` without ledger, usage and
audit: what they cost is the difference. A configuration cannot turn them off.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from benchmarks.peers import PATH, Peer, free_port, running
from benchmarks.tokens import AUDIENCE, ISSUER, Issuer

LIMITS = """
[limits]
per_user = ["10000000/minute", "100000 streams"]
per_org = ["100000000/minute"]
budget_per_user = "1000000000 credits/day"
budget_per_org = "1000000000 credits/month"
"""
ON = (LIMITS, [sys.executable, "-m", "gateway", "serve"])
OFF = ("", [sys.executable, "-m", "benchmarks.peers.gateway"])


@contextmanager
def gateway(
    folder: Path,
    vendor: int,
    issuer: Issuer,
    *,
    name: str = "gateway",
    how: tuple[str, list[str]] = ON,
) -> Iterator[Peer]:
    """`how`: what is added to the configuration, and the command that serves it."""
    more, command = how
    port, admin = free_port(), free_port()
    place = folder / name.replace(" ", "-")
    place.mkdir()
    file = place / "gateway.toml"
    file.write_text(f"""
[server]
listen = "127.0.0.1:{port}"
max_connections = 20000
[admin]
listen = "127.0.0.1:{admin}"
token = "a-token-of-a-benchmark-and-of-nobody"
[store]
url = "sqlite:///{place}/gateway.db"
[sign_in]
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
public_key = "${{file:{issuer.pem}}}"
[upstreams.support]
vendor = "chatbase"
base_url = "http://127.0.0.1:{vendor}"
key = "a-key-of-a-benchmark"
agent = "agent_1"
max_connections = 20000
{more}""")
    with running([*command, "--config", str(file)], port, place / "log") as pid:
        yield Peer(name, port, pid, f"/support{PATH}")


def serve_bare(file: str) -> None:
    """`gateway serve`, with a ledger that is a dictionary, and nobody who keeps what happened."""
    from gateway.assemble.keeping import Sinks
    from gateway.cli.serve import command
    from gateway.core.identity import Person
    from gateway.ports import Whose
    from gateway.store.ledger import Ledger

    class Told(Sinks):
        """The log and the metrics alone: usage and audit are second and third."""

        def __init__(self, usage: list, audit: list) -> None:  # type: ignore[type-arg]
            super().__init__([usage[0], *usage[3:]], [audit[0], *audit[2:]])

    class Nothing(Ledger):
        """Everything is everybody's."""

        async def whose(self, upstream: str, conversation: str, person: Person) -> Whose:
            return Whose.THEIRS

        async def claim(self, upstream: str, conversation: str, person: Person) -> bool:
            return True

        async def user_id(self, upstream: str, person: Person, proposed: str) -> str:
            return proposed

        async def was_named(self, upstream: str, person: Person, user_id: str) -> bool:
            return True

    with (
        mock.patch("gateway.assemble.process.Sinks", Told),
        mock.patch("gateway.store.store.Ledger", Nothing),
    ):
        command(Path(file), None)


if __name__ == "__main__":
    serve_bare(sys.argv[-1])
