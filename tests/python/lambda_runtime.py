"""The Invoke API of AWS Lambda over the functions of functions.py, as a Lambda emulator answers it."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import functions


class Invoke(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        before, arn, after = self.path.partition("/functions/")[0], *self.path.split("/")[3:5]
        known = before == "/2015-03-31" and after == "invocations"
        function = getattr(functions, unquote(arn).rsplit(":", 1)[-1], None) if known else None
        event = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if function is None:
            return self.answer(404, {"Message": f"Function not found: {unquote(arn)}"})
        try:
            self.answer(200, function(event, None))
        except Exception as error:
            told = {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": []}
            self.answer(200, told, [("x-amz-function-error", "Unhandled")])

    def answer(self, status, body, headers=()):
        body = json.dumps(body).encode()
        self.send_response(status)
        for name, value in [*headers, ("content-type", "application/json"), ("content-length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Invoke)
print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}"}), flush=True)
server.serve_forever()
