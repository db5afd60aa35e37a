// Tells a vendor's chat widget who is signed in, before that ends tells it anew, and takes it back.
//
//   <script src="/_gateway/widget.js" data-org="acme" data-upstream="support" defer></script>
//
// data-token   the name of a function of the page that gives a bearer token; without it the page's
//              cookies say who is asking.
//
// window.gatewayWidget.logout()   when somebody signs out: the widgets forget them.
// window.gatewayWidget.renew()    when somebody has signed in.
//
// On window, "gateway-widget" says what became of it: detail.state is "identified", "forgotten" or
// "failed". What the widget tells of the chat goes to window.dataLayer, with the user id, and
// without a word of what was said.
(() => {
  "use strict";

  const PATIENCE = [200, 1000, 5000]; // ms between looks for the vendor's own script
  const LOOKS = 50; // before each of these grows
  const RETRIES = [5, 15, 60]; // seconds, when the gateway cannot be asked
  const EARLY = 0.8; // of the time that a proof lasts, after which there has to be a new one
  const SHORTEST = 5; // seconds between two questions
  const AWAY = 60; // seconds, after which whoever comes back to the page may be somebody else

  const tag = document.currentScript;
  const { org, upstream, token } = tag.dataset;
  const base = new URL(".", tag.src);
  const from = new URL(`widget/${org}/${upstream}`, base);

  // How each vendor's widget is spoken to, as its documents say. `forget` is absent where they name
  // no way to take an identity back: then the page is loaded anew.

  const chatbase = {
    there: () => typeof window.chatbase === "function",
    identify: ({ token, user_id, user_hash }) =>
      window.chatbase("identify", token ? { token } : { user_id, user_hash }),
    forget() {
      window.chatbase("resetUser");
      window.chatbase.resetChat?.(); // what was said before is not the next one's to read
    },
    listen(tell) {
      for (const name of ["user-message", "assistant-message"]) {
        window.chatbase.addEventListener?.(name, () => tell(name));
      }
      for (const name of ["tool-call", "tool-result"]) {
        window.chatbase.addEventListener?.(name, (event) => tell(name, event?.data?.name));
      }
    },
  };

  const bookbag = {
    there: () => typeof window.bookbag === "function",
    identify: ({ user_id, user_hash }) => window.bookbag("identify", { user_id, user_hash }),
  };

  // A bubble, and frames on the page: <iframe data-gateway-widget="support" src="https://…">.
  const frames = () => document.querySelectorAll(`iframe[data-gateway-widget="${upstream}"]`);
  const bubble = () => typeof window.ChatBot?.setUserId === "function";
  const altatech = {
    there: () => bubble() || frames().length > 0,
    identify({ user_id }) {
      if (bubble()) window.ChatBot.setUserId(user_id);
      for (const frame of frames()) load(frame, user_id);
    },
    get forget() {
      return bubble() ? undefined : () => frames().forEach((frame) => load(frame, null));
    },
  };

  function load(frame, user) {
    const address = new URL(frame.src);
    if (user === null) address.searchParams.delete("user_id");
    else address.searchParams.set("user_id", user);
    if (address.href !== frame.src) frame.src = address.href;
  }

  // <openai-chatkit data-gateway-widget="llm" data-options='{"theme":"dark"}'>: it asks for a secret
  // itself when it needs the next one.
  const kits = () => document.querySelectorAll(`openai-chatkit[data-gateway-widget="${upstream}"]`);
  const openai = {
    asks: true,
    there: () => kits().length > 0 && Boolean(window.customElements.get("openai-chatkit")),
    identify({ client_secret }) {
      for (const kit of kits()) {
        let first = client_secret;
        const getClientSecret = async () => {
          const secret = first ?? (await ask())?.client_secret;
          first = null;
          return secret;
        };
        kit.setOptions({ ...JSON.parse(kit.dataset.options ?? "{}"), api: { getClientSecret } });
      }
    },
    listen(tell) {
      for (const kit of kits()) {
        for (const name of ["response.start", "response.end", "thread.change", "error"]) {
          kit.addEventListener(`chatkit.${name}`, () => tell(name.replace(".", "-")));
        }
      }
    },
  };

  const WIDGETS = { __proto__: null, chatbase, bookbag, altatech, openai };

  let who = null; // whom the widget has been told of
  let proof = ""; // and by what
  let widget = null;
  let listening = false;
  let silent = false; // after a logout, until the page says that somebody has signed in
  let asked = 0; // of several questions only the last one counts
  let failures = 0;
  let timer = 0;
  let due = 0;
  let last = 0; // when the gateway was asked

  // Whom the widget was told of last, on whichever page: it may remember them itself.
  const told = `gateway-widget/${org}/${upstream}`;

  function remembered() {
    try {
      return JSON.parse(localStorage.getItem(told)) ?? {};
    } catch {
      return {}; // a page may have no storage
    }
  }

  function remember(vendor, id) {
    try {
      if (id === null) localStorage.removeItem(told);
      else localStorage.setItem(told, JSON.stringify({ vendor, id }));
    } catch {
      // nor need it
    }
  }

  function later(seconds) {
    clearTimeout(timer);
    due = Date.now() + seconds * 1000;
    timer = setTimeout(ask, seconds * 1000);
  }

  function say(state, detail = {}) {
    window.dispatchEvent(
      new CustomEvent("gateway-widget", { detail: { org, upstream, state, ...detail } }),
    );
  }

  // What the gateway said; nothing where it said nothing, or it came too late.
  async function ask() {
    const mine = ++asked;
    clearTimeout(timer);
    last = Date.now();
    let answer, said;
    try {
      const headers = token ? { authorization: `Bearer ${await window[token]()}` } : {};
      const credentials = token ? "omit" : "include";
      answer = await fetch(from, { headers, credentials, cache: "no-store", redirect: "error" });
      said = answer.ok ? await answer.json() : null;
    } catch {
      answer = null;
    }
    if (mine !== asked || silent) return null;
    if (said) {
      failures = 0;
      if (WIDGETS[said.widget]?.asks) due = Date.now() + said.expires_in * 1000;
      else later(Math.max(SHORTEST, said.expires_in * EARLY));
      if (await tell(said, mine)) return said;
    } else if (answer && answer.status >= 400 && answer.status < 500 && answer.status !== 429) {
      due = 0; // asked again when somebody looks at the page
      if (who) forget();
      else await forgetFormer(mine);
    } else {
      const wait = RETRIES[Math.min(failures++, RETRIES.length - 1)];
      later(Math.max(wait, Number(answer?.headers.get("retry-after")) || 0));
      if (who && Date.now() >= who.ends) forget();
      say("failed", { status: answer?.status ?? 0 });
    }
    return null;
  }

  // Whether the widget knows, and the page goes on as it is.
  async function tell(said, mine) {
    const { widget: vendor, expires_in, ...shown } = said;
    const next = WIDGETS[vendor];
    const ends = Date.now() + expires_in * 1000;
    if (who && who.id !== said.user_id && !forget()) return false; // the page is on its way out
    if (!next) {
      who = { id: said.user_id, ends };
      say("identified", { vendor, ...shown });
      return true;
    }
    if (!(await arrived(next, mine))) return false;
    widget = next;
    const former = remembered();
    if (!who && former.vendor === vendor && former.id !== said.user_id) widget.forget?.();
    remember(vendor, said.user_id);
    who = { id: said.user_id, ends };
    if (!listening) {
      listening = true;
      widget.listen?.((name, tool) => hand(vendor, name, tool));
    }
    const now = widget.asks ? said.user_id : JSON.stringify(shown);
    if (now === proof) return true;
    proof = now;
    widget.identify(shown);
    say("identified", { vendor, user_id: said.user_id });
    return true;
  }

  // Whether the widget is there at last, and it is still this question that matters.
  async function arrived(next, mine) {
    for (let looks = 0; !next.there(); looks++) {
      const wait = PATIENCE[Math.min(Math.floor(looks / LOOKS), PATIENCE.length - 1)];
      await new Promise((done) => setTimeout(done, wait));
      if (mine !== asked) return false;
    }
    return true;
  }

  // Have the widget forget whom another page has told it of.
  async function forgetFormer(mine) {
    const former = WIDGETS[remembered().vendor];
    if (!former || !(await arrived(former, mine))) return;
    remember(null, null);
    former.forget?.();
  }

  // Whether the page goes on as it is.
  function forget() {
    if (!who) return true;
    who = null;
    proof = "";
    remember(null, null);
    say("forgotten");
    if (!widget) return true;
    if (!widget.forget) {
      location.reload();
      return false;
    }
    widget.forget();
    return true;
  }

  function hand(vendor, name, tool) {
    (window.dataLayer ||= []).push({
      event: `chat_${name.replaceAll("-", "_")}`,
      chat_vendor: vendor,
      chat_upstream: upstream,
      // Null and not absent: a tag manager keeps what it was told before.
      chat_tool: tool ?? null,
      user_id: who?.id ?? null,
    });
  }

  document.addEventListener("visibilitychange", () => {
    const since = widget?.asks ? due : Math.min(due, last + AWAY * 1000);
    if (document.visibilityState === "visible" && !silent && Date.now() >= since) ask();
  });
  // A page that comes out of the browser's memory is as it was, whoever has signed in since.
  window.addEventListener("pageshow", (event) => event.persisted && !silent && ask());

  const before = window.gatewayWidget;
  window.gatewayWidget = {
    logout() {
      before?.logout();
      silent = true;
      asked++;
      clearTimeout(timer);
      if (who) forget();
      else forgetFormer(asked);
    },
    renew() {
      before?.renew();
      silent = false;
      ask();
    },
  };

  ask();
})();
