"""What the tests of views share: a gateway with an admin listener, readers of its metrics and its
status."""
import http.client
import json
import os
import re

import sentinel
from serve_support import PATIENCE_S, Serve
from serve_tenants import Installation, accounts, eventually

TOKEN = "admin-token-of-a-test"
ADMIN = "admin: {listen: '127.0.0.1:0', token_env: ADMIN_TOKEN}\n"
__all__ = ["ADMIN", "TOKEN", "Observed", "accounts", "eventually", "parse_metrics", "total"]


def parse_metrics(text):
    """{(name, frozenset of label pairs): value}; a series that stands twice is an error."""
    series = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        name, labels, value = re.fullmatch(r"([a-z_:]+)(?:\{(.*)\})? (\S+)", line).groups()
        pairs = re.findall(r'([a-z]+)="((?:[^"\\]|\\.)*)"', labels or "")
        key = (name, frozenset(pairs))
        assert key not in series, f"stands twice: {line}"
        series[key] = float(value)
    return series


def total(series, name, **labels):
    """The sum of the series of that name that have all of these labels."""
    wanted = set(labels.items())
    return sum(v for (n, pairs), v in series.items() if n == name and wanted <= pairs)


class Observed(Installation):
    """A gateway with an admin listener."""

    def __init__(self, text):
        super().__init__(ADMIN + text)
        self.admin_port = None

    def start(self, env=None):
        serve = super().start(env={"ADMIN_TOKEN": TOKEN, **(env or {})})
        for line in serve.process.stdout:
            found = re.match(r"admin on port (\d+)", line)
            if found:
                self.admin_port = int(found.group(1))
                break
        return serve

    def get(self, path, token=TOKEN):
        """Status and body."""
        answer = self.admin(path, token)
        body = answer.read()
        answer.connection.close()
        sentinel.look(body, path)
        return answer.status, body

    def admin(self, path, token=TOKEN):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=PATIENCE_S)
        connection.request("GET", path, headers={"authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.connection = connection
        return answer

    def metrics_text(self):
        status, body = self.get("/metrics")
        assert status == 200, status
        return body.decode()

    def metrics(self):
        return parse_metrics(self.metrics_text())

    def status(self):
        return json.loads(self.get("/status")[1])

    def alerts(self):
        return {a["alert"] for a in self.status()["alerts"]}
