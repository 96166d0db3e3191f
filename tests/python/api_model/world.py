"""What the operations need to be there: a pool with all kinds of things in it, and fresh ones for each operation."""

import itertools
import struct
import threading
import zlib

from provision import client
from sign_in import sign_in

CALLBACK = "http://localhost:3000/callback"
CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/default"
SCOPES = ["openid", "email", "profile", "aws.cognito.signin.user.admin"]


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# One grey pixel.
PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\x00\x80"))
    + _chunk(b"IEND", b"")
)


def oidc_provider():
    """`ProviderDetails` of a provider that nobody asks: its endpoints are given."""
    return {
        "client_id": "poolgate",
        "client_secret": "s3cret",
        "authorize_scopes": "openid",
        "attributes_request_method": "GET",
        "oidc_issuer": "http://127.0.0.1:9",
        "authorize_url": "http://127.0.0.1:9/a",
        "token_url": "http://127.0.0.1:9/t",
        "attributes_url": "http://127.0.0.1:9/u",
        "jwks_uri": "http://127.0.0.1:9/j",
    }


class World:
    """One pool at the domain `localhost`, whose people come from a real OpenID provider."""

    def __init__(self, spec):
        self.spec = spec
        self.idp = client(spec)
        self.base = spec["endpoint"]
        self._number = itertools.count()
        self._lock = threading.Lock()
        self.arn = None
        self.pool = self.new_pool("people")
        custom = {"CertificateArn": CERTIFICATE}
        self.idp.create_user_pool_domain(UserPoolId=self.pool, Domain="localhost", CustomDomainConfig=custom)
        provider = spec["provider"]
        self.idp.create_identity_provider(
            UserPoolId=self.pool,
            ProviderName=provider["name"],
            ProviderType=provider["type"],
            ProviderDetails=provider["details"],
            AttributeMapping=provider["mapping"],
            IdpIdentifiers=["example.com"],
        )
        self.provider = provider["name"]
        self.app = self.new_app()["ClientId"]

    def number(self):
        """A number that nobody else got."""
        with self._lock:
            return next(self._number)

    def new_pool(self, name="fresh"):
        """A pool with nothing in it."""
        made = self.idp.create_user_pool(PoolName=name)["UserPool"]
        self.arn = self.arn or made["Arn"]
        return made["Id"]

    def new_app(self, pool=None, **more):
        """An app client of the pool that signs people in by its provider."""
        wanted = {
            "UserPoolId": pool or self.pool,
            "ClientName": "app",
            "CallbackURLs": [CALLBACK],
            "AllowedOAuthFlows": ["code"],
            "AllowedOAuthScopes": SCOPES,
            "AllowedOAuthFlowsUserPoolClient": True,
            "SupportedIdentityProviders": [self.provider if not pool else "COGNITO"],
            "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
            **more,
        }
        return self.idp.create_user_pool_client(**wanted)["UserPoolClient"]

    def new_provider(self):
        """The name of a provider that signs nobody in."""
        name = f"Provider{self.number()}"
        self.idp.create_identity_provider(
            UserPoolId=self.pool, ProviderName=name, ProviderType="OIDC", ProviderDetails=oidc_provider()
        )
        return name

    def new_domain(self, pool):
        """The prefix domain of a pool."""
        prefix = f"prefix-{self.number()}"
        self.idp.create_user_pool_domain(UserPoolId=pool, Domain=prefix)
        return prefix

    def new_person(self, client_id=None):
        """Somebody who has just signed in: `(username, tokens)`."""
        name = f"person{self.number()}"
        tokens = sign_in(self.base, client_id or self.app, CALLBACK, login_hint=name, identity_provider=self.provider)
        return f"{self.provider}_{name}", tokens

    def new_group(self):
        """A group of the pool, its name."""
        name = f"group{self.number()}"
        self.idp.create_group(UserPoolId=self.pool, GroupName=name)
        return name

    def new_resource_server(self):
        """A resource server of the pool, its identifier."""
        name = f"https://api{self.number()}.example"
        scopes = [{"ScopeName": "read", "ScopeDescription": "Read"}]
        self.idp.create_resource_server(UserPoolId=self.pool, Identifier=name, Name="API", Scopes=scopes)
        return name


class Scene:
    """The things that one operation is called with; made when it needs them, and its own."""

    def __init__(self, world, operation):
        self.world, self.operation = world, operation
        self._made = {}

    def __getattr__(self, name):
        if name not in self._made:
            self._made[name] = getattr(self, f"_make_{name}")()
        return self._made[name]

    def _make_person(self):
        return self.world.new_person()

    def _make_username(self):
        return self.person[0]

    def _make_access_token(self):
        return self.person[1]["access_token"]

    def _make_refresh_token(self):
        return self.person[1]["refresh_token"]

    def _make_pool(self):
        return self.world.new_pool()

    def _make_app(self):
        return self.world.new_app()["ClientId"]

    def _make_provider(self):
        return self.world.new_provider()

    def _make_prefix(self):
        return self.world.new_domain(self.pool)

    def _make_group(self):
        return self.world.new_group()

    def _make_member(self):
        """A group that the person is in."""
        group = self.world.new_group()
        self.world.idp.admin_add_user_to_group(UserPoolId=self.world.pool, Username=self.username, GroupName=group)
        return group

    def _make_resource_server(self):
        return self.world.new_resource_server()

    def _make_secret_app(self):
        return self.world.new_app(GenerateSecret=True)["ClientId"]

    def _make_second_secret(self):
        """The id of a second secret of `secret_app`."""
        added = self.world.idp.add_user_pool_client_secret(UserPoolId=self.world.pool, ClientId=self.secret_app)
        return added["ClientSecretDescriptor"]["ClientSecretId"]

    def _make_linked(self):
        """A second identity of the person: its subject at the provider."""
        subject = f"linked{self.world.number()}"
        self.world.idp.admin_link_provider_for_user(
            UserPoolId=self.world.pool,
            DestinationUser={"ProviderName": "Cognito", "ProviderAttributeValue": self.username},
            SourceUser={
                "ProviderName": self.provider,
                "ProviderAttributeName": "Cognito_Subject",
                "ProviderAttributeValue": subject,
            },
        )
        return subject
