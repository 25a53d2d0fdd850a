// A real OpenID provider (the certified oidc-provider) on loopback, for the tests alone.
//   node provider.mjs PORT CLIENT SECRET REDIRECT
import Provider from "oidc-provider";

const [port, client, secret, redirect] = process.argv.slice(2);
const provider = new Provider(`http://localhost:${port}`, {
  clients: [
    {
      client_id: client,
      client_secret: secret,
      redirect_uris: [redirect],
      response_types: ["code"],
      grant_types: ["authorization_code"],
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  pkce: { required: () => true },
  cookies: { keys: ["for tests alone"] },
});
provider.listen(Number(port), "localhost", () => console.log("ready"));
