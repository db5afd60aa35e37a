"""`gateway serve`: run until told to stop."""

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import HERE, Config, fail, load_or_exit

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.net.server import Beside


def command(
    config: Config = None,
    listen: Annotated[
        str | None, typer.Option(help="Address and port; goes before server.listen.")
    ] = None,
) -> None:
    """Run the gateway. SIGHUP reloads, SIGTERM drains, a second one stops at once."""
    from gateway.app import Gateway
    from gateway.config.load import load
    from gateway.config.surroundings import ALONE
    from gateway.net.server import ServerLimits, StartupFailed, run
    from gateway.reload import Reloader
    from gateway.telemetry import log

    overrides = {} if listen is None else {"server.listen": listen}
    settings = load_or_exit(config, overrides=overrides, around=ALONE).settings
    file = (config or HERE).absolute()
    server = settings.server
    host, _, port = server.listen.rpartition(":")
    try:
        with log.to_stderr():
            gateway = Gateway(settings)
            reloader = Reloader(
                gateway, lambda: load(file, overrides=overrides, around=ALONE).settings
            )
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
                on_hangup=reloader.begin,
                beside=admin_of(gateway),
            )
    except StartupFailed:
        raise fail("The gateway did not start; the log says why.") from None
    except OSError as error:
        raise fail(f"Cannot listen at {server.listen}: {error.strerror}") from None


def admin_of(gateway: "Gateway") -> "Beside | None":
    """What operators reach, at its own address; None where it is not served."""
    from gateway.net.listener import listen
    from gateway.net.server import Beside

    admin = gateway.settings.admin
    if admin is None:
        return None
    from gateway.admin.app import AdminApp

    host, _, port = admin.listen.rpartition(":")
    try:
        listener = listen(host, int(port))
    except OSError as error:
        raise fail(f"Cannot listen at {admin.listen} for operators: {error.strerror}") from None
    return Beside(AdminApp(gateway, admin.token.get_secret_value()), listener)
