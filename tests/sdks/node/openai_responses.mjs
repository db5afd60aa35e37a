// The official SDK on Node, with responses: a tool call and the next turn. BASE_URL KEY
import OpenAI from "openai";

const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const parameters = { type: "object", properties: { city: { type: "string" } } };
const tools = [{ type: "function", name: "weather", parameters, strict: false }];
const asked = { model: "gpt-test", tools, stream: true };
let first;
for await (const event of await client.responses.create({ ...asked, input: "Weather?" })) {
  if (event.type === "response.completed") first = event.response;
}
const [call] = first.output;
const output = `sunny in ${JSON.parse(call.arguments).city}`;
const input = [{ type: "function_call_output", call_id: call.call_id, output }];
let text = "";
for await (const event of await client.responses.create({
  ...asked,
  previous_response_id: first.id,
  input,
})) {
  if (event.type === "response.output_text.delta") text += event.delta;
}
console.log(JSON.stringify({ tool: call.name, text }));
