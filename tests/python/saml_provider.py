"""pysaml2 as SAML identity provider: what each variant does, and how pysaml2 is told to do it."""

import datetime
import secrets
import threading
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, samlp
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.s_utils import success_status_factory
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
from saml2.samlp import STATUS_AUTHN_FAILED, STATUS_PARTIAL_LOGOUT, STATUS_SUCCESS
from saml2.server import Server
from saml2.sigver import verify_redirect_signature
from saml2.time_util import in_a_while
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

BINDINGS = {"redirect": BINDING_HTTP_REDIRECT, "post": BINDING_HTTP_POST}
AES_128_CBC = ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "aes-128")
AES_256_CBC = ("http://www.w3.org/2001/04/xmlenc#aes256-cbc", "aes-256")
AES_128_GCM = ("http://www.w3.org/2009/xmlenc11#aes128-gcm", "aes-128")
AES_256_GCM = ("http://www.w3.org/2009/xmlenc11#aes256-gcm", "aes-256")
TRIPLE_DES = ("http://www.w3.org/2001/04/xmlenc#tripledes-cbc", "des-192")

# Of each variant: which `parts` it signs; with what it `encrypts` the assertion; by which bindings it takes
# AuthnRequests (`sso`) and logouts (`slo`); whether the former must be `signed`; by which binding it answers a logout
# (`answers`, none: never); and whether that answer says `partial`.
USUAL = {"parts": "response assertion", "encrypts": None, "sso": ["redirect"], "slo": ["redirect", "post"],
         "signed": False, "answers": "post", "partial": False}
VARIANTS = {name: USUAL | variant for name, variant in {
    "assertion": {"parts": "assertion"},
    "response": {"parts": "response"},
    "both": {},
    # What an attacker would like to pass.
    "none": {"parts": ""},
    "signed-redirect": {"signed": True},
    "signed-post": {"signed": True, "sso": ["post"]},
    "cbc": {"encrypts": AES_128_CBC, "parts": "response"},
    "cbc256": {"encrypts": AES_256_CBC},
    "gcm": {"encrypts": AES_256_GCM, "parts": "assertion"},
    "gcm128": {"encrypts": AES_128_GCM, "parts": "response"},
    # Nothing is signed outside of a ciphertext that tells nobody when it was changed.
    "cbc-sealed": {"encrypts": AES_128_CBC, "parts": "assertion"},
    # pysaml2's own choice.
    "3des": {"encrypts": TRIPLE_DES},
    "answers-by-redirect": {"answers": "redirect"},
    "post-and-redirect": {"slo": ["post"], "answers": "redirect"},
    "partial": {"partial": True},
    "silent": {"answers": None},
}.items()}
PEOPLE = {
    "alice": {"mail": ["alice@example.com"], "givenName": ["Alice"], "sn": ["Ångström 😀"],
              "eduPersonAffiliation": ["staff", "member"]},
    "bob": {"mail": ["bob@example.com"], "givenName": ["Bob"], "sn": ["O'Neill & Söhne <GmbH>"]},
    "nomail": {"givenName": ["Nobody"]},
}
PASSWORD = {"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", "authn_auth": "tests"}
ALGORITHMS = {"sign_alg": SIG_RSA_SHA256, "digest_alg": DIGEST_SHA256}


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


def name_id_of(person):
    return NameID(format=NAMEID_FORMAT_PERSISTENT, text=f"persistent-{person}")


class Idp(Server):
    """pysaml2's server, which can be asked for the SessionIndex it chose, and encrypts as the variant says."""

    session_index = None

    def setup_assertion(self, *args, **kwargs):
        assertion = super().setup_assertion(*args, **kwargs)
        self.session_index = assertion.authn_statement[0].session_index
        return assertion

    def encrypt_with(self, algorithm, session_key):
        encrypt = self.sec.encrypt_assertion

        def with_algorithm(statement, enc_key, template, node_xpath=None):
            template.encryption_method.algorithm = algorithm
            return encrypt(statement, enc_key, template, key_type=session_key, node_xpath=node_xpath)

        self.sec.encrypt_assertion = with_algorithm


class Provider:
    """One identity provider: its configuration, and pysaml2's server once the service provider is known."""

    def __init__(self, base, name, folder, sp_metadata_url):
        self.variant, self.sp_metadata_url = VARIANTS[name], sp_metadata_url
        self.server, self.strict, self.lock = None, None, threading.RLock()
        self.entity_id = f"{base}/{name}/metadata"
        # SessionIndex → {"person", "browser"}; browsers whose session a logout has ended.
        self.sessions, self.ended = {}, set()
        logouts = [(f"{base}/{name}/slo", BINDINGS[one]) for one in self.variant["slo"]]
        self.settings = {
            "entityid": self.entity_id,
            "key_file": str(folder / "key.pem"),
            "cert_file": str(folder / "cert.pem"),
            "xmlsec_binary": "/usr/bin/xmlsec1",
            "service": {"idp": {
                "endpoints": {
                    "single_sign_on_service": [(f"{base}/{name}/sso", BINDINGS[one]) for one in self.variant["sso"]],
                    "single_logout_service": logouts,
                },
                "want_authn_requests_signed": self.variant["signed"],
                "policy": {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None,
                                       "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"}},
                "name_id_format": [NAMEID_FORMAT_PERSISTENT],
            }},
        }

    def metadata(self):
        return str(entity_descriptor(IdPConfig().load(self.configuration())))

    def configuration(self, signed=None):
        idp = self.settings["service"]["idp"]
        if signed is not None:
            idp = idp | {"want_authn_requests_signed": signed}
        return self.settings | {"service": {"idp": dict(idp)}}

    def ready(self):
        if self.server is None:
            with urllib.request.urlopen(self.sp_metadata_url, timeout=10) as answer:
                metadata = {"metadata": {"inline": [answer.read().decode()]}}
            server = Idp(config=IdPConfig().load(self.configuration() | metadata))
            # pysaml2 looks at a LogoutRequest's signature only where it wants AuthnRequests signed.
            self.strict = Server(config=IdPConfig().load(self.configuration(signed=True) | metadata))
            if self.variant["encrypts"]:
                if not server.has_encrypt_cert_in_metadata(self.service_provider(server)):
                    raise RuntimeError("the service provider has no encryption certificate in its metadata")
                server.encrypt_with(*self.variant["encrypts"])
            self.server = server
        return self.server

    @staticmethod
    def service_provider(server):
        (entity_id,) = server.metadata.service_providers()
        return entity_id

    def people(self):
        return {index: session["person"] for index, session in self.sessions.items()}

    def understood(self):
        server = self.ready()
        metadata, entity_id = server.metadata, self.service_provider(server)
        role = metadata[entity_id]["spsso_descriptor"][0]
        return {
            "entity_id": entity_id,
            "signs": role["authn_requests_signed"],
            "wants_signed_assertions": role["want_assertions_signed"],
            "consumer": [(one["binding"], one["location"]) for one in role["assertion_consumer_service"]],
            "logout": [(one["binding"], one["location"]) for one in role["single_logout_service"]],
            **{use: ["".join(certificate.split()) for _, certificate in metadata.certs(entity_id, "spsso", use)]
               for use in ("signing", "encryption")},
        }

    # --- sign-in ----------------------------------------------------------------------------------------------------

    def sign_in(self, binding, message, person, browser):
        """Answers an AuthnRequest: pysaml2's page with the form that posts itself."""
        server = self.ready()
        # Looked at only where it must be there.
        signature = {"relay_state": message.get("RelayState"), "sigalg": message.get("SigAlg"),
                     "signature": message.get("Signature")}
        request = server.parse_authn_request(message["SAMLRequest"], BINDINGS[binding], **signature)
        where = server.response_args(request.message, [BINDING_HTTP_POST])
        return self.answer(where["in_response_to"], where["destination"], message.get("RelayState", ""), person, browser)

    def unsolicited(self, relay_state, person, browser):
        """A Response nobody asked for."""
        server = self.ready()
        service = server.metadata.assertion_consumer_service(self.service_provider(server), BINDING_HTTP_POST)
        return self.answer(None, service[0]["location"], relay_state, person, browser)

    def answer(self, in_response_to, destination, relay_state, person, browser):
        server, parts = self.ready(), self.variant["parts"].split()
        if person == "deny":
            refusal = (STATUS_AUTHN_FAILED, "the person said no")
            answer = server.create_error_response(in_response_to, destination, refusal, sign=True, **ALGORITHMS)
        else:
            answer = server.create_authn_response(
                dict(PEOPLE.get(person, {"mail": [f"{person}@example.com"], "givenName": [person]})),
                in_response_to, destination, self.service_provider(server),
                userid=person, authn=PASSWORD, name_id=name_id_of(person),
                sign_assertion="assertion" in parts, sign_response="response" in parts,
                encrypt_assertion=bool(self.variant["encrypts"]), **ALGORITHMS)
            self.sessions[server.session_index] = {"person": person, "browser": browser}
        return server.apply_binding(BINDING_HTTP_POST, str(answer), destination, relay_state, response=True)

    # --- logout -----------------------------------------------------------------------------------------------------

    def take_logout(self, binding, message):
        """A LogoutRequest of the service provider: verified, followed, answered as the variant does."""
        self.ready()
        request = self.strict.parse_logout_request(
            message["SAMLRequest"], BINDINGS[binding], relay_state=message.get("RelayState"),
            sigalg=message.get("SigAlg"), signature=message.get("Signature")).message
        indexes = [one.text for one in request.session_index]
        for index, session in list(self.sessions.items()):
            named = request.name_id.text == name_id_of(session["person"]).text
            if named and (not indexes or index in indexes):
                self.ended.add(self.sessions.pop(index)["browser"])
        if self.variant["answers"] is None:
            return {"headers": [("Content-type", "text/html")], "data": "<p>You are signed out.</p>", "status": 200}
        by = BINDINGS[self.variant["answers"]]
        status = success_status_factory()
        if self.variant["partial"]:
            inner = samlp.StatusCode(value=STATUS_PARTIAL_LOGOUT)
            status = samlp.Status(status_code=samlp.StatusCode(value=STATUS_SUCCESS, status_code=inner))
        answer = self.server.create_logout_response(
            request, [by], status=status, sign=by == BINDING_HTTP_POST, **ALGORITHMS)
        where = self.server.response_args(request, [by])
        return self.server.apply_binding(by, str(answer), where["destination"], message.get("RelayState", ""),
                                         response=True, sign=by == BINDING_HTTP_REDIRECT, sigalg=SIG_RSA_SHA256)

    def start_logout(self, binding, person, index=None, sign=True):
        """A LogoutRequest for a person, or for one of the person's sessions."""
        server, by = self.ready(), BINDINGS[binding]
        service_provider = self.service_provider(server)
        destination = server.metadata.single_logout_service(service_provider, by, "spsso")[0]["location"]
        _, request = server.create_logout_request(
            destination, service_provider, name_id=name_id_of(person), session_indexes=[index] if index else None,
            expire=in_a_while(minutes=5), sign=sign and by == BINDING_HTTP_POST, **ALGORITHMS)
        return server.apply_binding(by, str(request), destination, secrets.token_urlsafe(8),
                                    sign=sign and by == BINDING_HTTP_REDIRECT, sigalg=SIG_RSA_SHA256)

    def end_logout(self, binding, message):
        """The service provider's LogoutResponse, whose signature must be good: its status, and RelayState."""
        server = self.ready()
        if binding == "redirect":
            certificates = server.metadata.certs(self.service_provider(server), "any", "signing")
            signed = {name: message[name] for name in ("SAMLResponse", "RelayState", "SigAlg", "Signature")
                      if name in message}
            if not any(verify_redirect_signature(signed, server.sec.sec_backend, one) for _, one in certificates):
                raise RuntimeError("the LogoutResponse is not signed well")
        xml = server.unravel(message["SAMLResponse"], BINDINGS[binding], "logout_response")
        answer = samlp.logout_response_from_string(xml)
        if binding == "post":
            server.sec.correctly_signed_message(xml, "logout_response", must=True)
        return answer.status.status_code.value.rsplit(":", 1)[1]
