// The conversation: asking, the answer word by word, one's own conversations, rating and retrying.

import { events, exchangeId, get, problem, send } from "./api.js";
import { byId, element, icon } from "./dom.js";
import { show } from "./wire.js";

const log = byId("log");
const greeting = byId("greeting");
const list = byId("conversations");
const form = byId("ask");
const field = byId("message");

let conversation = null; // the id of the open one; null: the next message opens one
let running = null; // the AbortController of an answer under way

export function start() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (text) ask(text);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  byId("suggestions").addEventListener("click", (event) => {
    const chip = event.target.closest("button");
    if (chip) ask(chip.textContent);
  });
  byId("new-chat").addEventListener("click", () => open(null));
  byId("stop").addEventListener("click", () => running?.abort());
  refresh();
}

/** List one's own conversations again. */
export async function refresh() {
  const response = await get("/users/me/conversations?limit=20");
  if (!response.ok) return;
  const { data } = await response.json();
  list.replaceChildren(...data.map(entry));
}

function entry({ id, title, updatedAt, status }) {
  const when = new Date(updatedAt * 1000).toLocaleTimeString([], { timeStyle: "short" });
  const note = status === "ongoing" ? when : `${when}, ended`;
  const about = element("span", { dir: "auto" }, title);
  const button = element("button", { "aria-current": id === conversation }, about);
  button.append(element("small", {}, note));
  button.dataset.id = id;
  button.addEventListener("click", () => open(id));
  return element("li", {}, button);
}

async function open(id) {
  leave();
  conversation = id;
  mark();
  log.replaceChildren(greeting);
  greeting.hidden = id !== null;
  field.focus();
  if (id === null) return;
  const response = await get(`/conversations/${id}/messages?limit=100`);
  show(exchangeId(response));
  if (!response.ok) return refused(response);
  const { data } = await response.json();
  if (conversation !== id) return;
  for (const message of data) {
    const bubble = say(message.role, message.parts.map((part) => part.text).join(""));
    if (message.role === "assistant") offer(bubble, message);
  }
}

function mark() {
  for (const button of list.querySelectorAll("button")) {
    button.setAttribute("aria-current", button.dataset.id === conversation);
  }
}

async function ask(text) {
  if (running) return;
  field.value = "";
  greeting.hidden = true;
  say("user", text);
  const content = { message: text };
  if (conversation) content.conversationId = conversation;
  await answer((signal) => send("POST", "/chat", content, { signal }));
}

async function retry(bubble, id) {
  if (running) return;
  while (bubble.nextSibling) bubble.nextSibling.remove();
  bubble.remove();
  const path = `/conversations/${conversation}/retry`;
  await answer((signal) => send("POST", path, { messageId: id }, { signal }));
}

async function answer(request) {
  const control = begin();
  const bubble = say("assistant", "");
  const words = bubble.querySelector(".said-text");
  words.append(element("span", { class: "waiting" }, ...[1, 2, 3].map(() => element("i"))));
  try {
    const response = await request(control.signal);
    show(exchangeId(response));
    if (response.ok) await spell(response, bubble, words, control);
    else {
      bubble.remove();
      await refused(response);
    }
  } catch (error) {
    words.querySelector(".waiting")?.remove();
    if (!words.textContent) bubble.remove();
    if (control !== running) return; // another conversation is open by now
    if (control.signal.aborted) add("is-note", "You stopped the answer.");
    else add("is-problem", error.message);
  } finally {
    finish(control);
  }
  await refresh();
}

async function spell(response, bubble, words, control) {
  let id = null;
  for await (const event of events(response)) {
    if (control !== running) return;
    const named = event.metadata ?? event.messageMetadata;
    if (named?.conversationId) conversation = named.conversationId;
    id = event.messageId ?? id;
    if (event.type === "text-delta") {
      words.querySelector(".waiting")?.remove();
      words.append(event.delta);
      log.scrollTop = log.scrollHeight;
    } else if (event.type === "error") {
      throw new Error(event.errorText);
    }
  }
  if (id) offer(bubble, { id, feedback: null });
}

function begin() {
  running = new AbortController();
  log.setAttribute("aria-busy", "true"); // read out once it is whole, not word by word
  byId("send").hidden = true;
  byId("stop").hidden = false;
  return running;
}

function leave() {
  running?.abort();
  finish(running);
}

function finish(control) {
  if (control !== running) return;
  running = null;
  log.removeAttribute("aria-busy");
  byId("send").hidden = false;
  byId("stop").hidden = true;
  field.focus({ preventScroll: true });
}

async function refused(response) {
  if (response.status === 401) return add("is-problem", "Your session has ended. Sign in again.");
  const { code, message } = await problem(response);
  return add("is-problem", `${message} (${response.status} ${code})`);
}

function say(role, text) {
  const bubble = add(`by-${role}`);
  bubble.append(element("div", { class: "said-text", dir: "auto" }, text));
  log.scrollTop = log.scrollHeight;
  return bubble;
}

function add(kind, text = "") {
  const bubble = element("div", { class: `said ${kind}` }, text);
  log.append(bubble);
  log.scrollTop = log.scrollHeight;
  return bubble;
}

/** The buttons below an answer. */
function offer(bubble, { id, feedback }) {
  const thumb = (name, label, value) => {
    const button = element("button", { "aria-label": label, title: label }, icon(name));
    button.setAttribute("aria-pressed", feedback === value);
    button.addEventListener("click", () => rate(button, id, value));
    return button;
  };
  const again = element("button", { "aria-label": "Answer again", title: "Answer again" }, icon("again"));
  again.addEventListener("click", () => retry(bubble, id));
  const thumbs = [thumb("up", "Good answer", "positive"), thumb("down", "Poor answer", "negative")];
  bubble.append(element("div", { class: "rate" }, ...thumbs, again));
  log.scrollTop = log.scrollHeight;
}

async function rate(button, id, value) {
  const chosen = button.getAttribute("aria-pressed") === "true" ? null : value;
  const path = `/conversations/${conversation}/messages/${id}/feedback`;
  const response = await send("PATCH", path, { feedback: chosen });
  show(exchangeId(response));
  if (!response.ok) return refused(response);
  for (const other of button.parentElement.querySelectorAll("[aria-pressed]")) {
    other.setAttribute("aria-pressed", other === button && chosen !== null);
  }
}
