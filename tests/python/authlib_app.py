"""A Flask app that signs people in with Authlib, told nothing but the issuer and its client.

Argument: JSON {issuer, client_id, client_secret or null, callback, logged_out}. Goes through the app's routes as a
browser does; prints JSON {claims, userinfo, refreshed, after}: `after` is what the tokens are good for in the end.
"""

import json
import sys
from urllib.parse import parse_qs, urlsplit

import requests
from authlib.integrations.base_client.errors import MismatchingStateError, OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, request

from sign_in import walk


def make_app(given):
    app = Flask(__name__)
    app.secret_key = "of the tests"
    oauth = OAuth(app)
    # --- what docs/clients.md shows ---
    oauth.register(
        "poolgate",
        client_id=given["client_id"],
        client_secret=given["client_secret"],
        server_metadata_url=given["issuer"] + "/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid email profile",
            "code_challenge_method": "S256",
            **({} if given["client_secret"] else {"token_endpoint_auth_method": "none"}),
        },
    )
    # ---

    @app.get("/login")
    def login():
        return oauth.poolgate.authorize_redirect(given["callback"])

    @app.get("/callback")
    def callback():
        answered = request.args.get("iss")
        if answered != given["issuer"]:  # RFC 9207, which Authlib leaves to the app
            return {"error": f"the answer is from {answered}"}, 400
        try:
            return oauth.poolgate.authorize_access_token()
        except (MismatchingStateError, OAuthError) as error:
            return {"error": str(error)}, 400

    @app.get("/logout")
    def logout():
        hint = request.args["id_token"]
        return oauth.poolgate.logout_redirect(given["logged_out"], hint, state="left", client_id=given["client_id"])

    @app.get("/bye")
    def bye():
        return oauth.poolgate.validate_logout_response()

    return app, oauth.poolgate


def path_of(url):
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def main():
    given = json.loads(sys.argv[1])
    app, poolgate = make_app(given)
    person, browser = requests.Session(), app.test_client()

    landed = walk(browser.get("/login").headers["Location"], given["callback"], person)
    other = app.test_client()  # another browser holds neither the state nor the verifier
    assert other.get(path_of(landed)).status_code == 400, "a stranger's callback was taken"
    answer = browser.get(path_of(landed))
    assert answer.status_code == 200, answer.text
    tokens = answer.json
    assert tokens["token_type"] == "Bearer", tokens

    with app.test_request_context():
        userinfo = poolgate.userinfo(token=tokens)
        refreshed = poolgate.fetch_access_token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        metadata = poolgate.load_server_metadata()
        session = poolgate._get_oauth_client(**metadata)
        revoked = session.revoke_token(metadata["revocation_endpoint"], tokens["refresh_token"], "refresh_token")
        assert revoked.status_code == 200, revoked.text
        after = {"userinfo": poolgate.get(metadata["userinfo_endpoint"], token=refreshed).status_code}
        try:
            poolgate.fetch_access_token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
            after["refresh"] = "works"
        except OAuthError as error:
            after["refresh"] = error.error

    away = browser.get("/logout", query_string={"id_token": tokens["id_token"]}).headers["Location"]
    left = walk(away, given["logged_out"], person)
    assert browser.get(path_of(left)).status_code == 200, left
    silent = browser.get("/login").headers["Location"] + "&prompt=none"
    after["session"] = parse_qs(urlsplit(walk(silent, given["callback"], person)).query)["error"][0]
    print(json.dumps({"claims": tokens["userinfo"], "userinfo": userinfo, "refreshed": refreshed, "after": after}))


if __name__ == "__main__":
    main()
