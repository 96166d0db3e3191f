"""As much of kustomize as deploy/kubernetes uses, for machines without it; where kubectl is, both must agree.

Resources, labels with templates, namespace, images, strategic patches of plain maps. Anything else is refused.
"""

import copy
import shutil
import subprocess

import yaml

KNOWN = {"apiVersion", "kind", "labels", "resources", "namespace", "images", "patches"}
UNNAMESPACED = {"Namespace"}


def documents(path):
    return [one for one in yaml.safe_load_all(path.read_text()) if one]


def build(folder):
    """The objects of this kustomization."""
    told = documents(folder / "kustomization.yaml")[0]
    assert set(told) <= KNOWN, set(told) - KNOWN
    objects = []
    for resource in told.get("resources", []):
        path = folder / resource
        objects += build(path) if path.is_dir() else documents(path)
    for patch in told.get("patches", []):
        assert set(patch) == {"patch"}, patch
        apply(objects, yaml.safe_load(patch["patch"]))
    for label in told.get("labels", []):
        assert label["includeTemplates"] is True and set(label) == {"pairs", "includeTemplates"}
        for one in objects:
            add_labels(one, label["pairs"])
    for one in objects:
        if "namespace" in told and one["kind"] not in UNNAMESPACED:
            one["metadata"]["namespace"] = told["namespace"]
        for container in one.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []):
            for image in told.get("images", []):
                if container["image"].partition(":")[0] == image["name"]:
                    container["image"] = f"{image['newName']}:{image['newTag']}"
    return objects


def apply(objects, patch):
    same = [one for one in objects if one["kind"] == patch["kind"] and one["metadata"]["name"] == patch["metadata"]["name"]]
    assert len(same) == 1, patch
    merge(same[0], patch)


def merge(into, patch):
    for key, value in patch.items():
        assert not isinstance(value, list), "lists have rules of their own: not used here"
        if isinstance(value, dict):
            merge(into.setdefault(key, {}), value)
        else:
            into[key] = value


def add_labels(one, pairs):
    one["metadata"].setdefault("labels", {}).update(pairs)
    if one["kind"] == "Deployment":
        one["spec"]["template"].setdefault("metadata", {}).setdefault("labels", {}).update(pairs)


def objects_of(folder):
    """Built here, and by kubectl where there is one: the same."""
    own = build(folder)
    if shutil.which("kubectl"):
        said = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stderr
        theirs = [one for one in yaml.safe_load_all(said.stdout) if one]
        order = lambda one: (one["kind"], one["metadata"]["name"])
        for mine, other in zip(sorted(own, key=order), sorted(theirs, key=order), strict=True):
            assert mine == other, f"kustomize builds another {order(mine)}:\n{yaml.dump(mine)}\n{yaml.dump(other)}"
    return copy.deepcopy(own)
