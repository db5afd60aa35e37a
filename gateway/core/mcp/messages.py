"""What a client asks of an MCP server: JSON-RPC 2.0 messages.

Two eras of streamable HTTP. Up to 2025-11-25 a session, opened by `initialize`, may hold the state;
2025-03-26 has batches. From 2026-07-28 on each request stands alone.

What decides here is read in its exact spelling, and no other spelling of it stands beside it: Go's
JSON would take `Name` for `name`.
"""

from dataclasses import dataclass

from gateway.core.errors import BadRequest, ConversationNotFound, MethodNotOffered
from gateway.core.formats import strictjson
from gateway.core.formats.strictjson import JsonObject, JsonValue
from gateway.core.people.seal import Seal
from gateway.core.profile.names import fold
from gateway.core.request.holding import members_of

LAST_EVENT = b"last-event-id"

CALL = "tools/call"
# Which member of `params` names what a request is for.
NAMED = {CALL: "name", "prompts/get": "name", "resources/read": "uri"}
# `tasks/list` is not among them: it shows everybody's.
REQUESTS = frozenset(
    {
        "completion/complete",
        "initialize",
        "logging/setLevel",
        "ping",
        "prompts/get",
        "prompts/list",
        "resources/list",
        "resources/read",
        "resources/subscribe",
        "resources/templates/list",
        "resources/unsubscribe",
        "server/discover",
        "subscriptions/listen",
        "tasks/cancel",
        "tasks/get",
        "tasks/result",
        "tasks/update",
        "tools/list",
        CALL,
    }
)
NOTIFICATIONS = frozenset(
    {
        "notifications/cancelled",
        "notifications/initialized",
        "notifications/progress",
        "notifications/roots/list_changed",
        "notifications/tasks/status",
    }
)
RELATED = "io.modelcontextprotocol/related-task"  # in `_meta`: the task a message is about
MAX_BATCH = 100  # messages

_JUDGED = {fold(one): one for one in ("name", "uri", "arguments", "requestState", "_meta")}
_BESIDE = fold("_meta")
_MAX_ID = 256  # characters
_STATE = "state"


@dataclass(frozen=True, slots=True)
class Asked:
    """The messages of one request: a single one, or a batch, which may hold only one."""

    messages: tuple[JsonObject, ...]
    is_batch: bool = False

    @property
    def id(self) -> JsonValue:
        """What an answer to the one request has to repeat; None where there is none, or several."""
        return None if self.is_batch else self.messages[0].get("id")

    @property
    def answers(self) -> bool:
        """Whether one of them answers something that the server has asked."""
        return any("method" not in one for one in self.messages)

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools that are called, each as often as it is."""
        return tuple(
            str(params_of(one)["name"]) for one in self.messages if one.get("method") == CALL
        )


def parse(content: bytes) -> Asked:
    """The messages of a body.

    Raises:
        AmbiguousJson, BadRequest: it is no message, and no batch of messages.
        MethodNotOffered: one asks for what no client may.
    """
    document = strictjson.loads(content)
    messages = document if isinstance(document, list) else [document]
    if not 1 <= len(messages) <= MAX_BATCH:
        raise BadRequest(f"A batch has 1 to {MAX_BATCH} messages")
    asked = Asked(tuple(map(_message, messages)), isinstance(document, list))
    for name in members_of([*map(params_of, asked.messages)]):
        if (exact := _JUDGED.get(fold(name), name)) != name:
            raise BadRequest(f"A member of params is another spelling of '{exact}'")
    if asked.is_batch:
        _check_batch(asked.messages)
    return asked


def _check_batch(messages: tuple[JsonObject, ...]) -> None:
    if any(one.get("method") == "initialize" for one in messages):
        raise BadRequest("A session is not opened in a batch")
    ids = [(one["id"], "method" in one) for one in messages if "id" in one]
    if len(set(ids)) < len(ids):
        raise BadRequest("Two messages of a batch have one id")


def _message(message: JsonValue) -> JsonObject:
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise BadRequest("The body is no JSON-RPC 2.0 message")
    if "id" in message and not _is_id(message["id"]):
        raise BadRequest("The id of a message is a string of 256 characters at most, or an integer")
    if "method" in message:
        _check_asking(message)
    elif "id" not in message or ("result" in message) == ("error" in message):
        raise BadRequest("A message has a method, or an id and either a result or an error")
    return message


def _is_id(value: JsonValue) -> bool:
    return type(value) is int or (isinstance(value, str) and 0 < len(value) <= _MAX_ID)


def _check_asking(message: JsonObject) -> None:
    method, known = message["method"], REQUESTS if "id" in message else NOTIFICATIONS
    if "result" in message or "error" in message:
        raise BadRequest("A message is a request or an answer, not both")
    if not isinstance(method, str):
        raise BadRequest("The method of a message is a string")
    params = message.get("params", {})
    if not isinstance(params, dict):
        raise BadRequest("The params of a message are an object")
    if method not in known:
        raise MethodNotOffered
    if method in NAMED and not (isinstance(named := params.get(NAMED[method]), str) and named):
        raise BadRequest(f"{method} needs a '{NAMED[method]}'")


def params_of(message: JsonObject) -> JsonObject:
    params = message.get("params")
    return params if isinstance(params, dict) else {}


def about(asked: Asked) -> list[JsonObject]:
    """What the answers among these say beside their results, in any spelling of `_meta`."""
    results = [one.get("result") for one in asked.messages]
    return [
        beside
        for result in results
        if isinstance(result, dict)
        for name in members_of([result])
        if fold(name) == _BESIDE and isinstance(beside := result[name], dict)
    ]


def unseal(asked: Asked, seal: Seal) -> None:
    """Take the seal off what the server gave this person to bring back.

    Raises:
        ConversationNotFound: it was given to somebody else, or to nobody.
    """
    for message in asked.messages:
        params = params_of(message)
        if (state := params.get("requestState")) is not None:
            opened = seal.open(_STATE, state) if isinstance(state, str) else None
            if opened is None:
                raise ConversationNotFound
            params["requestState"] = opened


def seal_state(result: JsonObject, seal: Seal) -> bool:
    """Seal what a result gives the client to bring back. Whether there was any."""
    state = result.get("requestState")
    if not isinstance(state, str):
        return False
    result["requestState"] = seal.close(_STATE, state)
    return True


def event_kind(session: str) -> str:
    """As what the ids of a session's events are sealed."""
    return f"event {session}"
