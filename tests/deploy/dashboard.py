"""deploy/grafana and deploy/prometheus against a real Prometheus that scrapes a real gateway.

`dashboard.py check` needs no gateway: shape of the dashboard, and every expression in it is PromQL. `dashboard.py` signs
people in, and out of what Prometheus has scraped every panel and rule must find its metrics.
"""

import json
import re
import shutil
import sys
from collections import Counter

import requests
import yaml

from stage import (CALLBACK, DEPLOY, REPOSITORY, Browser, Stage, access, changed, ended, fresh_secrets, free_port,
                   provision, run, until)

# What a healthy gateway over embedded stores does not show: nothing failed, and there is no PostgreSQL.
MAY_BE_EMPTY = {
    "poolgate_store_failures_total", "poolgate_clock_offset_seconds", "poolgate_provider_metadata_valid_until_seconds",
    "poolgate_trigger_seconds", "poolgate_trigger_failures_total", "poolgate_throttled_total", "poolgate_audit_events_total",
}


def dashboard():
    return json.loads((DEPLOY / "grafana/dashboard.json").read_text())


def panels():
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def expression(text, window="5m"):
    """As Grafana asks it, with everything chosen."""
    for name, value in (("$__rate_interval", window), ("$pool", ".*"), ("$provider", ".*")):
        text = text.replace(name, value)
    assert "$" not in text, text
    return text


def metrics_of(text):
    return set(re.findall(r"\b(?:poolgate|process)_[a-z0-9_]+", text))


def the_dashboard_can_be_imported():
    told = dashboard()
    assert "id" not in told and told["uid"] and told["schemaVersion"] >= 36
    variables = {one["name"]: one for one in told["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource" and variables["datasource"]["query"] == "prometheus"
    ids = Counter(panel["id"] for panel in told["panels"])
    assert max(ids.values()) == 1, ids
    taken = set()
    for panel in told["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, f"{panel['title']} lies over another"
        taken |= cells
    for panel in panels():
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}", panel["title"]


def every_expression_is_promql(stage):
    rules = [{"record": f"panel:{panel['id']}_{target['refId']}", "expr": expression(target["expr"])}
             for panel in panels() for target in panel["targets"]]
    path = stage.folder / "expressions.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    run("promtool", "check", "rules", path)


def documented():
    """The metrics of docs/observability.md, by their names there."""
    page = (REPOSITORY / "docs/observability.md").read_text()
    return {name for name in metrics_of(page)}


def base_name(name):
    return re.sub(r"_(bucket|count|sum)$", "", name)


def only_known_metrics_are_asked_and_every_group_is_shown():
    known = documented()
    rules = yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())
    shown = set()
    for panel in panels():
        for target in panel["targets"]:
            shown |= {base_name(name) for name in metrics_of(target["expr"])}
    asked = set(shown)
    for group in rules["groups"]:
        for rule in group["rules"]:
            asked |= {base_name(name) for name in metrics_of(re.sub(r"\w+:\w+:\w+", "", rule["expr"]))}
    assert asked <= known, f"not in docs/observability.md: {asked - known}"
    missing = known - shown - {"process_virtual_memory_bytes"}
    assert not missing, f"on no panel: {missing}"
    tested = (DEPLOY / "prometheus/rules.test.yml").read_text()
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                assert rule["alert"] in tested, f"{rule['alert']} has no test"
                assert rule["labels"]["severity"] in ("page", "ticket") and rule["annotations"]["summary"]


def prometheus(stage, metrics):
    """A Prometheus with the files of deploy/, every second instead of every 15."""
    port = free_port()
    folder = stage.folder / "prometheus"
    folder.mkdir()
    shutil.copy(DEPLOY / "prometheus/rules.yml", folder)
    (folder / "prometheus.yml").write_text(changed((DEPLOY / "prometheus/prometheus.yml").read_text(), words={
        "scrape_interval: 15s": "scrape_interval: 1s", "evaluation_interval: 15s": "evaluation_interval: 1s",
        '"10.0.0.11:9230", "10.0.0.12:9230"': f'"127.0.0.1:{metrics}"'}))
    run("promtool", "check", "config", folder / "prometheus.yml")
    child = stage.start("prometheus", ["prometheus", f"--config.file={folder}/prometheus.yml",
                                       f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"])
    base = f"http://127.0.0.1:{port}"
    # It listens before it answers questions.
    until("Prometheus is ready", lambda: ended(child) or answers(f"{base}/-/ready"))
    return base


def answers(url):
    try:
        return requests.get(url, timeout=2, proxies={"http": None}).status_code == 200
    except requests.RequestException:
        return False


def ask(base, query):
    session = requests.Session()
    session.trust_env = False
    answer = session.get(f"{base}/api/v1/query", params={"query": query}, timeout=10).json()
    assert answer["status"] == "success", f"{query}: {answer}"
    return answer["data"]["result"]


def stir(url, client):
    """Everything that a panel shows: a sign-in, a session that answers, a refusal, tokens, a sign-out, an error."""
    person = Browser()
    tokens, _ = person.sign_in(url, client)
    person.sign_in(url, client)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": client}
    assert person.session.post(f"{url}/oauth2/token", data=form, timeout=30).status_code == 200
    person.session.get(f"{url}/oauth2/userInfo", headers={"Authorization": "Bearer " + tokens["access_token"]}, timeout=30)
    person.session.get(f"{url}/logout", params={"client_id": client}, timeout=30)
    forged = person.session.post(f"{url}/saml2/idpresponse", data={"SAMLResponse": "bm90IHNhbWw="}, timeout=30)
    assert forged.status_code == 400
    person.session.get(f"{url}/oauth2/authorize", params={"client_id": "x", "redirect_uri": CALLBACK}, timeout=30)


def main():
    with Stage() as stage:
        the_dashboard_can_be_imported()
        every_expression_is_promql(stage)
        only_known_metrics_are_asked_and_every_group_is_shown()
        if sys.argv[1:] == ["check"]:
            print("dashboard: well formed")
            return
        port, metrics = free_port(), free_port()
        url = f"http://localhost:{port}"
        stage.gateway("gateway", f"127.0.0.1:{port}", f"127.0.0.1:{metrics}", fresh_secrets() | {"POOLGATE_PUBLIC_URL": url})
        _, client = provision(access(url), stage.identity_provider(f"{url}/saml2/metadata"))
        base = prometheus(stage, metrics)
        until("it scrapes", lambda: ask(base, 'up{job="poolgate"} == 1'))

        def empty():
            stir(url, client)
            found = []
            for panel in panels():
                for target in panel["targets"]:
                    text = expression(target["expr"], "30s")
                    if not ask(base, text) and not {base_name(name) for name in metrics_of(text)} & MAY_BE_EMPTY:
                        found.append(f"{panel['title']}: {text}")
            return found
        left = []

        def full():
            left[:] = empty()
            return not left
        try:
            until("every panel shows something", full)
        except AssertionError:
            raise AssertionError("panels without data:\n" + "\n".join(left)) from None
        for name in documented() - MAY_BE_EMPTY:
            there = [name, name + "_count"]
            assert any(ask(base, one) for one in there), f"docs/observability.md has {name}, the gateway has not"
        until("the recording rules work", lambda: ask(base, "poolgate:sign_ins:rate5m"))
        firing = {one["metric"]["alertname"] for one in ask(base, 'ALERTS{alertstate="firing"}')}
        assert not firing, f"all is well, and {firing} fire"
    print("dashboard: well")


if __name__ == "__main__":
    main()
