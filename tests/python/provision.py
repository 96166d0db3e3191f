"""Creates a pool with its domain, providers and app clients through boto3, and nothing else.

Takes one JSON document as its argument and prints one: the ids that came back.
"""

import json
import sys

import boto3
from botocore.config import Config


def client(spec):
    return boto3.client(
        "cognito-idp",
        endpoint_url=spec["endpoint"],
        region_name=spec["region"],
        aws_access_key_id=spec["access_key"],
        aws_secret_access_key=spec["secret_key"],
        # A refusal is the answer, not a reason to ask again.
        config=Config(retries={"max_attempts": 0}, parameter_validation=not spec.get("unchecked", False)),
    )


def main():
    spec = json.loads(sys.argv[1])
    idp = client(spec)
    pool = idp.create_user_pool(PoolName=spec.get("pool_name", "tests"), **spec.get("pool", {}))["UserPool"]
    idp.create_user_pool_domain(
        UserPoolId=pool["Id"],
        Domain=spec.get("domain", "localhost"),
        CustomDomainConfig={"CertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/default"},
    )
    for provider in spec.get("providers", []):
        idp.create_identity_provider(
            UserPoolId=pool["Id"],
            ProviderName=provider["name"],
            ProviderType=provider["type"],
            ProviderDetails=provider["details"],
            AttributeMapping=provider.get("mapping", {}),
            IdpIdentifiers=provider.get("identifiers", []),
        )
    clients = {}
    for app in spec.get("clients", []):
        made = idp.create_user_pool_client(
            UserPoolId=pool["Id"],
            ClientName=app["name"],
            GenerateSecret=app.get("secret", False),
            CallbackURLs=app["callbacks"],
            LogoutURLs=app.get("logouts", []),
            AllowedOAuthFlows=app.get("flows", ["code"]),
            AllowedOAuthScopes=app.get("scopes", ["openid", "email", "profile"]),
            AllowedOAuthFlowsUserPoolClient=True,
            SupportedIdentityProviders=app["providers"],
            **app.get("more", {}),
        )["UserPoolClient"]
        clients[app["name"]] = {"id": made["ClientId"], "secret": made.get("ClientSecret")}
    print(json.dumps({"pool_id": pool["Id"], "clients": clients}))


if __name__ == "__main__":
    main()
