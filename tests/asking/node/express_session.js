// Express with express-session: a cookie is a signed id, and the session stays on the server.
import express from "express";
import session from "express-session";
import { listen, SECRET } from "./listening.js";

const app = express();
app.use(express.json());
app.use(session({ secret: SECRET, resave: false, saveUninitialized: false }));
app.post("/sign-in", (req, res, next) =>
  req.session.regenerate((error) => {
    if (error) return next(error);
    req.session.userId = req.body.user_id;
    res.json({});
  }),
);
app.post("/sign-out", (req, res, next) =>
  req.session.destroy((error) => (error ? next(error) : res.json({}))),
);
app.get("/me", (req, res) => res.json({ user: req.session.userId ?? null }));
listen(app);
