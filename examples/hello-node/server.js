// A web app without dependencies: listens on PORT, answers /healthz, and shows which release is serving.
"use strict";

const http = require("node:http");

const port = Number(process.env.PORT || 3000);
const started = Date.now();
const facts = {
  release: process.env.SERVERFLOW_RELEASE || "not deployed by ServerFlow",
  commit: process.env.SERVERFLOW_COMMIT || "unknown",
  pid: process.pid,
};

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function page() {
  const rows = { ...facts, node: process.version, "up for": `${Math.round((Date.now() - started) / 1000)} s` };
  const list = Object.entries(rows).map(([name, value]) => `<dt>${name}</dt><dd>${escape(value)}</dd>`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hello from ServerFlow</title>
<style>
  :root { color-scheme: light dark; --ink: #16202c; --paper: #f6f7f9; --card: #fff; --accent: #0b6e4f; --line: #dde2e8; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e6eaf0; --paper: #10151b; --card: #19212b; --accent: #57d2a4; --line: #2b3644; }
  }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink);
    font: 16px/1.5 system-ui, sans-serif; }
  main { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 2rem 2.25rem;
    width: min(34rem, calc(100vw - 2rem)); box-sizing: border-box; }
  h1 { margin: 0 0 .25rem; font-size: 1.6rem; }
  p { margin: 0 0 1.25rem; }
  .dot { display: inline-block; width: .6em; height: .6em; border-radius: 50%; background: var(--accent); }
  dl { display: grid; grid-template-columns: auto 1fr; gap: .35rem 1.25rem; margin: 0; }
  dt { opacity: .7; }
  dd { margin: 0; font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
</style>
<main>
  <h1>Hello from ServerFlow</h1>
  <p><span class="dot"></span> This release is serving.</p>
  <dl>${list.join("")}</dl>
</main>
</html>
`;
}

const server = http.createServer((request, response) => {
  const path = request.url.split("?")[0];
  if (path === "/healthz") {
    response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(`${JSON.stringify({ status: "ok", ...facts })}\n`);
  } else if (path === "/") {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" });
    response.end(page());
  } else {
    response.writeHead(404, { "content-type": "text/plain; charset=utf-8" });
    response.end("Not found\n");
  }
});

server.listen(port, "127.0.0.1", () => console.log(`hello-node listens on port ${port}`));

// Finish what is under way, then go.
process.on("SIGTERM", () => {
  console.log("hello-node stops");
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
