"""No key and no prompt comes out: where the provider itself repeats them, in the log of both forms,
in metrics, status, events, alerts, on standard error; nor into a core dump. And: the net in which
every other test is caught (sentinel.py) has no hole.

Run by hand: SLUICE=build/sluice python3 tests/e2e/secrets.py [-v] [Class.test]
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

import sentinel
from observe_support import TOKEN, Observed
from run_support import RunTest, Provider, error_answer, main
from sentinel import KEY
from serve_support import Upstream

HERE = os.path.dirname(os.path.abspath(__file__))
PROMPT = "How many?"
WORDS = f"{PROMPT} is what {KEY} asked, and Bearer {KEY} it was"
STATUSES = [(400, "invalid_request_error"), (401, "invalid_api_key"), (403, "forbidden"), (404, "model_not_found"),
            (413, "too_large"), (429, "rate_limit_exceeded"), (429, "insufficient_quota"), (500, "server_error"),
            (529, "overloaded_error"), (400, PROMPT), (400, KEY)]


def parrot(h, n):
    """Repeats all it was told: in words, in codes, in headers."""
    status, code = STATUSES[n % len(STATUSES)]
    status, body, headers = error_answer(status, code, WORDS)
    body["error"]["param"] = PROMPT
    h.whole(status, body, {**headers, "x-request-id": f"req_{n}", "retry-after-ms": "1"})


class Provoked(unittest.TestCase):
    def provoke(self, form):
        with Upstream(parrot) as up, Observed(
                f"log: LOG\nlog_format: {form}\naccounts: {{main: {{base_url: '{up.url}', window: bucket, "
                "retries: 1, api_key_env: OPENAI_API_KEY, limits: {gpt-4o: {rpm: 90000}}}}\n"
                "max_wait: 1s\nalerts: {command: [/bin/sh, -c, 'cat >> ALERTS']}\n") as gateway:
            log, letters = (os.path.join(gateway.directory, name) for name in ("requests.log", "letters"))
            with open(gateway.file, encoding="utf-8") as f:
                text = f.read().replace("LOG", log).replace("ALERTS", letters)
            with open(gateway.file, "w", encoding="utf-8") as f:
                f.write(text)
            serve = gateway.start()
            for i in range(len(STATUSES)):
                serve.post(stream=i % 2 == 0)
                serve.post(body=f'{{"model": "gpt-4o", "messages": "{PROMPT}", "messages": 1')
                serve.post(path=f"/v1/files?key={KEY}", headers={"authorization": f"Bearer {KEY}"})
            self.assertIn(KEY, str(up.seen[-1][2]))  # it does get there
            views = {path: gateway.get(path)[1] for path in ("/metrics", "/status", "/")}
            events = gateway.admin("/events")
            views["/events"] = b"".join(events.readline() for _ in range(4))
            events.connection.close()
            gateway.stop()
            for path, body in views.items():
                self.check(path, body)
            for path in (log, letters, *self.files(gateway.state)):
                with open(path, "rb") as f:
                    self.check(path, f.read())
            with open(log, encoding="utf-8") as f:
                self.assertGreaterEqual(len(f.readlines()), 3 * len(STATUSES))

    @staticmethod
    def files(directory):
        return [os.path.join(parent, name) for parent, _, names in os.walk(directory) for name in names]

    def check(self, where, data):
        for secret in (KEY, PROMPT, TOKEN):
            self.assertNotIn(secret.encode(), data, where)

    def test_by_a_provider_that_repeats_all_it_is_told_text(self):
        self.provoke("text")

    def test_by_a_provider_that_repeats_all_it_is_told_json(self):
        self.provoke("json")

    def test_no_core_dump_holds_them(self):
        with Upstream() as up, Observed(f"accounts: {{main: {{base_url: '{up.url}'}}}}\n") as gateway:
            serve = gateway.start()
            with open(f"/proc/{serve.process.pid}/limits", encoding="utf-8") as f:
                self.assertRegex(f.read(), r"Max core file size +0 +0 ")


class Run(RunTest):
    def test_a_batch_that_fails(self):
        def reply(_, body):
            return error_answer(400, "invalid_request_error", "no")

        with Provider(reply) as provider:
            self.batch(20)
            done = self.sluice(provider.url, "--ui", "--provider", "openai", "--tier", "1", code=1,
                               env={**os.environ, "SLUICE_ADMIN_TOKEN": TOKEN})
            self.assertNotRegex(done.stderr, f"{KEY}|{TOKEN}|Question")
            with open(self.report_path, encoding="utf-8") as f:
                self.assertNotIn("Question", f.read())


NET = """
import os, subprocess, sys, tempfile
sys.path.insert(0, {here!r})
import sentinel
sentinel.watch()
sluice = {sluice!r}
{leak}
"""
SAY = 'subprocess.run([sluice, "run", {words!r}], check=True{how})'


class Net(unittest.TestCase):
    """The net catches what it is for."""

    def catch(self, leak, code):
        with tempfile.TemporaryDirectory() as folder:
            fake = os.path.join(folder, "sluice")
            with open(fake, "w", encoding="utf-8") as f:
                f.write('#!/bin/sh\ncase "$3" in err) echo "$2" >&2;; *) echo "$2";; esac\n')
            os.chmod(fake, 0o755)
            program = NET.format(here=HERE, sluice=fake, leak=leak)
            done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertEqual("A SECRET CAME OUT" in done.stderr, code == 1)

    def test_what_is_captured(self):
        for secret in ("sk-sentinel-" + "1", "How many" + "?", "Question 7: " + "word3"):
            self.catch(SAY.format(words=secret, how=", capture_output=True"), 1)
        self.catch(SAY.format(words="harmless", how=", capture_output=True"), 0)

    def test_what_goes_to_the_tests_own_standard_error(self):
        self.catch('subprocess.run([sluice, "run", "sk-sentinel-" + "1", "err"], check=True)', 1)
        self.catch('subprocess.run([sluice, "run", "harmless", "err"], check=True)', 0)

    def test_what_is_left_in_files(self):
        leave = 'd = tempfile.TemporaryDirectory(); open(os.path.join(d.name, {name!r}), "w").write({words!r}); d.cleanup()'
        self.catch(leave.format(name="results.jsonl", words="sk-sentinel-" + "1"), 1)
        self.catch(leave.format(name="requests.log", words="How many" + "?"), 1)
        self.catch(leave.format(name="report.json", words="How many" + "?"), 1)
        self.catch(leave.format(name="requests.jsonl", words="How many" + "?"), 0)

    def test_the_environment_holds_sentinels(self):
        self.assertEqual(os.environ["OPENAI_API_KEY"], KEY)
        self.assertTrue(sentinel.KEYS.search(KEY.encode()))
        self.assertIsNotNone(re.search(sentinel.PROMPTS, json.dumps(PROMPT).encode()))


if __name__ == "__main__":
    main()
