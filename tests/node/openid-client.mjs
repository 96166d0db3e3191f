// An app that signs people in with openid-client, told nothing but the issuer and its client.
// Takes JSON {issuer, clientId, clientSecret or null, method, callback, loggedOut}, `method` one of the library's
// ClientSecretPost, ClientSecretBasic, None; prints {claims, userinfo, refreshed, after}.
import * as client from "openid-client";
import { Browser } from "./browser.mjs";

const { issuer, clientId, clientSecret, method, callback, loggedOut } = JSON.parse(process.argv[2]);
const person = new Browser();

// --- what docs/clients.md shows; allowInsecureRequests is for http://localhost only ---
const config = await client.discovery(new URL(issuer), clientId, undefined, client[method](clientSecret ?? undefined), {
  execute: [client.allowInsecureRequests],
});
const pkceCodeVerifier = client.randomPKCECodeVerifier();
const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()];
const authorize = client.buildAuthorizationUrl(config, {
  redirect_uri: callback,
  scope: "openid email profile",
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: "S256",
  state: expectedState,
  nonce: expectedNonce,
});
const landed = await person.walk(authorize, callback);
const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
const tokens = await client.authorizationCodeGrant(config, landed, checks);
// ---

const refused = async (what, attempt) => {
  try {
    await attempt();
  } catch (error) {
    return error.error ?? error.code ?? error.message;
  }
  throw new Error(`${what} was taken`);
};

// The library looks at `iss` (RFC 9207) because discovery announces it.
const foreign = new URL(landed);
foreign.searchParams.set("iss", "https://evil.example");
await refused("a foreign issuer", () => client.authorizationCodeGrant(config, foreign, checks));
foreign.searchParams.delete("iss");
await refused("an answer without an issuer", () => client.authorizationCodeGrant(config, foreign, checks));

const { sub } = tokens.claims();
const userinfo = await client.fetchUserInfo(config, tokens.access_token, sub);
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
await client.tokenRevocation(config, tokens.refresh_token);
const after = {
  refresh: await refused("a revoked token", () => client.refreshTokenGrant(config, tokens.refresh_token)),
  userinfo: await refused("an ended access token", () => client.fetchUserInfo(config, refreshed.access_token, sub)),
};

const away = client.buildEndSessionUrl(config, {
  post_logout_redirect_uri: loggedOut,
  id_token_hint: tokens.id_token,
  state: "left",
});
const left = await person.walk(away, loggedOut);
if (left.searchParams.get("state") !== "left") throw new Error(`the state did not come back: ${left}`);
authorize.searchParams.set("prompt", "none");
after.session = (await person.walk(authorize, callback)).searchParams.get("error");
console.log(JSON.stringify({ claims: tokens.claims(), userinfo, refreshed, after }));
