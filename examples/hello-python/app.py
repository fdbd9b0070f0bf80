"""A web app without dependencies: listens on PORT, answers /healthz."""

import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FACTS = {
    "release": os.environ.get("SERVERFLOW_RELEASE", "not deployed by ServerFlow"),
    "commit": os.environ.get("SERVERFLOW_COMMIT", "unknown"),
    "pid": os.getpid(),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.split("?")[0]
        if path == "/healthz":
            self.answer(200, "application/json", json.dumps({"status": "ok", **FACTS}))
        elif path == "/":
            lines = "\n".join(f"{name}: {value}" for name, value in FACTS.items())
            self.answer(200, "text/plain; charset=utf-8", f"Hello from ServerFlow\n\n{lines}")
        else:
            self.answer(404, "text/plain; charset=utf-8", "Not found")

    def answer(self, status, kind, text):
        body = f"{text}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Handler)
    # shutdown() waits for the loop below, so it needs a thread of its own.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"hello-python listens on port {server.server_port}", flush=True)
    server.serve_forever()
    print("hello-python stops", flush=True)


if __name__ == "__main__":
    sys.exit(main())
