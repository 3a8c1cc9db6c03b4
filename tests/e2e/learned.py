#!/usr/bin/env python3
"""Limits that nobody tells: found by a few refusals, then kept to, and remembered by the next process.

usage: SLUICE=build/sluice python3 tests/e2e/learned.py [unittest arguments]"""
import concurrent.futures
import json
import os
import subprocess
import tempfile
import threading
import time
import unittest

from run_support import SLUICE, Emulator, Provider, good_answer, main, request_line
from serve_support import Serve

MINUTE_S = 2  # shortened
LIMIT = 300
THREADS = 24


def lessons(directory):
    with open(os.path.join(directory, "lessons.jsonl"), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


class Gateway(unittest.TestCase):
    """A limit of requests that are no use of a model, of which the catalogue knows nothing."""

    def ask(self, emulator, directory, n):
        with Serve("--base-url", emulator.url, "--provider", "openai", "--minute",
                   f"{MINUTE_S}s", "--state", directory) as serve, \
                concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            answers = pool.map(lambda i: serve.post(path=f"/v1/things/thing_{i}", body="{}"),
                               range(n))
            self.assertEqual({answer.status for answer, _ in answers}, {200})
        return emulator.report()["routes"][0]["refused"]

    def test_found_kept_to_and_remembered(self):
        for window in "sliding", "bucket":
            with self.subTest(window=window), tempfile.TemporaryDirectory() as directory, \
                    Emulator("--hidden", f"POST /v1/things/*={LIMIT}", "--limits", "*:rpm=9000",
                             "--minute", f"{MINUTE_S}s", "--window", window, "--latency",
                             "5ms-20ms", "--no-drain") as emulator:
                first = self.ask(emulator, directory, 5 * LIMIT)
                self.assertGreater(first, 0)
                self.assertLessEqual(first, 5)
                [lesson] = lessons(directory)
                self.assertEqual(lesson["pool"], "(POST /v1/things/*)")
                self.assertAlmostEqual(lesson["limit"], LIMIT, delta=LIMIT / 10)
                self.assertEqual(self.ask(emulator, directory, 2 * LIMIT), first)


class Strict:
    """A provider that takes so many requests within a period, and says no more than no."""

    def __init__(self, limit, period_s):
        self.limit, self.period_s = limit, period_s
        self.lock = threading.Lock()
        self.taken, self.asked = [], []

    def __call__(self, handler, body):
        with self.lock:
            now = time.monotonic()
            self.asked.append(now)
            self.taken = [t for t in self.taken if t > now - self.period_s]
            if len(self.taken) < self.limit:
                self.taken.append(now)
                return good_answer(handler, body)
        return 429, {"error": {"message": "no"}}, {}


class Run(unittest.TestCase):
    def run_batch(self, provider, directory, name, n):
        source = os.path.join(directory, name + ".jsonl")
        with open(source, "w", encoding="utf-8") as f:
            for i in range(n):
                f.write(json.dumps(request_line(i, model="unheard-of")) + "\n")
        return subprocess.run(
            [SLUICE, "run", source, "-o", os.path.join(directory, name + ".out.jsonl"),
             "--base-url", provider.url, "--provider", "openai", "--minute", "1s", "--state",
             os.path.join(directory, "state")], capture_output=True, text=True, timeout=120,
            check=True).stderr

    def test_what_one_run_learned_the_next_one_knows(self):
        strict = Strict(40, 1)
        with tempfile.TemporaryDirectory() as directory, Provider(strict) as provider:
            said = self.run_batch(provider, directory, "first", 160)
            [lesson] = lessons(os.path.join(directory, "state"))
            self.assertEqual(lesson["pool"], "unheard-of")
            self.assertIn(f"learned         unheard-of: {lesson['limit']} requests per minute",
                          said)
            with strict.lock:
                strict.asked.clear()
            self.run_batch(provider, directory, "second", 160)
            span_s = strict.asked[-1] - strict.asked[0]
            self.assertLessEqual(len(strict.asked), lesson["limit"] * (span_s + 2))
            self.assertGreater(span_s, 1)  # and not all at once, as without a lesson

    def test_what_cannot_be_read_is_learned_anew(self):
        with tempfile.TemporaryDirectory() as directory, Provider(Strict(40, 1)) as provider:
            os.mkdir(os.path.join(directory, "state"))
            with open(os.path.join(directory, "state", "lessons.jsonl"), "w",
                      encoding="utf-8") as f:
                f.write("what is this?\n")
            said = self.run_batch(provider, directory, "first", 10)
            self.assertIn("line 1 is none of ours", said)


if __name__ == "__main__":
    main()
