"""A gateway under everything at once, for as long as one likes: faults of every kind, clients that
leave at any moment, tenants at their limits, reloads. Afterwards every account must add up: each
request has one ending, what clients were told they used is what the log, the tenants' and the
models' books say, the provider refused none, and neither descriptors nor memory have grown.

    SLUICE=build/sluice python3 tests/e2e/serve_soak.py [SECONDS]     (make soak T=600)
"""
import collections
import http.client
import json
import os
import random
import re
import signal
import sys
import threading
import time

from run_support import Emulator
from serve_support import CHAT, PATIENCE_S, chat
from serve_tenants import Installation, eventually

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 20
LIMITS = "rpm: 12000, tpm: 6000000, concurrency: 64"
FAULTS = "500=1%,503=1%,529=0.5%,reset=1%,stall=0.2%,midstream=1.3%"
TENANTS = {"shop": "{weight: 3, priority: interactive}",
           "night": "{priority: batch, limits: {concurrency: 12}}",
           "small": "{limits: {rpm: 3000, tpm: 40000}, max_wait: 1s}",
           "tiny": "{limits: {rpm: 40}, max_wait: 0s, queue: 4}"}
PAUSE_S = 0.02  # after a refusal: clients of tenants at their limits ask on, but not all day
THREADS_EACH = 6


def config(emulator, round_):
    """Every second one narrower, with other shares."""
    percent = 100 if round_ % 2 == 0 else 80
    tenants = "\n".join(f"  {name}: {words}" for name, words in TENANTS.items())
    return (f"admin: {{listen: '127.0.0.1:0', token_env: ADMIN}}\n"
            f"accounts:\n  main: {{base_url: '{emulator.url}', window: bucket, minute: 10s,\n"
            f"    use: {percent}%, timeout: 2s, idle_timeout: 2s, retries: 6, limits: {{'*': {{{LIMITS}}}}}}}\n"
            f"tenants:\n{tenants}\n"
            .replace("weight: 3", f"weight: {3 - round_ % 2}"))


class Client(threading.Thread):
    """Asks again and again, and keeps account of what it was told."""

    def __init__(self, installation, tenant, seed, ended):
        super().__init__()
        self.port = installation.serve.port
        self.key = installation.keys[tenant]
        self.random = random.Random(seed)
        self.ended = ended
        self.counts = collections.Counter()
        self.tokens = collections.Counter()

    def run(self):
        while not self.ended.is_set():
            self.counts["asked"] += 1
            try:
                outcome = self.ask()
                self.counts[outcome] += 1
                if outcome == "429":
                    self.ended.wait(PAUSE_S)
            except (http.client.HTTPException, OSError) as error:
                self.counts["broken: " + type(error).__name__] += 1

    def ask(self):
        stream = self.random.random() < 0.5
        body = chat(stream=stream, max_tokens=self.random.randint(1, 120),
                    user=str(self.random.random()),
                    **({"stream_options": {"include_usage": True}} if stream else {}))
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request("POST", CHAT, body, {"content-type": "application/json",
                                                    "authorization": f"Bearer {self.key}"})
            if self.random.random() < 0.03:
                return "left early"
            answer = connection.getresponse()
            if answer.status == 200 and stream and self.random.random() < 0.05:
                answer.read(self.random.randint(1, 200))
                return "left in the middle"
            text = answer.read()
            if answer.status == 200:
                return self.account_for(text, stream)
            return str(answer.status)
        finally:
            connection.close()

    def account_for(self, text, stream):
        if stream:
            events = [json.loads(line[6:]) for line in text.split(b"\n")
                      if line.startswith(b"data: {")]
            if any("error" in e for e in events):
                return "error in the stream"
            usage = events[-1]["usage"]
        else:
            usage = json.loads(text)["usage"]
        self.tokens["input"] += usage["prompt_tokens"]
        self.tokens["output"] += usage["completion_tokens"]
        return "200"


class Admin:
    def __init__(self, port):
        self.port = port

    def get(self, path):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        c.request("GET", path, headers={"authorization": "Bearer soak"})
        text = c.getresponse().read().decode()
        c.close()
        return text

    def status(self):
        return json.loads(self.get("/status"))

    def process(self):
        text = self.get("/metrics")
        return [int(re.search(rf"^process_{name} (\d+)$", text, re.M).group(1))
                for name in ("resident_memory_bytes", "open_fds")]


def same(what, *figures):
    print(f"{what}: {' = '.join(str(f) for f in figures)}")
    assert len(set(figures)) == 1, what


def check_growth(samples):
    """The second half needs no more than the first did, but for a little fragmentation."""
    half = len(samples) // 2
    early = [max(s[i] for s in samples[:half]) for i in (0, 1)]
    late = [max(s[i] for s in samples[half:]) for i in (0, 1)]
    print(f"resident {early[0] >> 10} KB, then {late[0] >> 10} KB; "
          f"descriptors {early[1]}, then {late[1]}")
    if "ASAN_OPTIONS" not in os.environ:  # a sanitizer keeps what was freed
        assert late[0] < early[0] * 1.15 + (4 << 20), "memory grows"
    assert late[1] <= early[1] + 32, "descriptors grow"


def soak(emulator, i, admin):
    ended, samples, reloads = threading.Event(), [], 0
    clients = [Client(i, tenant, f"{tenant}{n}", ended)
               for tenant in TENANTS for n in range(THREADS_EACH)]
    for client in clients:
        client.start()
    begun = time.monotonic()
    while time.monotonic() - begun < SECONDS:
        time.sleep(min(1.0, SECONDS / 20))
        samples.append(admin.process())
        if len(samples) % 3 == 0:
            reloads += 1
            i.reload(config(emulator, reloads))
    ended.set()
    for client in clients:
        client.join()
    return clients, samples, reloads


def main():
    with Emulator("--limits", "*:rpm=12000,tpm=6000000,concurrency=64", "--minute", "10s",
                  "--latency", "2ms-60ms", "--output-tokens", "5-60", "--fault", FAULTS) as emulator, \
            Installation("") as i:
        log = os.path.join(i.directory, "log.jsonl")
        text = f"log: {log}\nlog_format: json\n"
        i.write(text + config(emulator, 0))
        for tenant in TENANTS:
            i.key(tenant)
        write = i.write
        i.write = lambda words: write(text + words)
        i.start(env={"ADMIN": "soak"})
        line = i.serve.process.stdout.readline()
        while "admin on port" not in line:
            line = i.serve.process.stdout.readline()
        admin = Admin(int(line.rsplit(" ", 1)[1]))
        clients, samples, reloads = soak(emulator, i, admin)
        eventually(lambda: admin.status()["held"] == 0)
        status, report = admin.status(), emulator.report()
        judge(clients, status, report, [json.loads(line) for line in open(log, encoding="utf-8")])
        check_growth(samples)
        print(f"{reloads} reloads; faults {report['faults']}")


def judge(clients, status, report, entries):
    counts, tokens = collections.Counter(), collections.Counter()
    for client in clients:
        counts.update(client.counts)
        tokens.update(client.tokens)
    print(dict(counts))
    outcomes = collections.Counter()
    for pool in status["pools"]:
        outcomes.update(pool["outcomes"])
    print(dict(outcomes))
    # Clients that leave before their head is whole were never here.
    came = sum(t["requests"] for t in status["tenants"])
    assert counts["asked"] - counts["left early"] <= came <= counts["asked"], (counts, came)
    same("every request has one ending, and one line", came, sum(outcomes.values()), len(entries))
    same("and so it is with tenants", came - outcomes["left"],
         sum(t["answered"] + t["refused"] + t["failed"] for t in status["tenants"]))
    good = [e for e in entries if e["verdict"] == "ok"]
    assert outcomes["ok"] == len(good) >= counts["200"]
    for direction in ("input", "output"):
        same(f"{direction} tokens by the log, the tenants, the models",
             sum(e[f"{direction}_tokens"] for e in entries if e[f"{direction}_tokens"] > 0),
             sum(t[f"{direction}_tokens"] for t in status["tenants"]),
             sum(p[f"{direction}_tokens"] for p in status["pools"]))
        assert tokens[direction] <= sum(e[f"{direction}_tokens"] for e in good)
    model, pool = report["models"][0], status["pools"][0]
    assert report["totals"]["refused"] == 0, report["totals"]
    assert model["in_flight"] == 0 and pool["in_flight"] == pool["queued"] == 0
    assert counts["200"] > 10 * SECONDS, "hardly any was answered"


if __name__ == "__main__":
    signal.alarm(int(SECONDS) + 240)
    main()
    print("OK")
