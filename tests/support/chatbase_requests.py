"""What the emulated Chatbase makes of a request: bodies, pages, and the errors it answers with."""

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.vendor import Request

Json = dict[str, Any]


class Refusal(Exception):
    """An error answer: status, the vendor's code, and its words."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.body = {"error": {"code": code, "message": message or code}}


def json_object(request: Request) -> Json:
    try:
        body = request.json()
    except ValueError as error:
        raise Refusal(400, "VALIDATION_INVALID_JSON") from error
    if not isinstance(body, dict):
        raise Refusal(400, "VALIDATION_INVALID_BODY")
    return body


def text(body: Json, name: str) -> str | None:
    value: Any = body.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise Refusal(400, "VALIDATION_INVALID_BODY", name)
    return value


def wants_stream(body: Json) -> bool:
    value = body.get("stream", True)
    if not isinstance(value, bool):
        raise Refusal(400, "VALIDATION_INVALID_BODY", "stream")
    return value


def page(request: Request, items: list[Json]) -> Json:
    """One page of a list; the cursor says where the next one begins, and nobody may read it."""
    query = dict(parse_qsl(urlsplit(request.target).query))
    limit = query.get("limit", "20")
    if not limit.isdecimal() or not 1 <= int(limit) <= 100:
        raise Refusal(400, "VALIDATION_INVALID_BODY", "limit")
    begin = _offset(query["cursor"]) if "cursor" in query else 0
    end = begin + int(limit)
    more = end < len(items)
    cursor = base64.b64encode(json.dumps({"o": end}).encode()).decode() if more else None
    pagination = {"cursor": cursor, "hasMore": more, "total": len(items)}
    return {"data": items[begin:end], "pagination": pagination}


def _offset(cursor: str) -> int:
    try:
        return int(json.loads(base64.b64decode(cursor, validate=True))["o"])
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal(400, "VALIDATION_INVALID_BODY", "cursor") from error
