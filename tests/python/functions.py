"""Lambda functions as users of Amazon Cognito write them."""


def only_invited(event, context):
    if event["request"]["userAttributes"].get("email") != "invited@example.com":
        raise Exception("Not invited")
    return event


def verify_email(event, context):
    event["response"]["autoVerifyEmail"] = True
    return event


def add_claims(event, context):
    event["response"] = {
        "claimsAndScopeOverrideDetails": {
            "idTokenGeneration": {
                "claimsToAddOrOverride": {"department": "research", "sub": "somebody-else"},
                "claimsToSuppress": ["email"],
            },
            "accessTokenGeneration": {
                "claimsToAddOrOverride": {"source": event["triggerSource"], "limits": {"daily": 5}},
                "scopesToAdd": ["books/read"],
            },
            "groupOverrideDetails": {"groupsToOverride": ["readers"]},
        }
    }
    return event
