// Auth.js v5 by @auth/core, with credentials: whoever names themselves is that person.
import { Auth } from "@auth/core";
import Credentials from "@auth/core/providers/credentials";
import express from "express";
import { listen, OLD_SECRET, SECRET } from "./listening.js";

const config = {
  basePath: "/auth",
  secret: [SECRET, OLD_SECRET],
  trustHost: true,
  logger: { error() {}, warn() {}, debug() {} },
  providers: [
    Credentials({
      credentials: { id: {}, bytes: {} },
      authorize: ({ id, bytes }) => ({ id, name: "n".repeat(Number(bytes)) }),
    }),
  ],
  callbacks: {
    session: ({ session, token }) => ({ ...session, id: token.sub ?? null }),
  },
};

function request(req) {
  const { host } = req.headers;
  const body = req.method === "POST" ? new URLSearchParams(req.body) : undefined;
  const headers = { host, cookie: req.headers.cookie ?? "" };
  return new Request(`http://${host}${req.url}`, { method: req.method, headers, body });
}

const app = express();
app.use(express.urlencoded({ extended: false }));
app.get("/me", async (req, res) => {
  req.url = "/auth/session";
  const session = await (await Auth(request(req), config)).json();
  res.json({ user: session?.id ?? null });
});
app.use(async (req, res) => {
  const answer = await Auth(request(req), config);
  res.status(answer.status);
  for (const cookie of answer.headers.getSetCookie()) res.append("Set-Cookie", cookie);
  res.send(await answer.text());
});
listen(app);
