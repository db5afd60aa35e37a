"""The four systems: what a careful proxy does for each, and how their emulators may speak."""

import itertools
import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from tests.support import config
from tests.support.altatech import AltaTech
from tests.support.bookbag import Bookbag
from tests.support.chatbase import Chatbase
from tests.support.chatbase_conversations import Conversations
from tests.support.docbit import DocBit
from tests.support.stage import (
    Stage,
    altatech_stage,
    bookbag_stage,
    chatbase_stage,
    docbit_stage,
)
from tests.support.vendor import RecordingVendor
from tests.systems.flows import Step, path_of

Ids = Callable[[], Iterator[str]]
Vendor = Any  # an emulator: they share no class beyond what records


# What a careful proxy does, and no more: the vendor's key, the user id where it belongs.


def user_in_body(step: Step, name: str) -> str:
    inner = (step.body or "").strip()[1:-1].strip()
    member = f'"{name}":{json.dumps(step.who)}'
    return "{" + ", ".join(filter(None, [inner, member])) + "}"


def as_chatbase(step: Step) -> tuple[str, str | None, str]:
    opens = path_of(step.path).endswith(("/chat", "/voice/sessions"))
    body = user_in_body(step, "userId") if opens and _is_object(step.body) else step.body
    return step.path.replace("/users/me/", f"/users/{step.who}/"), body, ""


def as_altatech(step: Step) -> tuple[str, str | None, str]:
    path = path_of(step.path)
    if path == "/v1/conversation":
        return step.path, user_in_body(step, "user_id"), ""
    if path.endswith("/conversation/page"):
        return re.sub("&user_id=[^&]*", "", step.path) + f"&user_id={step.who}", step.body, ""
    return step.path, step.body, ""


def as_docbit(step: Step) -> tuple[str, str | None, str]:
    fields = {"Org-Id": "default", "User-Id": step.who, "Roles": '["employee"]'}
    return step.path, step.body, "".join(f"X-External-{n}: {v}\n" for n, v in fields.items())


def _is_object(body: str | None) -> bool:
    try:
        return isinstance(json.loads(body or ""), dict)
    except ValueError:
        return False


# Ids as the vendors make them: a form, and its numbers.


def uuids() -> Iterator[str]:
    return (str(uuid.uuid5(uuid.NAMESPACE_URL, str(n))) for n in itertools.count(1))


def form(template: str, first: int = 1) -> Ids:
    return lambda: (template.format(n) for n in itertools.count(first))


@dataclass(frozen=True)
class System:
    """A vendor, and how its emulator is told what to know and how to speak."""

    name: str
    prefix: str
    credential: str
    emulator: Callable[[], RecordingVendor]
    staging: Callable[..., AbstractAsyncContextManager[Stage[Any]]]
    careful: Callable[[Step], tuple[str, str | None, str]]
    configured: Callable[..., str]
    manners: dict[str, tuple[Ids, dict[str, object]]]


def forget_all(vendor: Vendor, new_id: Iterator[str]) -> None:
    """Make an emulator as it was at first, but for the next id."""
    if isinstance(vendor, (Chatbase, Bookbag)):
        vendor.memory = Conversations()
        vendor.memory.new_id = lambda: next(new_id)
    else:
        vendor.conversations.clear()
        vendor.new_id = lambda: next(new_id)
    vendor.allowance = 10_000  # of Bookbag's key


SYSTEMS = (
    System(
        "chatbase",
        "/support",
        "Bearer cb-key",
        Chatbase,
        chatbase_stage,
        as_chatbase,
        config.chatbase,
        {
            "UUIDs, metadata": (uuids, {"shape": "a"}),
            "nanoids, messageMetadata": (form("V1StGXR8_Z5jdHi6B-{:04d}"), {"shape": "b"}),
            "ULIDs, a flat event": (
                form("01JD3ZK5WQ8M9T7B4RX2Y{:05d}"),
                {"shape": "c", "named_events": True},
            ),
            "256 characters, at the start": (form("c" * 250 + "{:06d}"), {"shape": "d"}),
        },
    ),
    System(
        "bookbag",
        "/shop",
        "Bearer oc_key",
        Bookbag,
        bookbag_stage,
        as_chatbase,
        config.bookbag,
        {
            "small numbers": (form("{}", 7), {}),
            "beyond 32 bits": (form("{}", 4_294_967_296), {}),
            "up to 2**53 - 1": (form("{}", 2**53 - 100_000), {}),
        },
    ),
    System(
        "altatech",
        "/bot",
        "Bearer app-key",
        AltaTech,
        altatech_stage,
        as_altatech,
        config.altatech,
        {
            "24 hex digits, lines": (form("67b590ca27008b39{:08x}"), {}),
            "events, errors in an envelope": (
                form("67b590ca27008b3a{:08x}"),
                {"prefix": "data:", "enveloped": True},
            ),
            "32 hex digits, NDJSON": (
                form("67b590ca27008b3b67b590ca{:08x}"),
                {"media": "application/x-ndjson"},
            ),
        },
    ),
    System(
        "external-user-id",
        "/docs",
        "ApiKey sk_partner_1",
        DocBit,
        docbit_stage,
        as_docbit,
        config.docbit,
        {
            "names": (form("dbc_{}"), {}),
            "UUIDs": (uuids, {}),
            "256 characters": (form("~conv:@" + "x" * 240 + ".{:08d}"), {}),
        },
    ),
)
