"""Rows over a limit: they wait, go to another model, or fail, as --over-limit and --fallback or the
routes of a configuration say. Counts only, no times.

    SLUICE=build/sluice python3 tests/e2e/run_detours.py [-v] [Class.test]"""
import json
import os
import subprocess

from run_support import Emulator, RunTest, SLUICE, main, read_lines, request_line

MINUTE = ("--minute", "2s")
LIMITS = ("--limits", "gpt-4o:rpm=100,tpm=600000000", "--limits",
          "gpt-4o-mini:rpm=600000,tpm=600000000", "--limits",
          "gpt-4.1:rpm=600000,tpm=600000000")
LONG = "one two three four " * 40000  # 160,000 tokens: over gpt-4o's window


class Detours(RunTest):
    def emulator(self, *limits):
        emulator = Emulator("--latency", "0-1ms", "--window", "bucket", *MINUTE,
                            *(limits or LIMITS))
        self.addCleanup(emulator.__exit__)
        return emulator

    def run_it(self, emulator, *options, limits=LIMITS, code=0):
        return self.sluice(emulator.url, *MINUTE, "--window", "bucket", *limits, *options,
                           code=code)

    def admitted(self, emulator):
        return {m["name"]: m["admitted"] for m in emulator.report()["models"]}

    def config(self, text):
        path = self.path(f"{len(os.listdir(self.dir))}-sluice.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return ("--config", path)

    def test_a_long_wait_becomes_another_model(self):
        for rule in (("--fallback", "gpt-4o=gpt-4o-mini,on=wait,after=2s"),
                     ("--over-limit", "gpt-4*=downgrade", "--fallback",
                      "gpt-4*=gpt-4o-mini,after=2s"),
                     self.config("accounts: {main: {provider: openai}}\n"
                                 "listen: 127.0.0.1:1\n"
                                 "routes:\n"
                                 "- models: [gpt-4o]\n"
                                 "  accounts: [main]\n"
                                 "  fallback: {model: gpt-4o-mini, on: wait, after: 2s}\n")):
            with self.subTest(rule=rule):
                emulator = self.emulator()
                self.batch(400)  # 100 at once, 50 a second: eight seconds
                self.run_it(emulator, *rule)
                self.assert_each_once(400)
                admitted, report = self.admitted(emulator), self.report()
                self.assertEqual(admitted["gpt-4o"] + admitted["gpt-4o-mini"], 400)
                self.assertGreater(admitted["gpt-4o-mini"], 100)
                self.assertGreater(admitted["gpt-4o"], 100)
                self.assertEqual(report["downgraded"], admitted["gpt-4o-mini"])
                self.assertEqual((report["succeeded"], report["rate_limited"]), (400, 0))
                answered = [line["response"]["body"]["model"] for line in read_lines(self.output)]
                self.assertEqual(answered.count("gpt-4o-mini"), admitted["gpt-4o-mini"])
                # what was asked else is what was asked: the ids are those of the file
                os.rename(self.output, self.path("before.jsonl"))
                self.run_it(self.emulator("--limits", "*:rpm=600000"), limits=(
                    "--limits", "*:rpm=600000,tpm=600000000"))
                ids = {line["custom_id"]: line["id"] for line in read_lines(self.output)}
                for line in read_lines(self.path("before.jsonl")):
                    self.assertEqual(line["id"], ids[line["custom_id"]])
                os.unlink(self.output)

    def test_nothing_goes_where_it_would_wait_longer(self):
        limits = ("--limits", "gpt-4o:rpm=100", "--limits", "gpt-4o-mini:rpm=2")
        emulator = self.emulator(*limits)
        self.batch(200)
        self.run_it(emulator, "--fallback", "gpt-4o=gpt-4o-mini,after=0", limits=limits)
        self.assert_each_once(200)
        self.assertLessEqual(self.admitted(emulator)["gpt-4o-mini"], 12)

    def test_what_would_wait_for_long_fails_at_once(self):
        emulator = self.emulator()
        self.batch(400)
        self.run_it(emulator, "--over-limit", "fail,after=2s", code=1)
        self.assert_each_once(400)
        failed = read_lines(self.errors)
        self.assertGreater(len(failed), 100)
        self.assertEqual({line["error"]["code"] for line in failed}, {"over_limit"})
        self.assertIn("longer than 2.0 s", failed[0]["error"]["message"])
        self.assertEqual(self.admitted(emulator)["gpt-4o"], 400 - len(failed))
        self.assertEqual(self.report()["failures"], {"over_limit": len(failed)})
        # they are taken up again by the next run
        self.run_it(emulator)
        self.assert_each_once(400)
        self.assertEqual(read_lines(self.errors), [])

    def test_waiting_is_what_holds_without_a_word(self):
        emulator = self.emulator()
        self.batch(150)
        self.run_it(emulator, "--over-limit", "gpt-4o=wait", "--over-limit", "fail")
        self.assert_each_once(150)
        self.assertEqual(self.admitted(emulator)["gpt-4o"], 150)
        self.assertEqual(self.report()["downgraded"], 0)

    def long_lines(self):
        rows = [request_line(i) for i in range(10)]
        rows[4]["body"]["messages"][0]["content"] = LONG
        self.write_input(json.dumps(row) for row in rows)

    def test_a_long_prompt_becomes_another_model(self):
        self.long_lines()
        emulator = self.emulator()
        done = self.run_it(emulator, code=2)
        self.assertIn("requests.jsonl:5", done.stderr)
        self.run_it(emulator, "--fallback", "gpt-4o=gpt-4o-mini,on=length", "--fallback",
                    "gpt-4o=gpt-4.1,on=length")  # the first is as narrow as its own
        self.assert_each_once(10)
        self.assertEqual(self.report()["downgraded"], 1)
        models = {line["custom_id"]: line["response"]["body"]["model"]
                  for line in read_lines(self.output)}
        self.assertEqual(models.pop("row-000004"), "gpt-4.1")
        self.assertEqual(set(models.values()), {"gpt-4o"})

    def test_a_long_prompt_fails_alone(self):
        self.long_lines()
        emulator = self.emulator()
        for _ in range(2):  # the second time nothing is asked
            self.run_it(emulator, "--over-limit", "gpt-4o=fail,after=1h", code=1)
            self.assert_each_once(10)
            (failed,) = read_lines(self.errors)
            self.assertEqual((failed["custom_id"], failed["error"]["code"]),
                             ("row-000004", "too_large"))
            self.assertIn("window of 128,000", failed["error"]["message"])
        self.assertEqual(self.admitted(emulator)["gpt-4o"], 9)

    def test_a_long_prompt_goes_by_batch_too(self):
        self.long_lines()
        emulator = Emulator("--batch-latency", "20ms", "--latency", "0")
        self.addCleanup(emulator.__exit__)
        self.sluice(emulator.url, "--mode", "batch", "--poll", "10ms", "--fallback",
                    "gpt-4o=gpt-4.1,on=length")
        self.assert_each_once(10)
        self.assertEqual(emulator.report()["batches"]["completed"], 2)
        self.assertEqual(emulator.report()["totals"]["admitted"], 0)

    def test_a_model_whose_limits_are_not_known(self):
        self.batch(3)
        done = subprocess.run(
            [SLUICE, "run", self.input, "-o", self.output, "--emulate", "openai/tier-1",
             "--fallback", "gpt-4o=who-knows"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("who-knows", done.stderr)

    def test_usage_errors_say_what_to_do(self):
        self.batch(1)
        for options, word in (
                (("--over-limit", "gpt-4o=maybe"), "wait|downgrade|fail"),
                (("--over-limit", "fail,until=3s"), "wait|downgrade|fail"),
                (("--over-limit", "gpt-4o=downgrade"), "--fallback gpt-4o=MODEL"),
                (("--fallback", "gpt-4o"), "on=wait|length"),
                (("--fallback", "gpt-4o=x,on=rain"), "on=wait|length"),
                (("--over-limit", "gpt-4o=fail", "--fallback", "gpt-4o=x"), "downgrade"),
                (("--config", "/nowhere"), "No such file"),
                (self.config("routes: {}"), "list is wanted"),
                (self.config("routes: [{models: [a], over_limit: no}]"), "downgrade"),
                (self.config("routes: [{models: [a], over_limit: downgrade}]"), "which model"),
                (self.config("routes: [{fallback: {model: a}}]"), "needs models"),
                (self.config("routes: [{models: [a], fallbak: {model: a}}]"), "fallback?"),
                (self.config("routes: ["), "sluice.yaml")):
            done = self.sluice("http://127.0.0.1:1/v1", *options, code=2)
            self.assertIn(word, done.stderr, options)


if __name__ == "__main__":
    main()
