// What differs between the two sides of one exchange. Pure: values in, values out.

const OF_INTEREST = /^(cookie|authorization|content-type)$|user(?!-agent)|org|role|identity/;

/**
 * Both sides as lines to draw, and the changes in words. A line is {name, value, kind, tag}, where
 * kind is "written" (by the gateway), "kept" (a credential, checked there), "dropped" or none.
 */
export function compare(exchange, page) {
  const { browser, vendor } = exchange;
  if (!vendor) return refused(exchange);
  const [sentPath, receivedPath] = paths(browser.target, vendor.target);
  const [sentBody, receivedBody] = bodies(browser.body, vendor.body);
  const sent = fieldsSent(browser.fields, vendor.fields);
  const received = fieldsReceived(vendor.fields, browser.fields);
  const written = [...receivedBody, ...receivedPath].some(({ kind }) => kind === "written");
  const dropped = [...sent.fields, ...sentBody].filter(({ claim }) => claim);
  const changes = [
    { kind: "written", text: written ? `User id written: ${page.me}` : `Told it is ${page.me}` },
    { kind: "written", text: "Vendor key added" },
    { kind: "kept", text: "Session checked, goes no further" },
    ...dropped.map(({ name, value }) => ({ kind: "dropped", text: `${name}: ${value} dropped` })),
    ...sentPath
      .filter(({ kind, text }) => kind === "dropped" && text !== "me")
      .map(({ text }) => ({ kind: "dropped", text: `${text} in the path overwritten` })),
  ];
  return {
    browser: { ...browser, target: sentPath, ...sent, body: sentBody },
    vendor: { ...vendor, target: receivedPath, ...received, body: receivedBody },
    changes,
  };
}

function refused({ browser, status, code }) {
  const { fields, rest } = fieldsSent(browser.fields, []);
  const unread = { value: "The body was not even read." };
  const body = browser.body ? plainBody(browser.body) : browser.method === "GET" ? [] : [unread];
  return {
    browser: { ...browser, target: [{ text: browser.target }], fields, rest, body, note: "none passed on" },
    vendor: null,
    changes: [{ kind: "dropped", text: `Refused: ${status} ${code}` }, { kind: "written", text: "The vendor saw nothing" }],
  };
}

function paths(sent, received) {
  const [ours, theirs] = [sent.split("/"), received.split("/")];
  const shift = ours.length - theirs.length; // the gateway's prefix, which the vendor does not see
  const differs = (index) => index > 0 && ours[index + shift] !== theirs[index];
  const before = [
    { text: ours.slice(0, shift + 1).join("/"), kind: "prefix" },
    ...theirs.slice(1).flatMap((_, at) => [
      { text: "/" },
      { text: ours[at + 1 + shift], kind: differs(at + 1) ? "dropped" : null },
    ]),
  ];
  const after = theirs.slice(1).flatMap((segment, at) => [
    { text: "/" },
    { text: segment, kind: differs(at + 1) ? "written" : null },
  ]);
  return [before, after];
}

function fieldsSent(sent, received) {
  const passed = new Map(received);
  const lines = sent.map(([name, value]) => {
    if (passed.get(name) === value) return { name, value };
    const credential = name === "cookie" || name === "authorization";
    if (credential) return { name, value, kind: "kept", tag: "checked here" };
    return { name, value, kind: "dropped", tag: "dropped", claim: true };
  });
  const rest = lines.filter(({ name }) => !OF_INTEREST.test(name));
  return {
    fields: lines.filter(({ name }) => OF_INTEREST.test(name)),
    rest: rest.map(({ name, value }) => ({ name, value })),
    note: "none passed on as it is",
  };
}

const WRITTEN = { authorization: "vendor’s key", "x-external-user-id": "who is asking" };

function fieldsReceived(received, sent) {
  const before = new Map(sent);
  const lines = received.map(([name, value]) => {
    const tag = WRITTEN[name];
    return tag && before.get(name) !== value ? { name, value, kind: "written", tag } : { name, value };
  });
  return {
    fields: lines.filter(({ name }) => OF_INTEREST.test(name)),
    rest: lines.filter(({ name }) => !OF_INTEREST.test(name)),
    note: "the gateway’s own",
  };
}

function bodies(sent, received) {
  const [ours, theirs] = [members(sent), members(received)];
  if (!ours || !theirs) return [plainBody(sent), plainBody(received)];
  const same = (name) => JSON.stringify(ours[name]) === JSON.stringify(theirs[name]);
  const before = Object.entries(ours).map(([name, value]) => {
    const line = { name: JSON.stringify(name), value: JSON.stringify(value) };
    return same(name) ? line : { ...line, kind: "dropped", tag: "dropped", claim: true };
  });
  const after = Object.entries(theirs).map(([name, value]) => {
    const line = { name: JSON.stringify(name), value: JSON.stringify(value) };
    return same(name) ? line : { ...line, kind: "written", tag: "written by the gateway" };
  });
  return [before, after];
}

/** The members of a JSON object; null where it is none, or has one twice. */
function members(text) {
  try {
    const object = JSON.parse(text);
    const twice = text.replace(/\s/g, "") !== JSON.stringify(object).replace(/\s/g, "");
    return object && !Array.isArray(object) && !twice ? object : null;
  } catch {
    return null;
  }
}

function plainBody(text) {
  const object = text && members(text);
  if (!object) return text ? [{ value: text }] : [];
  return Object.entries(object).map(([name, value]) => ({
    name: JSON.stringify(name),
    value: JSON.stringify(value),
  }));
}
