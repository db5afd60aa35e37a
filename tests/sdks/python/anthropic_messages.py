"""The official SDK, as people write it: a streamed message with a tool call. `BASE_URL KEY`."""

import json
import sys

import anthropic

client = anthropic.Anthropic(base_url=sys.argv[1], api_key=sys.argv[2], max_retries=0)
schema = {"type": "object", "properties": {"city": {"type": "string"}}}
tools = [{"name": "weather", "description": "Says it.", "input_schema": schema}]
messages = [{"role": "user", "content": "How is the weather?"}]
with client.messages.stream(
    model="claude-test", max_tokens=64, messages=messages, tools=tools
) as stream:
    for _ in stream:
        pass
    said = stream.get_final_message()
(call,) = said.content
result = {"type": "tool_result", "tool_use_id": call.id}
result["content"] = "sunny in " + call.input["city"]
messages += [
    {"role": "assistant", "content": [block.model_dump() for block in said.content]},
    {"role": "user", "content": [result]},
]
text = ""
with client.messages.stream(
    model="claude-test", max_tokens=64, messages=messages, tools=tools
) as stream:
    for piece in stream.text_stream:
        text += piece
counted = client.messages.count_tokens(model="claude-test", messages=messages[:1])
assert counted.input_tokens == 11
assert [model.id for model in client.models.list()] == ["claude-test"]
print(json.dumps({"version": anthropic.__version__, "tool": call.name, "text": text}))
