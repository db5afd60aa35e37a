// Express with cookie-session.
import cookieSession from "cookie-session";
import express from "express";
import { listen, OLD_SECRET, SECRET } from "./listening.js";

const app = express();
app.use(express.json());
app.use(cookieSession({ name: "session", keys: [SECRET, OLD_SECRET] }));
app.post("/sign-in", (req, res) => {
  Object.assign(req.session, req.body);
  res.json({});
});
app.post("/sign-out", (req, res) => {
  req.session = null;
  res.json({});
});
app.get("/me", (req, res) => res.json({ user: req.session.user_id ?? null }));
listen(app);
