// The vendor's API as the gateway serves it. The session cookie goes along by itself; there is no
// key here, and no user id: `me` stands for whoever is signed in.

export const page = JSON.parse(document.body.dataset.page);

export function get(path, { api = page.api, ...options } = {}) {
  return fetch(api + path, options);
}

export function send(method, path, content, { fields = {}, signal } = {}) {
  return fetch(page.api + path, {
    method,
    signal,
    headers: { "content-type": "application/json", ...fields },
    body: typeof content === "string" ? content : JSON.stringify(content),
  });
}

export const exchangeId = (response) => response.headers.get("x-request-id");

/** What a refusal says, in words. */
export async function problem(response) {
  const code = response.headers.get("x-gateway-error");
  let said = "";
  try {
    const { error, detail } = await response.json();
    said = error?.message ?? detail ?? "";
    return { code: code ?? error?.code ?? "", message: said || response.statusText };
  } catch {
    return { code: code ?? "", message: response.statusText };
  }
}

/** The events of an answer, each as it comes. An answer that ends without [DONE] has broken off. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error("The answer broke off.");
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const lines = block.split("\n").filter((line) => line.startsWith("data:"));
      const data = lines.map((line) => line.slice(5).trimStart()).join("\n");
      if (data === "[DONE]") return;
      if (data) yield JSON.parse(data);
    }
  }
}
