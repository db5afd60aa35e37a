"""What both ends of a row must say, and how a configuration is changed for one."""

import re
from collections.abc import Mapping
from typing import Any

from gateway.config import spelling
from tests.support.stage import Edit, Stage
from tests.support.vendor import RecordingVendor
from tests.support.wire import Answer

HI: dict[str, object] = {"message": "hi", "stream": False}
STREAM: dict[str, object] = {"message": "hi"}

USER_HEADER = "x-external-user-id"
OWN_ORIGIN = "http://gateway.test"  # as the harness names the gateway
# Every field a vendor of ours may get, whatever the client sent.
TO_VENDORS = frozenset(
    {
        "accept",
        "accept-encoding",
        "authorization",
        "content-length",
        "content-type",
        "host",
        "user-agent",
        "via",
        "x-external-org-id",
        "x-external-roles",
        "x-external-user-id",
        "x-request-id",
    }
)


def refused(stage: Stage[RecordingVendor], answer: Answer, status: int, code: str = "") -> None:
    """The client got this refusal of ours, and the vendor not a byte."""
    assert answer.status == status, answer.raw
    assert answer.complete
    assert answer.values("x-gateway-error") == [code or answer.values("x-gateway-error")[0]]
    assert not answer.values("location")
    assert stage.vendor.saw_nothing()


def only(stage: Stage[RecordingVendor], who: str, *never: str) -> None:
    """All the vendor heard of is `who`; of what the client named, of `never`, not a trace."""
    assert stage.vendor.requests
    for request in stage.vendor.requests:
        assert request.values(USER_HEADER) == [who]
        names = [name for name, _ in request.fields]
        assert len(names) == len(set(names)), names
        assert set(names) <= TO_VENDORS, names
        for text in never:
            assert text.encode() not in request.raw


def bearer(token: str) -> tuple[str, str]:
    return ("Authorization", f"Bearer {token}")


def signing_in(*sign_ins: Mapping[str, Any]) -> Edit:
    """An edit that puts these sign-ins in the place of the one there."""
    tables = [spelling.section("[[sign_in]]", one) for one in sign_ins]
    written = "\n".join(tables) + "\n\n"
    return lambda text: re.sub(r"\[sign_in\]\n.*?\n\n", lambda _: written, text, flags=re.DOTALL)
