"""deploy/systemd/poolgate.service: verified by systemd's own tools, and a gateway run inside its confinement."""

import os
import re
import shutil
import signal
import subprocess
import sys

from sandbox import settings
from stage import (BINARY, DEPLOY, REGION, Browser, Stage, access, claims, ended, fresh_secrets, free_port, provision, ready,
                   run, until)

UNIT = DEPLOY / "systemd/poolgate.service"
# systemd's own measure, 0 to 10: below 2 is what it calls OK.
EXPOSURE = 1.5
SANDBOX = [sys.executable, DEPLOY.parent / "tests/deploy/sandbox.py"]


def systemd_understands_it(stage):
    copy = stage.folder / "poolgate.service"
    copy.write_text(UNIT.read_text().replace("/usr/local/bin/poolgate", BINARY))
    said = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, check=False)
    assert said.returncode == 0 and not said.stderr.strip(), said.stderr
    told = run("systemd-analyze", "--no-pager", "security", "--offline=true", copy)
    exposure = float(re.search(r"exposure level for poolgate.service: ([\d.]+)", told)[1])
    assert exposure <= EXPOSURE, f"{exposure}:\n{told}"
    return exposure


def the_sandbox_confines(stage):
    """What the unit forbids ends with SIGSYS or an error: the test below would see it."""
    folder = stage.folder / "tried"
    folder.mkdir(mode=0o777)
    attempts = {
        "a shell with another root": "import os; os.chroot('/')",
        "a raw socket": "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "memory that is written and run": "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)",
        "a limit raised": "import os; os.sched_setaffinity(0, {0})",
    }
    for what, code in attempts.items():
        tried = subprocess.run([*SANDBOX, UNIT, folder, "/usr/bin/python3", "-c", code], capture_output=True, check=False)
        assert tried.returncode == -signal.SIGSYS, f"{what}: {tried}"
    written = subprocess.run([*SANDBOX, UNIT, folder, "/usr/bin/python3", "-c",
                              f"open('{folder}/here', 'w'); open('/there', 'w')"], capture_output=True, text=True, check=False)
    assert (folder / "here").exists(), written.stderr
    if os.geteuid() == 0:
        assert "Read-only file system: '/there'" in written.stderr, written.stderr


def a_gateway_works_inside(stage):
    """All of it: first start, management, a sign-in, its end, and again on its data."""
    program = shutil.copy(BINARY, stage.folder / "poolgate")
    state = stage.folder / "state"
    state.mkdir(mode=0o700)
    port, metrics = free_port(), free_port()
    url = f"http://localhost:{port}"
    secrets = fresh_secrets()
    lines = [f'{name.removeprefix("POOLGATE_").lower()} = "{value}"' for name, value in secrets.items()]
    credential = stage.folder / "poolgate.toml"
    credential.write_text("\n".join(lines) + "\n")
    environment = {"POOLGATE_LISTEN": f"127.0.0.1:{port}", "POOLGATE_METRICS_LISTEN": f"127.0.0.1:{metrics}",
                   "POOLGATE_PUBLIC_URL": url, "POOLGATE_DEV": "true", "POOLGATE_REGION": REGION,
                   "POOLGATE_DATA_DIR": str(state)}
    line = [*SANDBOX, UNIT, state, program, "serve", "--config", credential]

    def start():
        child = stage.start("confined", line, environment)
        until("it is ready", lambda: ended(child) or ready("127.0.0.1", metrics))
        return child

    def stop(child):
        child.send_signal(signal.SIGTERM)
        # TimeoutStopSec of the unit, and not a moment longer.
        limit = int(settings(UNIT)["TimeoutStopSec"][0].removesuffix("s"))
        assert child.wait(limit) == 0, child.log.read_text()[-2000:]

    child = start()
    _, client = provision(access(url), stage.identity_provider(f"{url}/saml2/metadata"))
    first, _ = Browser().sign_in(url, client)
    assert subprocess.run([program, "healthcheck", "--ready"], env=environment, check=False).returncode == 0
    stop(child)
    assert subprocess.run([program, "healthcheck"], env=environment, check=False, capture_output=True).returncode == 1
    child = start()
    again, _ = Browser().sign_in(url, client)
    assert claims(first["id_token"])["sub"] == claims(again["id_token"])["sub"]
    stop(child)
    for one in state.iterdir():
        assert one.stat().st_mode & 0o077 == 0, f"{one} is its own alone"


def main():
    with Stage() as stage:
        exposure = systemd_understands_it(stage)
        the_sandbox_confines(stage)
        a_gateway_works_inside(stage)
    print(f"systemd: well, exposure {exposure}")


if __name__ == "__main__":
    main()
