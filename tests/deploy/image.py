"""deploy/Dockerfile without Docker: what the build would see, what the image would run.

`image.py` checks the files. `image.py reproducible [PROFILE]` builds twice, from two folders, and compares the bytes: it
compiles everything twice, so it is for releases, not for each run of the tests.
"""

import fnmatch
import hashlib
import json
import os
import re
import shutil
import sys
from pathlib import Path

from stage import REPOSITORY, Stage, run

DOCKERFILE = REPOSITORY / "deploy/Dockerfile"


def tracked():
    """What is in git, or will be."""
    said = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=REPOSITORY)
    return [Path(line) for line in said.splitlines() if (REPOSITORY / line).is_file()]


def let_through(path, rules):
    """.dockerignore, as far as ours goes: the last rule that names the path, or a folder of it, decides."""
    inside = True
    for rule in rules:
        name = rule.lstrip("!")
        parts = [str(path), *(str(parent) for parent in path.parents if str(parent) != ".")]
        if any(fnmatch.fnmatchcase(part, name) for part in parts):
            inside = rule.startswith("!")
    return inside


def context(folder):
    """The files that `docker build` would be given."""
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    rules = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    assert rules[0] == "*", "what is not named stays out"
    for path in tracked():
        if let_through(path, rules):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / path, target)
    for secret in ("deploy/compose/secrets/poolgate.toml", "poolgate-data/master.key", ".git/config", ".env"):
        assert not let_through(Path(secret), rules), secret
    return folder


def the_build_has_all_it_needs(folder):
    """Cargo finds every crate, target and embedded file in the context."""
    run("cargo", "metadata", "--locked", "--offline", "--format-version=1", "--no-deps", cwd=folder)
    for source in folder.rglob("*.rs"):
        if any("tests" in part or part == "testing" for part in source.relative_to(folder).with_suffix("").parts):
            continue
        text = source.read_text()
        for name in re.findall(r'include_(?:str|bytes)!\(\s*"([^"]+)"', text):
            assert (source.parent / name).exists(), f"{source} includes {name}"
        for name in re.findall(r'migrate!\(\s*"([^"]+)"', text):
            assert (folder / name).exists(), f"{source}: {name}"
    assert os.access(folder / "deploy/build-release", os.X_OK)


def instructions():
    """Of the last stage: instruction → its values."""
    text = re.sub(r"\\\n", " ", DOCKERFILE.read_text())
    stage, found = {}, None
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            stage, found = {}, rest
        elif word.isupper():
            stage.setdefault(word, []).append(rest.strip())
    return found, stage


def the_image_is_narrow():
    base, told = instructions()
    assert base == "${RUNTIME_IMAGE}", "pinned by whoever builds"
    uid = told["USER"][0].split(":")[0]
    assert uid.isdigit() and int(uid) > 0, "a number: runAsNonRoot cannot tell a name"
    assert told["STOPSIGNAL"] == ["SIGTERM"]
    environment = " ".join(told["ENV"])
    for port in re.findall(r"POOLGATE_(?:METRICS_)?LISTEN=\S+:(\d+)", environment):
        assert port in told["EXPOSE"][0].split()
    assert not re.search("SECRET|PASSWORD|MASTER", DOCKERFILE.read_text()), "no secret in a layer"
    # The data directory is below the volume: the gateway makes it, for itself alone.
    data = re.search(r"POOLGATE_DATA_DIR=(\S+)", environment)[1]
    assert data.startswith(told["VOLUME"][0] + "/")
    checked = json.loads(re.search(r"CMD (\[.*\])", told["HEALTHCHECK"][0])[1])
    entry, command = json.loads(told["ENTRYPOINT"][0]), json.loads(told["CMD"][0])
    assert checked[:1] == entry and checked[1:] == ["healthcheck"] and command == ["serve"]
    for label in ("title", "description", "licenses", "source", "version", "revision"):
        assert f"org.opencontainers.image.{label}=" in told["LABEL"][0], label
    version = re.search(r'^version = "([^"]+)"', (REPOSITORY / "Cargo.toml").read_text(), re.M)[1]
    assert f"VERSION={version}" in told["ARG"][0], "the version of Cargo.toml"


def reproducible(profile):
    with Stage() as stage:
        sums = []
        for name in ("one", "a-longer-name/two"):
            folder = context(stage.folder / name)
            output = stage.folder / f"built-{len(sums)}"
            run(folder / "deploy/build-release", output, env=os.environ | {"PROFILE": profile})
            sums.append((hashlib.sha256(output.read_bytes()).hexdigest(), output.stat().st_size))
            for word in (str(stage.folder), str(Path.home() / ".cargo")):
                assert word.encode() not in output.read_bytes(), f"it tells where it was built: {word}"
            shutil.rmtree(folder)
        assert len(set(sums)) == 1, sums
        print(f"image: the same {sums[0][1]} bytes twice, sha256 {sums[0][0]}")


def main():
    if sys.argv[1:2] == ["reproducible"]:
        reproducible(sys.argv[2] if len(sys.argv) > 2 else "release")
        return
    with Stage() as stage:
        the_build_has_all_it_needs(context(stage.folder / "context"))
    the_image_is_narrow()
    print("image: well")


if __name__ == "__main__":
    main()
