"""deploy/kubernetes: built by kustomize, held against Kubernetes' own schemas, and against Pod Security "restricted"."""

import re

import kubernetes_validate
import yaml

from kustomize import objects_of
from stage import DEPLOY, REPOSITORY, run

# The oldest that knows everything used here (preStop.sleep), and the newest that is known.
VERSIONS = ("1.30", "1.37")
OPERATOR = "monitoring.coreos.com/v1"


def only(objects, kind):
    found = [one for one in objects if one["kind"] == kind]
    assert len(found) == 1, f"{len(found)} of {kind}"
    return found[0]


def the_schemas_hold(objects):
    for one in objects:
        if one["apiVersion"] == OPERATOR:
            continue
        for version in VERSIONS:
            kubernetes_validate.validate(one, version, strict=True)


def restricted(pod):
    """What Pod Security admission refuses under "restricted" (kubernetes.io/docs/concepts/security): the list."""
    broken = []
    own = pod.get("securityContext", {})
    containers = pod["containers"] + pod.get("initContainers", []) + pod.get("ephemeralContainers", [])
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            broken.append(key)
    allowed = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
    for volume in pod.get("volumes", []):
        if not set(volume) - {"name"} <= allowed:
            broken.append(f"volume {volume['name']}")
    if own.get("sysctls") or own.get("windowsOptions") or own.get("runAsUser") == 0:
        broken.append("pod securityContext")
    for container in containers:
        context = container.get("securityContext", {})
        rules = {
            "privileged": not context.get("privileged"),
            "allowPrivilegeEscalation": context.get("allowPrivilegeEscalation") is False,
            "runAsNonRoot": context.get("runAsNonRoot", own.get("runAsNonRoot")) is True,
            "runAsUser": context.get("runAsUser") != 0,
            "seccompProfile": context.get("seccompProfile", own.get("seccompProfile", {})).get("type")
            in ("RuntimeDefault", "Localhost"),
            "capabilities.drop": "ALL" in context.get("capabilities", {}).get("drop", []),
            "capabilities.add": set(context.get("capabilities", {}).get("add", [])) <= {"NET_BIND_SERVICE"},
            "procMount": context.get("procMount", "Default") == "Default",
            "hostPort": not any(port.get("hostPort") for port in container.get("ports", [])),
            # Beyond "restricted":
            "readOnlyRootFilesystem": context.get("readOnlyRootFilesystem") is True,
        }
        broken += [f"{container['name']}: {rule}" for rule, kept in rules.items() if not kept]
    return broken


def the_rules_of_restricted_are_seen_when_broken(pod):
    """The check itself is worth something: each rule taken away is noticed."""
    container = pod["containers"][0]["securityContext"]
    for key in list(container):
        if key == "runAsNonRoot" and pod["securityContext"].get(key):
            continue
        kept = container.pop(key)
        assert restricted(pod), f"nobody noticed that {key} is gone"
        container[key] = kept
    kept = pod["securityContext"].pop("seccompProfile")
    assert restricted(pod)
    pod["securityContext"]["seccompProfile"] = kept
    pod["volumes"].append({"name": "host", "hostPath": {"path": "/"}})
    assert restricted(pod)
    pod["volumes"].pop()
    assert not restricted(pod)


def the_parts_fit(objects):
    deployment = only(objects, "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    selectors = [deployment["spec"]["selector"]["matchLabels"], only(objects, "Service")["spec"]["selector"],
                 only(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
                 only(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"]]
    selectors += [one["labelSelector"]["matchLabels"] for one in pod["topologySpreadConstraints"]]
    for selector in selectors:
        assert selector and selector.items() <= labels.items(), selector
    names = only(objects, "NetworkPolicy")["spec"]["egress"][0]["to"][0]["podSelector"]["matchLabels"]
    assert names == {"k8s-app": "kube-dns"}, "names are resolved by kube-dns, and a label more would find nobody"
    container = pod["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    settings = only(objects, "ConfigMap")["data"]
    assert settings["POOLGATE_LISTEN"].endswith(f":{ports['http']}")
    assert settings["POOLGATE_METRICS_LISTEN"].endswith(f":{ports['metrics']}")
    for probe, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        assert container[probe]["httpGet"] == {"path": path, "port": "metrics"}, probe
    # Never the metrics port to the public.
    assert [port["targetPort"] for port in only(objects, "Service")["spec"]["ports"]] == ["http"]
    assert only(objects, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert "replicas" not in deployment["spec"], "the autoscaler's word would be undone at each apply"
    # Time to end: preStop, 3 s red, 10 s for what is under way (docs/observability.md, Stopping).
    assert pod["terminationGracePeriodSeconds"] >= container["lifecycle"]["preStop"]["sleep"]["seconds"] + 3 + 10 + 5
    # The data directory is below its mount: the gateway can make it its own only there.
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert settings["POOLGATE_DATA_DIR"].startswith(mounts["data"] + "/")
    assert container["args"][2].startswith(mounts["settings"] + "/")
    assert not pod["automountServiceAccountToken"] and not only(objects, "ServiceAccount")["automountServiceAccountToken"]


def settings_are_known_and_none_is_secret(objects):
    known = set(re.findall(r"POOLGATE_[A-Z_]+", (REPOSITORY / "docs/configuration.md").read_text()))
    for name, value in only(objects, "ConfigMap")["data"].items():
        assert name in known, f"{name} is no setting"
        assert not re.search("SECRET|MASTER_KEY|ACCESS_KEY|_URL$", name) or name == "POOLGATE_PUBLIC_URL", name
        assert isinstance(value, str)
    example = (DEPLOY / "kubernetes/overlays/example/poolgate.toml.example").read_text()
    for key in re.findall(r"^(\w+) =", example, re.M):
        assert f"POOLGATE_{key.upper()}" in known, key
    assert not [one for one in objects if one["kind"] == "Secret"], "secrets are not in git"


def the_operator_has_the_same_rules(objects):
    path = DEPLOY / "kubernetes/overlays/example/prometheus-rule.yaml"
    assert path.read_text() == run(DEPLOY / "kubernetes/make-prometheus-rule"), "run make-prometheus-rule"
    rules = yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())
    assert only(objects, "PrometheusRule")["spec"] == rules
    monitor = only(objects, "PodMonitor")
    assert monitor["spec"]["podMetricsEndpoints"][0]["port"] == "metrics"


def main():
    base, example = objects_of(DEPLOY / "kubernetes/base"), objects_of(DEPLOY / "kubernetes/overlays/example")
    for objects in (base, example):
        the_schemas_hold(objects)
        pod = only(objects, "Deployment")["spec"]["template"]["spec"]
        assert not restricted(pod), restricted(pod)
        the_rules_of_restricted_are_seen_when_broken(pod)
        the_parts_fit(objects)
        settings_are_known_and_none_is_secret(objects)
    the_operator_has_the_same_rules(example)
    assert all(one["metadata"].get("namespace") == "poolgate" for one in example if one["kind"] != "Namespace")
    enforced = only(example, "Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    assert enforced == "restricted"
    print("kubernetes: well")


if __name__ == "__main__":
    main()
