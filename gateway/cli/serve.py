"""`gateway serve`: run until told to stop."""

from typing import Annotated

import typer

from gateway.cli.options import Config, fail, load_or_exit


def command(
    config: Config = None,
    listen: Annotated[
        str | None, typer.Option(help="Address and port; goes before server.listen.")
    ] = None,
) -> None:
    """Run the gateway. SIGTERM drains, a second one stops at once."""
    from gateway.app import Gateway
    from gateway.config.surroundings import ALONE
    from gateway.net.server import ServerLimits, StartupFailed, run
    from gateway.telemetry import log

    overrides = {"server.listen": listen}
    settings = load_or_exit(config, overrides=overrides, around=ALONE).settings
    log.configure()
    gateway = Gateway(settings)
    server = settings.server
    host, _, port = server.listen.rpartition(":")
    try:
        run(
            gateway,
            host=host,
            port=int(port),
            limits=ServerLimits(
                max_header=server.max_header,
                header_timeout=server.header_timeout,
                body_timeout=server.body_timeout,
                max_connections=server.max_connections,
            ),
            drain_delay=server.drain_delay,
            drain=server.drain,
            on_drain=gateway.drain,
            on_stop=gateway.stop,
        )
    except StartupFailed:
        raise fail("The gateway did not start; the log says why.") from None
    except OSError as error:
        raise fail(f"Cannot listen at {server.listen}: {error.strerror}") from None
