"use client";
import { signIn, signOut } from "next-auth/react";
import { useRef, useState } from "react";

const CHAT = "/support/api/v2/agents/agent_1/chat"; // of this app: next.config.js passes it on

export default function Chat({ signedIn }) {
  const [said, setSaid] = useState("");
  const conversationId = useRef();
  const say = (text) => setSaid((before) => before + text);

  async function send(event) {
    event.preventDefault();
    const message = new FormData(event.target).get("message");
    const response = await fetch(CHAT, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ message, conversationId: conversationId.current }),
    });
    say(`> ${message}\n`);
    if (!response.ok) return say(`${response.status} ${response.headers.get("x-gateway-error") ?? ""}\n`);
    for await (const event of events(response)) {
      say(event.delta ?? "");
      conversationId.current = event.metadata?.conversationId ?? event.messageMetadata?.conversationId ?? conversationId.current;
    }
    say("\n");
  }

  async function enter(event) {
    event.preventDefault();
    await signIn("credentials", { name: new FormData(event.target).get("name"), callbackUrl: "/" });
  }

  return (
    <>
      {signedIn ? (
        <button onClick={() => signOut()}>Sign out</button>
      ) : (
        <form onSubmit={enter}>
          <input name="name" defaultValue="alice" aria-label="Name" /> <button>Sign in</button>
        </form>
      )}
      <pre style={{ minHeight: "12rem", whiteSpace: "pre-wrap" }} aria-live="polite">{said}</pre>
      <form onSubmit={send}>
        <input name="message" size="40" defaultValue="What can you do?" aria-label="Message" /> <button>Send</button>
      </form>
    </>
  );
}

// The vendor's events, as they come.
async function* events(response) {
  let rest = "";
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line.startsWith("data: {")) yield JSON.parse(line.slice(6));
  }
}
