"""OpenAI's ChatKit: a session made at the vendor with our key, for one person and a short while.

The widget is shown the session's secret and nothing else of the answer. It ends with the session,
and that no later than the sign-in.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.core.errors import CredentialsExpired, UpstreamCredentialsRefused, UpstreamMalformed
from gateway.core.formats import strictjson
from gateway.core.formats.strictjson import JsonValue
from gateway.core.people.identity import Identity
from gateway.core.profile.vendor import Body, Operation
from gateway.core.request.call import Call
from gateway.core.request.plan import VendorRequest, plan
from gateway.orgs.org import Upstream
from gateway.ports import Inbound, Record, VendorResponse
from gateway.ports.widgets import Shown
from gateway.steps.errand import OwnErrand, read_whole
from gateway.steps.interrupt import within

SESSION = Call(
    "widget",
    Operation(
        method="POST",
        path="/v1/chatkit/sessions",
        user=(Body("/user"),),
        settable=frozenset({"workflow", "expires_after"}),
    ),
    {},
    "POST",
    body={},
)
BETA = {"openai-beta": "chatkit_beta=v1"}
PATIENCE = 15.0  # seconds


@dataclass(frozen=True, kw_only=True)
class ChatKit:
    """Keeps the `WidgetProofs` port. `lifetime` is in seconds, `clock` in those since the epoch."""

    upstream: Upstream
    workflow: str
    lifetime: float
    clock: Callable[[], float] = time.time

    async def show(self, identity: Identity, user: str, ask: Inbound, record: Record) -> Shown:
        seconds = int(self._most(identity))
        if seconds < 1:
            raise CredentialsExpired
        first, *others = self.upstream.keys
        for key in (first, *others[:1]):
            request = self._request(identity, user, key, seconds, record)
            errand = OwnErrand(ask, identity, record)
            async with within(PATIENCE), self.upstream.transport.open(request, errand) as response:
                record.upstream_status = response.status
                if response.status != 401:
                    return self._shown(user, seconds, await answered(response))
        raise UpstreamCredentialsRefused(proxy_error="http_request_denied")

    def _most(self, identity: Identity) -> float:
        end = identity.expires_at
        return self.lifetime if end is None else min(self.lifetime, end - self.clock())

    def _request(
        self, identity: Identity, user: str, key: str, seconds: int, record: Record
    ) -> VendorRequest:
        destination = self.upstream.destination
        decided: dict[str, JsonValue] = {
            "/workflow": {"id": self.workflow},
            "/expires_after": {"anchor": "created_at", "seconds": seconds},
        }
        fields = {**destination.fields, **BETA}
        return plan(
            replace(destination, decided=decided, fields=fields),
            SESSION,
            identity=identity,
            user=user,
            key=key,
            request_id=record.request_id,
        )

    def _shown(self, user: str, seconds: int, said: JsonValue) -> Shown:
        secret = said.get("client_secret") if isinstance(said, dict) else None
        if not isinstance(said, dict) or not isinstance(secret, str) or not secret:
            raise UpstreamMalformed("The upstream's answer holds no session")
        if said.get("user", user) != user or secret in self.upstream.keys:
            raise UpstreamMalformed("The upstream's answer is of somebody else")
        self.upstream.quoted.check(secret.encode("utf-8", "surrogatepass"))
        return Shown({"client_secret": secret}, seconds)


async def answered(response: VendorResponse) -> JsonValue:
    """The session, where one was made; what the vendor says otherwise is for nobody else."""
    if response.status == 403:
        raise UpstreamCredentialsRefused(proxy_error="http_request_denied")
    if response.status != 200:
        raise UpstreamMalformed("The upstream made no session for the widget")
    try:
        return strictjson.loads_leniently(await read_whole(response) or b"")
    except ValueError as error:
        raise UpstreamMalformed("The upstream's answer holds no session") from error
