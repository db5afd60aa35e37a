"""Requests to a vendor's back office about contacts: the vendor's own fields and our key, nobody's
identity. What is written of a person stands in the body alone."""

import re
from collections.abc import Mapping
from dataclasses import replace

from gateway.core.errors import IdentityNotRepresentable
from gateway.core.formats.strictjson import JsonObject
from gateway.core.people.identity import DOT_SEGMENTS, Identity
from gateway.core.profile.contact import AGENT
from gateway.core.profile.vendor import Operation
from gateway.core.request.call import Call
from gateway.core.request.destination import Destination
from gateway.core.request.plan import VendorRequest, plan, refuse_another

_OF_A_PERSON = re.compile(r"\{(?:user|roles|subject)\}")
_SEGMENT = re.compile(r"[A-Za-z0-9._~:@-]{1,256}")
NOBODY = "nobody"  # stands nowhere in a request


def back_office(destination: Destination) -> Destination:
    """The same vendor, as it is called for nobody."""
    vendor = destination.vendor
    return replace(
        destination,
        vendor=replace(vendor, fields=_impersonal(vendor.fields)),
        fields=_impersonal(destination.fields),
        user_header="",
    )


def plan_call(
    office: Destination,
    method: str,
    path: str,
    agent: str,
    body: JsonObject | None,
    *,
    org: str,
    key: str,
    request_id: str,
    contact: str | None = None,
) -> VendorRequest:
    """A request to `path`, in which {agent} stands for the agent; to one contact below it.

    Raises:
        IdentityNotRepresentable: the contact's id has no place in a path.
    """
    variables = {"agent": agent} if AGENT in path else {}
    if contact is not None:
        if not _SEGMENT.fullmatch(contact) or contact in DOT_SEGMENTS:
            raise IdentityNotRepresentable
        path, variables = f"{path}/{{contact}}", {**variables, "contact": contact}
    operation = Operation(method=method, path=path)
    refuse_another(office, path, operation.path_format % variables, "contact")
    call = Call("contacts", operation, variables, method, body=body)
    nobody = Identity(org=org, subject=NOBODY)
    return plan(office, call, identity=nobody, user=NOBODY, key=key, request_id=request_id)


def _impersonal(fields: Mapping[str, str]) -> Mapping[str, str]:
    return {name: text for name, text in fields.items() if not _OF_A_PERSON.search(text)}
