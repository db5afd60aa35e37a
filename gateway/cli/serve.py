"""`gateway serve`: run until told to stop."""

from typing import Annotated

import typer

from gateway.cli.options import Config, load_or_exit


def command(
    config: Config = None,
    listen: Annotated[
        str | None, typer.Option(help="Address and port; goes before server.listen.")
    ] = None,
) -> None:
    """Run the gateway. SIGTERM drains, a second one stops at once."""
    from gateway.app import Gateway
    from gateway.net.server import ServerLimits, run
    from gateway.telemetry import log

    settings = load_or_exit(config, overrides={"server.listen": listen}).settings
    log.configure()
    gateway = Gateway(settings)
    host, _, port = settings.server.listen.rpartition(":")
    run(
        gateway,
        host=host,
        port=int(port),
        limits=ServerLimits(),
        drain_delay=settings.server.drain_delay,
        drain=settings.server.drain,
        on_drain=gateway.drain,
        on_stop=gateway.stop,
    )
