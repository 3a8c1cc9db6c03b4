"""What is there for Prometheus: /metrics by promtool's rules, alert rules and their proof, and a
dashboard in which nothing is named that is not there. And: whatever clients call their models, there
are so many series and no more.

Run by hand: SLUICE=build/sluice python3 tests/e2e/prometheus.py [-v] [Class.test]
"""
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from observe_support import Observed, accounts, eventually, total
from run_support import ROOT, SKIP, error_answer, good_answer, main
from serve_support import PATIENCE_S, Upstream

CONTRIB = os.path.join(ROOT, "contrib")
RULES = os.path.join(CONTRIB, "prometheus", "sluice.rules.yml")
RULES_TEST = os.path.join(CONTRIB, "prometheus", "sluice.test.yml")
DASHBOARD = os.path.join(CONTRIB, "grafana", "sluice.json")
TENANTS = "tenants: {shop: {limits: {rpm: 1000, tpm: 100k}}, night: {priority: batch}}\n"
NAME = r"\b(?:sluice|process)_[a-z_]+"
MODELS_MAX = 1000  # src/account/models.h


def promtool(*arguments, stdin=None):
    return subprocess.run(["promtool", *arguments], input=stdin, capture_output=True, text=True,
                          check=False, timeout=PATIENCE_S)


def everything(h, n):
    """Answers of many kinds, so that many series are there."""
    if n % 4 == 0:
        h.whole(*error_answer(429, "rate_limit_exceeded", "Rate limit reached for requests per min"))
    elif n % 7 == 0:
        h.whole(*error_answer(500, "server_error", "broken"))
    else:
        h.whole(*good_answer())


def expressions():
    """Of rules and dashboard, with Grafana's variables replaced."""
    with open(RULES, encoding="utf-8") as f:
        rules = f.read()
    with open(DASHBOARD, encoding="utf-8") as f:
        board = json.load(f)
    found = re.findall(r"expr: (?:\|\n((?: {10}.*\n)+)|(.*))", rules)
    found = [several or one for several, one in found]
    found += [t["expr"] for p in board["panels"] for t in p["targets"]]
    for variable in board["templating"]["list"]:
        found += re.findall(r"label_values\((.*), \w+\)", variable["query"])
    return [re.sub(r"\$\w+", ".*", e).strip() for e in found]


class Contrib(unittest.TestCase):
    def promtool(self, *arguments, stdin=None):
        done = promtool(*arguments, stdin=stdin)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    def test_metrics_are_as_prometheus_would_have_them(self):
        with Upstream(everything) as up, Observed(
                accounts(up, more=", retries: 2, limits: {'*': {rpm: 9000, tpm: 9M, concurrency: 50}}")
                + TENANTS + "alerts: {command: [/bin/true]}\n") as gateway:
            gateway.key("shop")
            gateway.start()
            for i in range(12):
                gateway.post("shop", model="gpt-4o" if i % 2 else 'odd "name"\\ \u00e9')
            text = gateway.metrics_text()
            self.assertEqual(self.promtool("check", "metrics", stdin=text).stderr, "")
            self.check_names(text, gateway.metrics())

    def check_names(self, text, series):
        kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
        labels = {}
        for name, pairs in series:
            labels.setdefault(re.sub("_bucket$", "", name), set()).update(k for k, _ in pairs)
        with open(os.path.join(ROOT, "docs", "observe.md"), encoding="utf-8") as f:
            told = set(re.findall(NAME, f.read()))
        self.assertLessEqual(set(kinds), told, "metrics that docs/observe.md does not tell of")
        for expression in expressions():
            for name in re.findall(NAME, expression):
                self.assertIn(re.sub("_bucket$", "", name), kinds, expression)
            for name, matchers in re.findall(f"({NAME})" r"\{([^}]*)\}", expression):
                used = set(re.findall(r"(\w+)\s*=?[=~!]", matchers)) - {"instance"}
                self.assertLessEqual(used, labels[re.sub("_bucket$", "", name)], expression)

    def test_rules_are_good_and_their_proof_can_fail(self):
        self.promtool("check", "rules", RULES)
        self.promtool("test", "rules", RULES_TEST)
        with open(RULES, encoding="utf-8") as f:
            rules = f.read()
        for right, wrong in (("0.01 *", "0.001 *"), ("> 0.8", ">= 0.8"), ("for: 10m", "for: 5m"),
                             ('"provider|headroom|wait"', '".*"'), ("> 0) > 0.8", ">= 0) > 0.8"),
                             ('cause="headroom"', 'cause="wait"'), ("unless", "or"),
                             ("keys_refused > 0", "keys_refused >= 0"), ("paused == 1", "paused >= 0")):
            self.assertIn(right, rules)
            with tempfile.TemporaryDirectory() as folder:
                shutil.copy(RULES_TEST, folder)
                with open(os.path.join(folder, "sluice.rules.yml"), "w", encoding="utf-8") as f:
                    f.write(rules.replace(right, wrong))
                done = promtool("test", "rules", os.path.join(folder, "sluice.test.yml"))
                self.assertNotEqual(done.returncode, 0, f"{wrong} is not noticed")

    def test_the_dashboards_expressions_can_be_read(self):
        rules = [{"record": "x:y", "expr": e} for e in expressions()]
        self.assertGreater(len(rules), 30)
        groups = {"groups": [{"name": f"g{i}", "rules": [r]} for i, r in enumerate(rules)]}
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as f:
            json.dump(groups, f)  # JSON is YAML
            f.flush()
            self.promtool("check", "rules", "--lint=none", f.name)

    def test_the_dashboards_panels_are_whole(self):
        with open(DASHBOARD, encoding="utf-8") as f:
            board = json.load(f)
        ids = [p["id"] for p in board["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        taken = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            self.assertTrue(panel["title"])
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    self.assertLess(x, 24, panel["title"])
                    self.assertNotIn((x, y), taken, panel["title"])
                    taken.add((x, y))


def resident_kb(serve):
    with open(f"/proc/{serve.process.pid}/status", encoding="utf-8") as f:
        return int(re.search(r"VmRSS:\s+(\d+) kB", f.read()).group(1))


class Memory(unittest.TestCase):
    def test_whatever_clients_call_their_models(self):
        """Ten thousand names, long ones too: a thousand and one models, and no more memory after
        the second half than after the first."""
        with Upstream() as up, Observed(accounts(up)) as gateway:
            serve = gateway.start()

            def ask(i):
                return serve.post(model=f"name-{i}-" + "x" * (i % 200))[0].status

            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                self.assertEqual(set(pool.map(ask, range(5000))), {200})
                first = [gateway.metrics_text() for _ in range(3)][0]
                before_kb = resident_kb(serve)
                self.assertEqual(set(pool.map(ask, range(5000, 10000))), {200})
            second = [gateway.metrics_text() for _ in range(3)][0]
            after_kb = resident_kb(serve)
            models = set(re.findall(r'^sluice_queued_requests\{account="a0",model="([^"]*)"', second, re.M))
            self.assertIn("(other models)", models)
            self.assertLessEqual(len(models), MODELS_MAX + 1)
            self.assertEqual(first.count("\n"), second.count("\n"))
            self.assertEqual(total(gateway.metrics(), "sluice_requests_total", outcome="ok"), 10000)
            self.assertLess(after_kb, before_kb + 2048)
            eventually(lambda: len(gateway.status()["pools"]) == len(models) + 1)  # one of strays
            history = gateway.admin("/events")
            self.assertLess(len(history.readline()) + len(history.readline()), 4 << 20)
            history.connection.close()


if __name__ == "__main__":
    if "Memory" not in sys.argv and shutil.which("promtool") is None:
        print("skipped: no promtool (scripts/setup test)")
        sys.exit(1 if os.environ.get("CI") else SKIP)
    main()
