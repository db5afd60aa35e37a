// AltaTech's bubble, as its documents describe it: window.ChatBot.setUserId("…"), taken as it is.
(() => {
  const bubble = document.createElement("output");
  bubble.id = "altatech-bubble";
  bubble.textContent = "AltaTech: nobody";
  document.body.append(bubble);
  window.ChatBot = {
    setUserId(id) {
      bubble.textContent = `AltaTech: ${id}`;
    },
  };
})();
