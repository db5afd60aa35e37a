// oidc-provider with its own pages, and OpenID Connect Back-Channel Logout.
// POST /listen, once and first, says where that client wants to hear of it.
import http from "node:http";
import Provider from "oidc-provider";
import { SECRET } from "./listening.js";

function provider(port, uri) {
  return new Provider(`http://127.0.0.1:${port}`, {
    clients: [
      {
        client_id: "chat",
        client_secret: SECRET,
        redirect_uris: ["https://app.example/callback"],
        backchannel_logout_uri: uri,
        backchannel_logout_session_required: true,
      },
    ],
    cookies: { keys: [SECRET] },
    features: { backchannelLogout: { enabled: true } },
    // By default it calls nobody on this machine.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    findAccount: (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    pkce: { required: () => false },
    ttl: { AccessToken: 600, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
  });
}

let own;
const server = http.createServer((req, res) => {
  if (req.url !== "/listen") return own(req, res);
  let body = "";
  req.on("data", (chunk) => (body += chunk));
  req.on("end", () => {
    own = provider(server.address().port, body).callback();
    res.end();
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
