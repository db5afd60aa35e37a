// Bookbag's widget, as its documents describe it: window.bookbag("identify", {user_id, user_hash}).
// They name no way to take an identity back.
(() => {
  const here = new URL(document.currentScript.src).origin;
  const bubble = document.createElement("output");
  bubble.id = "bookbag-bubble";
  bubble.textContent = "Bookbag: nobody";
  document.body.append(bubble);
  window.bookbag = async (method, said) => {
    if (method !== "identify") throw new Error(`no such method: ${method}`);
    const answer = await fetch(`${here}/bookbag/identify`, {
      method: "POST",
      body: JSON.stringify(said),
    });
    bubble.textContent = `Bookbag: ${(await answer.json()).user ?? "nobody"}`;
  };
})();
