// Chatbase's embed script, as its documents describe it: window.chatbase(method, …) and
// window.chatbase.method(…); what was called before this loaded waits in window.chatbase.q.
(() => {
  const here = new URL(document.currentScript.src).origin;
  const waiting = window.chatbase?.q ?? [];
  const heard = {};
  const bubble = document.createElement("output");
  bubble.id = "chatbase-bubble";
  bubble.textContent = "Chatbase: nobody";
  document.body.append(bubble);

  let last = Promise.resolve();
  // Its server hears what it is told in the order in which it was said.
  const tell = (what, said) =>
    (last = last.then(() =>
      fetch(`${here}/chatbase/${what}`, { method: "POST", body: JSON.stringify(said) }),
    ));

  const methods = {
    getState: () => "initialized",
    async identify(said) {
      // Its server verifies; a hash or token that does not fit leaves the person unknown.
      const answer = await tell("identify", said);
      bubble.textContent = `Chatbase: ${(await answer.json()).user ?? "nobody"}`;
    },
    resetUser() {
      tell("reset", {});
      bubble.textContent = "Chatbase: nobody";
    },
    resetChat: () => bubble.toggleAttribute("data-empty", true),
    addEventListener: (name, listener) => (heard[name] ??= []).push(listener),
    // Not Chatbase's: for a test to let something happen in the chat.
    emit: (name, data) => heard[name]?.forEach((listener) => listener({ type: name, data })),
  };
  const call = (method, ...args) => methods[method](...args);
  window.chatbase = new Proxy(call, { get: (_, method) => methods[method] });
  waiting.forEach((args) => call(...args));
})();
