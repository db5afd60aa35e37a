// oidc-provider with opaque tokens, and RFC 7662 for whoever has a secret.
// POST /mint makes a token as its own sign-in would, without the pages.
import http from "node:http";
import Provider from "oidc-provider";
import { SECRET } from "./listening.js";

const server = http.createServer();
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [
      {
        client_id: "spa",
        client_secret: SECRET,
        grant_types: ["authorization_code", "refresh_token"],
        redirect_uris: ["https://app.example/callback"],
      },
      { client_id: "gateway", client_secret: SECRET, grant_types: [], redirect_uris: [], response_types: [] },
      {
        client_id: "gateway-post",
        client_secret: SECRET,
        token_endpoint_auth_method: "client_secret_post",
        grant_types: [],
        redirect_uris: [],
        response_types: [],
      },
    ],
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: (ctx, client) => client.clientId !== "spa" },
      revocation: { enabled: true },
    },
    findAccount: (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    ttl: { AccessToken: 600, RefreshToken: 600, Grant: 600 },
  });

  async function mint({ kind, user, ...more }) {
    const client = await provider.Client.find("spa");
    const grant = new provider.Grant({ accountId: user, clientId: "spa" });
    grant.addOIDCScope("openid");
    const token = new provider[kind ?? "AccessToken"]({
      accountId: user,
      client,
      grantId: await grant.save(),
      gty: "authorization_code",
      scope: "openid",
      ...more,
    });
    return token.save();
  }

  const own = provider.callback();
  server.on("request", (req, res) => {
    if (req.url !== "/mint") return own(req, res);
    let body = "";
    req.on("data", (chunk) => (body += chunk));
    req.on("end", async () => res.end(await mint(JSON.parse(body))));
  });
  console.log(port);
});
