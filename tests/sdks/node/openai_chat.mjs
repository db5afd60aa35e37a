// The official SDK on Node: a streamed chat with a tool call. BASE_URL KEY
import OpenAI from "openai";

const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const parameters = { type: "object", properties: { city: { type: "string" } } };
const tools = [{ type: "function", function: { name: "weather", parameters } }];
const messages = [{ role: "user", content: "How is the weather?" }];
const asked = { model: "gpt-test", messages, tools };
const first = client.chat.completions.stream(asked);
const { message } = (await first.finalChatCompletion()).choices[0];
const [call] = message.tool_calls;
const content = `sunny in ${JSON.parse(call.function.arguments).city}`;
messages.push(message, { role: "tool", tool_call_id: call.id, content });
let text = "";
for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) {
  text += chunk.choices[0].delta.content ?? "";
}
console.log(JSON.stringify({ tool: call.function.name, text: text.trim() }));
