"""An OpenID provider made of idpyoidc, on a free loopback port. PKCE is required.

The person at the keyboard is the login_hint, or alice; `deny` refuses. Beside the protocol, for tests:

    /session               without parameters: the person signs out at the provider itself
    /tests/asked           the parameters of the last authorization request
    /tests/logins          how often each person had to sign in, not counting single sign-on
    /tests/told            what answered to its back-channel logouts: [{status, body}]
    POST /tests/new-key    signs with new keys from now on (keep=1: the old ones stay published)
    POST /tests/older      makes all its sessions older (seconds)

Argument: JSON {clients}, each in the words of RFC 7591, and `claims_in`: `userinfo` or `id_token`.
Prints one line of JSON {issuer, endpoints} once it answers.
"""

import html
import json
import sys
import threading
from contextlib import nullcontext
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from idpyoidc.message.oauth2 import ResponseMessage
from idpyoidc.server.exception import UnAuthorizedClient, UnknownClient

from oidc_provider import Provider

JSON = ("Content-Type", "application/json")
HTML = ("Content-Type", "text/html; charset=utf-8")
PATHS = {"authorization": "authorization", "token": "token", "userinfo": "userinfo", "jwks": "jwks"}
UNGUARDED = ("jwks", ".well-known/openid-configuration")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.handle_message(urlsplit(self.path).query)

    def do_POST(self):
        self.handle_message(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

    def handle_message(self, encoded):
        path = urlsplit(self.path).path.strip("/")
        message = dict(parse_qsl(encoded, keep_blank_values=True))
        try:
            # While idpyoidc waits for the answer to a back-channel logout, its keys are asked for.
            with nullcontext() if path in UNGUARDED else self.server.lock:
                self.reply(*self.answer(path, message))
        except Exception as error:  # noqa: BLE001: the test reads what went wrong
            self.reply(500, [HTML], f"<p>{html.escape(f'{type(error).__name__}: {error}')}</p>")

    def answer(self, path, message):
        provider = self.server.provider
        if path.startswith("tests/"):
            return self.answer_test(provider, path.removeprefix("tests/"), message)
        if path == "jwks":
            return 200, [JSON], json.dumps(provider.jwks())
        if path == "authorization":
            provider.asked = message
            try:
                return self.page(provider.authorize(message, self.http_info()), "url")
            except UnknownClient:
                return 400, [HTML], "<p>unknown client</p>"
        if path == "verify-logout":
            return self.sign_out(provider, message["sjwt"])
        if path == "signed-out":
            return 200, [HTML], "<p>You are signed out.</p>"
        for endpoint in provider.server.endpoint.values():
            if endpoint.endpoint_path == path:
                return self.answer_at(endpoint, message)
        return 404, [HTML], "<p>nothing is here</p>"

    def answer_at(self, endpoint, message):
        try:
            request = endpoint.parse_request(message, http_info=self.http_info())
        except UnAuthorizedClient:
            return 401, [JSON, ("WWW-Authenticate", "Basic")], '{"error": "invalid_client"}'
        if isinstance(request, ResponseMessage) and "error" in request:
            return self.error(endpoint, request)
        made = endpoint.process_request(request, http_info=self.http_info())
        if isinstance(made, ResponseMessage) and "error" in made:
            return self.error(endpoint, made)
        if "redirect_location" in made:
            return 303, [("Location", made["redirect_location"])], ""
        return self.page(endpoint.do_response(request=request, **made), endpoint.response_placement)

    @staticmethod
    def error(endpoint, error):
        return 401 if endpoint.name == "userinfo" else 400, [JSON], error.to_json()

    @staticmethod
    def answer_test(provider, what, message):
        if what == "new-key":
            provider.new_key("keep" in message)
        elif what == "older":
            provider.grow_older(int(message["seconds"]))
        elif what not in ("asked", "logins", "told"):
            return 404, [JSON], "{}"
        return 200, [JSON], json.dumps(getattr(provider, what, {}))

    def sign_out(self, provider, sjwt):
        """The page where people sign out: nobody has to press its button."""
        endpoint = provider.server.endpoint["session"]
        info = endpoint.unpack_signed_jwt(sjwt)
        iframes = endpoint.do_verified_logout(info["sid"])
        cookies = [self.cookie(one) for one in endpoint.kill_cookies()]
        if iframes:
            return 200, [HTML, *cookies], "".join(iframes)
        return 303, [("Location", info["redirect_uri"]), *cookies], ""

    def page(self, made, placement):
        """What idpyoidc made, as status, headers and body."""
        if isinstance(made, ResponseMessage):
            return 400, [HTML], f"<p>{html.escape(made['error'])}: {html.escape(made['error_description'])}</p>"
        headers = [*made["http_headers"], *[self.cookie(one) for one in made.get("cookie", [])]]
        if made.get("response_placement", placement) == "body":
            return 200, headers, made["response"]
        return 303, [("Location", made["response"]), *headers], ""

    @staticmethod
    def cookie(made):
        kept = SimpleCookie()
        # idpyoidc's values hold characters that clients quote in ways of their own.
        kept[made["name"]] = quote(made["value"])
        for name, value in made.items():
            if name not in ("name", "value"):
                kept[made["name"]][name] = value
        return "Set-Cookie", kept[made["name"]].OutputString()

    def http_info(self):
        cookies = SimpleCookie(self.headers.get("Cookie", ""))
        return {
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "method": self.command,
            "url": self.server.provider.issuer + self.path,
            "cookie": [{"name": name, "value": unquote(one.value)} for name, one in cookies.items()],
        }

    def reply(self, status, headers, body):
        data = body.encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = f"http://127.0.0.1:{server.server_port}"
    server.lock = threading.RLock()
    server.provider = Provider(issuer, json.loads(sys.argv[1])["clients"])
    endpoints = {name: f"{issuer}/{path}" for name, path in PATHS.items()}
    print(json.dumps({"issuer": issuer, "endpoints": endpoints}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
