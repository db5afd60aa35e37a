import { start as startChat } from "./chat.js";
import { start as startCheats } from "./cheats.js";
import { watch } from "./wire.js";

watch();
startChat();
startCheats();

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    const label = button.lastChild;
    const before = label.textContent;
    label.textContent = " Copied";
    setTimeout(() => (label.textContent = before), 1500);
  });
}
