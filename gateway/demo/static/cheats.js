// Attempts to be somebody else. Each is a real request, and the outcome is read from both sides of
// the wire: if one ever gets through, the page says so.

import { exchangeId, get, page, send } from "./api.js";
import { element } from "./dom.js";
import { refresh } from "./chat.js";
import { arrived, show } from "./wire.js";

const { me, victim, otherCompany } = page;
const QUESTION = { message: "Where is my order?", stream: false };

// Of these the vendor must hear nothing at all; of the others, nobody else's name.
const REFUSED = new Set(["twice", "continue", "read", "everyone", "forged", "company"]);

const CHEATS = {
  body: () => send("POST", "/chat", { ...QUESTION, userId: victim.subject }),
  field: () =>
    send("POST", "/chat", QUESTION, { fields: { "x-external-user-id": victim.subject } }),
  twice: () =>
    send("POST", "/chat", `{"message":"Where is my order?","userId":"${me}","userId":"${victim.subject}"}`),
  continue: () => send("POST", "/chat", { ...QUESTION, conversationId: victim.conversation }),
  read: () => get(`/conversations/${victim.conversation}/messages`),
  list: () => get(`/users/${victim.subject}/conversations`),
  everyone: () => get("/conversations"),
  forged: () =>
    get("/users/me/conversations", { headers: { authorization: `Bearer ${forgedToken()}` } }),
  company: () => get("/users/me/conversations", { api: otherCompany.api }),
};

export function start() {
  const cards = [...document.querySelectorAll("[data-cheat]")];
  for (const card of cards) {
    card.querySelector("button").addEventListener("click", () => attempt(card));
  }
  document.getElementById("cheat-all").addEventListener("click", async (event) => {
    event.target.disabled = true;
    for (const card of cards) await attempt(card);
    event.target.disabled = false;
  });
}

async function attempt(card) {
  const button = card.querySelector("button");
  const outcome = card.querySelector(".outcome");
  button.disabled = true;
  try {
    const name = card.dataset.cheat;
    const response = await CHEATS[name]();
    const exchange = await arrived(exchangeId(response));
    const answer = response.ok ? await response.json() : null;
    const { through, title, text } = judge(name, exchange, answer);
    card.classList.toggle("got-through", through);
    outcome.replaceChildren(element("strong", {}, title), text);
    show(exchange.id);
    if (exchange.browser.method === "POST" && response.ok) await refresh();
  } catch (error) {
    outcome.replaceChildren(element("strong", {}, "Not sent"), error.message);
  } finally {
    button.disabled = false;
  }
}

function judge(name, { status, code, vendor }, answer) {
  if (!vendor) {
    return { through: false, title: `Refused: ${status}`, text: `${code}. The vendor saw nothing.` };
  }
  if (REFUSED.has(name) || !toldOnly(me, vendor)) {
    return { through: true, title: "It got through!", text: "Please report this." };
  }
  return { through: false, title: "No use", text: `The vendor was told ${me}. ${received(answer)}` };
}

/** Whether everything in the vendor's request that names a person names this one. */
function toldOnly(user, { target, fields, body }) {
  const inPath = target.match(/\/users\/([^/]+)\//)?.[1] ?? user;
  const inField = new Map(fields).get("x-external-user-id");
  const inBody = body ? (JSON.parse(body).userId ?? user) : user;
  return [inPath, inField, inBody].every((named) => named === user);
}

function received(answer) {
  if (Array.isArray(answer?.data)) return `These are your own ${answer.data.length}.`;
  return `“${answer.data.parts[0].text}”`;
}

function forgedToken() {
  const part = (value) =>
    btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const claims = { iss: page.issuer, aud: "chat", sub: victim.subject, exp: 4102444800 };
  return `${part({ alg: "none", typ: "JWT" })}.${part(claims)}.`;
}
