// A Next.js app whose people chat through the gateway, at the app's own address.
//
//     cd examples/nextjs && npm install && npm run build
//     export NEXTAUTH_SECRET=$(openssl rand -hex 32) NEXTAUTH_URL=http://localhost:3000
//     npm start
//     CHATBASE_KEY=… gateway serve --config gateway.toml
//
// Then open http://localhost:3000. The browser sends its session to this app alone, and the app
// passes /support on to the gateway. `next build` keeps where that is: set GATEWAY_URL for it.

const gateway = process.env.GATEWAY_URL ?? "http://localhost:8080";

export default {
  // Milliseconds of silence: longer than the gateway's own 120 s. By default 30 s end an answer.
  experimental: { proxyTimeout: 150_000 },
  rewrites: async () => [{ source: "/support/:path*", destination: `${gateway}/support/:path*` }],
};
