"""Google Analytics' own rules for what is sent to /mp/collect, as its documents have them.

https://developers.google.com/analytics/devguides/collection/protocol/ga4/sending-events and
support.google.com/analytics/answer/13316687, 9267744: what breaks one is dropped without a word,
so nothing but a test would tell.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.reply import Reply
from tests.support.vendor import RecordingVendor, Request

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
RESERVED = frozenset(
    {"ad_impression", "app_remove", "app_store_refund", "click", "error", "file_download"}
    | {"first_open", "first_visit", "form_start", "form_submit", "in_app_purchase", "page_view"}
    | {"scroll", "session_start", "user_engagement", "video_progress", "video_start"}
    | {"view_search_results", "ad_click", "app_exception", "app_update", "os_update"}
)
RESERVED_PARAMS = frozenset(
    {"cid", "currency", "customer_id", "customerid", "dclid", "gclid", "sessionid", "sid", "uid"}
    | {"user_id", "userid", "srsltid", "sfmc_id"}
)
PREFIXES = ("_", "firebase_", "ga_", "google_", "gtag.")
MEMBERS = {"client_id", "user_id", "timestamp_micros", "user_properties", "consent", "events"}


def problems(body: Any) -> list[str]:
    """What Google would drop it for."""
    return list(_problems(body))


def _problems(body: Any) -> Iterator[str]:
    if not set(body) <= MEMBERS:
        yield f"unknown members {set(body) - MEMBERS}"
    if not re.fullmatch(r"[0-9]+\.[0-9]+", body.get("client_id", "")):
        yield "client_id"
    if len(body.get("user_id", "u")) > 256 or not body.get("user_id", "u"):
        yield "user_id"
    if type(body["timestamp_micros"]) is not int:
        yield "timestamp_micros"
    if not 1 <= len(body["events"]) <= 25:
        yield "events"
    for event in body["events"]:
        yield from _problems_of(event)


def _problems_of(event: Any) -> Iterator[str]:
    name, params = event["name"], event["params"]
    if not NAME.fullmatch(name) or name in RESERVED or name.startswith(PREFIXES):
        yield f"name {name}"
    if len(params) > 25:
        yield "too many parameters"
    if not re.fullmatch(r"[0-9]+", str(params.get("session_id", ""))):
        yield "session_id"
    if "engagement_time_msec" not in params:
        yield "engagement_time_msec"
    for key, value in params.items():
        if not NAME.fullmatch(key) or key in RESERVED_PARAMS or key.startswith(PREFIXES):
            yield f"parameter {key}"
        if isinstance(value, str) and len(value) > 100:
            yield f"value of {key}"


class Collector(RecordingVendor):
    """It answers 204 to anything; `found` is what it would have dropped, `events` the rest."""

    def __init__(self, measurement_id: str, api_secret: str) -> None:
        super().__init__(self.collect)
        self._known = {"measurement_id": [measurement_id], "api_secret": [api_secret]}
        self.found: list[str] = []
        self.bodies: list[Any] = []

    async def collect(self, request: Request, reply: Reply) -> None:
        target = urlsplit(request.target)
        if (request.method, target.path) != ("POST", "/mp/collect"):
            self.found.append(f"{request.method} {target.path}")
        if parse_qs(target.query) != self._known:
            self.found.append("measurement_id or api_secret")
        if len(request.body) > 130_000:
            self.found.append("larger than 130 kB")
        body = request.json()
        self.found += problems(body)
        self.bodies.append(body)
        await reply.head(204)
        self.changed()
