"""What operators may ask, as OpenAPI 3.1 describes it."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from gateway.admin.query import MOST_ROWS
from gateway.store.columns import CONVERSATION, EVENT, columns_of
from gateway.store.reports import By

NUMBERS = frozenset(
    {
        "requests", "conversations", "tool_calls", "tokens_in", "tokens_out", "refused",
        "interrupted", "users", "new_users", "returning_users", "status", "bytes_in", "bytes_out",
        "milliseconds", "number", "times",
    }
)  # fmt: skip
MAY_BE_NULL = frozenset({"user", "upstream", "actor", "user_id", "conversation", "request_id"})
TIMES = frozenset({"time", "first_seen", "last_seen", "opened_at"})


def document() -> dict[str, Any]:
    """The description of every path."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "chat-identity-gateway, for operators",
            "version": "1",
            "description": "Metrics, health and reports. Never served where people come in.",
        },
        "security": [{"token": []}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Problem": _problem()},
        },
        "paths": {
            "/livez": {"get": _get("Whether the process lives.", _json(_object()), public=True)},
            "/readyz": {"get": _readiness()},
            "/metrics": {"get": _get("Prometheus metrics.", {"text/plain": {}})},
            "/usage": {"get": _usage()},
            "/audit": {"get": _list("The audit trail, by time.", EVENT)},
            "/audit/verify": {
                "get": _get(
                    "Whether the audit trail is as it was written.",
                    _json(_object(sound={"type": "boolean"})),
                    [_text("org", "Its name. Absent: all.")],
                )
            },
            "/conversations": {"get": _list("Who owns which conversation.", CONVERSATION)},
            "/users/blocked": {"get": _get("Who is blocked.", _json(_object(data=_blocked())))},
            "/users/block": {
                "post": _change(
                    "Let a person, or all of an org, in no longer; what runs for them ends.",
                    _object(names={"type": "array", "items": {"type": "string"}}),
                )
            },
            "/users/unblock": {
                "post": _change("Let them in again.", _object(was_blocked={"type": "boolean"}))
            },
            "/openapi.json": {"get": _get("This description.", _json(_object()))},
        },
    }


def _blocked() -> dict[str, Any]:
    user = {"type": ["string", "null"], "description": "null: all of the org."}
    since = {"type": "string", "format": "date-time"}
    return {"type": "array", "items": _object(org={"type": "string"}, user=user, since=since)}


def _change(summary: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    name = {"type": "string", "minLength": 1, "maxLength": 256, "pattern": "^[!-~]+$"}
    org = name | {"description": "Its name. Absent: the only one."}
    whom = [
        {"required": ["user"], "properties": {"everybody": {"const": False}}},
        {"required": ["everybody"], "properties": {"everybody": {"const": True}, "user": False}},
    ]
    body = {
        "type": "object",
        "properties": {"org": org, "user": name, "everybody": {"type": "boolean"}},
        "additionalProperties": False,
        "oneOf": whom,
    }
    found = _get(summary, _json(answer))
    content = found["responses"]["400"]["content"]
    for status, why in ((413, "Too long."), (415, "No JSON.")):
        found["responses"][str(status)] = {"description": why, "content": content}
    return {**found, "requestBody": {"required": True, "content": _json(body)}}


def _readiness() -> dict[str, Any]:
    verbose = _parameter("verbose", {"type": "string", "maxLength": 0}, empty=True)
    body = _json(_object(status={"enum": ["ready", "degraded", "unavailable"]}))
    found = _get(
        "Whether work should be sent here; `verbose`, with the token, shows each dependency.",
        body,
        [verbose],
        public=True,
    )
    found["responses"]["503"]["content"] |= body
    return found


def _usage() -> dict[str, Any]:
    rows = [_row(columns_of(by)) for by in get_args(By)]
    by = _parameter("by", {"type": "string", "enum": list(get_args(By)), "default": "user"})
    return _listed("What people used, summed.", {"anyOf": rows}, [by])


def _list(summary: str, columns: Sequence[str]) -> dict[str, Any]:
    return _listed(summary, _row(columns), [])


def _listed(summary: str, row: Mapping[str, Any], more: list[Any]) -> dict[str, Any]:
    pagination = _object(cursor={"type": ["string", "null"]}, hasMore={"type": "boolean"})
    answer = {
        **_json(_object(data={"type": "array", "items": row}, pagination=pagination)),
        "text/csv": {},
        "application/x-ndjson": {},
    }
    return _get(summary, answer, [*more, *_parameters()])


def _parameters() -> list[dict[str, Any]]:
    forms = {"type": "string", "enum": ["json", "csv", "ndjson"], "default": "json"}
    limit = {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": MOST_ROWS}
    return [
        _text("org", "Its name. Absent: all."),
        _text("user", "The subject."),
        _text("since", "2026-11-22, 2026-11-22T10:00:00Z, 90m, 24h or 7d."),
        _text("until", "As since; not included."),
        _text("cursor", "Of the page before."),
        _parameter("limit", limit),
        _parameter("format", forms),
    ]


def _text(name: str, description: str) -> dict[str, Any]:
    return _parameter(name, {"type": "string", "minLength": 1}) | {"description": description}


def _parameter(name: str, schema: Mapping[str, Any], *, empty: bool = False) -> dict[str, Any]:
    allowed = {"allowEmptyValue": True} if empty else {}
    return {"name": name, "in": "query", "required": False, "schema": schema, **allowed}


def _get(
    summary: str,
    content: Mapping[str, Any],
    parameters: Sequence[Mapping[str, Any]] = (),
    *,
    public: bool = False,
) -> dict[str, Any]:
    problem: dict[str, Any] = {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    }
    refusals = {
        400: "Not understood.",
        401: "Who asks?",
        405: "Another method.",
        429: "Too many wrong tokens.",
        503: "Not now.",
    }
    return {
        "summary": summary,
        "parameters": list(parameters),
        **({"security": [{}, {"token": []}]} if public else {}),
        "responses": {
            "200": {"description": "As asked.", "content": dict(content)},
            **{
                str(status): {"description": why, "content": dict(problem)}
                for status, why in refusals.items()
            },
        },
    }


def _row(columns: Sequence[str]) -> dict[str, Any]:
    return _object(**{name: _column(name) for name in columns}) | {"additionalProperties": False}


def _column(name: str) -> dict[str, Any]:
    if name in NUMBERS:
        return {"type": "integer", "minimum": 0}
    if name == "credits":
        return {"type": "number", "minimum": 0}
    if name == "first_byte":
        return {"type": ["integer", "null"]}
    if name in TIMES:
        return {"type": "string", "format": "date-time"}
    if name == "detail" or name in MAY_BE_NULL:
        return {"type": ["string", "null"]}
    return {"type": "string"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _json(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _problem() -> dict[str, Any]:
    return _object(
        title={"type": "string"},
        status={"type": "integer"},
        detail={"type": "string"},
        code={"type": "string"},
    )
