"""One handshake, from whoever speaks WebSockets for us: which org, and what becomes of it."""

import time
from functools import partial

from gateway.core.errors import GatewayError
from gateway.core.formats import fields as http
from gateway.core.request import route
from gateway.core.websocket import closing
from gateway.core.websocket.closing import Closing
from gateway.dispatch import House, refuse
from gateway.ports import Inbound, Outbound, Record
from gateway.ports.socket import ClientSocket, Closed
from gateway.steps.stamp import Stamped
from gateway.websocket import handle


async def serve_socket(
    house: House, ask: Inbound, socket: ClientSocket, answer: Outbound, record: Record
) -> None:
    """Carry one WebSocket, whatever happens. `answer` is for a handshake that is refused."""
    if house.traces is not None:
        record.trace = house.traces.begin(ask)
    stamped = Stamped(answer, record)
    with house.lease:
        try:
            await dispatch(house, ask, socket, stamped, record)
        except Closed:
            record.interrupted = "client"
        except GatewayError as error:
            await refuse(stamped, record, error)
        except Exception as error:  # noqa: BLE001 - the last border: a fault of our own is a 500
            house.faults.fault(error, record)
            if record.status == 101:
                record.code = GatewayError.code
                await socket.close(Closing(closing.FAULT))
            else:
                await refuse(stamped, record, GatewayError())
        finally:
            record.duration_ms = (time.monotonic() - record.started) * 1000
            house.usage.record(record)


async def dispatch(
    house: House, ask: Inbound, socket: ClientSocket, answer: Stamped, record: Record
) -> None:
    """Find who is asked, and pass the handshake on to them."""
    http.check(ask.fields)
    path = route.segments(ask.raw_path)
    site, below = house.sites.find(ask.host, path)
    answer.problem = partial(site.problem, below)
    org = (await site.find(ask)).org  # 400, 401, 403, where several stand here
    record.org, record.org_id = org.name, org.external_id
    answer.problem = partial(org.problem, below)
    org_now = partial(house.standing.org, ask, path)
    await handle(org, below, ask, socket, answer, record, house.running, org_now)
