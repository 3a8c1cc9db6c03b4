#!/usr/bin/env python3
"""What being seen costs a gateway: the CPU per request of one that is looked at from all sides, and of
one that nobody looks at.

    observing.py [--rounds 15] [--programs DIR] [--json]

Off: no admin listener, no alerts, no log. On: alerts and ten minutes of history, a log line of JSON for
each request, /metrics scraped every five seconds, a dashboard open. Both are otherwise the same
(2 KB bodies, 64 connections that ask as fast as they are answered, a tenant with a key). Rounds are
interleaved, which of the two is first changes; a figure is the median of the rounds' ratios. The target
is 3 % at most; exits with 1 above it. SLUICE=path names the program."""
import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import urllib.request

from peers import ROOT, Sluice, write
from run import Gateway, Load, Mock, Place, cpu_s, free_port, pinned, raise_descriptors

TOKEN = "token-of-a-bench"
TARGET_PERCENT = 3.0
WARM_MS, MS = 700, 3000
SCRAPE_S = 5


class Seen(Sluice):
    name = "on"

    def command(self, place):
        self.admin_port = free_port()
        command = super().command(place)
        with open(command[-1], encoding="utf-8") as f:
            text = f.read()
        token = write(place, "token", TOKEN + "\n")
        os.chmod(token, 0o600)
        command[-1] = write(place, "seen.yaml", text + f"""
admin: {{listen: '127.0.0.1:{self.admin_port}', token_file: '{token}'}}
log: '{place.scratch}/requests.jsonl'
log_format: json
alerts: {{command: [/bin/true]}}
""")
        return command


class Onlooker:
    """A dashboard that is open, and Prometheus."""

    def __init__(self, port):
        self.port = port
        self.over = threading.Event()
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self.watch, self.scrape)]

    def open(self, path):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}",
                                         headers={"authorization": f"Bearer {TOKEN}"})
        return urllib.request.urlopen(request)

    def watch(self):
        try:
            with self.open("/events") as events:
                while not self.over.is_set():
                    events.readline()
        except OSError:
            pass  # the gateway has ended

    def scrape(self):
        while not self.over.wait(SCRAPE_S / 2):
            with self.open("/metrics") as answer:
                answer.read()
            if self.over.wait(SCRAPE_S / 2):
                return

    def __enter__(self):
        for thread in self.threads:
            thread.start()

    def __exit__(self, *unused):
        self.over.set()


class Nobody:
    def __enter__(self):
        return self

    def __exit__(self, *unused):
        pass


def measure(peer, programs, descriptors):
    """Microseconds of CPU per request."""
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as scratch, Mock(programs) as mock, \
            Gateway(peer, Place(scratch, mock.port, free_port(), None, descriptors)) as gateway, \
            Onlooker(peer.admin_port) if peer.name == "on" else Nobody(), \
            Load(programs, gateway.port, gateway.headers, warm_ms=WARM_MS, ms=MS) as load:
        load.until("warm")
        before = cpu_s(gateway.pids)
        load.until("over")
        spent = cpu_s(gateway.pids) - before
        end = load.until("end")
        if end["failed"]:
            raise RuntimeError(f"{end['failed']} requests failed")
        return 1e6 * spent / end["completed"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--programs", default=os.path.join(
        ROOT, "build-bench", "tests", "bench", "gateway"))
    args = parser.parse_args()
    descriptors = raise_descriptors()
    pinned(False)
    figures = {"off": [], "on": []}
    for number in range(args.rounds):
        peers = (Sluice(), Seen())
        for peer in peers if number % 2 else peers[::-1]:
            name = peer.name if peer.name == "on" else "off"
            figures[name].append(measure(peer, args.programs, descriptors))
        print(f"round {number + 1} of {args.rounds}: off {figures['off'][-1]:.2f} us, "
              f"on {figures['on'][-1]:.2f} us", file=sys.stderr)
    more = [100 * (on / off - 1) for off, on in zip(figures["off"], figures["on"])]
    median, middle = statistics.median(more), statistics.quantiles(more, n=4)
    if args.json:
        print(json.dumps({**figures, "percent": median}))
    print(f"CPU per request: off {statistics.median(figures['off']):.2f} us, on "
          f"{statistics.median(figures['on']):.2f} us; {median:+.1f} % in the median of {args.rounds} "
          f"rounds, half of them between {middle[0]:+.1f} and {middle[2]:+.1f} %; target {TARGET_PERCENT:.0f} %: "
          f"{'met' if median <= TARGET_PERCENT else 'MISSED'}", file=sys.stderr if args.json else sys.stdout)
    sys.exit(1 if median > TARGET_PERCENT else 0)


if __name__ == "__main__":
    main()
