// Builds amplify/app.js with esbuild and serves it over TLS, at every path.
// Takes JSON {port, certificate, key, settings}; prints {ready} once it answers.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const { port, certificate, key, settings } = JSON.parse(process.argv[2]);
const here = dirname(fileURLToPath(import.meta.url));
const built = await build({
  entryPoints: [join(here, "amplify/app.js")],
  bundle: true,
  format: "iife",
  platform: "browser",
  write: false,
  logLevel: "error",
});
const script = built.outputFiles[0].text;
const page = `<!doctype html><html lang="en"><title>app</title><body><pre id="log">[]</pre>
<script id="settings" type="application/json">${JSON.stringify(settings)}</script>
<script src="/app.js"></script>`;

const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
  const isScript = request.url === "/app.js";
  response.setHeader("content-type", isScript ? "text/javascript; charset=utf-8" : "text/html; charset=utf-8");
  response.end(isScript ? script : page);
});
server.listen(port, "127.0.0.1", () => console.log(JSON.stringify({ ready: true })));
