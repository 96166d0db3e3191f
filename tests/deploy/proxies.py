"""deploy/haproxy and deploy/nginx, run as they stand before real gateways: `proxies.py haproxy|nginx`."""

import http.client
import http.server
import os
import secrets
import socket
import ssl
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import requests

from stage import (DEPLOY, Browser, Stage, access, certificate, changed, claims, end, ended, fresh_secrets, free_port,
                   listens, provision, run, shared_port, until)

FIRST, SECOND = "127.0.0.1", "127.0.0.2"
# The gateway's own cap of a form, see `http::body::MAX_SAML_FORM`.
CAP = 1200 * 1024


class Proxy:
    """HAProxy or nginx with the file of deploy/, before both addresses."""

    def __init__(self, stage, kind, port, metrics):
        self.http, self.https = free_port(), free_port()
        self.url = f"https://localhost:{self.https}"
        folder = stage.folder / f"{kind}-{self.https}"
        folder.mkdir()
        self.ca, key, both = certificate(folder, "localhost")
        self.log = folder / "access.log"
        if kind == "haproxy":
            line, environment = self.haproxy(port, metrics, both)
            run(line[0], "-c", *line[1:], env=os.environ | environment)
            child = stage.start(folder.name, [*line, "-W"], environment)
            self.log = child.log
        else:
            line = self.nginx(folder, port, key)
            run(line[0], "-t", *line[1:])
            child = stage.start(folder.name, line)
        until("the proxy listens", lambda: ended(child) or listens(FIRST, self.https) and listens(FIRST, self.http))

    def haproxy(self, port, metrics, both):
        environment = {"POOLGATE_1": f"{FIRST}:{port}", "POOLGATE_2": f"{SECOND}:{port}",
                       "POOLGATE_METRICS_PORT": str(metrics), "POOLGATE_CERTIFICATE": str(both),
                       "BIND_HTTP": f"127.0.0.1:{self.http}", "BIND_HTTPS": f"127.0.0.1:{self.https}"}
        return ["haproxy", "-f", DEPLOY / "haproxy/haproxy.cfg"], environment

    def nginx(self, folder, port, key):
        site = changed((DEPLOY / "nginx/poolgate.conf").read_text(), words={
            "10.0.0.11:9229": f"{FIRST}:{port}", "10.0.0.12:9229": f"{SECOND}:{port}",
            "listen 80 ": f"listen 127.0.0.1:{self.http} ", "listen 443 ": f"listen 127.0.0.1:{self.https} ",
            "login.example.com *.login.example.com": "localhost",
            "/etc/poolgate/tls/fullchain.pem": str(self.ca), "/etc/poolgate/tls/privkey.pem": str(key),
            "/var/log/nginx/poolgate.log": str(self.log),
        })
        (folder / "poolgate.conf").write_text(site)
        user = "user root;" if os.geteuid() == 0 else ""
        temporary = "".join(f"{one}_temp_path {folder}/{one};" for one in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(
            f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
            f"http {{ {temporary} include {folder}/poolgate.conf; }}\n")
        return ["nginx", "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"]

    def ask(self, method, path, **more):
        session = requests.Session()
        session.trust_env = False
        return session.request(method, self.url + path, verify=self.ca, allow_redirects=False, timeout=30, **more)


def a_person_signs_in(proxy, client):
    tokens, answer = Browser(str(proxy.ca)).sign_in(proxy.url, client)
    assert claims(tokens["id_token"])["cognito:username"] == "Corp_persistent-alice"
    assert claims(tokens["id_token"])["iss"].startswith(proxy.url)
    assert "no-store" in answer.headers["Cache-Control"], "tokens are kept nowhere"
    for secret in ("redirect_uri=", "code=", "SAMLRequest=", tokens["access_token"][:40]):
        assert secret not in proxy.log.read_text(), f"{secret} is in the proxy's log"


def what_a_client_says_of_itself_is_thrown_away(proxy, client):
    path = f"/oauth2/authorize?client_id={client}&response_type=code&redirect_uri=http://localhost:3000/callback"
    for lie in ({"Forwarded": "host=evil.example"}, {"X-Forwarded-Host": "evil.example"},
                {"Forwarded": "for=10.1.2.3;host=evil.example;proto=http", "X-Forwarded-Host": "evil.example"}):
        answer = proxy.ask("GET", path, headers=lie)
        assert answer.status_code == 302, f"{lie} was believed: {answer.status_code}"
        assert "evil.example" not in answer.headers["Location"]


def tls_is_asked_for_and_told_once(proxy):
    for path in ("/.well-known/openid-configuration", "/nowhere", "/login"):
        said = proxy.ask("GET", path).raw.headers.getlist("Strict-Transport-Security")
        assert said == ["max-age=31536000"], f"{path}: {said}"
    plain = f"http://127.0.0.1:{proxy.http}/login?client_id=x"
    moved = requests.get(plain, headers={"Host": "localhost"}, allow_redirects=False, timeout=10)
    assert (moved.status_code, moved.headers["Location"]) == (301, "https://localhost/login?client_id=x")
    refused = requests.post(plain, data={"password": "secret"}, allow_redirects=False, timeout=10)
    assert refused.status_code == 403, "a secret that came in the open is not sent on"
    assert not refused.headers.get("Location")


def bodies_go_as_far_as_the_gateway_takes_them(proxy):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    large = proxy.ask("POST", "/saml2/idpresponse", data=b"SAMLResponse=" + b"A" * (CAP - 13), headers=form)
    assert large.headers.get("x-amzn-requestid"), f"the gateway did not see it: {large.status_code}"
    # Refused at the door, before a byte of it is sent.
    door = http.client.HTTPSConnection("localhost", proxy.https, timeout=10,
                                       context=ssl.create_default_context(cafile=proxy.ca))
    door.putrequest("POST", "/saml2/idpresponse")
    for name, value in (form | {"Content-Length": str(CAP + 1)}).items():
        door.putheader(name, value)
    door.endheaders()
    over = door.getresponse()
    assert over.status == 413 and not over.headers.get("x-amzn-requestid"), over.status
    # A long address arrives whole: 32 KiB of a redirect binding.
    long = proxy.ask("GET", "/saml2/logout?SAMLRequest=" + "A" * 32 * 1024)
    assert long.headers.get("x-amzn-requestid"), long.status_code


def the_public_door_has_no_metrics(proxy):
    for path in ("/metrics", "/readyz", "/healthz", "/attempts"):
        assert proxy.ask("GET", path).status_code == 404, path


def management_calls_keep_their_signature(proxy, pool):
    from provision import client
    os.environ["AWS_CA_BUNDLE"] = str(proxy.ca)
    described = client(access(proxy.url)).describe_user_pool(UserPoolId=pool)
    assert described["UserPool"]["Id"] == pool


class Silent(http.server.BaseHTTPRequestHandler):
    """Takes a request whole, counts it, and closes without a word; it has one page, and is well."""

    def do_GET(self):
        if self.path in ("/readyz", "/page"):
            self.server.told.extend(self.headers.items() if self.path == "/page" else [])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.send_header("Strict-Transport-Security", "max-age=1")
            self.end_headers()
            return
        self.count()

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.count()

    def count(self):
        self.server.seen.append(self.path)
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_):
        pass


def before_gateways_that_never_answer(stage, kind):
    """A POST that was sent is never sent twice; what the gateway says of TLS is said once."""
    port, metrics = shared_port(FIRST, SECOND), shared_port(FIRST, SECOND)
    seen, told = [], []
    for address in (FIRST, SECOND):
        for one in (port, metrics):
            server = http.server.ThreadingHTTPServer((address, one), Silent)
            server.seen, server.told = seen, told
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stage.callback(server.shutdown)
    proxy = Proxy(stage, kind, port, metrics)
    page = until("it is there", lambda: (answer := proxy.ask("GET", "/page")).status_code == 200 and answer)
    said = page.raw.headers.getlist("Strict-Transport-Security")
    assert said == ["max-age=31536000"], said
    lies = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01", "tracestate": "x=stranger", "baggage": "x=stranger",
            "Forwarded": "for=192.0.2.66", "X-Forwarded-For": "192.0.2.66"}
    assert proxy.ask("GET", "/page", headers=lies | {"X-Kept": "kept"}).status_code == 200
    assert any(value == "kept" for _, value in told), "the test sees no header"
    for name, value in told:
        assert value not in lies.values(), f"a stranger's {name} reaches the gateway: {value}"
    marks = [f"/oauth2/token?mark={secrets.token_hex(4)}" for _ in range(6)]
    for mark in marks:
        assert proxy.ask("POST", mark, data={"code": "once"}).status_code in (502, 503, 504)
    for mark in marks:
        assert seen.count(mark) <= 1, f"sent {seen.count(mark)} times"
    assert any(mark in seen for mark in marks), "none arrived: the test sees nothing"


def gateways(stage, url, port, metrics, hosts, stores):
    common = fresh_secrets() | {"POOLGATE_PUBLIC_URL": url, "POOLGATE_TRUSTED_PROXIES": "127.0.0.0/8"} | stores
    return {host: stage.gateway(f"gateway-{host}", f"{host}:{port}", f"{host}:{metrics}", common) for host in hosts}


def a_gateway_that_dies_is_left_out(stage, proxy, running, client):
    end(running[FIRST])
    until("the proxy has noticed", lambda: proxy.ask("GET", "/.well-known/jwks.json").status_code == 200)
    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(lambda _: proxy.ask("GET", "/.well-known/jwks.json").status_code, range(80)))
    assert set(answers) == {200}, answers


def main():
    kind = sys.argv[1]
    with Stage() as stage:
        before_gateways_that_never_answer(stage, kind)
        port, metrics = shared_port(FIRST, SECOND), shared_port(FIRST, SECOND)
        proxy = Proxy(stage, kind, port, metrics)
        # The second gateway is not there: what the proxy sends to it first comes to the one that is.
        running = gateways(stage, proxy.url, port, metrics, [FIRST], {})
        provider = stage.identity_provider(f"http://localhost:{port}/saml2/metadata")
        pool, client = provision(access(f"http://localhost:{port}"), provider)
        until("the proxy sends to it", lambda: proxy.ask("GET", "/.well-known/jwks.json").status_code == 200)
        for _ in range(3):
            a_person_signs_in(proxy, client)
        what_a_client_says_of_itself_is_thrown_away(proxy, client)
        tls_is_asked_for_and_told_once(proxy)
        bodies_go_as_far_as_the_gateway_takes_them(proxy)
        the_public_door_has_no_metrics(proxy)
        management_calls_keep_their_signature(proxy, pool)
        assert running[FIRST].poll() is None
    print(f"{kind}: well")


if __name__ == "__main__":
    main()
