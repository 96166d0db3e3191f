"""A person who signs in as an app's authorize URL says, by HTTP alone, and the app's token request."""

import base64
import hashlib
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import requests

VERIFIER = "a-verifier-of-the-tests-that-is-long-enough-to-be-one-0123456789"
STEPS = 25


def walk(url, until, session=None):
    """Follows redirects; the first address that begins with `until`, which is not asked."""
    session = session or requests.Session()
    session.trust_env = False
    for _ in range(STEPS):
        answer = session.get(url, allow_redirects=False, timeout=60)
        location = answer.headers.get("location")
        assert location, f"{url} answered {answer.status_code}:\n{answer.text[:2000]}"
        url = urljoin(url, location)
        if url.startswith(until):
            return url
    raise AssertionError(f"still not there after {STEPS} steps, at {url}")


def sign_in(base, client_id, callback, **more):
    """The token endpoint's answer for a public client's sign-in with PKCE."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "client_id": client_id,
        "response_type": "code",
        "redirect_uri": callback,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **more,
    }
    answer = parse_qs(urlsplit(walk(f"{base}/oauth2/authorize?{urlencode(asked)}", callback)).query)
    assert "code" in answer, answer
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "redirect_uri": callback,
        "code": answer["code"][0],
        "code_verifier": VERIFIER,
    }
    tokens = requests.post(f"{base}/oauth2/token", data=form, timeout=60)
    assert tokens.status_code == 200, tokens.text
    return tokens.json()
