"""How `sluice run` stops: wallet, key, full disk, Ctrl-C, outage; each can be continued."""
import json
import os
import re
import resource
import signal
import subprocess
import threading
import time

from run_support import (Provider, RunTest, SLUICE, error_answer, good_answer, main, read_lines)


def wait_until(condition, what):
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("never happened: " + what)
        time.sleep(0.01)


class Stops(RunTest):
    def provider(self, reply):
        provider = Provider(reply)
        self.addCleanup(provider.__exit__)
        return provider

    def test_empty_wallet(self):
        def reply(handler, body):
            if self.empty and provider.arrivals() > 20:
                return error_answer(429, "insufficient_quota",
                                    "You exceeded your current quota, please check your plan.")
            return good_answer(handler, body)

        self.empty = True
        provider = self.provider(reply)
        self.batch(60)
        done = self.sluice(provider.url, "--concurrency", "4", code=3)
        self.assertRegex(done.stderr, r"stopped after \d+ of 60: insufficient_quota")
        self.assertIn("billing, not a rate limit", done.stderr)
        self.assertEqual(len(read_lines(self.output)), 20)
        self.assertEqual(read_lines(self.errors), [])
        self.assertLess(provider.arrivals(), 30)
        self.empty = False
        self.sluice(provider.url)
        self.assert_each_once(60)

    def test_refused_key(self):
        provider = self.provider(lambda h, b: error_answer(
            401, "invalid_api_key", "Incorrect API key provided."))
        self.batch(30)
        done = self.sluice(provider.url, "--concurrency", "2", code=3)
        self.assertIn("does not accept this key", done.stderr)
        self.assertLessEqual(provider.arrivals(), 2)
        self.assertEqual(self.ids(self.output) + self.ids(self.errors), [])

    def test_in_flight_is_finished_when_the_wallet_is_empty(self):
        gate = threading.Event()

        def reply(handler, body):
            if b"Question 0:" in body:
                wait_until(lambda: provider.arrivals() == 4, "four in flight")
                gate.set()
                return error_answer(429, "insufficient_quota", "no credit left")
            gate.wait(30)
            time.sleep(0.2)
            return good_answer(handler, body)

        provider = self.provider(reply)
        self.batch(4)
        self.sluice(provider.url, code=3)
        self.assertEqual(sorted(self.ids(self.output)),
                         ["row-000001", "row-000002", "row-000003"])

    def slow_provider(self):
        def reply(handler, body):
            self.gate.wait(60)
            return good_answer(handler, body)

        self.gate = threading.Event()
        return self.provider(reply)

    def interrupted(self, times):
        provider = self.slow_provider()
        self.batch(50)
        process = self.start(provider.url, "--concurrency", "5")
        wait_until(lambda: provider.arrivals() == 5, "five in flight")
        process.send_signal(signal.SIGINT)
        if times == 2:
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(30), 130)
        self.gate.set()
        self.assertEqual(process.wait(30), 130)
        process.stderr.close()
        self.assertEqual(provider.arrivals(), 5)
        return provider

    def test_ctrl_c_once_finishes_what_is_in_flight(self):
        provider = self.interrupted(1)
        self.assertEqual(len(read_lines(self.output)), 5)
        self.sluice(provider.url)
        self.assert_each_once(50)
        self.assertEqual(provider.arrivals(), 50)

    def test_ctrl_c_twice_stops_now(self):
        provider = self.interrupted(2)
        self.assertEqual(read_lines(self.output), [])
        self.sluice(provider.url)
        self.assert_each_once(50)

    def test_two_runs_on_one_output(self):
        provider = self.slow_provider()
        self.batch(5)
        first = self.start(provider.url)
        wait_until(lambda: provider.arrivals() == 5, "the first run is on its way")
        second = self.sluice(provider.url, code=None)
        self.assertIn(second.returncode, (2, 4))
        self.assertRegex(second.stderr, r"results\.jsonl: process \d+ is writing to it")
        self.assertEqual(provider.arrivals(), 5)
        self.gate.set()
        self.assertEqual(first.wait(30), 0)
        first.stderr.close()
        self.assert_each_once(5)

    def test_full_disk(self):
        provider = self.provider(good_answer)
        self.batch(400)

        def limit():  # the file may not grow over 20 kB: EFBIG, as a quota would say EDQUOT
            resource.setrlimit(resource.RLIMIT_FSIZE, (20000, resource.RLIM_INFINITY))

        done = self.sluice(provider.url, "--concurrency", "3", code=4, preexec_fn=limit)
        self.assertRegex(done.stderr, r"stopped after \d+ of 400: .*results\.jsonl")
        self.assertIn("Nothing more was sent", done.stderr)
        answered = len(read_lines(self.output))
        self.assertGreater(answered, 10)
        self.assertLessEqual(provider.arrivals(), answered + 6)
        self.sluice(provider.url)
        self.assert_each_once(400)

    def test_full_device(self):
        provider = self.provider(good_answer)
        self.batch(50)
        self.output = "/dev/full"
        done = self.sluice(provider.url, "--concurrency", "2", code=4)
        self.assertRegex(done.stderr, "/dev/full.*No space left")
        self.assertLessEqual(provider.arrivals(), 5)

    def test_full_tmpfs(self):
        mount = self.path("small")
        os.mkdir(mount)
        if os.geteuid() != 0 or subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=64k", "none", mount], check=False,
                stderr=subprocess.DEVNULL).returncode:
            self.skipTest("needs root and mount")
        try:
            provider = self.provider(good_answer)
            self.batch(400)
            self.output = os.path.join(mount, "results.jsonl")
            self.errors = os.path.join(mount, "results.errors.jsonl")
            done = self.sluice(provider.url, code=4)
            self.assertRegex(done.stderr, "results.jsonl.*No space left")
            subprocess.run(["mount", "-o", "remount,size=8m", mount], check=True)
            self.sluice(provider.url)
            self.assert_each_once(400)
        finally:
            subprocess.run(["umount", mount], check=True)

    def test_unwritable_output(self):
        provider = self.provider(good_answer)
        self.batch(3)
        self.output = self.path("no/such/folder/results.jsonl")
        done = self.sluice(provider.url, code=4)
        self.assertIn("no/such/folder", done.stderr)
        self.assertEqual(provider.arrivals(), 0)

    def test_an_outage_burns_no_rows(self):
        def reply(handler, body):
            n = provider.arrivals()
            if 20 < n <= 30:  # eight faults open the breaker, two probes meet the outage
                return error_answer(503, "server_is_overloaded", "try later",
                                    {"retry-after-ms": "20"})
            return good_answer(handler, body)

        provider = self.provider(reply)
        self.batch(120)
        self.sluice(provider.url, "--concurrency", "8")
        self.assert_each_once(120)
        self.assertEqual(read_lines(self.errors), [])
        self.assertGreater(self.report()["retries"]["503"], 0)

    def test_an_endless_outage_ends_the_run(self):
        provider = self.provider(lambda h, b: error_answer(503, "overloaded", "no"))
        self.batch(20)
        done = self.sluice(provider.url, "--patience", "1s", "--concurrency", "2", code=4)
        self.assertRegex(done.stderr, r"stopped after 0 of 20")
        self.assertEqual(read_lines(self.output) + read_lines(self.errors), [])

    def test_nobody_listens(self):
        provider = self.provider(good_answer)
        provider.__exit__()
        self.batch(3)
        done = self.sluice(provider.url, "--patience", "500ms", code=4)
        self.assertRegex(done.stderr, "(?i)refused")
        self.assertEqual(self.ids(self.errors), [])

    def test_faults_are_ridden_out(self):
        def reply(handler, body):
            with provider.lock:
                times = provider.bodies[body]
            tag = int(re.search(rb"Question (\d+)", body).group(1))
            if times == 1 and tag % 5 == 0:
                handler.close_connection = True
                handler.connection.close()  # dies unanswered
                raise ConnectionResetError
            if times == 1 and tag % 5 == 1:
                return error_answer(500, "server_error", "oops", {"retry-after-ms": "1"})
            if times == 1 and tag % 5 == 2:
                return 200, b"<html>not JSON", {}
            if times == 1 and tag % 5 == 3:
                return error_answer(429, "rate_limit_exceeded",
                                    "Rate limit reached for gpt-4o in organization org-x on "
                                    "requests per min (RPM): Limit 3, Used 3, Requested 1. "
                                    "Please try again in 20ms.", {"retry-after-ms": "20"})
            return good_answer(handler, body)

        provider = self.provider(reply)
        self.batch(50)
        self.sluice(provider.url, "--limits", "gpt-4o:rpm=30000,tpm=3000000")
        self.assert_each_once(50)
        report = self.report()
        self.assertEqual(report["rate_limited"], 10)
        self.assertEqual(report["refusals"],
                         [{"model": "gpt-4o", "dimension": "rpm", "count": 10}])
        self.assertEqual(report["retries"]["500"], 10)
        self.assertEqual(report["succeeded"], 50)

    def test_quiet_and_exit_codes(self):
        provider = self.provider(good_answer)
        self.batch(3)
        self.assertEqual(self.sluice(provider.url, "--quiet").stderr, "")
        done = subprocess.run([SLUICE, "run", "--no-such"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        done = subprocess.run([SLUICE, "run", self.path("absent"), "-o", self.output,
                               "--base-url", provider.url], capture_output=True, text=True)
        self.assertEqual(done.returncode, 4)

    def test_report_has_the_promised_keys(self):
        provider = self.provider(good_answer)
        self.batch(3)
        self.sluice(provider.url)
        report = self.report()
        for key in ("requests", "succeeded", "failed", "rate_limited", "input_tokens",
                    "output_tokens", "makespan_s", "bound_s", "efficiency", "binding_budget",
                    "refusals"):
            self.assertIn(key, report)
        self.assertEqual((report["input_tokens"], report["output_tokens"]), (36, 21))
        self.assertIsNone(report["efficiency"])
        self.assertNotIn(".part", json.dumps(os.listdir(self.dir)))


if __name__ == "__main__":
    main()
