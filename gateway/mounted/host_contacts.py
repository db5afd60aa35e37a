"""Contacts from the application that a gateway is mounted in: what it knows of people, said there.

In one of its routes:

    await gateway.contacts.upsert("support", "alice", {"plan": "pro", "seats": 12})
"""

import time
from collections.abc import Awaitable, Callable, Mapping

from gateway.contacts.push import Desk, upsert
from gateway.core.people.identity import Scalar
from gateway.ports import Record


class HostContacts:
    """What `Gateway.contacts` is; `desks` opens the gateway where nobody has yet."""

    def __init__(self, desks: Callable[[], Awaitable[Mapping[tuple[str, str], Desk]]]) -> None:
        self._desks = desks

    async def upsert(
        self,
        upstream: str,
        subject: str,
        attributes: Mapping[str, Scalar | None],
        *,
        org: str | None = None,
    ) -> None:
        """Note durably what is known of somebody, the whole of it; the vendor has it soon.

        `org` is its name in the configuration; it may be left out where one org alone has contacts
        at an upstream of this name. None as a value clears an attribute at the vendor.

        Raises:
            LookupError: no such contacts are configured.
            GatewayError: an attribute is none, or the store is away.
        """
        found = [
            desk
            for (of_org, name), desk in (await self._desks()).items()
            if name == upstream and org in {None, of_org}
        ]
        if len(found) != 1:
            raise LookupError(
                f"{'no' if not found else 'more than one'} upstream {upstream!r} has contacts"
                + (f" in the org {org!r}" if org is not None else "")
            )
        record = Record(request_id="host", method="PUT", started=time.monotonic())
        record.org, record.org_id = found[0].org, found[0].external_id
        record.upstream, record.operation = upstream, "contacts"
        await upsert(found[0], subject, attributes, record)
