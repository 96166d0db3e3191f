"""A SAML identity provider made of pysaml2 and xmlsec1, on a free loopback port.

One process serves several identity providers, the variants of saml_provider.py, each below its name:

    /NAME/metadata         its metadata
    /NAME/sso              takes an AuthnRequest, answers with a form that posts itself
    /NAME/slo              takes the service provider's LogoutRequest or LogoutResponse
    /NAME/start-sign-in    a Response nobody asked for (RelayState)
    /NAME/start-logout     a LogoutRequest (binding=post|redirect, person, index: one session only, unsigned=1)
    /NAME/sessions         the sessions that nobody ended: SessionIndex → person, as JSON
    /NAME/service-provider what pysaml2 understood of the service provider's metadata, as JSON

The person is whoever the cookie `person` names (GET /as/NAME sets it), alice without one; `deny` refuses to sign in.
A browser whose session a logout has ended is asked who it is, until it says so at /as/NAME.
Argument: the URL of the service provider's metadata. Prints one line of JSON once it answers.
"""

import html
import json
import secrets
import sys
import tempfile
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from saml_provider import VARIANTS, Provider, key_and_certificate


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.handle_message("redirect", urlsplit(self.path).query)

    def do_POST(self):
        self.handle_message("post", self.rfile.read(int(self.headers["Content-Length"])).decode())

    def handle_message(self, binding, encoded):
        path = urlsplit(self.path).path.strip("/").split("/")
        try:
            self.reply(*self.answer(path, binding, dict(parse_qsl(encoded, keep_blank_values=True))))
        except Exception as error:  # noqa: BLE001: the test reads what went wrong
            cause = f", for {error.__cause__!r}" if error.__cause__ else ""
            text = html.escape(f"{type(error).__name__}: {error}{cause}")
            self.reply(500, [("Content-Type", "text/plain; charset=utf-8")], text)

    def answer(self, path, binding, message):
        if path[0] == "as":
            cookies = [("Set-Cookie", f"person={path[1]}; Path=/"), ("Set-Cookie", f"browser={secrets.token_hex()}; Path=/")]
            return 200, cookies, "<p>hello</p>"
        provider = self.server.providers[path[0]]
        with provider.lock:
            return self.answer_for(provider, path[1], binding, message)

    def answer_for(self, provider, what, binding, message):
        cookies = SimpleCookie(self.headers.get("Cookie", ""))
        person = cookies["person"].value if "person" in cookies else "alice"
        browser = cookies["browser"].value if "browser" in cookies else secrets.token_hex()
        kept = [("Set-Cookie", f"browser={browser}; Path=/")]
        if what == "metadata":
            return 200, [("Content-Type", "application/samlmetadata+xml")], provider.metadata()
        if what in ("sessions", "service-provider"):
            return 200, [("Content-Type", "application/json")], json.dumps(
                provider.people() if what == "sessions" else provider.understood())
        if what in ("sso", "start-sign-in") and browser in provider.ended:
            return 200, [], "<p>Who are you?</p>"
        if what == "sso":
            return self.http(provider.sign_in(binding, message, person, browser), kept)
        if what == "start-sign-in":
            return self.http(provider.unsolicited(message.get("RelayState", ""), person, browser), kept)
        if what == "start-logout":
            return self.http(provider.start_logout(
                message["binding"], message["person"], message.get("index"), "unsigned" not in message))
        if what == "slo" and "SAMLRequest" in message:
            return self.http(provider.take_logout(binding, message))
        if what == "slo":
            return 200, [], f"<p>logout: {provider.end_logout(binding, message)}</p>"
        return 404, [], f"nothing is called {html.escape(what)}"

    @staticmethod
    def http(made, more=()):
        """What pysaml2 made of a message, as status, headers and body."""
        return made["status"], [*made["headers"], *more], made["data"] if made["status"] == 200 else ""

    def reply(self, status, headers, body):
        data = body.encode()
        self.send_response(status)
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers = [*headers, ("Content-Type", "text/html; charset=utf-8")]
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def main():
    with tempfile.TemporaryDirectory() as folder:
        key_and_certificate(Path(folder))
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        base = f"http://127.0.0.1:{server.server_port}"
        server.providers = {name: Provider(base, name, Path(folder), sys.argv[1]) for name in VARIANTS}
        print(json.dumps({"base": base}), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
