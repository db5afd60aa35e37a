"""What the emulated AltaTech makes of a request: bodies, pages, and the errors it answers with."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.vendor import Request

Json = dict[str, Any]


class Refusal(Exception):
    """An error answer: status, the vendor's code, and its words."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message}
        self.enveloped = {"error": {**self.body, "status": status}}


def json_object(request: Request) -> Json:
    try:
        body = request.json()
    except ValueError as error:
        raise Refusal(400, 40000, "Invalid JSON") from error
    if not isinstance(body, dict):
        raise Refusal(400, 40000, "Not an object")
    return body


def text(body: Json, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Refusal(400, 40000, name)
    return value


def required(request: Request, *names: str) -> dict[str, str]:
    """The parameters of the query, of which these must stand there."""
    query = dict(parse_qsl(urlsplit(request.target).query))
    for name in names:
        if not query.get(name):
            raise Refusal(400, 40000, name)
    return query


def page_of(query: dict[str, str], items: list[Json]) -> list[Json]:
    page, size = query["page"], query["page_size"]
    if not (page.isdecimal() and size.isdecimal()) or int(page) < 1 or not 1 <= int(size) <= 100:
        raise Refusal(400, 40000, "page")
    begin = (int(page) - 1) * int(size)
    return items[begin : begin + int(size)]


def as_json(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"))
