"""OpenAI's Realtime API over a WebSocket: a session of its own, that ends with it.

The user is told in a field of the handshake. A client says what is listed, and no more: no tools
that the vendor runs, no stored prompts, no traces, no call of somebody's to join (`call_id`).
"""

from gateway.core.profile.vendor import Body, Header, Operation, message

FUNCTION = frozenset({"function"})
SPEAKING = frozenset(
    {"audio", "instructions", "max_output_tokens", "max_response_output_tokens", "modalities"}
    | {"output_audio_format", "output_modalities", "temperature", "tool_choice", "tools", "voice"}
)
SESSION = SPEAKING | frozenset(
    {"include", "input_audio_format", "input_audio_noise_reduction", "input_audio_transcription"}
    | {"model", "parallel_tool_calls", "reasoning", "speed", "truncation", "turn_detection", "type"}
)
RESPONSE = SPEAKING | frozenset({"conversation", "input", "metadata", "reasoning"})
ITEM = frozenset(
    {"arguments", "call_id", "content", "id", "name", "object", "output", "role", "status", "type"}
)
ITEMS = frozenset({"message", "function_call", "function_call_output", "item_reference"})
SAID = frozenset({"event_id"})


def said(*members: str) -> Operation:
    return message(members=SAID.union(members))


REALTIME = Operation(
    method="GET",
    path="/v1/realtime",
    websocket=True,
    query=frozenset({"model", "intent"}),
    fields=frozenset({"openai-beta"}),
    field_values={"openai-beta": frozenset({"realtime=v1"})},
    subprotocols=frozenset({"realtime", "openai-beta.realtime-v1"}),
    user=(Header("openai-safety-identifier"),),
    usage=(Body("/response/usage"),),
    thinks=True,
    no_conversation="a session of its own, which nobody can name",
    messages={
        "session.update": message(
            members=SAID | {"session"},
            inner={"/session": SESSION},
            values={"/session/tools/*/type": FUNCTION},
        ),
        "transcription_session.update": message(
            members=SAID | {"session"}, inner={"/session": SESSION}
        ),
        "conversation.item.create": message(
            members=SAID | {"item", "previous_item_id"},
            inner={"/item": ITEM},
            values={"/item/type": ITEMS},
        ),
        "response.create": message(
            members=SAID | {"response"},
            inner={"/response": RESPONSE, "/response/input/*": ITEM},
            containers=(Body("/response/metadata"),),
            flat=(Body("/response/metadata"),),
            values={
                "/response/conversation": frozenset({"auto", "none"}),
                "/response/input/*/type": ITEMS,
                "/response/tools/*/type": FUNCTION,
            },
            thinks=True,
        ),
        "response.cancel": said("response_id"),
        "input_audio_buffer.append": said("audio"),
        "input_audio_buffer.commit": said(),
        "input_audio_buffer.clear": said(),
        "output_audio_buffer.clear": said(),
        "conversation.item.retrieve": said("item_id"),
        "conversation.item.delete": said("item_id"),
        "conversation.item.truncate": said("item_id", "content_index", "audio_end_ms"),
    },
)
