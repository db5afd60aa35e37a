// One chat of a page by the AI SDK, with a tool that the page has: as its documents say, with the
// gateway in the place of the vendor. What is asked for comes as JSON in argv, and what became of
// it goes out as JSON.
import {
  AbstractChat,
  DefaultChatTransport,
  isToolUIPart,
  lastAssistantMessageIsCompleteWithToolCalls,
} from "ai";

class State {
  status = "ready";
  error = undefined;
  messages = [];
  pushMessage = (message) => (this.messages = [...this.messages, message]);
  popMessage = () => (this.messages = this.messages.slice(0, -1));
  replaceMessage = (index, message) => (this.messages = this.messages.with(index, message));
  snapshot = (thing) => structuredClone(thing);
}

class Chat extends AbstractChat {
  constructor(init) {
    super({ ...init, state: new State() });
  }
}

// Chatbase keeps the conversation: a turn carries what is new, a tool's result has a call of its own.
class ChatbaseTransport extends DefaultChatTransport {
  handedIn = new Set();

  constructor({ agent, token, conversation, extra }) {
    const headers = { authorization: `Bearer ${token}` };
    super({
      api: `${agent}/chat`,
      headers,
      prepareSendMessagesRequest: ({ messages }) => {
        const last = messages.at(-1);
        const message = last.role === "user" ? { message: textOf(last) } : {};
        const conversationId = named(messages) ?? conversation;
        return { body: { ...message, conversationId, stream: true, ...extra } };
      },
    });
    this.agent = agent;
    this.given = headers;
    this.conversation = conversation;
  }

  async sendMessages(options) {
    for (const part of options.messages.at(-1).parts.filter(isToolUIPart)) {
      if (part.state !== "output-available" || this.handedIn.has(part.toolCallId)) continue;
      this.handedIn.add(part.toolCallId);
      const conversation = named(options.messages) ?? this.conversation;
      const answer = await fetch(`${this.agent}/conversations/${conversation}/tool-result`, {
        method: "POST",
        headers: { ...this.given, "content-type": "application/json" },
        body: JSON.stringify({ toolCallId: part.toolCallId, output: part.output }),
      });
      if (!answer.ok) throw new Error(await answer.text());
    }
    return super.sendMessages(options);
  }
}

const textOf = ({ parts }) =>
  parts.filter((part) => part.type === "text").map((part) => part.text).join("");
const named = (messages) =>
  messages.findLast((message) => message.metadata?.conversationId)?.metadata.conversationId;

const asked = JSON.parse(process.argv[2]);
const tools = [];
const chat = new Chat({
  transport: new ChatbaseTransport(asked),
  sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
  onToolCall({ toolCall }) {
    tools.push(toolCall.toolName);
    const { toolName: tool, toolCallId } = toolCall;
    chat.addToolOutput({ tool, toolCallId, output: asked.output });
  },
});
const finished = () => chat.status === "ready" && !lastAssistantMessageIsCompleteWithToolCalls(chat);
for (const text of asked.messages) {
  await chat.sendMessage({ text });
  while (!chat.error && !finished()) await new Promise((done) => setTimeout(done, 5));
}
const answers = chat.messages.filter((message) => message.role === "assistant");
console.log(
  JSON.stringify({
    answers: answers.map(textOf),
    tools,
    outputs: (answers.at(-1)?.parts ?? []).filter(isToolUIPart).map(({ output }) => output),
    conversation: named(chat.messages) ?? null,
    error: chat.error?.message ?? null,
  }),
);
