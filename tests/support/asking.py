"""What alice asks of one operation, and what a vendor would get: the pure core, end to end."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from gateway.core.people.identity import Identity
from gateway.core.profile.vendor import Operation, Vendor
from gateway.core.request import call
from gateway.core.request.call import Call
from gateway.core.request.destination import Destination
from gateway.core.request.plan import VendorRequest, plan
from gateway.core.request.route import Match

ALICE = "alice"
KEY = "sk_vendor_1"
Pairs = Iterable[tuple[str, str]]


def encoded(query: Pairs) -> bytes:
    return "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in query).encode()


def ask(
    operation: Operation,
    body: Any = None,
    *,
    raw: bytes | None = None,
    query: bytes | Pairs = b"",
    fields: Pairs = (),
    variables: Mapping[str, str] | None = None,
    **more: Any,
) -> Call:
    """The call read from a request of alice's; `raw` is a body as it stands on the wire."""
    if raw is None and operation.takes_body:
        raw = json.dumps({} if body is None else body).encode()
    settings = {"user": ALICE, "subject": ALICE, "user_header": "x-external-user-id", **more}
    return call.read(
        Match("asked", operation, variables or {}),
        method=operation.methods[0],
        raw_query=query if isinstance(query, bytes) else encoded(query),
        fields=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields],
        content=raw,
        **settings,
    )


def vendor(operation: Operation, **parts: Any) -> Vendor:
    default: dict[str, Any] = {"fields": {"authorization": "Bearer {key}"}, "user_id": r".+"}
    return Vendor(
        name="shop",
        title="Shop",
        base_url=None,
        operations={"asked": operation},
        **{**default, **parts},
    )


def sent(
    asked: Call,
    *,
    user: str = ALICE,
    identity: Identity | None = None,
    key: str = KEY,
    vendor_fields: Mapping[str, str] | None = None,
    statement: str | None = None,
    **parts: Any,
) -> VendorRequest:
    """The vendor's request for `asked`; `parts` are the destination's."""
    more = {} if vendor_fields is None else {"fields": vendor_fields}
    return plan(
        Destination(vendor=vendor(asked.operation, **more), **parts),
        asked,
        identity=identity or Identity("acme", ALICE),
        user=user,
        key=key,
        request_id="req-1",
        statement=statement,
    )


def document(request: VendorRequest) -> Any:
    assert request.content is not None
    return json.loads(request.content)


def everything(request: VendorRequest) -> str:
    """All text that leaves, to look for what must not."""
    lines = [f"{name.decode()}: {value.decode('latin-1')}" for name, value in request.fields]
    content = "" if request.content is None else json.dumps(document(request), ensure_ascii=False)
    return "\n".join([request.method, request.target, *lines, content])
