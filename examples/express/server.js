// An Express app whose people chat through the gateway.
//
//     cd examples/express && npm install
//     SECRET_KEY=$(openssl rand -hex 32) npm start
//     CHATBASE_KEY=… gateway serve --config gateway.toml
//
// Then open http://localhost:8000. The gateway asks /me who a session is; it has no key of the app's.

import { readFileSync } from "node:fs";
import cookieSession from "cookie-session";
import express from "express";

const page = readFileSync(new URL("../chat.html", import.meta.url), "utf8");
const app = express();
app.use(express.urlencoded({ extended: false }));
app.use(cookieSession({ name: "session", keys: [process.env.SECRET_KEY], httpOnly: true, sameSite: "lax" }));

app.get("/", (request, response) => response.type("html").send(page));

app.post("/login", (request, response) => {
  request.session.user_id = request.body.name; // your own sign-in stands here
  response.json({ ok: true });
});

app.post("/logout", (request, response) => {
  request.session = null;
  response.json({ ok: true });
});

app.get("/me", (request, response) => {
  const user_id = request.session.user_id;
  response.status(user_id ? 200 : 401).json(user_id ? { user_id } : { error: "nobody is signed in" });
});

app.listen(Number(process.env.PORT ?? 8000), "127.0.0.1", function () {
  console.log(`listening on http://localhost:${this.address().port}`);
});
