// The AI SDK: streamText runs the tool itself and goes on. PROVIDER BASE_URL KEY
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const [provider, baseURL, apiKey] = process.argv.slice(2);
const models = {
  "openai responses": () => createOpenAI({ baseURL, apiKey })("gpt-test"),
  "openai chat": () => createOpenAI({ baseURL, apiKey }).chat("gpt-test"),
  anthropic: () => createAnthropic({ baseURL, apiKey })("claude-test"),
};
const called = [];
const weather = tool({
  description: "Says it.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => {
    called.push("weather");
    return `sunny in ${city}`;
  },
});
const result = streamText({
  model: models[provider](),
  prompt: "How is the weather?",
  tools: { weather },
  stopWhen: stepCountIs(3),
  maxRetries: 0,
  onError: ({ error }) => {
    throw error;
  },
});
let text = "";
for await (const piece of result.textStream) text += piece;
const { inputTokens, outputTokens } = await result.totalUsage;
console.log(JSON.stringify({ tool: called[0], text: text.trim(), inputTokens, outputTokens }));
