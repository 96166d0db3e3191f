// npm oidc-provider (OpenID certified) on a free loopback port, with an interaction that signs in by itself:
// the user is the login_hint, or alice. `deny` as login_hint refuses. PKCE is required.
// Argument: JSON {redirectUris, authMethod}. Prints one line of JSON {issuer, clientId, clientSecret} once it answers.
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";

const { redirectUris, authMethod = "client_secret_post" } = JSON.parse(process.argv[2]);
const clientId = "poolgate";
const clientSecret = "a secret with:reserved/characters+and=more%";

const key = (type, options, extra) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }),
  use: "sig",
  ...extra,
});

const users = {
  alice: { email: "alice@example.com", email_verified: true, given_name: "Alice", family_name: "Ångström 😀" },
  bob: { email: "bob@example.com", email_verified: false, given_name: "Bob" },
};

// The store that comes with oidc-provider forgets beyond 1,000 entries; the tests sign in more people at once.
const stored = new Map();
class Adapter {
  constructor(kind) {
    this.kind = kind;
  }
  key(id) {
    return `${this.kind}:${id}`;
  }
  async upsert(id, payload) {
    stored.set(this.key(id), payload);
    if (payload.uid) stored.set(`${this.kind}-uid:${payload.uid}`, payload);
  }
  async find(id) {
    return stored.get(this.key(id));
  }
  async findByUid(uid) {
    return stored.get(`${this.kind}-uid:${uid}`);
  }
  async findByUserCode() {}
  async consume(id) {
    stored.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    stored.delete(this.key(id));
  }
  async revokeByGrantId(grantId) {
    for (const [key, payload] of stored) if (payload.grantId === grantId) stored.delete(key);
  }
}

const server = createServer();
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  adapter: Adapter,
  clients: [{
    client_id: clientId,
    client_secret: clientSecret,
    redirect_uris: redirectUris,
    token_endpoint_auth_method: authMethod,
    grant_types: ["authorization_code"],
    response_types: ["code"],
  }],
  jwks: { keys: [key("rsa", { modulusLength: 2048 }, { kid: "rsa-1", alg: "RS256" })] },
  pkce: { required: () => true },
  scopes: ["openid", "email", "profile"],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["given_name", "family_name", "name"] },
  cookies: { keys: ["not a secret: tests only"] },
  features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({ sub, ...(users[sub] ?? { email: `${sub}@example.com`, email_verified: true }) }),
  }),
});

// The person at the keyboard: signs in and consents, or refuses.
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith("/interaction/")) return next();
  const { prompt, params, session, grantId } = await provider.interactionDetails(ctx.req, ctx.res);
  let result;
  if (params.login_hint === "deny") {
    result = { error: "access_denied", error_description: "the person said no" };
  } else if (prompt.name === "login") {
    result = { login: { accountId: params.login_hint ?? "alice" } };
  } else {
    const grant = grantId
      ? await provider.Grant.find(grantId)
      : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    result = { consent: { grantId: await grant.save() } };
  }
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
});

server.on("request", provider.callback());
console.log(JSON.stringify({ issuer, clientId, clientSecret }));
