// The official SDK on Node: a streamed message with a tool call. BASE_URL KEY
import Anthropic from "@anthropic-ai/sdk";

const [baseURL, apiKey] = process.argv.slice(2);
const client = new Anthropic({ baseURL, apiKey, maxRetries: 0 });
const input_schema = { type: "object", properties: { city: { type: "string" } } };
const tools = [{ name: "weather", description: "Says it.", input_schema }];
const messages = [{ role: "user", content: "How is the weather?" }];
const asked = { model: "claude-test", max_tokens: 64, messages, tools };
const said = await client.messages.stream(asked).finalMessage();
const [call] = said.content;
const content = `sunny in ${call.input.city}`;
messages.push(
  { role: "assistant", content: said.content },
  { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content }] },
);
const text = await client.messages.stream(asked).finalText();
console.log(JSON.stringify({ tool: call.name, text }));
