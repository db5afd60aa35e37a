"""The official SDK, as people write it: a streamed chat with a tool call. `BASE_URL KEY`."""

import json
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key=sys.argv[2], max_retries=0)
schema = {"type": "object", "properties": {"city": {"type": "string"}}}
tools = [{"type": "function", "function": {"name": "weather", "parameters": schema}}]
messages = [{"role": "user", "content": "How is the weather?"}]
arguments = name = call = ""
for chunk in client.chat.completions.create(
    model="gpt-test", messages=messages, tools=tools, stream=True
):
    # As in the SDK's own examples: every chunk of a client that asked for no usage has a choice.
    for part in chunk.choices[0].delta.tool_calls or ():
        call = part.id or call
        name = part.function.name or name
        arguments += part.function.arguments or ""
asked = {"id": call, "type": "function", "function": {"name": name, "arguments": arguments}}
messages += [
    {"role": "assistant", "content": None, "tool_calls": [asked]},
    {"role": "tool", "tool_call_id": call, "content": "sunny in " + json.loads(arguments)["city"]},
]
text = ""
with client.chat.completions.create(
    model="gpt-test", messages=messages, tools=tools, stream=True
) as stream:
    for chunk in stream:
        text += chunk.choices[0].delta.content or ""
print(json.dumps({"version": openai.__version__, "tool": name, "text": text.strip()}))
