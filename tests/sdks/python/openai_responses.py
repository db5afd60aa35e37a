"""The official SDK with responses: a stream, a tool call, the next turn. `BASE_URL KEY`."""

import json
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key=sys.argv[2], max_retries=0)
schema = {"type": "object", "properties": {"city": {"type": "string"}}}
tools = [{"type": "function", "name": "weather", "parameters": schema, "strict": False}]
with client.responses.stream(model="gpt-test", input="How is the weather?", tools=tools) as stream:
    for _ in stream:
        pass
    first = stream.get_final_response()
(call,) = first.output
result = {"type": "function_call_output", "call_id": call.call_id}
result["output"] = "sunny in " + json.loads(call.arguments)["city"]
text = ""
for event in client.responses.create(
    model="gpt-test", previous_response_id=first.id, input=[result], tools=tools, stream=True
):
    if event.type == "response.output_text.delta":
        text += event.delta
# Without the vendor's memory: what it said goes back, ids and all.
again = client.responses.create(
    model="gpt-test",
    input=[{"role": "user", "content": "?"}, call.model_dump(exclude_none=True), result],
)
assert again.output_text == text, again.output_text
conversation = client.conversations.create(metadata={"topic": "weather"})
kept = client.responses.create(
    model="gpt-test", conversation=conversation.id, input=[{"role": "user", "content": "hi"}]
)
assert client.responses.retrieve(kept.id).id == kept.id
client.conversations.delete(conversation.id)
try:
    client.responses.retrieve("resp_of_another")
except openai.NotFoundError as error:
    refused = error.code
print(
    json.dumps({"version": openai.__version__, "tool": call.name, "text": text, "refused": refused})
)
