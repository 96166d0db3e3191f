"""A SAML identity provider made of pysaml2 and xmlsec1, on a free loopback port.

One process serves several identity providers that differ in what they sign:
/assertion, /response, /both and /none (none is what an attacker would like to pass).
Each has /metadata and /sso (HTTP-Redirect in, auto-posted form out). The person is whoever the cookie
`person` names (GET /as/NAME sets it), alice without one; `deny` refuses to sign in.
Argument: the URL of the service provider's metadata. Prints one line of JSON once it answers.
"""

import datetime
import html
import json
import sys
import tempfile
import threading
import urllib.request
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
from saml2.samlp import STATUS_AUTHN_FAILED
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

SIGNS = {
    "assertion": {"sign_assertion": True, "sign_response": False},
    "response": {"sign_assertion": False, "sign_response": True},
    "both": {"sign_assertion": True, "sign_response": True},
    "none": {"sign_assertion": False, "sign_response": False},
}
PEOPLE = {
    "alice": {"mail": ["alice@example.com"], "givenName": ["Alice"], "sn": ["Ångström 😀"],
              "eduPersonAffiliation": ["staff", "member"]},
    "bob": {"mail": ["bob@example.com"], "givenName": ["Bob"], "sn": ["O'Neill & Söhne <GmbH>"]},
    "nomail": {"givenName": ["Nobody"]},
}
PASSWORD = {"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", "authn_auth": "tests"}


def key_and_certificate(folder):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pysaml2 tests")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    (folder / "key.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()))
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


class Provider:
    """One identity provider: its configuration, and pysaml2's Server once the service provider is known."""

    def __init__(self, base, signs, folder, sp_metadata_url):
        self.signs, self.sp_metadata_url, self.server, self.lock = signs, sp_metadata_url, None, threading.Lock()
        self.entity_id = f"{base}/{signs}/metadata"
        self.settings = {
            "entityid": self.entity_id,
            "key_file": str(folder / "key.pem"),
            "cert_file": str(folder / "cert.pem"),
            "xmlsec_binary": "/usr/bin/xmlsec1",
            "service": {"idp": {
                "endpoints": {"single_sign_on_service": [(f"{base}/{signs}/sso", BINDING_HTTP_REDIRECT)]},
                "policy": {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None,
                                       "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"}},
                "name_id_format": [NAMEID_FORMAT_PERSISTENT],
            }},
        }

    def metadata(self):
        return str(entity_descriptor(IdPConfig().load(dict(self.settings))))

    def ready(self):
        with self.lock:
            if self.server is None:
                with urllib.request.urlopen(self.sp_metadata_url, timeout=10) as answer:
                    sp = answer.read().decode()
                self.server = Server(config=IdPConfig().load({**self.settings, "metadata": {"inline": [sp]}}))
        return self.server

    def sign_in(self, query, person):
        server = self.ready()
        request = server.parse_authn_request(query["SAMLRequest"][0], BINDING_HTTP_REDIRECT)
        where = server.response_args(request.message, [BINDING_HTTP_POST])
        common = {"in_response_to": where["in_response_to"], "destination": where["destination"]}
        algorithms = {"sign_alg": SIG_RSA_SHA256, "digest_alg": DIGEST_SHA256}
        if person == "deny":
            refusal = (STATUS_AUTHN_FAILED, "the person said no")
            answer = server.create_error_response(
                common["in_response_to"], common["destination"], refusal, sign=True, **algorithms)
        else:
            answer = server.create_authn_response(
                PEOPLE.get(person, {"mail": [f"{person}@example.com"], "givenName": [person]}),
                sp_entity_id=where["sp_entity_id"], userid=person, authn=PASSWORD,
                name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=f"persistent-{person}"),
                **common, **SIGNS[self.signs], **algorithms)
        relay_state = query.get("RelayState", [""])[0]
        return server.apply_binding(BINDING_HTTP_POST, str(answer), common["destination"], relay_state,
                                    response=True)["data"]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        try:
            headers, body = self.answer(url.path.strip("/").split("/"), parse_qs(url.query))
            self.reply(200, headers, body)
        except Exception as error:  # noqa: BLE001: the test reads what went wrong
            self.reply(500, {"Content-Type": "text/plain"}, f"{type(error).__name__}: {html.escape(str(error))}")

    def answer(self, path, query):
        page = {"Content-Type": "text/html; charset=utf-8"}
        if path[0] == "as":
            return page | {"Set-Cookie": f"person={path[1]}; Path=/"}, "<p>hello</p>"
        provider = self.server.providers[path[0]]
        if path[1] == "metadata":
            return {"Content-Type": "application/samlmetadata+xml"}, provider.metadata()
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("person")
        return page, provider.sign_in(query, cookie.value if cookie else "alice")

    def reply(self, status, headers, body):
        data = body.encode()
        self.send_response(status)
        for name, value in headers.items():
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
        server.providers = {signs: Provider(base, signs, Path(folder), sys.argv[1]) for signs in SIGNS}
        print(json.dumps({"base": base}), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
