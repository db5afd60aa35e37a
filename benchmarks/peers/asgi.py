"""The gateway as an application of a plain uvicorn, as an application of one's own serves it.

python -m benchmarks.peers.asgi --config FILE
"""

import sys

import uvicorn

from gateway import Gateway
from gateway.telemetry import log


def main(file: str) -> None:
    gateway = Gateway.from_file(file)
    host, _, port = gateway.settings.server.listen.rpartition(":")
    with log.to_stderr():
        uvicorn.run(gateway, host=host, port=int(port), access_log=False, log_config=None)


if __name__ == "__main__":
    main(sys.argv[-1])
