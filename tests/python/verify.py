"""Verifies an ID and an access token with PyJWT, keys taken from the issuer's published JWKS.

Takes JSON {issuer, client_id, id_token, access_token}; prints the verified claims and the discovery document.
"""

import base64
import hashlib
import json
import sys
import urllib.request

import jwt


def verify(keys, token, **options):
    key = keys.get_signing_key_from_jwt(token)
    return jwt.decode(token, key.key, algorithms=["RS256"], **options)


def main():
    given = json.loads(sys.argv[1])
    issuer = given["issuer"]
    with urllib.request.urlopen(issuer + "/.well-known/openid-configuration", timeout=10) as answer:
        discovery = json.load(answer)
    assert discovery["issuer"] == issuer, discovery["issuer"]
    keys = jwt.PyJWKClient(discovery["jwks_uri"])
    required = {"require": ["exp", "iat", "sub", "iss", "jti", "token_use"]}
    id_claims = verify(keys, given["id_token"], issuer=issuer, audience=given["client_id"], options=required)
    access_claims = verify(keys, given["access_token"], issuer=issuer, options=required)
    assert id_claims["token_use"] == "id" and access_claims["token_use"] == "access"
    assert access_claims["client_id"] == given["client_id"]
    digest = hashlib.sha256(given["access_token"].encode()).digest()[:16]
    assert id_claims["at_hash"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    headers = [jwt.get_unverified_header(given[name]) for name in ("id_token", "access_token")]
    print(json.dumps({"id": id_claims, "access": access_claims, "headers": headers, "discovery": discovery}))


if __name__ == "__main__":
    main()
