// The snippet of Chatbase's embed code, which pages with a policy keep in a file of their own.
(() => {
  if (window.chatbase && window.chatbase("getState") === "initialized") return;
  const queue = (...args) => (queue.q ??= []).push(args);
  window.chatbase = new Proxy(queue, {
    get: (target, name) => (name === "q" ? target.q : (...args) => target(name, ...args)),
  });
})();
