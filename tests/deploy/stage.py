"""What the tests of deploy/ stand on: servers as child processes, a pool, a person who signs in.

POOLGATE_BINARY names the gateway's program; without it, the one that `cargo build` made.
"""

import base64
import contextlib
import fcntl
import html
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import requests

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy"
sys.path.insert(0, str(REPOSITORY / "tests/python"))

BINARY = os.environ.get("POOLGATE_BINARY", str(REPOSITORY / "target/debug/poolgate"))
CALLBACK = "http://localhost:3000/callback"
REGION = "us-east-1"
# Long enough for a busy machine; nobody waits for it when all is well.
PATIENCE = 60


# Held to the end of this process.
PROMISED = []


def free_port():
    """One that is free, and that no other test is given before this process ends (`testing/src/ports.rs` locks the
    same files); below the range of outgoing connections (Linux: 32768)."""
    folder = Path(tempfile.gettempdir()) / f"poolgate-test-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        promise = (folder / str(port)).open("a")
        try:
            fcntl.flock(promise, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as one:
                one.bind(("127.0.0.1", port))
        except OSError:
            promise.close()
            continue
        PROMISED.append(promise)
        return port


def shared_port(*addresses):
    """A port that is free on each of these addresses."""
    while True:
        port = free_port()
        try:
            for address in addresses:
                with socket.socket() as one:
                    one.bind((address, port))
            return port
        except OSError:
            continue


def until(what, condition, patience=PATIENCE):
    """Waits for the condition; its value."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {patience} s: {what}"
        time.sleep(0.05)


def listens(address, port):
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex((address, port)) == 0


def run(*line, **more):
    """Runs a program to its end; what it printed. A failure tells all."""
    done = subprocess.run([str(part) for part in line], capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, f"{line}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def certificate(folder, *names):
    """A self-signed certificate for these names: paths of certificate, key, and both in one file."""
    paths = [folder / name for name in ("fullchain.pem", "privkey.pem", "both.pem")]
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", f"/CN={names[0]}", "-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names),
        "-keyout", paths[1], "-out", paths[0])
    paths[2].write_text(paths[0].read_text() + paths[1].read_text())
    return paths


def changed(text, **changes):
    """The text with each of these words replaced: a word that is not there is a mistake of the test."""
    for old, new in changes.pop("words", {}).items():
        assert old in text, f"{old!r} is no longer in the file"
        text = text.replace(old, new)
    return text


class Stage(contextlib.ExitStack):
    """Child processes and a folder, gone at the end. When a test fails, the ends of their logs are printed."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="poolgate-deploy-"))
        os.chmod(self.folder, 0o755)
        self.logs = []
        self.callback(shutil.rmtree, self.folder, ignore_errors=True)

    def __exit__(self, kind, error, trace):
        if kind:
            for log in self.logs:
                lines = log.read_text(errors="replace").splitlines()[-25:]
                print(f"--- end of {log.name} ---", *lines, sep="\n", file=sys.stderr)
        return super().__exit__(kind, error, trace)

    def start(self, name, line, environment=None, **more):
        """Starts a program; its output goes to a log of that name."""
        log = self.folder / f"{name}.log"
        self.logs.append(log)
        with open(log, "ab") as out:
            child = subprocess.Popen([str(part) for part in line], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                     env={**os.environ, **(environment or {})}, **more)
        self.callback(end, child)
        child.log = log
        return child

    def gateway(self, name, listen, metrics, environment=None, arguments=()):
        """`poolgate serve`, ready."""
        host, port = metrics.split(":")
        settings = {"POOLGATE_LISTEN": listen, "POOLGATE_METRICS_LISTEN": metrics, "POOLGATE_DEV": "true",
                    "POOLGATE_RATE_LIMITS": "off",
                    "POOLGATE_DATA_DIR": str(self.folder / f"data-{name}"), "POOLGATE_REGION": REGION}
        child = self.start(name, [BINARY, "serve", *arguments], settings | (environment or {}))
        # At the end of a test nobody waits for connections to drain.
        self.callback(end, child, signal.SIGKILL)
        until(f"{name} is ready", lambda: ended(child) or ready(host, port))
        return child

    def identity_provider(self, metadata_url):
        """pysaml2 as identity provider for the pool whose metadata is there; its base URL."""
        child = self.start("pysaml2", [sys.executable, REPOSITORY / "tests/python/saml_idp.py", metadata_url])
        lines = lambda: [line for line in child.log.read_text().splitlines() if line.startswith("{")]
        return json.loads(until("pysaml2 answers", lambda: ended(child) or lines())[0])["base"]


def ended(child):
    assert child.poll() is None, f"it ended with {child.returncode}:\n{child.log.read_text(errors='replace')[-4000:]}"


def end(child, how=signal.SIGTERM):
    if child.poll() is None:
        child.send_signal(how)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def ready(host, port):
    try:
        return requests.get(f"http://{host}:{port}/readyz", timeout=2).status_code == 200
    except requests.RequestException:
        return False


def access(endpoint, key="AKIDDEPLOY", secret="deploy-secret-key"):
    """Address and credentials, as provision.py takes them."""
    return {"endpoint": endpoint, "region": REGION, "access_key": key, "secret_key": secret}


def fresh_secrets():
    """A master key and management credentials, as settings."""
    return {"POOLGATE_MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "POOLGATE_ACCESS_KEY_ID": "AKIDDEPLOY", "POOLGATE_SECRET_ACCESS_KEY": "deploy-secret-key"}


def provision(reached, provider, name="deploy"):
    """A pool at the domain `localhost` with pysaml2's provider `Corp` and one app: its ids."""
    spec = reached | {
        "pool_name": name,
        "providers": [{"name": "Corp", "type": "SAML", "details": {"MetadataURL": f"{provider}/both/metadata"},
                       "mapping": {"email": "urn:oid:0.9.2342.19200300.100.1.3"}}],
        "clients": [{"name": "app", "callbacks": [CALLBACK], "providers": ["Corp"]}],
    }
    made = json.loads(run(sys.executable, REPOSITORY / "tests/python/provision.py", json.dumps(spec)))
    return made["pool_id"], made["clients"]["app"]["id"]


class Browser:
    """A person with a browser: keeps cookies, follows redirects and forms that post themselves."""

    def __init__(self, verify=True):
        self.session = requests.Session()
        self.session.trust_env, self.session.verify = False, verify

    def walk(self, url, stop=CALLBACK):
        """Goes where that leads; the address it ends at, before the app's own."""
        answer = self.session.get(url, allow_redirects=False, timeout=30)
        for _ in range(25):
            if answer.is_redirect:
                there = urljoin(answer.url, answer.headers["Location"])
                if there.startswith(stop):
                    return there
                answer = self.session.get(there, allow_redirects=False, timeout=30)
                continue
            form = re.search(r'(?is)<form\b[^>]*\baction="([^"]*)"[^>]*>(.*?)</form>', answer.text)
            assert answer.status_code == 200 and form, f"{answer.status_code} at {answer.url}: {answer.text[:2000]}"
            fields = {}
            for field in re.findall(r"(?is)<input\b([^>]*)>", form[2]):
                found = dict(re.findall(r'(?s)([\w-]+)\s*=\s*"([^"]*)"', field))
                if "name" in found:
                    fields[found["name"]] = html.unescape(found.get("value", ""))
            answer = self.session.post(urljoin(answer.url, html.unescape(form[1])), data=fields,
                                       allow_redirects=False, timeout=30)
        raise AssertionError(f"still not there, at {answer.url}")

    def sign_in(self, app_url, client):
        """A whole sign-in through Corp: the tokens, and the token endpoint's answer."""
        asked = {"response_type": "code", "client_id": client, "redirect_uri": CALLBACK, "scope": "openid email",
                 "identity_provider": "Corp", "state": secrets.token_hex(8)}
        landed = self.walk(f"{app_url}/oauth2/authorize?{urlencode(asked)}")
        came = dict(parse_qsl(urlsplit(landed).query))
        assert came.get("state") == asked["state"], landed
        form = {"grant_type": "authorization_code", "code": came["code"], "redirect_uri": CALLBACK, "client_id": client}
        answer = self.session.post(f"{app_url}/oauth2/token", data=form, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json(), answer


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
