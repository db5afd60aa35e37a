"""Requests to a vendor's back office about contacts: the vendor's own fields and our key, nobody's
identity. What is written of a person stands in the body alone."""

import re
from collections.abc import Mapping
from dataclasses import replace

from gateway.core.call import Call
from gateway.core.contact import AGENT
from gateway.core.identity import Identity
from gateway.core.plan import Destination, VendorRequest, plan
from gateway.core.route import Match
from gateway.core.strictjson import JsonObject
from gateway.core.vendor import Operation

_OF_A_PERSON = re.compile(r"\{(?:user|roles|subject)\}")
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
) -> VendorRequest:
    """A request to `path`, in which {agent} stands for the agent."""
    operation = Operation(method=method, path=path)
    variables = {"agent": agent} if AGENT in path else {}
    call = Call(match=Match("contacts", operation, variables), method=method, body=body)
    nobody = Identity(org=org, subject=NOBODY)
    return plan(office, call, identity=nobody, user=NOBODY, key=key, request_id=request_id)


def _impersonal(fields: Mapping[str, str]) -> Mapping[str, str]:
    return {name: text for name, text in fields.items() if not _OF_A_PERSON.search(text)}
