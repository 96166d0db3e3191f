"""idpyoidc as OpenID provider: how it is set up, and the person at its keyboard."""

import warnings

from cryptojwt.jwk.ec import new_ec_key
from cryptojwt.jwk.okp import new_okp_key
from cryptojwt.jwk.rsa import new_rsa_key
from cryptojwt.key_bundle import KeyBundle
from cryptojwt.key_issuer import KeyIssuer
from cryptojwt.key_jar import KeyJar
from idpyoidc.message.oauth2 import ResponseMessage
from idpyoidc.server import Server
from idpyoidc.server.client_authn import ClientAuthnMethod
from idpyoidc.server.configure import OPConfiguration
from idpyoidc.server.session.grant import Grant
from idpyoidc.server.session.manager import RawID
from idpyoidc.server.user_authn.user import UserAuthnMethod
from idpyoidc.server.user_info import UserInfo
import requests

PEOPLE = {
    "alice": {"email": "alice@example.com", "email_verified": True, "given_name": "Alice", "family_name": "Ångström 😀"},
    "bob": {"email": "bob@example.com", "email_verified": False, "given_name": "Bob"},
}
SCOPES = {"openid": ["sub"], "email": ["email", "email_verified"], "profile": ["given_name", "family_name", "name"]}
METHODS = ["client_secret_post", "client_secret_basic", "private_key_jwt"]
PASSWORD = "urn:example:password"
HARDWARE = "urn:example:hardware-key"


class People(UserInfo):
    def __call__(self, user_id, client_id, user_info_claims=None, **kwargs):
        other = {"email": f"{user_id}@example.com", "email_verified": True}
        return self.filter(PEOPLE.get(user_id, other), user_info_claims)


class Keyboard(UserAuthnMethod):
    """Asks nobody: whoever has to sign in is named by `login_hint`, and `deny` refuses."""

    # How much older than they are sessions look, in seconds.
    older = 0

    def __call__(self, **kwargs):
        return kwargs

    def cookie_info(self, cookie, client_id):
        info = super().cookie_info(cookie, client_id)
        return info | {"timestamp": info["timestamp"] - self.older} if info else info


class Anybody(ClientAuthnMethod):
    """For the end-session endpoint, where clients prove nothing: idpyoidc 5.0.0 looks for a token there even so."""

    tag = "none"

    def is_usable(self, request=None, authorization_token=None):
        return True

    def _verify(self, request, *args, **kwargs):
        return {"client_id": request.get("client_id"), "token": ""}


def configuration(issuer):
    def endpoint(path, name, **kwargs):
        return {"path": path, "class": f"idpyoidc.server.oidc.{name}", "kwargs": kwargs}

    return OPConfiguration({
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks",
        "httpc_params": {"verify": False, "timeout": 10},
        "preference": {
            "id_token_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA"],
            "acr_values_supported": [PASSWORD, HARDWARE],
            "scopes_supported": list(SCOPES),
        },
        "scopes_to_claims": SCOPES,
        "endpoint": {
            "provider_config": endpoint(".well-known/openid-configuration", "provider_config.ProviderConfiguration",
                                        client_authn_method=[]),
            "authorization": endpoint("authorization", "authorization.Authorization", client_authn_method=[],
                                      response_types_supported=["code"],
                                      response_modes_supported=["query", "form_post"]),
            "token": endpoint("token", "token.Token", client_authn_method=METHODS),
            "userinfo": endpoint("userinfo", "userinfo.UserInfo", client_authn_method=["bearer_header"],
                                 add_claims_by_scope=True, enable_claims_per_client=True),
            "session": endpoint("session", "session.Session", client_authn_method=["anybody"], signing_alg="ES256",
                                logout_verify_url=f"{issuer}/verify-logout", post_logout_uri_path="signed-out"),
        },
        "token_handler_args": {
            "code": {"lifetime": 600},
            "token": {"class": "idpyoidc.server.token.jwt_token.JWTToken", "kwargs": {"lifetime": 3600}},
            "id_token": {"class": "idpyoidc.server.token.id_token.IDToken",
                         "kwargs": {"lifetime": 600, "enable_claims_per_client": True}},
        },
        "authz": {"class": "idpyoidc.server.authz.AuthzHandling", "kwargs": {"grant_config": {
            "usage_rules": {
                "authorization_code": {"supports_minting": ["access_token", "id_token"], "max_usage": 1,
                                       "expires_in": 120},
                "access_token": {"expires_in": 3600},
            },
            "expires_in": 86400,
        }}},
        "session_params": {"sub_func": {"public": {"class": RawID}}},
        "client_authn_methods": {"anybody": Anybody},
        "authentication": {
            "password": {"acr": PASSWORD, "class": Keyboard, "kwargs": {}},
            "hardware": {"acr": HARDWARE, "class": Keyboard, "kwargs": {}},
        },
        "userinfo": {"class": People, "kwargs": {}},
        "cookie_handler": {"class": "idpyoidc.server.cookie_handler.CookieHandler", "kwargs": {
            "sign_key": "bm90IGEgc2VjcmV0OiB0ZXN0cyBvbmx5",
            "flags": {"samesite": "Lax", "httponly": True, "path": "/"},
        }},
        "add_on": {"pkce": {"function": "idpyoidc.server.oauth2.add_on.pkce.add_support",
                            "kwargs": {"essential": True, "code_challenge_methods": {"S256": None}}}},
    })


def new_keys(number):
    return [
        new_rsa_key(2048, kid=f"rsa-{number}", use="sig"),
        new_ec_key("P-256", kid=f"ec-{number}", use="sig"),
        new_okp_key("Ed25519", kid=f"okp-{number}", use="sig"),
    ]


class Provider:
    """The OpenID provider: idpyoidc's server with clients of the test's choice."""

    def __init__(self, issuer, clients):
        warnings.simplefilter("ignore")
        self.issuer, self.keyjar = issuer, KeyJar()
        self.keys, self.number = new_keys(1), 1
        self.publish()
        self.server = Server(configuration(issuer), keyjar=self.keyjar)
        self.context = self.server.context
        # idpyoidc asks for a certificate of an https request only.
        self.context.httpc = self.tell
        # What the test asks for afterwards.
        self.asked, self.logins, self.told = {}, {}, []
        for client in clients:
            self.register(client)

    def publish(self):
        """Signs with the first key that fits, and publishes all."""
        for owner in ("", self.issuer):
            bundle = KeyBundle()
            bundle.extend(self.keys)
            self.keyjar[owner] = KeyIssuer(owner)
            self.keyjar.add_kb(owner, bundle)

    def new_key(self, keep):
        """A new key signs; the old ones stay published, or are gone."""
        self.number += 1
        new = new_keys(self.number)
        self.keys = new + (self.keys if keep else [])
        self.publish()

    def register(self, client):
        """A client in the words of RFC 7591, in idpyoidc's."""
        name, jwks = client["client_id"], client.get("jwks")
        known = {name: value for name, value in client.items() if name != "jwks"}
        by_id_token = client.get("claims_in") == "id_token"
        self.context.cdb[name] = known | {
            "redirect_uris": [(uri, {}) for uri in client["redirect_uris"]],
            "post_logout_redirect_uri": [(uri, {}) for uri in client.get("post_logout_redirect_uris", [])],
            "token_endpoint_client_authn_method": [client["token_endpoint_auth_method"]],
            "response_types_supported": ["code"],
            "allowed_scopes": list(SCOPES),
            "add_claims": {"always": {}, "by_scope": {"id_token": by_id_token, "userinfo": not by_id_token}},
        }
        if jwks:
            self.keyjar.import_jwks(jwks, name)
        self.keyjar.add_symmetric(name, client["client_secret"])

    def tell(self, method, url, **kwargs):
        """Back-channel logout."""
        answer = requests.request(method, url, **kwargs)
        self.told.append({"status": answer.status_code, "body": answer.text})
        return answer

    def grow_older(self, seconds):
        """As if everybody who has signed in had done so earlier."""
        for method in self.context.authn_broker:
            method.older += seconds
        for grant in self.context.session_manager.db.values():
            if isinstance(grant, Grant) and grant.authentication_event:
                grant.authentication_event["authn_time"] -= seconds

    def jwks(self):
        return self.keyjar.export_jwks(issuer_id=self.issuer)

    def authorize(self, message, http_info):
        """Where the browser goes, or an error that stays here."""
        endpoint = self.server.endpoint["authorization"]
        request = endpoint.parse_request(message, http_info=http_info)
        if isinstance(request, ResponseMessage) and "error" in request:
            return request
        made = endpoint.process_request(request, http_info=http_info)
        if isinstance(made.get("http_response"), dict):
            made = self.type_in(endpoint, request, made["http_response"])
        return endpoint.do_response(request=request, **made)

    def type_in(self, endpoint, request, what):
        """What the person at the keyboard does."""
        person = request.get("login_hint", "alice")
        if person == "deny":
            refused = {"error": "access_denied", "error_description": "the person said no", "state": request["state"],
                       "return_uri": request["redirect_uri"], "return_type": request["response_type"]}
            return endpoint.response_mode(request, refused) if "response_mode" in request else refused
        self.logins[person] = self.logins.get(person, 0) + 1
        method = self.context.authn_broker.pick(what["authn_class_ref"])[0]["method"]
        session = endpoint.create_session(request, person, what["authn_class_ref"], 0, method)
        return endpoint.authz_part2(request=request, session_id=session)
