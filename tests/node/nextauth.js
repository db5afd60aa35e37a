// NextAuth v4, called as a Next API route calls it; the same sign-in as in authjs.js.
import { parse } from "cookie";
import express from "express";
import nextAuth from "next-auth";
import credentials from "next-auth/providers/credentials";
import { listen, OTHER_SECRET } from "./listening.js";

const options = {
  secret: OTHER_SECRET,
  logger: { error() {}, warn() {}, debug() {} },
  providers: [
    credentials.default({
      credentials: { id: {}, bytes: {} },
      authorize: ({ id, bytes }) => ({ id, name: "n".repeat(Number(bytes)) }),
    }),
  ],
  callbacks: {
    session: ({ session, token }) => ({ ...session, id: token.sub ?? null }),
  },
};

function asInNext(req, nextauth) {
  req.cookies = parse(req.headers.cookie ?? "");
  Object.defineProperty(req, "query", { value: { nextauth } });
  return req;
}

const app = express();
app.use(express.urlencoded({ extended: false }));
app.get("/me", (req, res) => {
  const told = (session) => res.end(JSON.stringify({ user: session?.id ?? null }));
  Object.assign(res, { json: told, send: told });
  return nextAuth.default(asInNext(req, ["session"]), res, options);
});
app.use("/auth", (req, res) =>
  nextAuth.default(asInNext(req, req.path.slice(1).split("/")), res, options),
);
listen(app);
