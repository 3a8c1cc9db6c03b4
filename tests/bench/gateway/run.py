#!/usr/bin/env python3
"""sluice serve beside nginx, haproxy and Portkey, all in one run before the same mock provider.

    run.py [--quick] [--rounds 3] [--only sluice,nginx]
           [--measure requests,chunks] [--json] [--programs DIR]

Measures, one worker each, the rounds interleaved, medians reported:
  CPU per request    2 KB bodies, 64 connections that ask as fast as they are answered
  CPU per SSE chunk  256 streams of 100 events, one every 20 ms each
  added latency      at half of the peer's own rate, but at most 10,000 requests a second, which
                     leave the generator idle enough: p50 and p99 less those without a gateway
  memory             per request held by the provider, and per open stream, 10,000 of them
CPU is the user and system time of the peer's processes; memory is their PSS less that of the idle,
warmed-up peer. The peer has a processor of its own, what drives it has the others.
SLUICE=path names the program. Prints a table, or with --json everything that was measured."""
import argparse
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from peers import PEERS, ROOT, Place, Queue

TEXT = os.path.join(ROOT, "LICENSE")  # plain prose, for prompts
TICKS = os.sysconf("SC_CLK_TCK")
CPUS = sorted(os.sched_getaffinity(0))
STREAMS, EVENTS, EVERY_US = 256, 100, 20000
MOST_RATE = 10000
PATIENCE_S = 120
TARGETS = (  # what, the most that it may be
    ("cpu_request", 1.3, "CPU per request, times nginx"),
    ("cpu_chunk", 1.0, "CPU per SSE chunk, times nginx"),
    ("held", 32, "KB per held request"),
    ("open", 32, "KB per open stream"),
    ("queued", 32, "KB per request in the queue"),
)


def pinned(gateway):
    """The peer gets the last processor; everything else the ones before it."""
    if len(CPUS) > 1:
        os.sched_setaffinity(0, {CPUS[-1]} if gateway else set(CPUS[:-1]))


def raise_descriptors():
    """A request has two sockets. More than the hard limit needs privileges."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for wanted in (max(hard, 25000), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return wanted
        except (ValueError, OSError):
            continue
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def tree(pid):
    """The process and all its descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8") as f:
                parent = int(f.read().rsplit(")", 1)[1].split()[1])
            children.setdefault(parent, []).append(int(entry))
        except (OSError, ValueError):
            continue
    found = [pid]
    for p in found:
        found += children.get(p, [])
    return found


def cpu_s(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def pss_kb(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as f:
            total += next(int(line.split()[1]) for line in f if line.startswith("Pss:"))
    return total


class Process:
    """A program that is killed at the end of the block."""

    def __init__(self, command, gateway, **more):
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            command, preexec_fn=lambda: pinned(gateway), text=True, **more)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


class Mock(Process):
    def __init__(self, programs):
        super().__init__([os.path.join(programs, "bench_mock")], False, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline().split()[-1])

    def ask(self, what):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/bench/{what}") as answer:
            return json.load(answer)


class Gateway(Process):
    """A peer, ready to take requests."""

    def __init__(self, peer, place):
        self.port = place.port
        super().__init__(peer.command(place), True,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         env={**os.environ, "NODE_ENV": "production",
                              "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"})
        self.headers = peer.headers
        give_up = time.monotonic() + PATIENCE_S
        while not self.listens():
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"{peer.name} does not start")
            time.sleep(0.02)
        self.pids = tree(self.process.pid)

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0


class Load(Process):
    """A run of the load generator, told of line by line."""

    def __init__(self, programs, port, headers, **options):
        command = [os.path.join(programs, "bench_load"), "--port", str(port), "--text", TEXT]
        for name, value in options.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        for line in headers:
            command += ["--header", line]
        super().__init__(command, False, stdout=subprocess.PIPE)

    def until(self, at):
        for line in self.process.stdout:
            told = json.loads(line)
            if told["at"] in (at, "end"):
                return told
        raise RuntimeError("the load generator died")


class Bench:
    """All measurements on one machine; a figure is a dict that goes into the medians."""

    def __init__(self, args, scratch, descriptors):
        self.args = args
        self.scratch = scratch
        self.descriptors = descriptors
        self.certificate = certificate_in(scratch)
        self.warm_ms, self.ms = (500, 1500) if args.quick else (1500, 5000)
        self.many = 1000 if args.quick else min(10000, descriptors // 2 - 100)

    def gateway(self, peer, mock, certificate=None):
        return Gateway(peer, Place(self.scratch, mock.port, free_port(), certificate,
                                   self.descriptors))

    def load(self, port, headers, **options):
        return Load(self.args.programs, port, headers, **options)

    def paced(self, gateway, **options):
        """A run of given length: the processor time it cost and what the generator saw."""
        with self.load(gateway.port, gateway.headers, warm_ms=self.warm_ms, ms=self.ms,
                       **options) as load:
            load.until("warm")
            before = cpu_s(gateway.pids)
            load.until("over")
            spent = cpu_s(gateway.pids) - before
            end = load.until("end")
        return spent, end

    def latency(self, port, headers, rate):
        with self.load(port, headers, warm_ms=self.warm_ms, ms=self.ms, rate=rate,
                       connections=512) as load:
            return load.until("end")

    def requests(self, peer):
        """CPU per request and highest rate; added latency at half of it."""
        with Mock(self.args.programs) as mock, self.gateway(peer, mock) as gateway:
            spent, full = self.paced(gateway)
            rate = max(1, min(MOST_RATE, int(full["completed"] / full["seconds"] / 2)))
            direct = self.latency(mock.port, (), rate)
            through = self.latency(gateway.port, gateway.headers, rate)
        return {"cpu_request": 1e6 * spent / full["completed"],
                "rate": full["completed"] / full["seconds"],
                "p50_us": through["p50_us"] - direct["p50_us"],
                "p99_us": through["p99_us"] - direct["p99_us"],
                "direct_p50_us": direct["p50_us"], "direct_p99_us": direct["p99_us"],
                "bytes": full["least_body"] if full["least_body"] == full["most_body"] else -1,
                "failed": full["failed"] + direct["failed"] + through["failed"]}

    def chunks(self, peer):
        with Mock(self.args.programs) as mock, self.gateway(peer, mock) as gateway:
            spent, end = self.paced(gateway, chunks=EVENTS, every_us=EVERY_US,
                                    connections=STREAMS)
        return {"cpu_chunk": 1e6 * spent / end["events"],
                "chunk_rate": end["events"] / end["seconds"], "failed": end["failed"]}

    def memory(self, peer, certificate, name, **options):
        """PSS for each of many requests that are under way at once."""
        with Mock(self.args.programs) as mock, \
                self.gateway(peer, mock, certificate) as gateway:
            tls = 1 if certificate else 0
            with self.load(gateway.port, gateway.headers, connections=100, once=1,
                           tls=tls) as warm:
                failed = warm.until("end")["failed"]
            time.sleep(0.3)  # for the peer to notice that those have left
            idle = pss_kb(gateway.pids)
            with self.load(gateway.port, gateway.headers, connections=self.many, once=1, hold=1,
                           sources=2, tls=tls, **options) as load:
                load.until("sent")
                self.settle(mock)
                held = pss_kb(gateway.pids)
                mock.ask("release")
                end = load.until("end")
        return {name: (held - idle) / self.many, "failed": failed + end["failed"]}

    @staticmethod
    def settle(mock):
        """Waits until the provider has seen all that will come for now."""
        last, still = None, 0
        while still < 10:
            state = mock.ask("state")["requests"]
            still = still + 1 if state == last else 0
            last = state
            time.sleep(0.05)

    def round(self, peer):
        kinds = [("requests", lambda: self.requests(peer)), ("chunks", lambda: self.chunks(peer))]
        for suffix, certificate in (("", None), ("_tls", self.certificate)):
            if certificate and not peer.tls:
                continue
            kinds += [("held" + suffix, lambda s=suffix, c=certificate: self.memory(
                          peer, c, "held" + s)),
                      ("open" + suffix, lambda s=suffix, c=certificate: self.memory(
                          peer, c, "open" + s, chunks=6, every_us=1000))]
        if peer.name == "sluice":
            kinds.append(("queued", lambda: self.memory(Queue(), None, "queued")))
        figures = {"failed": 0}
        for name, kind in kinds:
            if self.args.measure and name not in self.args.measure.split(","):
                continue
            got = kind()
            got["failed"] += figures["failed"]
            figures.update(got)
        return figures


def certificate_in(scratch):
    """A self-signed one: NAME.crt, NAME.key, and NAME.pem with both."""
    name = os.path.join(scratch, "bench")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", name + ".key", "-out", name + ".crt"],
                   check=True, capture_output=True)
    with open(name + ".pem", "w", encoding="utf-8") as both:
        for part in (".crt", ".key"):
            with open(name + part, encoding="utf-8") as f:
                both.write(f.read())
    return name


def medians(rounds):
    result = {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}
    result["failed"] = sum(r["failed"] for r in rounds)
    return result


ROWS = (  # key, label, decimals, whether a ratio to nginx says something
    ("cpu_request", "CPU per request, us", 1, True),
    ("rate", "requests per second", 0, True),
    ("cpu_chunk", "CPU per SSE chunk, us", 1, True),
    ("chunk_rate", "chunks per second", 0, False),
    ("p50_us", "added p50, us, half load", 0, True),
    ("p99_us", "added p99, us, half load", 0, True),
    ("held", "KB per held request", 1, True),
    ("open", "KB per open stream", 1, True),
    ("held_tls", "KB per held request, TLS", 1, True),
    ("open_tls", "KB per open stream, TLS", 1, True),
    ("queued", "KB per queued request", 1, False),
    ("failed", "failed or incomplete", 0, False),
)


def cell(value, decimals, base):
    if value is None:
        return "n/a"
    text = f"{value:,.{decimals if value < 1000 else 0}f}"
    if not base:
        return text
    ratio = value / base
    return text + (f"{ratio:>6.2f}x" if abs(ratio) < 10 else f"{ratio:>6.0f}x")


def print_table(result):
    peers = list(result)
    base = result.get("nginx", {})
    print(f"{'':25}" + "".join(f"{name:>13}" for name in peers))
    for key, label, decimals, ratio in ROWS:
        if all(key not in result[name] for name in peers):
            continue
        print(f"{label:25}" + "".join(
            f"{cell(result[name].get(key), decimals, base.get(key) if ratio else None):>13}"
            for name in peers))
    for key, most, label in TARGETS:
        value = result.get("sluice", {}).get(key)
        if value is not None and "times" in label:
            value = value / base[key] if base.get(key) else None
        if value is not None:
            verdict = "met" if value <= most else "MISSED"
            print(f"target: {label}: {value:.2f}, at most {most}: {verdict}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="one short round, 1,000 held")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", help="names of peers, with commas")
    parser.add_argument("--measure",
                        help="of requests, chunks, held, open, held_tls, open_tls, queued")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--programs", default=os.path.join(
        ROOT, "build-bench", "tests", "bench", "gateway"))
    args = parser.parse_args()
    rounds = args.rounds or (1 if args.quick else 3)
    note = sys.stderr if args.json else sys.stdout
    peers = []
    for peer in (make() for make in PEERS):
        if args.only and peer.name not in args.only.split(","):
            continue
        if peer.missing:
            print(f"left out: {peer.missing}", file=note)
            continue
        peers.append(peer)
        print(f"{peer.name}: {peer.version()}"
              f"{'' if peer.tls else ' (TLS listener: not available)'}", file=note)
    got = {peer.name: [] for peer in peers}
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as scratch:
        os.chmod(scratch, 0o755)  # nginx's worker is another user
        bench = Bench(args, scratch, raise_descriptors())
        print(f"{bench.many} requests held and streams open at once", file=note, flush=True)
        pinned(False)
        for number in range(rounds):
            for peer in peers:
                print(f"round {number + 1} of {rounds}: {peer.name}", file=sys.stderr)
                got[peer.name].append(bench.round(peer))
    result = {name: medians(rounds) for name, rounds in got.items()}
    if args.json:
        print(json.dumps({"medians": result, "rounds": got}))
    else:
        print_table(result)
    sys.exit(1 if any(r["failed"] for name, r in result.items() if name == "sluice") else 0)


if __name__ == "__main__":
    main()
