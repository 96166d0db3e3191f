"""The commands of docs/backup.md, as they stand: `backup.py embedded|postgres|point-in-time`.

A directory with users is backed up, lost, and restored from the page; the same people come back, a stranger does not.
"""

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys

import requests

from stage import (REPOSITORY, Browser, Stage, access, claims, end, fresh_secrets, free_port, provision, run, until)

VENV = REPOSITORY / "tests/.cache/venv/bin"


def blocks():
    """Info string → commands."""
    page = (REPOSITORY / "docs/backup.md").read_text()
    return {info: text for info, text in re.findall(r"^```sh (\w[\w -]*)\n(.*?)^```$", page, re.M | re.S)}


def follow(block, **variables):
    """Runs a block of the page in bash; what it printed."""
    environment = os.environ | {name: str(value) for name, value in variables.items()}
    environment["PATH"] = f"{VENV}:{environment['PATH']}"
    return run("bash", "-euo", "pipefail", "-c", blocks()[block], env=environment)


def keys_of(url, pool):
    return requests.get(f"{url}/{pool}/.well-known/jwks.json", timeout=10).json()


def people_sign_in(url, client, provider, names):
    """Username and sub of each."""
    found = {}
    for name in names:
        person = Browser()
        person.session.get(f"{provider}/as/{name}", timeout=10)
        tokens, _ = person.sign_in(url, client)
        told = claims(tokens["id_token"])
        found[told["cognito:username"]] = (told["sub"], tokens["refresh_token"])
    return found


class Installation:
    """A gateway on one port, however often it is started."""

    def __init__(self, stage, settings):
        self.stage, self.settings = stage, settings
        self.port, self.metrics = free_port(), free_port()
        self.url = f"http://localhost:{self.port}"

    def start(self):
        environment = self.settings | {"POOLGATE_PUBLIC_URL": self.url, "POOLGATE_DATA_DIR": str(self.data())}
        return self.stage.gateway("gateway", f"127.0.0.1:{self.port}", f"127.0.0.1:{self.metrics}", environment)

    def data(self):
        return self.stage.folder / "data"

    def aws(self, told):
        return {"AWS_ENDPOINT_URL": self.url, "AWS_DEFAULT_REGION": "us-east-1", "AWS_PAGER": "",
                "AWS_ACCESS_KEY_ID": told["access_key"], "AWS_SECRET_ACCESS_KEY": told["secret_key"]}


def drill(stage, here, reached, back_up, lose, restore):
    """Fill, back up while it runs, go on, lose everything, restore, look."""
    running = here.start()
    told = reached()
    provider = stage.identity_provider(f"{here.url}/saml2/metadata")
    pool, client = provision(told, provider)
    before = people_sign_in(here.url, client, provider, ["alice", "bob"])
    keys = keys_of(here.url, pool)
    back_up()
    late = people_sign_in(here.url, client, provider, ["carol"])
    end(running, signal.SIGKILL)
    lose()
    restore()
    here.start()
    assert keys_of(here.url, pool) == keys, "the master key fits"
    looked = follow("drill", POOL=pool, **here.aws(reached()))
    assert "deploy" in looked and "Corp_persistent-" in looked and json.dumps(keys["keys"][0]["kid"]) in looked
    after = people_sign_in(here.url, client, provider, ["alice", "bob", "carol"])
    for username, (sub, refresh) in before.items():
        assert after[username][0] == sub, f"{username} is who they were"
        form = {"grant_type": "refresh_token", "refresh_token": refresh, "client_id": client}
        assert requests.post(f"{here.url}/oauth2/token", data=form, timeout=30).status_code == 200, "apps stay signed in"
    for username, (sub, _) in late.items():
        assert after[username][0] != sub, "the page says so: who came later comes back as somebody new"


def embedded():
    with Stage() as stage:
        here = Installation(stage, {})
        folders = {"DATA": here.data(), "BACKUP": stage.folder / "backup", "SAFE": stage.folder / "safe"}
        for name in ("BACKUP", "SAFE"):
            folders[name].mkdir(mode=0o700)

        def reached():
            told = json.loads((here.data() / "credentials.json").read_text())
            return access(here.url, told["access_key_id"], told["secret_access_key"])

        def back_up():
            assert follow("embedded backup", **folders).strip() == "ok"
            follow("embedded keys", **folders)

        drill(stage, here, reached, back_up, lambda: shutil.rmtree(here.data()),
              lambda: follow("embedded restore", **folders))
        for one in [*here.data().iterdir(), *folders["BACKUP"].iterdir(), *folders["SAFE"].iterdir()]:
            assert one.stat().st_mode & 0o077 == 0, f"{one} may be read by others"


def postgres():
    from compose import inside, make_secrets, postgres as start_postgres
    with Stage() as stage:
        port, password = free_port(), make_secrets(stage, "https://localhost") / "postgres-password"
        start_postgres(stage, password.parent, port)
        database = f"postgres://poolgate:{password.read_text().strip()}@127.0.0.1:{port}/poolgate"
        here = Installation(stage, fresh_secrets() | {"POOLGATE_DIRECTORY_URL": database})
        backup = stage.folder / "backup"
        backup.mkdir(mode=0o700)

        def lose():
            inside(stage, port, "-c", "DROP DATABASE poolgate WITH (FORCE)")
            shutil.rmtree(here.data())

        def restore():
            inside(stage, port, "-c", "CREATE DATABASE poolgate OWNER poolgate")
            follow("postgres restore", DATABASE=database, BACKUP=backup)

        drill(stage, here, lambda: access(here.url),
              lambda: follow("postgres backup", DATABASE=database, BACKUP=backup), lose, restore)
        assert (backup / "poolgate.dump").stat().st_mode & 0o077 == 0


def point_in_time():
    """Nothing is lost that reached the archive: who came after the base copy is who they were."""
    from compose import give_to_postgres, inside, make_secrets, postgres as start_postgres, serve_postgres
    with Stage() as stage:
        port, password = free_port(), make_secrets(stage, "https://localhost") / "postgres-password"
        archive, backup = stage.folder / "archive", stage.folder / "backup"
        for folder in (archive, backup):
            folder.mkdir(mode=0o700)
            give_to_postgres(folder)
        page = (REPOSITORY / "docs/backup.md").read_text()
        settings = re.search(r"^```conf\n(.*?)^```$", page, re.M | re.S)[1].replace("$ARCHIVE", str(archive))
        server = start_postgres(stage, password.parent, port, settings)
        database = f"postgres://poolgate:{password.read_text().strip()}@127.0.0.1:{port}/poolgate"
        here = Installation(stage, fresh_secrets() | {"POOLGATE_DIRECTORY_URL": database})
        running = here.start()
        provider = stage.identity_provider(f"{here.url}/saml2/metadata")
        _, client = provision(access(here.url), provider)
        inside(stage, port, "-c", "CREATE ROLE backup REPLICATION LOGIN PASSWORD 'copies'")
        follow("postgres base", REPLICATION=f"postgres://backup:copies@127.0.0.1:{port}/postgres", BACKUP=backup)
        late = people_sign_in(here.url, client, provider, ["alice", "carol"])
        piece = inside(stage, port, "-c", "SELECT pg_walfile_name(pg_switch_wal())").strip()
        until("the archive has it", lambda: (archive / piece).exists())
        end(running, signal.SIGKILL)
        end(server, signal.SIGQUIT)
        data = stage.folder / "postgres/data"
        shutil.rmtree(data)
        data.mkdir(mode=0o700)
        follow("postgres point-in-time", BACKUP=backup, PGDATA=data, ARCHIVE=archive)
        give_to_postgres(data)
        serve_postgres(stage, stage.folder / "postgres", port)
        recovering = lambda: run("psql", "-qXAt", database, "-c", "SELECT pg_is_in_recovery()").strip()
        until("the log is played to its end", lambda: recovering() == "f")
        here.start()
        after = people_sign_in(here.url, client, provider, ["alice", "carol"])
        assert {name: sub for name, (sub, _) in after.items()} == {name: sub for name, (sub, _) in late.items()}


if __name__ == "__main__":
    {"embedded": embedded, "postgres": postgres, "point-in-time": point_in_time}[sys.argv[1]]()
    print(f"backup of {sys.argv[1]}: well")
