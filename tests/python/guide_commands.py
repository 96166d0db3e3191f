"""The developer guide's commands, run by the AWS CLI with `--endpoint-url` and nothing else changed but the ids.

Argument: JSON {endpoint, region, access_key, secret_key, provider}; `provider` as `Oidc::provider` tells it. Prints JSON
{commands, failures}.
"""

import json
import os
import shlex
import sys
import tempfile
import traceback

from api_model.world import CALLBACK, PNG
from sign_in import sign_in
from terminal import ANY, NOTHING, Terminal, at


def user_pools(aws):
    aws.run(
        "aws cognito-idp create-user-pool --pool-name MyUserPool --user-pool-tags Stage=Test",
        {"UserPool.Name": "MyUserPool", "UserPool.UserPoolTags.Stage": "Test"},
        {"pool": "UserPool.Id", "arn": "UserPool.Arn"},
    )
    aws.run(
        "aws cognito-idp create-user-pool --pool-name SecondPool --deletion-protection ACTIVE "
        '--policies "PasswordPolicy={MinimumLength=10,RequireNumbers=true}" '
        "--schema Name=badge,AttributeDataType=Number,Mutable=true,NumberAttributeConstraints={MinValue=1}",
        {"UserPool.SchemaAttributes[Name=custom:badge].AttributeDataType": "Number"},
        {"second": "UserPool.Id"},
    )
    aws.run(
        "aws cognito-idp describe-user-pool --user-pool-id <pool>",
        {"UserPool.Id": aws.kept["pool"], "UserPool.SchemaAttributes[Name=email].AttributeDataType": "String"},
    )
    aws.run("aws cognito-idp list-user-pools --max-results 20", {"UserPools.#": 2})
    first = aws.run(
        "aws cognito-idp list-user-pools --max-results 1", {"UserPools.#": 1, "NextToken": ANY}, {"next": "NextToken"}
    )
    second = aws.run(
        "aws cognito-idp list-user-pools --max-results 1 --next-token <next>", {"UserPools.#": 1, "NextToken": NOTHING}
    )
    if at(first, "UserPools.0.Id") == at(second, "UserPools.0.Id"):
        aws.failures.append("the second page of list-user-pools is the first")
    aws.run(
        "aws cognito-idp add-custom-attributes --user-pool-id <pool> "
        '--custom-attributes Name="deliverables",AttributeDataType="String" Name="level",AttributeDataType=Number'
    )
    aws.run(
        "aws cognito-idp describe-user-pool --user-pool-id <pool>",
        {"UserPool.SchemaAttributes[Name=custom:deliverables].AttributeDataType": "String"},
    )
    aws.run("aws cognito-idp delete-user-pool --user-pool-id <second>", error="InvalidParameterException")
    aws.run("aws cognito-idp update-user-pool --user-pool-id <second> --deletion-protection INACTIVE")
    aws.run("aws cognito-idp delete-user-pool --user-pool-id <second>")
    aws.run("aws cognito-idp describe-user-pool --user-pool-id <second>", error="ResourceNotFoundException")
    aws.run("aws cognito-idp get-signing-certificate --user-pool-id <pool>", {"Certificate": ANY})


def tags(aws):
    aws.run("aws cognito-idp tag-resource --resource-arn <arn> --tags Stage=Prod,Team=Identity")
    both = {"Tags": {"Stage": "Prod", "Team": "Identity"}}
    aws.run("aws cognito-idp list-tags-for-resource --resource-arn <arn>", both)
    aws.run("aws cognito-idp untag-resource --resource-arn <arn> --tag-keys Stage")
    aws.run("aws cognito-idp list-tags-for-resource --resource-arn <arn>", {"Tags": {"Team": "Identity"}})


def domains(aws):
    aws.run(
        "aws cognito-idp create-user-pool-domain --user-pool-id <pool> --domain localhost --custom-domain-config "
        "CertificateArn=arn:aws:acm:us-east-1:000000000000:certificate/default"
    )
    aws.run("aws cognito-idp create-user-pool-domain --user-pool-id <pool> --domain my-app")
    aws.run(
        "aws cognito-idp describe-user-pool-domain --domain my-app",
        {"DomainDescription.UserPoolId": aws.kept["pool"], "DomainDescription.Status": "ACTIVE"},
    )
    aws.run(
        "aws cognito-idp update-user-pool-domain --user-pool-id <pool> --domain localhost --custom-domain-config "
        "CertificateArn=arn:aws:acm:us-east-1:000000000000:certificate/11111111-1111-1111-1111-111111111111"
    )
    aws.run("aws cognito-idp delete-user-pool-domain --user-pool-id <pool> --domain my-app")
    aws.run("aws cognito-idp describe-user-pool-domain --domain my-app", {"DomainDescription": {}})


def providers(aws, provider):
    details = shlex.quote(json.dumps(provider["details"]))
    mapping = ",".join(f"{attribute}={claim}" for attribute, claim in provider["mapping"].items())
    aws.run(
        "aws cognito-idp create-identity-provider --user-pool-id <pool> --provider-name Acme --provider-type OIDC "
        f"--provider-details {details} --attribute-mapping {mapping} --idp-identifiers example.com",
        {"IdentityProvider.ProviderName": "Acme", "IdentityProvider.IdpIdentifiers": ["example.com"]},
    )
    aws.run(
        "aws cognito-idp create-identity-provider --user-pool-id <pool> --provider-name Google --provider-type Google "
        '--provider-details client_id=abc,client_secret=def,authorize_scopes="profile email openid" '
        "--attribute-mapping email=email,username=sub",
        {
            "IdentityProvider.ProviderDetails.authorize_scopes": "profile email openid",
            "IdentityProvider.ProviderDetails.oidc_issuer": "https://accounts.google.com",
        },
    )
    aws.run(
        "aws cognito-idp create-identity-provider --user-pool-id <pool> --provider-name Facebook --provider-type Facebook "
        '--provider-details client_id=abc,client_secret=def,authorize_scopes=email,api_version=v17.0',
        {"IdentityProvider.ProviderDetails.api_version": "v17.0"},
    )
    aws.run(
        "aws cognito-idp create-identity-provider --user-pool-id <pool> --provider-name Google --provider-type Google "
        "--provider-details client_id=abc,client_secret=def,authorize_scopes=openid",
        error="DuplicateProviderException",
    )
    aws.run(
        "aws cognito-idp update-identity-provider --user-pool-id <pool> --provider-name Google "
        "--provider-details client_id=new,client_secret=def,authorize_scopes=openid",
        {"IdentityProvider.ProviderDetails.client_id": "new"},
    )
    aws.run("aws cognito-idp list-identity-providers --user-pool-id <pool> --page-size 1", {"Providers.#": 3})
    aws.run(
        "aws cognito-idp describe-identity-provider --user-pool-id <pool> --provider-name Google",
        {"IdentityProvider.ProviderType": "Google", "IdentityProvider.AttributeMapping.email": "email"},
    )
    aws.run(
        "aws cognito-idp get-identity-provider-by-identifier --user-pool-id <pool> --idp-identifier example.com",
        {"IdentityProvider.ProviderName": "Acme"},
    )
    aws.run("aws cognito-idp delete-identity-provider --user-pool-id <pool> --provider-name Facebook")


def resource_servers(aws):
    aws.run(
        "aws cognito-idp create-resource-server --user-pool-id <pool> --identifier weather.example.com --name Weather "
        '--scopes ScopeName=weather.update,ScopeDescription="Update weather forecasts" '
        'ScopeName=weather.read,ScopeDescription="Read weather forecasts"',
        {"ResourceServer.Identifier": "weather.example.com", "ResourceServer.Scopes.#": 2},
    )
    aws.run(
        "aws cognito-idp update-resource-server --user-pool-id <pool> --identifier weather.example.com "
        '--name NewWeather --scopes ScopeName=weather.read,ScopeDescription="Read weather forecasts"',
        {"ResourceServer.Name": "NewWeather", "ResourceServer.Scopes.#": 1},
    )
    aws.run(
        "aws cognito-idp describe-resource-server --user-pool-id <pool> --identifier weather.example.com",
        {"ResourceServer.Scopes.0.ScopeName": "weather.read", "ResourceServer.UserPoolId": aws.kept["pool"]},
    )
    aws.run("aws cognito-idp list-resource-servers --user-pool-id <pool> --max-results 10", {"ResourceServers.#": 1})


def clients(aws):
    aws.run(
        "aws cognito-idp create-user-pool-client --user-pool-id <pool> --client-name MyNewClient --no-generate-secret "
        "--explicit-auth-flows ALLOW_REFRESH_TOKEN_AUTH --supported-identity-providers Acme Google "
        # A bare address would be fetched by the CLI, version 1: a list in JSON is not.
        f"--callback-urls '[\"{CALLBACK}\"]' --logout-urls '[\"http://localhost:3000/bye\"]' --allowed-o-auth-flows code "
        "--allowed-o-auth-scopes openid email profile aws.cognito.signin.user.admin "
        "--allowed-o-auth-flows-user-pool-client",
        {"UserPoolClient.ClientName": "MyNewClient", "UserPoolClient.ClientSecret": NOTHING},
        {"client": "UserPoolClient.ClientId"},
    )
    aws.run(
        "aws cognito-idp create-user-pool-client --user-pool-id <pool> --client-name machine --generate-secret "
        "--allowed-o-auth-flows client_credentials --allowed-o-auth-scopes weather.example.com/weather.read "
        "--allowed-o-auth-flows-user-pool-client",
        {"UserPoolClient.ClientSecret": ANY, "UserPoolClient.AllowedOAuthFlows": ["client_credentials"]},
        {"machine": "UserPoolClient.ClientId"},
    )
    aws.run(
        "aws cognito-idp update-user-pool-client --user-pool-id <pool> --client-id <machine> --client-name robot "
        "--access-token-validity 15 --token-validity-units AccessToken=minutes",
        {"UserPoolClient.ClientName": "robot", "UserPoolClient.AccessTokenValidity": 15},
    )
    aws.run(
        "aws cognito-idp describe-user-pool-client --user-pool-id <pool> --client-id <machine>",
        {"UserPoolClient.ClientName": "robot"},
    )
    aws.run(
        "aws cognito-idp list-user-pool-clients --user-pool-id <pool> --max-items 1",
        {"UserPoolClients.#": 1, "NextToken": ANY},
    )
    aws.run(
        "aws cognito-idp add-user-pool-client-secret --user-pool-id <pool> --client-id <machine>",
        {"ClientSecretDescriptor.ClientSecretValue": ANY},
        {"secret": "ClientSecretDescriptor.ClientSecretId"},
    )
    aws.run(
        "aws cognito-idp list-user-pool-client-secrets --user-pool-id <pool> --client-id <machine>",
        {"ClientSecrets.#": 2},
    )
    aws.run(
        "aws cognito-idp delete-user-pool-client-secret --user-pool-id <pool> --client-id <machine> "
        "--client-secret-id <secret>"
    )
    aws.run("aws cognito-idp delete-user-pool-client --user-pool-id <pool> --client-id <machine>")
    aws.run(
        "aws cognito-idp describe-user-pool-client --user-pool-id <pool> --client-id <machine>",
        error="ResourceNotFoundException",
    )


def ui(aws, folder):
    aws.kept["logo"] = os.path.join(folder, "logo.png")
    with open(aws.kept["logo"], "wb") as logo:
        logo.write(PNG)
    aws.run(
        'aws cognito-idp set-ui-customization --user-pool-id <pool> --client-id ALL --image-file fileb://"<logo>" '
        '--css ".label-customizable{ color: #112233;}"',
        {"UICustomization.ClientId": "ALL", "UICustomization.CSS": ANY},
    )
    aws.run(
        "aws cognito-idp get-ui-customization --user-pool-id <pool> --client-id <client>",
        {"UICustomization.CSS": ".label-customizable{ color: #112233;}"},
    )
    aws.run(
        'aws cognito-idp set-ui-customization --user-pool-id <pool> --css "@import url(https://evil.example)"',
        error="InvalidParameterException",
    )


def groups(aws):
    aws.run(
        "aws cognito-idp create-group --user-pool-id <pool> --group-name MyNewGroup --description 'New group.' "
        "--role-arn arn:aws:iam::111122223333:role/MyNewGroupRole --precedence 2",
        {"Group.GroupName": "MyNewGroup", "Group.Precedence": 2, "Group.CreationDate": ANY},
    )
    aws.run("aws cognito-idp create-group --user-pool-id <pool> --group-name MyNewGroup", error="GroupExistsException")
    aws.run("aws cognito-idp get-group --user-pool-id <pool> --group-name MyNewGroup", {"Group.Description": "New group."})
    aws.run(
        "aws cognito-idp update-group --user-pool-id <pool> --group-name MyNewGroup --description 'Newer.'",
        {"Group.Description": "Newer."},
    )
    aws.run("aws cognito-idp list-groups --user-pool-id <pool>", {"Groups[GroupName=MyNewGroup].Description": "Newer."})
    aws.run("aws cognito-idp admin-add-user-to-group --user-pool-id <pool> --username <user> --group-name MyNewGroup")
    aws.run(
        "aws cognito-idp admin-list-groups-for-user --user-pool-id <pool> --username <user>",
        {"Groups[GroupName=MyNewGroup].Description": "Newer."},
    )
    aws.run(
        "aws cognito-idp list-users-in-group --user-pool-id <pool> --group-name MyNewGroup",
        {"Users.0.Username": aws.kept["user"]},
    )
    aws.run("aws cognito-idp admin-remove-user-from-group --user-pool-id <pool> --username <user> --group-name MyNewGroup")
    aws.run("aws cognito-idp list-users-in-group --user-pool-id <pool> --group-name MyNewGroup", {"Users.#": 0})
    aws.run("aws cognito-idp delete-group --user-pool-id <pool> --group-name MyNewGroup")


def users(aws):
    aws.run(
        "aws cognito-idp admin-update-user-attributes --user-pool-id <pool> --username <user> --user-attributes "
        'Name="custom:deliverables",Value="project-111222" Name=family_name,Value=Reddy'
    )
    aws.run(
        "aws cognito-idp admin-get-user --user-pool-id <pool> --username <user>",
        {
            "UserAttributes[Name=custom:deliverables].Value": "project-111222",
            "UserStatus": "EXTERNAL_PROVIDER",
            "Enabled": True,
        },
    )
    found = {"Users.#": 1, "Users.0.Username": aws.kept["user"]}
    aws.run('aws cognito-idp list-users --user-pool-id <pool> --filter "family_name = \\"Reddy\\""', found)
    aws.run("aws cognito-idp list-users --user-pool-id <pool> --filter 'email ^= \"ann@\"'", found)
    aws.run(
        "aws cognito-idp list-users --user-pool-id <pool> --attributes-to-get sub --limit 1",
        {"Users.#": 1, "PaginationToken": ANY},
    )
    aws.run("aws cognito-idp list-users --user-pool-id <pool> --page-size 1", {"Users.#": 2})
    aws.run("aws cognito-idp list-users --user-pool-id <pool> --max-items 1", {"Users.#": 1, "NextToken": ANY})
    aws.run(
        "aws cognito-idp admin-delete-user-attributes --user-pool-id <pool> --username <user> "
        '--user-attribute-names "custom:deliverables"'
    )
    aws.run(
        "aws cognito-idp admin-get-user --user-pool-id <pool> --username <user>",
        {"UserAttributes[Name=custom:deliverables]": NOTHING},
    )
    aws.run("aws cognito-idp admin-disable-user --user-pool-id <pool> --username <user>")
    aws.run('aws cognito-idp list-users --user-pool-id <pool> --filter "status = \\"Disabled\\""', found)
    aws.run("aws cognito-idp admin-enable-user --user-pool-id <pool> --username <user>")
    aws.run(
        "aws cognito-idp admin-link-provider-for-user --user-pool-id <pool> "
        "--destination-user ProviderName=Cognito,ProviderAttributeValue=<user> "
        "--source-user ProviderName=Google,ProviderAttributeName=Cognito_Subject,ProviderAttributeValue=1234"
    )
    aws.run(
        "aws cognito-idp admin-disable-provider-for-user --user-pool-id <pool> "
        "--user ProviderName=Google,ProviderAttributeName=Cognito_Subject,ProviderAttributeValue=1234"
    )
    aws.run("aws cognito-idp admin-get-user --user-pool-id <pool> --username nobody", error="UserNotFoundException")


def tokens(aws):
    """With tokens of a user, as the user's own device calls."""
    aws.run("aws cognito-idp get-user --access-token <access>", {"Username": aws.kept["user"]})
    aws.run(
        "aws cognito-idp update-user-attributes --access-token <access> --user-attributes Name=nickname,Value=Dan", {}
    )
    aws.run(
        "aws cognito-idp get-user --access-token <access>",
        {"UserAttributes[Name=nickname].Value": "Dan"},
    )
    aws.run('aws cognito-idp delete-user-attributes --access-token <access> --user-attribute-names "nickname"')
    fresh = {"AuthenticationResult.AccessToken": ANY, "AuthenticationResult.TokenType": "Bearer"}
    aws.run(
        "aws cognito-idp initiate-auth --auth-flow REFRESH_TOKEN_AUTH --client-id <client> "
        "--auth-parameters REFRESH_TOKEN=<refresh>",
        fresh,
    )
    aws.run(
        "aws cognito-idp admin-initiate-auth --user-pool-id <pool> --auth-flow REFRESH_TOKEN_AUTH --client-id <client> "
        "--auth-parameters REFRESH_TOKEN=<refresh>",
        fresh,
    )
    aws.run("aws cognito-idp get-tokens-from-refresh-token --client-id <client> --refresh-token <refresh>", fresh)
    aws.run("aws cognito-idp revoke-token --client-id <client> --token <refresh>")
    aws.run(
        "aws cognito-idp get-tokens-from-refresh-token --client-id <client> --refresh-token <refresh>",
        error="NotAuthorizedException",
    )
    aws.run("aws cognito-idp admin-user-global-sign-out --user-pool-id <pool> --username <other>")
    aws.run("aws cognito-idp get-user --access-token <other_access>", error="NotAuthorizedException")
    aws.run("aws cognito-idp global-sign-out --access-token <other_access>", error="NotAuthorizedException")
    aws.run("aws cognito-idp admin-delete-user --user-pool-id <pool> --username <other>")
    aws.run("aws cognito-idp admin-get-user --user-pool-id <pool> --username <other>", error="UserNotFoundException")


def end(aws):
    aws.run("aws cognito-idp delete-resource-server --user-pool-id <pool> --identifier weather.example.com")
    aws.run("aws cognito-idp delete-user-pool-domain --user-pool-id <pool> --domain localhost")
    aws.run("aws cognito-idp delete-user-pool --user-pool-id <pool>")


def sign_somebody_in(aws, spec, person, user, prefix=""):
    scopes = "openid email profile aws.cognito.signin.user.admin"
    more = {"login_hint": person, "identity_provider": "Acme", "scope": scopes}
    told = sign_in(spec["endpoint"], aws.kept["client"], CALLBACK, **more)
    aws.kept.update({user: f"Acme_{person}", f"{prefix}access": told["access_token"]})
    aws.kept[f"{prefix}refresh"] = told["refresh_token"]


def everything(aws, spec, folder):
    user_pools(aws)
    tags(aws)
    domains(aws)
    providers(aws, spec["provider"])
    resource_servers(aws)
    clients(aws)
    sign_somebody_in(aws, spec, "ann", "user")
    sign_somebody_in(aws, spec, "dan", "other", "other_")
    ui(aws, folder)
    groups(aws)
    users(aws)
    sign_somebody_in(aws, spec, "ann", "user")  # what she had ended when she was disabled
    tokens(aws)
    end(aws)


def main():
    spec = json.loads(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            AWS_ACCESS_KEY_ID=spec["access_key"],
            AWS_SECRET_ACCESS_KEY=spec["secret_key"],
            AWS_DEFAULT_REGION=spec["region"],
            AWS_CONFIG_FILE=os.path.join(folder, "config"),
            AWS_MAX_ATTEMPTS="1",
            AWS_PAGER="",
        )
        aws = Terminal(spec["endpoint"])
        try:
            everything(aws, spec, folder)
        except Exception:
            # Most likely for want of what a command before it should have made.
            aws.failures.append(traceback.format_exc())
    print(json.dumps({"commands": aws.commands, "failures": aws.failures}))


if __name__ == "__main__":
    main()
