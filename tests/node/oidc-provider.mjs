// npm oidc-provider (OpenID certified) on a free loopback port. PKCE is required.
//
// The person at the keyboard is the login_hint, or alice; `deny` refuses. Beside the protocol, for tests:
//
//     /session               the person signs out at the provider itself
//     /tests/asked           the parameters of the last authorization request
//     /tests/logins          how often each person had to sign in, not counting single sign-on
//     /tests/told            what answered to its back-channel logouts: [{status, body}]
//     POST /tests/new-key    signs with new keys from now on (keep=1: the old ones stay published)
//     POST /tests/older      makes all its sessions older (seconds)
//
// Argument: JSON {clients}, each in the words of RFC 7591, and `claims_in`: `userinfo` or `id_token`.
// Prints one line of JSON {issuer, endpoints} once it answers.
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { text } from "node:stream/consumers";
import Provider from "oidc-provider";

const { clients } = JSON.parse(process.argv[2]);

const people = {
  alice: { email: "alice@example.com", email_verified: true, given_name: "Alice", family_name: "Ångström 😀" },
  bob: { email: "bob@example.com", email_verified: false, given_name: "Bob" },
};
const PASSWORD = "urn:example:password";
const HARDWARE = "urn:example:hardware-key";

// What the test asks for afterwards.
const record = { asked: {}, logins: {}, told: [] };

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

let number = 0;
function newKeys() {
  number += 1;
  const key = (name, type, options) => ({
    ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }),
    use: "sig",
    kid: `${name}-${number}`,
  });
  return [
    key("rsa", "rsa", { modulusLength: 2048 }),
    key("ec", "ec", { namedCurve: "P-256" }),
    key("okp", "ed25519"),
  ];
}

async function toldBack(url, { dispatcher, ...options }) {
  // Its own dispatcher reaches no loopback address, where the gateway under test is.
  const answer = await fetch(url, options);
  record.told.push({ status: answer.status, body: await answer.clone().text() });
  return answer;
}

function claims(use, client, sub) {
  const wanted = client?.metadata().claims_in ?? "userinfo";
  if (use !== wanted) return { sub };
  return { sub, ...(people[sub] ?? { email: `${sub}@example.com`, email_verified: true }) };
}

const keys = newKeys();

// With other keys it is another provider over the same store.
function provide() {
  const provider = new Provider(issuer, {
    adapter: Adapter,
    clients: clients.map((client) => ({ grant_types: ["authorization_code"], response_types: ["code"], ...client })),
    extraClientMetadata: { properties: ["claims_in", "frontchannel_logout_uri"] },
    jwks: { keys },
    pkce: { required: () => true },
    scopes: ["openid", "email", "profile"],
    acrValues: [PASSWORD, HARDWARE],
    claims: {
      openid: ["sub"],
      acr: null,
      email: ["email", "email_verified"],
      profile: ["given_name", "family_name", "name"],
    },
    // It leaves claims out of an ID token with an access token, unless told to be less strict.
    conformIdTokenClaims: false,
    cookies: { keys: ["not a secret: tests only"] },
    enabledJWA: {
      idTokenSigningAlgValues: ["RS256", "PS256", "ES256", "EdDSA"],
      userinfoSigningAlgValues: ["RS256", "ES256"],
    },
    clientAuthMethods: ["client_secret_post", "client_secret_basic", "private_key_jwt"],
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      encryption: { enabled: true },
      jwtUserinfo: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        // Nobody has to press its button.
        logoutSource: (ctx, form) => {
          ctx.body = form.replace("</form>", '<input type="hidden" name="logout" value="yes"/></form>');
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = "<p>You are signed out.</p>";
        },
      },
    },
    fetch: toldBack,
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    routes: { end_session: "/session" },
    findAccount: (ctx, sub) => ({ accountId: sub, claims: (use) => claims(use, ctx.oidc.client, sub) }),
  });

  // The person at the keyboard: signs in and consents, or refuses.
  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith("/interaction/")) return next();
    const { prompt, params, session, grantId } = await provider.interactionDetails(ctx.req, ctx.res);
    let result;
    if (params.login_hint === "deny") {
      result = { error: "access_denied", error_description: "the person said no" };
    } else if (prompt.name === "login") {
      const accountId = params.login_hint ?? "alice";
      record.logins[accountId] = (record.logins[accountId] ?? 0) + 1;
      const acr = params.acr_values?.split(" ").includes(HARDWARE) ? HARDWARE : PASSWORD;
      result = { login: { accountId, acr } };
    } else {
      const grant = grantId
        ? await provider.Grant.find(grantId)
        : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
      grant.addOIDCScope(params.scope);
      grant.addOIDCClaims(["acr"]);
      result = { consent: { grantId: await grant.save() } };
    }
    await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
  });
  return provider.callback();
}

let callback = provide();

async function answerTest(what, request) {
  const form = new URLSearchParams(request.method === "POST" ? await text(request) : "");
  if (what === "new-key") {
    if (!form.has("keep")) keys.length = 0;
    keys.unshift(...newKeys());
    callback = provide();
  } else if (what === "older") {
    const sessions = new Set([...stored.values()].filter((payload) => payload.kind === "Session" && payload.loginTs));
    for (const session of sessions) session.loginTs -= Number(form.get("seconds"));
  }
  return record[what] ?? {};
}

server.on("request", async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, issuer);
  if (pathname.startsWith("/tests/")) {
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify(await answerTest(pathname.slice("/tests/".length), request)));
    return;
  }
  if (pathname === "/auth") record.asked = Object.fromEntries(searchParams);
  callback(request, response);
});
const endpoints = {
  authorization: `${issuer}/auth`,
  token: `${issuer}/token`,
  userinfo: `${issuer}/me`,
  jwks: `${issuer}/jwks`,
};
console.log(JSON.stringify({ issuer, endpoints }));
