#!/usr/bin/env python3
"""What the official SDK's retry rule makes of a batch: the client most people have.

    baseline_sdk.py REQUESTS.jsonl BASE_URL [--workers 64] [--retries 2] [--seed 1]

Each worker takes the next line and sends it; a failure is tried again as openai-python 2026-08 does
(facts/providers.md section 8): on 408, 409, 429, 500 and above and on connection errors, unless
x-should-retry says otherwise; after retry-after-ms or retry-after if that is above 0 and at most
120 s (longer: not at all), else after min(0.5 * 2^n, 8) s less up to a quarter of it by chance. By
default twice, then the row has failed. No pacing of any kind. Prints one JSON object:
succeeded, failed, refused_429, retried, makespan_s.
"""
import argparse
import email.utils
import http.client
import json
import random
import threading
import time
import urllib.parse

RETRY_STATUS = (408, 409, 429)


def asked_delay(headers):
    """Seconds the provider asks for, or None."""
    try:
        return float(headers["retry-after-ms"]) / 1000
    except (KeyError, TypeError, ValueError):
        pass
    value = headers.get("retry-after")
    try:
        return float(value)
    except (TypeError, ValueError):
        pass
    date = email.utils.parsedate_tz(value) if value else None
    return email.utils.mktime_tz(date) - time.time() if date else None


def should_retry(status, headers):
    if headers.get("x-should-retry") in ("true", "false"):
        return headers["x-should-retry"] == "true"
    return status in RETRY_STATUS or status >= 500


def delay(headers, tries, draw):
    """Seconds to wait before try number `tries` + 1, or None to give up."""
    asked = asked_delay(headers)
    if asked is not None and asked > 120:
        return None
    if asked is not None and asked > 0:
        return asked
    return min(0.5 * 2 ** tries, 8) * (1 - 0.25 * draw.random())


class Worker(threading.Thread):
    def __init__(self, run, seed):
        super().__init__(daemon=True)
        self.run_, self.draw, self.connection = run, random.Random(seed), None

    def run(self):
        while True:
            line = self.run_.next_line()
            if line is None:
                return
            self.run_.count("succeeded" if self.row(line) else "failed")

    def row(self, line):
        for tries in range(self.run_.retries + 1):
            status, headers = self.send(line)
            if 200 <= status < 300:
                return True
            if status == 429:
                self.run_.count("refused_429")
            if tries == self.run_.retries or (status and not should_retry(status, headers)):
                return False
            pause = delay(headers, tries, self.draw)
            if pause is None:
                return False
            self.run_.count("retried")
            time.sleep(pause)
        return False

    def send(self, line):
        """Status (0: the connection broke) and headers."""
        try:
            if not self.connection:
                self.connection = http.client.HTTPConnection(self.run_.url.netloc, timeout=600)
            self.connection.request("POST", self.run_.path(line["url"]),
                                    json.dumps(line["body"]),
                                    {"content-type": "application/json"})
            answer = self.connection.getresponse()
            answer.read()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}
        except (OSError, http.client.HTTPException):
            if self.connection:
                self.connection.close()
            self.connection = None
            return 0, {}


class Run:
    def __init__(self, lines, url, retries):
        self.lines, self.url, self.retries = iter(lines), urllib.parse.urlsplit(url), retries
        self.lock = threading.Lock()
        self.counts = dict.fromkeys(("succeeded", "failed", "refused_429", "retried"), 0)

    def next_line(self):
        with self.lock:
            return next(self.lines, None)

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def path(self, url):
        base = self.url.path.rstrip("/")
        return base + (url[3:] if base and url.startswith("/v1/") else url)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("requests")
    parser.add_argument("base_url")
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--retries", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with open(args.requests, encoding="utf-8") as f:
        run = Run([json.loads(line) for line in f if line.strip()], args.base_url, args.retries)
    start = time.monotonic()
    workers = [Worker(run, args.seed * 10007 + i) for i in range(args.workers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(json.dumps({**run.counts, "makespan_s": round(time.monotonic() - start, 3)}))


if __name__ == "__main__":
    main()
