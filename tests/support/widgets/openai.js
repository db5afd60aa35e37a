// OpenAI's ChatKit, as its documents describe it: an element that is given options, asks for a
// session's secret when it needs one, and again when that is about to end.
(() => {
  const here = new URL(document.currentScript.src).origin;
  class ChatKit extends HTMLElement {
    async setOptions(options) {
      this.options = options;
      await this.connect(undefined);
    }
    async connect(current) {
      this.secret = await this.options.api.getClientSecret(current);
      const answer = await fetch(`${here}/openai/identify`, {
        method: "POST",
        body: JSON.stringify({ client_secret: this.secret ?? "" }),
      });
      const user = (await answer.json()).user ?? "nobody";
      this.textContent = `ChatKit (${this.options.theme}): ${user}`;
    }
    // Not ChatKit's: for a test to let time pass.
    expire() {
      return this.connect(this.secret);
    }
  }
  customElements.define("openai-chatkit", ChatKit);
})();
