"""The command `gateway`, also as `python -m gateway`."""

import signal
import sys

from gateway.net.process import signals


def main() -> None:
    """Run the command that was typed."""
    if sys.argv[1:2] == ["serve"]:
        signals.hold(signal.SIGHUP)  # before all that takes its time to import
    from gateway.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
