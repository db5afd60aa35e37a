// Both sides of the wire, live: what the browser sent, what the vendor received, what is different.

import { page } from "./api.js";
import { byId, element, icon } from "./dom.js";
import { compare } from "./compare.js";

const KEPT = 12;
const PATIENCE = 5000; // milliseconds
const exchanges = new Map(); // by x-request-id, oldest first
const waiting = new Map(); // x-request-id → those who wait for the exchange
let shown = null;

export function watch() {
  const source = new EventSource("/exchanges");
  source.onmessage = (event) => arrive(JSON.parse(event.data));
  source.onopen = () => byId("live").classList.remove("is-away");
  source.onerror = () => byId("live").classList.add("is-away");
}

/** The exchange with this id, as soon as it is known. */
export function arrived(id) {
  const known = exchanges.get(id);
  if (known) return Promise.resolve(known);
  return new Promise((resolve, reject) => {
    waiting.set(id, [...(waiting.get(id) ?? []), resolve]);
    setTimeout(() => reject(new Error("The demo does not answer any more.")), PATIENCE);
  });
}

/** Show one exchange; one that never becomes known is not shown. */
export function show(id) {
  arrived(id).then(render, () => {});
}

function arrive(exchange) {
  if (exchanges.has(exchange.id)) return;
  exchanges.set(exchange.id, exchange);
  for (const old of [...exchanges.keys()].slice(0, -KEPT)) exchanges.delete(old);
  for (const resolve of waiting.get(exchange.id) ?? []) resolve(exchange);
  waiting.delete(exchange.id);
  // The page lists conversations again after each answer: that must not hide the answer.
  if (shown === null || exchange.browser.method !== "GET" || isCurl(exchange)) render(exchange);
  else drawTimeline();
}

const isCurl = ({ browser }) => browser.fields.some(([name]) => name === "authorization");

function render(exchange) {
  shown = exchange.id;
  drawTimeline();
  const { browser, vendor, changes } = compare(exchange, page);
  byId("browser-side").replaceChildren(...side(browser));
  byId("vendor-side").replaceChildren(...(vendor ? side(vendor) : [nothing(exchange)]));
  byId("verdict").replaceChildren(...changes.map(change));
}

function drawTimeline() {
  const entries = [...exchanges.values()].reverse().map((exchange) => {
    const { method, target } = exchange.browser;
    const path = target.replace(/^.*\/agents\/[^/]+/, "").replace(/\?.*$/, "");
    const refusal = exchange.status >= 400 ? " is-refusal" : "";
    const button = element(
      "button",
      { "aria-current": exchange.id === shown },
      `${method} ${path.replace(/[0-9a-f-]{36}/, "…").replace(/msg_\w+/, "…")}`,
      element("span", { class: `status${refusal}` }, String(exchange.status)),
    );
    button.addEventListener("click", () => render(exchange));
    return element("li", {}, button);
  });
  byId("timeline").replaceChildren(...entries);
}

function side({ method, target, fields, rest, body, note }) {
  const line = element("p", { class: "request-line" }, `${method} `, ...target.map(piece));
  const parts = [line, element("ul", { class: "lines" }, ...fields.map(row))];
  if (rest.length) parts.push(others(rest, note));
  if (body.length) parts.push(element("ul", { class: "lines" }, ...body.map(row)));
  return parts;
}

function piece({ text, kind }) {
  const words = text.split(/(?=\/)/).flatMap((word) => [element("wbr"), word]);
  if (kind === "prefix") return element("span", { class: "prefix" }, ...words);
  return kind ? element("mark", { class: `is-${kind}` }, text) : element("span", {}, ...words);
}

function row({ name, value, kind, tag }) {
  const text = element("span", { class: "text" });
  if (name) text.append(element("span", { class: "name" }, `${name}: `));
  text.append(value);
  const tagged = tag ? [element("span", { class: "tag" }, tag)] : [];
  return element("li", { class: kind ? `is-${kind}` : "" }, text, ...tagged);
}

function others(rest, note) {
  const names = element("ul", { class: "lines" }, ...rest.map(row));
  const title = `${rest.length} more ${rest.length === 1 ? "field" : "fields"}, ${note}`;
  return element("details", { class: "rest" }, element("summary", {}, title), names);
}

function nothing({ status, code }) {
  return element(
    "div",
    { class: "nothing" },
    icon("shield"),
    element("strong", {}, "Nothing."),
    element("span", {}, `The gateway answered by itself: ${status} `, element("code", {}, code)),
  );
}

function change({ kind, text }) {
  return element("li", { class: `is-${kind}` }, text);
}
