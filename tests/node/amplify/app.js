// A page as an app would have it: npm aws-amplify v6 and nothing else. `docs/clients.md` shows the settings.
import { Amplify } from "aws-amplify";
import { fetchAuthSession, fetchUserAttributes, getCurrentUser, signInWithRedirect, signOut } from "aws-amplify/auth";
import { Hub } from "aws-amplify/utils";

const settings = JSON.parse(document.getElementById("settings").textContent);

Amplify.configure({
  Auth: {
    Cognito: {
      userPoolId: settings.userPoolId,
      userPoolClientId: settings.clientId,
      userPoolEndpoint: `https://${settings.api}/`,
      loginWith: {
        oauth: {
          domain: settings.domain,
          scopes: ["openid", "email", "profile", "aws.cognito.signin.user.admin"],
          redirectSignIn: [`${location.origin}/`],
          redirectSignOut: [`${location.origin}/bye`],
          responseType: settings.responseType,
        },
      },
    },
  },
});

// What happened since the last press of a button, newest last, where the test reads it.
const log = [];
function tell(what, detail = null) {
  log.push({ what, detail });
  document.getElementById("log").textContent = JSON.stringify(log);
}

Hub.listen("auth", ({ payload }) => {
  const { event, data } = payload;
  tell(`hub:${event}`, event === "customOAuthState" ? data : (data?.error?.message ?? null));
});

async function session(options) {
  const { tokens } = await fetchAuthSession(options);
  return { id: tokens?.idToken?.payload, idToken: String(tokens?.idToken), accessToken: String(tokens?.accessToken) };
}

const actions = {
  "sign-in": () => signInWithRedirect(),
  "sign-in-named": () => signInWithRedirect({ provider: { custom: "Acme" }, customState: "a/state?of=the app" }),
  "sign-in-silently": () => signInWithRedirect({ options: { prompt: "NONE" } }),
  user: () => getCurrentUser(),
  attributes: () => fetchUserAttributes(),
  session: () => session(),
  refresh: () => session({ forceRefresh: true }),
  "sign-out": () => signOut(),
  "sign-out-everywhere": () => signOut({ global: true }),
};

for (const [name, action] of Object.entries(actions)) {
  const button = document.createElement("button");
  button.id = name;
  button.textContent = name;
  button.onclick = async () => {
    log.length = 0;
    document.getElementById("log").textContent = "[]";
    try {
      tell(name, await action());
    } catch (error) {
      tell(`${name}:failed`, `${error.name}: ${error.message}`);
    }
  };
  document.body.append(button);
}
tell("ready");
