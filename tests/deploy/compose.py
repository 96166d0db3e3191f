"""The topology of deploy/compose, run without Docker: the same files, the same secrets, one machine.

`compose.py check` looks at the file alone. HAProxy before two gateways, over Redis with its ACL and PostgreSQL with its password: a person signs in, steps land on
either gateway, and neither a gateway nor Redis that goes away leaves anything wrong behind.
"""

import getpass
import os
import shutil
import signal
import subprocess
import sys
import threading
import tomllib
from collections import Counter
from pathlib import Path
from urllib.parse import urlencode

import requests
import yaml

from proxies import Proxy
from stage import (CALLBACK, DEPLOY, Browser, Stage, access, changed, claims, end, ended, free_port, listens, provision,
                   run, shared_port, until)

COMPOSE = DEPLOY / "compose"
FIRST, SECOND = "127.0.0.1", "127.0.0.2"
PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parent.name))
# PostgreSQL refuses to run as root.
AS_ROOT = os.geteuid() == 0
AS_OWNER = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] if AS_ROOT else []


def give_to_postgres(folder):
    if AS_ROOT:
        run("chown", "-R", "postgres", folder)


def the_file_keeps_its_promises():
    """Rules of our own, beside the schema: what is published, what may be written, what is in the open."""
    told = yaml.safe_load((COMPOSE / "compose.yaml").read_text())
    services = told["services"]
    assert [name for name, one in services.items() if "ports" in one] == ["proxy"], "only the proxy is published"
    for name, one in services.items():
        assert one["read_only"] and one["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in one["security_opt"], name
        assert one["healthcheck"]["test"], name
        assert {"cpus", "memory"} <= one["deploy"]["resources"]["limits"].keys(), name
        assert not one.get("privileged") and "network_mode" not in one, name
        for key, value in one.get("environment", {}).items():
            secret = any(word in key for word in ("PASSWORD", "SECRET", "MASTER_KEY")) and not key.endswith("_FILE")
            assert not secret and "://poolgate:" not in str(value), f"{name}: {key} is in the open"
    for name in ("redis", "postgres"):
        assert services[name]["networks"] == ["stores"], f"{name} is reached by gateways alone"
    assert told["networks"]["stores"]["internal"] and told["networks"]["front"]["internal"]
    subnet = told["networks"]["front"]["ipam"]["config"][0]["subnet"]
    for name in ("gateway-1", "gateway-2"):
        assert services[name]["environment"]["POOLGATE_TRUSTED_PROXIES"] == subnet, "who is trusted is who is there"
    ignored = (COMPOSE / ".gitignore").read_text().split()
    for secret in told["secrets"].values():
        assert secret["file"].startswith("./secrets/") and "/secrets/" in ignored
    assert "/.env" in ignored


def make_secrets(stage, url):
    """Runs make-secrets twice: the second time changes nothing."""
    folder = stage.folder / "compose/secrets"
    line = [COMPOSE / "make-secrets", url]
    environment = os.environ | {"SECRETS_FOLDER": str(folder)}
    run(*line, env=environment)
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    run(*line, env=environment)
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before
    assert folder.stat().st_mode & 0o077 == 0, "the folder is its owner's alone"
    refused = subprocess.run([*line[:1], "http://login.example.com"], env=environment, capture_output=True, check=False)
    assert refused.returncode == 2, "without TLS it makes nothing"
    return folder


def redis(stage, secrets, port):
    """Redis as compose.yaml starts it."""
    data = stage.folder / "redis"
    data.mkdir(exist_ok=True)
    settings = changed((COMPOSE / "redis.conf").read_text(), words={
        "port 6379": f"port {port}", "bind * -::*": "bind 127.0.0.1", "dir /data": f"dir {data}",
        "/run/secrets/redis-users.acl": str(secrets / "redis-users.acl"),
    })
    (data / "redis.conf").write_text(settings)
    child = stage.start("redis", ["redis-server", data / "redis.conf"])
    until("Redis listens", lambda: ended(child) or listens("127.0.0.1", port))
    return child


def redis_is_for_the_gateway_alone(port, url):
    """Its own keys, and no command that empties or reshapes the store."""
    password = url.split("@")[0].rsplit(":", 1)[1]
    signed_in = ["--user", "poolgate", "--pass", password, "--no-auth-warning"]

    def say(*words, who=()):
        return subprocess.run(["redis-cli", "-p", str(port), *who, *words], capture_output=True, text=True,
                              check=False).stdout
    assert say("get", "poolgate:v1:x").startswith("NOAUTH"), "nobody without a password"
    assert say("set", "poolgate:v1:x", "1", "PX", "1000", who=signed_in).strip() == "OK"
    for words in (["set", "other:x", "1"], ["flushall"], ["flushdb"], ["keys", "*"], ["config", "set", "dir", "/tmp"],
                  ["subscribe", "other"], ["acl", "list"], ["shutdown"]):
        assert say(*words, who=signed_in).startswith("NOPERM"), words


def serve_postgres(stage, folder, port):
    """A server on folder/data with folder/postgresql.conf; started, answering."""
    child = stage.start("postgres", [*AS_OWNER, PROGRAMS / "postgres", "-D", folder / "data", "-c",
                                     f"config_file={folder}/postgresql.conf"], cwd=folder)
    # SIGINT is the fast shutdown: SIGTERM would wait for every gateway.
    stage.callback(end, child, signal.SIGINT)
    answers = lambda: subprocess.run(["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], check=False).returncode == 0
    until("PostgreSQL answers", lambda: ended(child) or answers())
    return child


def own_role():
    """The server's own role: the image's `postgres`, which is also the system user of its container."""
    settings = yaml.safe_load((COMPOSE / "compose.yaml").read_text())["services"]["postgres"]["environment"]
    return settings["POSTGRES_USER"] if AS_ROOT else getpass.getuser()


def inside(stage, port, *arguments, database="postgres"):
    """psql as the server's own role, by the socket, as the image's entry point does it; what it printed."""
    folder = stage.folder / "postgres"
    return run(*AS_OWNER, "psql", "-v", "ON_ERROR_STOP=1", "-qXtA", "--no-password", "-h", folder, "-p", str(port),
               "-U", own_role(), "-d", database, *arguments, cwd=folder)


def postgres(stage, secrets, port, more=""):
    """PostgreSQL as compose.yaml starts it: the image's entry point does what initdb does here."""
    folder = stage.folder / "postgres"
    folder.mkdir()
    password = folder / "password"
    shutil.copy(secrets / "postgres-password", password)
    settings = changed((COMPOSE / "postgresql.conf").read_text(), words={
        "listen_addresses = '*'": f"listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{folder}'"}) + more
    (folder / "postgresql.conf").write_text(settings)
    give_to_postgres(folder)
    settings = yaml.safe_load((COMPOSE / "compose.yaml").read_text())["services"]["postgres"]["environment"]
    user = own_role()
    run(*AS_OWNER, PROGRAMS / "initdb", "-D", folder / "data", f"--username={user}", f"--pwfile={password}",
        *settings["POSTGRES_INITDB_ARGS"].split(), cwd=folder)
    child = serve_postgres(stage, folder, port)
    (folder / "postgres-role.sql").write_text(changed((COMPOSE / "postgres-role.sql").read_text(), words={
        "/run/secrets/postgres-password": str(password)}))
    inside(stage, port, "-c", f"CREATE DATABASE {settings['POSTGRES_DB']}")
    inside(stage, port, "-f", folder / "postgres-role.sql", database=settings["POSTGRES_DB"])
    url = f"postgres://poolgate:{password.read_text().strip()}@127.0.0.1:{port}/poolgate"
    may = subprocess.run(["psql", "-qXtA", url, "-c", "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"],
                         capture_output=True, check=True, text=True)
    assert may.stdout.strip() == "f|f|f", f"the gateways' role may more than it needs: {may.stdout}"
    owner = subprocess.run(["psql", "-qX", url.replace("poolgate:", f"{user}:", 1), "-c", "SELECT 1"], capture_output=True, check=False)
    assert owner.returncode != 0, "the server's own role signs in from outside"
    stranger = subprocess.run(["psql", "-qX", url.replace(":" + password.read_text().strip(), ":wrong"), "-c", "SELECT 1"],
                              capture_output=True, check=False)
    assert stranger.returncode != 0, "a password is asked for"
    return child


def settings_file(stage, secrets, redis_port, postgres_port):
    """poolgate.toml as make-secrets wrote it, with the stores where they are here."""
    text = changed((secrets / "poolgate.toml").read_text(), words={
        "@redis:6379": f"@127.0.0.1:{redis_port}", "@postgres:5432": f"@127.0.0.1:{postgres_port}"})
    path = stage.folder / "poolgate.toml"
    path.write_text(text)
    return path, tomllib.loads(text)


def gateway_is_left_out(proxy, child, client):
    """A gateway that dies takes nobody with it."""
    end(child, signal.SIGKILL)
    answers = [proxy.ask("GET", "/.well-known/jwks.json").status_code for _ in range(40)]
    assert set(answers) == {200}, answers
    for _ in range(3):
        Browser(str(proxy.ca)).sign_in(proxy.url, client)


def a_gateway_is_replaced_and_nobody_notices(proxy, start, running):
    """The first comes back, the second is told to stop: every request in between is answered as always."""
    running[0] = start(0)
    known = len(proxy.log.read_text())

    def served_again():
        proxy.ask("GET", "/.well-known/jwks.json")
        return " gateway-1 " in proxy.log.read_text()[known:]
    until("HAProxy sends to it again", served_again)
    answers, enough = [], threading.Event()

    def ask():
        form = {"grant_type": "authorization_code", "code": "nothing", "client_id": "nobody", "redirect_uri": CALLBACK}
        while not enough.is_set():
            answers.append(proxy.ask("GET", "/.well-known/jwks.json").status_code)
            answers.append(proxy.ask("POST", "/oauth2/token", data=form).status_code)
    many = [threading.Thread(target=ask) for _ in range(4)]
    for one in many:
        one.start()
    until("they ask", lambda: len(answers) > 40)
    running[1].send_signal(signal.SIGTERM)
    code = running[1].wait(20)
    enough.set()
    for one in many:
        one.join()
    assert code == 0 and set(answers) == {200, 400}, (code, Counter(answers))
    running[1] = start(1)


def redis_away_is_told(stage, proxy, server, secrets, port, client):
    """No sessions: a clear 503, and by itself all is well again."""
    end(server)
    asked = {"response_type": "code", "client_id": client, "redirect_uri": CALLBACK, "identity_provider": "Corp"}
    path = "/oauth2/authorize?" + urlencode(asked)
    until("it is told", lambda: proxy.ask("GET", path).status_code == 503)
    server = redis(stage, secrets, port)

    def again():
        try:
            return Browser(str(proxy.ca)).sign_in(proxy.url, client)
        except (AssertionError, requests.RequestException):
            return None
    until("it mends itself", again)


def main():
    the_file_keeps_its_promises()
    if sys.argv[1:] == ["check"]:
        print("compose: well formed")
        return
    with Stage() as stage:
        port, metrics = shared_port(FIRST, SECOND), shared_port(FIRST, SECOND)
        secrets = make_secrets(stage, "https://localhost")
        proxy = Proxy(stage, "haproxy", port, metrics)
        redis_port, postgres_port = free_port(), free_port()
        store = redis(stage, secrets, redis_port)
        postgres(stage, secrets, postgres_port)
        path, told = settings_file(stage, secrets, redis_port, postgres_port)
        redis_is_for_the_gateway_alone(redis_port, told["session_url"])
        common = {"POOLGATE_PUBLIC_URL": proxy.url, "POOLGATE_TRUSTED_PROXIES": "127.0.0.0/8"}
        hosts = [FIRST, SECOND]
        start = lambda at: stage.gateway(f"gateway-{at + 1}", f"{hosts[at]}:{port}", f"{hosts[at]}:{metrics}", common,
                                         ["--config", str(path)])
        running = [start(0), start(1)]
        provider = stage.identity_provider(f"http://localhost:{port}/saml2/metadata")
        reached = access(f"http://localhost:{port}", told["access_key_id"], told["secret_access_key"])
        _, client = provision(reached, provider)
        subjects = set()
        for _ in range(6):
            tokens, _ = Browser(str(proxy.ca)).sign_in(proxy.url, client)
            subjects.add(claims(tokens["id_token"])["sub"])
        assert len(subjects) == 1, "whichever gateway: one person"
        gateway_is_left_out(proxy, running[0], client)
        a_gateway_is_replaced_and_nobody_notices(proxy, start, running)
        redis_away_is_told(stage, proxy, store, secrets, redis_port, client)
        log = "".join(one.read_text(errors="replace") for one in stage.logs if one.name.startswith("gateway"))
        for name in ("directory_url", "session_url", "master_key", "secret_access_key"):
            assert told[name].split("@")[0].split(":")[-1] not in log, f"{name} is in the log"
    print("compose: well")


if __name__ == "__main__":
    main()
