"""One valid input for each operation: the model's members, filled with things of the world where they must exist."""

from .model import input_of
from .values import sample
from .world import CALLBACK, CERTIFICATE, PNG, oidc_provider

# What a member of this name is, for whichever operation. Each is a function of the operation's Scene.
MEMBERS = {
    "UserPoolId": lambda s: s.world.pool,
    "ClientId": lambda s: s.app,
    "Username": lambda s: s.username,
    "AccessToken": lambda s: s.access_token,
    "RefreshToken": lambda s: s.refresh_token,
    "Token": lambda s: s.refresh_token,
    "AuthFlow": lambda s: "REFRESH_TOKEN_AUTH",
    "AuthParameters": lambda s: {"REFRESH_TOKEN": s.refresh_token},
    "ProviderName": lambda s: s.provider,
    "ProviderType": lambda s: "OIDC",
    "ProviderDetails": lambda s: oidc_provider(),
    "AttributeMapping": lambda s: {"email": "email"},
    "IdpIdentifier": lambda s: "example.com",
    "IdpIdentifiers": lambda s: [f"{s.operation}.example".lower()],
    "GroupName": lambda s: s.group,
    "RoleArn": lambda s: "arn:aws:iam::000000000000:role/Staff",
    "Identifier": lambda s: s.resource_server,
    "Scopes": lambda s: [{"ScopeName": "read", "ScopeDescription": "Read"}],
    "ResourceArn": lambda s: s.world.arn,
    "Tags": lambda s: {"team": "identity"},
    "TagKeys": lambda s: ["team"],
    "UserAttributes": lambda s: [{"Name": "given_name", "Value": "Ada"}],
    "UserAttributeNames": lambda s: ["given_name"],
    "AttributesToGet": lambda s: ["email"],
    "Filter": lambda s: 'username ^= "Acme"',
    "CSS": lambda s: ".banner-customizable { background-color: #112233; }",
    "ImageFile": lambda s: PNG,
    "CallbackURLs": lambda s: [CALLBACK],
    "DefaultRedirectURI": lambda s: CALLBACK,
    "LogoutURLs": lambda s: ["http://localhost:3000/bye"],
    "SupportedIdentityProviders": lambda s: ["COGNITO"],
    "AllowedOAuthFlows": lambda s: ["code"],
    "AllowedOAuthScopes": lambda s: ["openid"],
    "ReadAttributes": lambda s: ["email"],
    "WriteAttributes": lambda s: ["email"],
    "ExplicitAuthFlows": lambda s: ["ALLOW_REFRESH_TOKEN_AUTH"],
    "AccessTokenValidity": lambda s: 15,
    "IdTokenValidity": lambda s: 15,
    "RefreshTokenValidity": lambda s: 120,
    "TokenValidityUnits": lambda s: {"AccessToken": "minutes", "IdToken": "minutes", "RefreshToken": "minutes"},
    "CustomDomainConfig": lambda s: {"CertificateArn": CERTIFICATE},
    "CustomAttributes": lambda s: [{"Name": "badge", "AttributeDataType": "String", "Mutable": True}],
    "Schema": lambda s: [{"Name": "badge", "AttributeDataType": "String", "Mutable": True}],
    "Policies": lambda s: {"PasswordPolicy": {"MinimumLength": 12, "RequireNumbers": True}},
    "AutoVerifiedAttributes": lambda s: ["email"],
    "AliasAttributes": lambda s: ["email"],
    "DeletionProtection": lambda s: "INACTIVE",
    "MfaConfiguration": lambda s: "OFF",
    "UserPoolTags": lambda s: {"team": "identity"},
    "ClientSecretId": lambda s: s.second_secret,
    "SoftwareTokenMfaConfiguration": lambda s: {"Enabled": False},
}

# The same for one operation, where it differs.
OPERATIONS = {
    "AddCustomAttributes": {"UserPoolId": lambda s: s.pool},
    "UpdateUserPool": {"UserPoolId": lambda s: s.pool},
    "DeleteUserPool": {"UserPoolId": lambda s: s.pool},
    "CreateUserPoolDomain": {
        "UserPoolId": lambda s: s.pool,
        "Domain": lambda s: f"made-{s.world.number()}.example",
    },
    "UpdateUserPoolDomain": {"UserPoolId": lambda s: s.pool, "Domain": lambda s: s.prefix},
    "DeleteUserPoolDomain": {"UserPoolId": lambda s: s.pool, "Domain": lambda s: s.prefix},
    "DescribeUserPoolDomain": {"Domain": lambda s: "localhost"},
    "CreateIdentityProvider": {"ProviderName": lambda s: f"Made{s.world.number()}"},
    "CreateGroup": {"GroupName": lambda s: f"made{s.world.number()}"},
    "AdminRemoveUserFromGroup": {"GroupName": lambda s: s.member},
    "CreateResourceServer": {"Identifier": lambda s: f"https://made{s.world.number()}.example"},
    "AddUserPoolClientSecret": {"ClientId": lambda s: s.secret_app},
    "ListUserPoolClientSecrets": {"ClientId": lambda s: s.secret_app},
    "DeleteUserPoolClientSecret": {"ClientId": lambda s: s.secret_app},
    "GetTokensFromRefreshToken": {"ClientId": lambda s: s.world.app},
    "RevokeToken": {"ClientId": lambda s: s.world.app},
    "InitiateAuth": {"ClientId": lambda s: s.world.app},
    "AdminInitiateAuth": {"ClientId": lambda s: s.world.app},
    "AdminLinkProviderForUser": {
        "DestinationUser": lambda s: {"ProviderName": "Cognito", "ProviderAttributeValue": s.username},
        "SourceUser": lambda s: {
            "ProviderName": s.provider,
            "ProviderAttributeName": "Cognito_Subject",
            "ProviderAttributeValue": f"source{s.world.number()}",
        },
    },
    "AdminDisableProviderForUser": {
        "User": lambda s: {
            "ProviderName": s.provider,
            "ProviderAttributeName": "Cognito_Subject",
            "ProviderAttributeValue": s.linked,
        },
    },
}

# Members that the input with everything leaves out, and why. Each is sent alone too, where any modelled answer will do.
LEFT_OUT = {
    "NextToken": "a page token comes from a page",
    "PaginationToken": "a page token comes from a page",
    "AnalyticsMetadata": "nothing here means Pinpoint",
    "AnalyticsConfiguration": "nothing here means Pinpoint",
}
LEFT_OUT_OF = {
    "AddUserPoolClientSecret": {"ClientSecret"},
    "AdminInitiateAuth": {"Session", "ContextData"},
    "CreateUserPool": {"UsernameAttributes", "LambdaConfig"},
    "UpdateUserPool": {"LambdaConfig"},
    # Context data of users is for clients with a secret; rotation and ALLOW_REFRESH_TOKEN_AUTH exclude each other.
    "CreateUserPoolClient": {
        "ClientSecret",
        "GenerateSecret",
        "RefreshTokenRotation",
        "EnablePropagateAdditionalUserContextData",
    },
    "UpdateUserPoolClient": {"RefreshTokenRotation", "EnablePropagateAdditionalUserContextData"},
    "UpdateUserPoolDomain": {"CustomDomainConfig"},  # a prefix has no certificate
    "GetTokensFromRefreshToken": {"ClientSecret", "DeviceKey"},
    "InitiateAuth": {"Session", "UserContextData"},
    "RevokeToken": {"ClientSecret"},
    # Nobody is asked for a second factor: what would promise one is refused.
    "SetUserPoolMfaConfig": {"SmsMfaConfiguration", "EmailMfaConfiguration", "WebAuthnConfiguration"},
}


def value(scene, member, shape):
    """What the operation of the scene is given for one of its members."""
    make = OPERATIONS.get(scene.operation, {}).get(member) or MEMBERS.get(member)
    return make(scene) if make else sample(shape)


def least(scene):
    """The required members, and those without which the rest means nothing."""
    shape = input_of(scene.operation)
    wanted = list(shape.get("required", []))
    if "AuthParameters" in shape["members"]:
        wanted.append("AuthParameters")
    if scene.operation == "CreateUserPoolDomain":
        wanted.append("CustomDomainConfig")
    return {member: value(scene, member, shape["members"][member]["shape"]) for member in wanted}


def everything(scene):
    """Every member that goes together with the others."""
    given = least(scene)
    for member, of in input_of(scene.operation)["members"].items():
        if member not in given and member not in LEFT_OUT and member not in LEFT_OUT_OF.get(scene.operation, ()):
            given[member] = value(scene, member, of["shape"])
    return given


def plain(operation):
    """A valid input by the bounds alone, for an operation that is not built."""
    shape = input_of(operation)
    return {member: sample(shape["members"][member]["shape"]) for member in shape.get("required", [])}
