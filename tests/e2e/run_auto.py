"""`sluice run --mode auto` against `sluice emulate`: what it chooses for a deadline or a budget, that
the choice stands whatever kills the process, that late batches go live, that no budget is passed.

    SLUICE=build/sluice python3 tests/e2e/run_auto.py [-v] [Class.test]"""
import json
import os
import re
import signal

from gate import AFTER, BEFORE, HALF
from run_batch import CLAUDE, KEY, BatchTest, message_line
from run_support import main, read_lines, request_line

AUTO = ("--mode", "auto", "--poll", "10ms", "--service-time", "10ms")
ENDPOINTS = {"openai": ["/v1/chat/completions"], "anthropic": ["/v1/messages"]}


class AutoTest(BatchTest):
    def prompt_cancels(self):
        """A catalogue by which a cancelled batch ends at once, as the emulator's do."""
        path = self.path("prompt.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"batch": [{"provider": name, "requests": 50000, "bytes": 200000000,
                                  "window_hours": 24, "cancel_minutes": 0,
                                  "endpoints": endpoints}
                                 for name, endpoints in ENDPOINTS.items()]}, f)
        return ("--catalogue", path)

    def cost(self, url, rows):
        """What all of it costs at the most, as batches: as the refusal of a small budget says."""
        done = self.sluice(url, *AUTO, "--budget", "0", code=2)
        self.assert_nothing_begun()
        found = re.search(r"even as batches it costs up to ([\d.]+) USD", done.stderr)
        self.assertTrue(found, done.stderr)
        self.assertGreater(float(found.group(1)), rows * 1e-5)
        return float(found.group(1)) + 1e-6  # it was rounded

    def assert_nothing_begun(self):
        self.assertEqual(read_lines(self.output), [])
        self.assertEqual(self.journal(), [])

    def assert_seen(self, emulator, batch, live):
        seen = self.seen(emulator)
        self.assertEqual((seen["distinct"], seen["again"], seen["live"]), (batch, 0, live))

    def choice(self):
        return self.report()["choice"]

    def killed(self, gate, *options):
        process = self.start(gate.url, *AUTO, *options, "--quiet")
        gate.wait_held()
        self.kill(process, gate)


class Chosen(AutoTest):
    def test_batches_where_there_is_time(self):
        emulator = self.emulator()
        self.batch(100)
        done = self.sluice(emulator.url, *AUTO, "--deadline", "1h")
        self.assertRegex(done.stderr, r"for a deadline of 1h 00m \(at .*\):\n"
                                      r"  gpt-4o +100 requests: as batches\n"
                                      r" +.* live; what is not done by then is asked live")
        self.assertRegex(done.stderr, r"costs up to .* USD; all live .*, all as batches")
        self.assertRegex(done.stderr, r"deadline +kept, .* before it")
        self.assert_over(100)
        self.assert_seen(emulator, 100, 0)
        choice = self.choice()
        self.assertEqual((choice["deadline_s"], choice["budget_usd"], choice["earlier"]),
                         (3600, None, False))
        (model,) = choice["models"]
        self.assertEqual((model["model"], model["requests"], model["batch"], model["why"]),
                         ("gpt-4o", 100, 100, "take_back"))
        self.assertAlmostEqual(choice["live_usd"], 2 * choice["batch_usd"], 4)
        self.assertLessEqual(self.report()["cost_usd"], choice["chosen_usd"])
        again = self.sluice(emulator.url, *AUTO, "--deadline", "1h")
        self.assertNotIn("deadline", again.stderr)  # nothing is left to choose for
        self.assertIsNone(self.choice())

    def test_live_where_there_is_none(self):
        emulator = self.emulator()
        self.batch(100)
        done = self.sluice(emulator.url, *AUTO, "--deadline", "5m")  # a cancellation takes ten
        self.assertIn("no time to wait for batches first", done.stderr)
        self.assert_over(100)
        self.assert_seen(emulator, 0, 100)
        self.assertEqual(self.choice()["models"][0]["why"], "no_time")
        self.assertIsNone(self.report()["batches"])

    def test_a_part_of_it(self):
        emulator = self.emulator()
        self.batch(600)
        done = self.sluice(emulator.url, *AUTO, *self.prompt_cancels(), "--deadline", "12s",
                           "--limits", "gpt-4o:rpm=60", "--minute", "1s", "--window", "bucket")
        self.assertIn("so many can be taken back if batches are late", done.stderr)
        self.assert_over(600)
        batch = self.choice()["models"][0]["batch"]
        self.assertTrue(300 < batch < 460, batch)  # six seconds' worth of 9.5
        self.assert_seen(emulator, batch, 600 - batch)

    def test_each_model_for_itself(self):
        emulator = self.emulator()
        rows = [request_line(i, model=("gpt-4o", "gpt-4o-mini", "nobody-knows-it")[i % 3])
                for i in range(90)]
        self.write_input(json.dumps(row) for row in rows)
        self.sluice(emulator.url, *AUTO, "--deadline", "40m", "--limits", "gpt-4o:rpm=1",
                    "--limits", "*:rpm=600000", "--minute", "10s")
        self.assert_over(90)
        models = {m["model"]: m for m in self.choice()["models"]}
        self.assertEqual({name: (m["batch"], m["why"]) for name, m in models.items()}, {
            "gpt-4o": (30, "take_back"), "gpt-4o-mini": (30, "take_back"),
            "nobody-knows-it": (0, "no_gain")})
        self.assertIsNone(self.choice()["chosen_usd"])
        self.assert_seen(emulator, 60, 30)

    def test_message_batches(self):
        emulator = self.emulator()
        self.write_input(json.dumps(message_line(i)) for i in range(50))
        self.sluice(emulator.url, *AUTO, *CLAUDE, "--deadline", "2h", env=KEY)
        self.assert_over(50)
        self.assert_seen(emulator, 50, 0)

    def test_a_deadline_that_cannot_be_kept(self):
        emulator = self.emulator()
        self.batch(100)
        done = self.sluice(emulator.url, *AUTO, "--deadline", "10m", "--limits", "*:rpm=5",
                           "--window", "bucket", code=2)
        self.assertRegex(done.stderr, r"--deadline: cannot be kept, nothing was sent: even live, "
                                      r"gpt-4o takes 19m \d\ds for 100 requests, and there are "
                                      r"10m 00s")
        self.assertIn("sluice plan", done.stderr)
        self.assert_nothing_begun()
        self.assertEqual(emulator.report()["totals"]["arrivals"], 0)

    def test_wishes_that_make_no_sense(self):
        self.batch(3)
        for options, words in (
                (("--mode", "auto"), "name one"),
                (("--deadline", "1h"), "--deadline: goes with --mode auto"),
                (("--mode", "batch", "--budget", "1"), "--budget: goes with --mode auto"),
                (("--mode", "auto", "--budget", "ten"), "not of the form 20usd"),
                (("--mode", "auto", "--deadline", "1h", "--batch-rest", "error"), "--batch-rest"),
                (("--mode", "auto", "--budget", "1", "--output-tokens", "x"), "--output-tokens"),
                (("--mode", "car"), "none of live, batch, auto")):
            with self.subTest(options=options):
                done = self.sluice("http://127.0.0.1:9/v1", *options, code=2)
                self.assertIn(words, done.stderr)

    def test_what_is_not_known_is_said(self):
        self.batch(3, model="nobody-knows-it")
        done = self.sluice("http://127.0.0.1:9/v1", *AUTO, "--budget", "1", code=2)
        self.assertIn("the price of nobody-knows-it is not known", done.stderr)
        done = self.sluice("http://127.0.0.1:9/v1", *AUTO, "--deadline", "1h", "--limits",
                           "other:rpm=1", code=2)
        self.assertIn("how long it takes live is not known", done.stderr)


class Late(AutoTest):
    """Batches that will not be through in time."""

    def test_they_are_asked_live(self):
        emulator = self.emulator("--batch-latency", "1h")
        self.batch(100)
        done = self.sluice(emulator.url, *AUTO, *self.prompt_cancels(), "--deadline", "3s")
        self.assertIn("gpt-4o: batches are late for the deadline", done.stderr)
        self.assert_over(100)
        self.assertEqual(emulator.report()["batches"]["cancelled"], 1)
        self.assert_seen(emulator, 0, 100)

    def test_messages_are_asked_live(self):
        emulator = self.emulator("--batch-latency", "1h")
        self.write_input(json.dumps(message_line(i)) for i in range(50))
        done = self.sluice(emulator.url, *AUTO, *CLAUDE, *self.prompt_cancels(), "--deadline",
                           "3s", env=KEY)
        self.assertIn("batches are late for the deadline", done.stderr)
        self.assert_over(50)
        self.assert_seen(emulator, 0, 50)

    def test_what_was_not_begun_goes_first(self):
        emulator = self.emulator("--batch-latency", "1h", "--batch-queue", "gpt-4o=600")
        self.batch(120)
        done = self.sluice(emulator.url, *AUTO, *self.prompt_cancels(), "--deadline", "3s",
                           "--batch-queue", "gpt-4o=600")
        self.assert_over(120)
        self.assert_seen(emulator, 0, 120)
        self.assertEqual(emulator.report()["batches"]["created"], 1)
        given_up = [int(n) for n in re.findall(r"batch (\d+): batch_cancelled", done.stderr)]
        self.assertEqual(given_up, sorted(given_up, reverse=True))
        self.assertGreater(len(given_up), 3)

    def test_a_run_that_comes_back_after_the_deadline(self):
        gate = self.gate("--batch-latency", "1h")
        self.batch(60)
        gate.close_at(BEFORE, "GET", "/batches/[^/]+$")
        options = (*self.prompt_cancels(), "--deadline", "1h")
        self.killed(gate, *options)
        path = self.path("results.batches.jsonl")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(re.sub(r'"until_us":\d+', '"until_us":1000000', text))
        done = self.sluice(gate.url, *AUTO, *options)
        self.assertIn("as chosen by an earlier run", done.stderr)
        self.assertRegex(done.stderr, "deadline +missed by")
        self.assert_over(60)
        self.assert_seen(gate.emulator, 0, 60)


class Budget(AutoTest):
    def test_live_if_it_pays_for_that(self):
        emulator = self.emulator()
        self.batch(100)
        cost = self.cost(emulator.url, 100)
        done = self.sluice(emulator.url, *AUTO, "--budget", f"{2 * cost:.6f}usd")
        self.assertIn("the budget pays for it", done.stderr)
        self.assert_over(100)
        self.assert_seen(emulator, 0, 100)

    def test_a_part_of_it(self):
        emulator = self.emulator()
        self.batch(200)
        budget = 1.5 * self.cost(emulator.url, 200)
        self.sluice(emulator.url, *AUTO, "--budget", f"{budget:.6f}")
        self.assert_over(200)
        choice = self.choice()
        (model,) = choice["models"]
        self.assertEqual(model["why"], "bought")
        self.assertTrue(95 <= model["batch"] <= 105, model)
        self.assertLessEqual(choice["chosen_usd"], budget)
        self.assertGreater(choice["chosen_usd"], 0.97 * budget)
        self.assert_seen(emulator, model["batch"], 200 - model["batch"])
        self.assertLessEqual(self.report()["cost_usd"], budget)

    def test_requests_of_very_different_size(self):
        emulator = self.emulator()
        self.write_input(json.dumps(request_line(i, words=1 + 4 * i)) for i in range(200))
        budget = 1.5 * self.cost(emulator.url, 200)
        self.sluice(emulator.url, *AUTO, "--budget", f"{budget:.6f}")
        self.assert_over(200)
        self.assertLessEqual(self.choice()["chosen_usd"], budget)

    def test_rows_that_come_back_do_not_pass_it(self):
        emulator = self.emulator("--batch-faults", "fail=40%", "--output-tokens", "20")
        self.batch(100)
        budget = 1.1 * self.cost(emulator.url, 100)
        self.sluice(emulator.url, *AUTO, "--budget", f"{budget:.6f}", code=1)
        self.assert_each_once(100)
        errors = read_lines(self.errors)
        self.assertEqual({line["error"]["code"] for line in errors}, {"over_budget"})
        self.assertGreater(len(errors), 10)
        self.assertGreater(self.seen(emulator)["live"], 3)
        self.assertLessEqual(self.report()["cost_usd"], budget)
        # they failed in passing; the next run has a budget of its own
        self.sluice(emulator.url, *AUTO, "--budget", f"{budget:.6f}")
        self.assert_over(100)

    def test_a_deadline_does_not_pass_it(self):
        emulator = self.emulator("--batch-latency", "4s")
        self.batch(50)
        budget = 1.2 * self.cost(emulator.url, 50)
        done = self.sluice(emulator.url, *AUTO, *self.prompt_cancels(), "--deadline", "3s",
                           "--budget", f"{budget:.6f}")
        self.assertIn("the budget does not pay for asking them live", done.stderr)
        self.assertRegex(done.stderr, "deadline +missed by")
        self.assert_over(50)
        self.assert_seen(emulator, 50, 0)

    def test_one_that_is_too_small(self):
        emulator = self.emulator()
        self.batch(100)
        cost = self.cost(emulator.url, 100)
        self.sluice(emulator.url, *AUTO, "--budget", f"{0.9 * cost:.6f}", code=2)
        self.assert_nothing_begun()
        # shorter answers, as the user knows them
        self.sluice(emulator.url, *AUTO, "--budget", f"{0.9 * cost:.6f}", "--output-tokens", "10")
        self.assert_over(100)


class Killed(AutoTest):
    """The choice stands in the journal."""
    CALLS = (("POST", "/files$"), ("POST", "/batches$"), ("GET", "/batches/[^/]+$"),
             ("GET", "/content$"), ("POST", "/chat/completions$"))

    def half(self, gate, rows):
        self.batch(rows)
        return ("--budget", f"{1.5 * self.cost(gate.url, rows):.6f}")

    def planned(self):
        return sum(line.get("requests", 0) for line in self.journal())

    def test_at_every_point_of_every_call(self):
        for method, path in self.CALLS:
            for when in BEFORE, AFTER, HALF:
                with self.subTest(call=path, when=when):
                    gate = self.gate()
                    options = self.half(gate, 60)
                    gate.close_at(when, method, path)
                    self.killed(gate, *options)
                    planned = self.planned()
                    self.assertTrue(25 < planned < 35, planned)
                    done = self.sluice(gate.url, *AUTO, *options)
                    self.assertIn("as chosen by an earlier run", done.stderr)
                    self.assert_over(60)
                    self.assertTrue(self.choice()["earlier"])
                    requests = gate.emulator.report()["batches"]["requests"]
                    self.assertEqual((requests["distinct"], requests["carried_out_again"]),
                                     (planned, 0))
                    os.unlink(self.output)

    def test_before_the_choice_was_made(self):
        gate = self.gate()
        self.batch(60)
        options = ("--deadline", "1h")
        gate.close_at(BEFORE, "POST", "/files$")
        self.killed(gate, *options)
        path = self.path("results.batches.jsonl")
        with open(path, encoding="utf-8") as f:
            lines = f.read().splitlines(True)
        at = [i for i, line in enumerate(lines) if json.loads(line).get("choice") == "made"]
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(lines[:at[0]])
        done = self.sluice(gate.url, *AUTO, *options)
        self.assertNotIn("as chosen by an earlier run", done.stderr)
        self.assert_over(60)
        self.assert_seen(gate.emulator, 60, 0)

    def test_stopped_while_only_live_rows_are_left(self):
        gate = self.gate()
        options = self.half(gate, 100)
        gate.close_at(BEFORE, "POST", "/chat/completions$", 20)
        process = self.start(gate.url, *AUTO, *options, "--concurrency", "1", "--quiet")
        gate.wait_held()
        while not any(line.get("state") == "fetched" for line in self.journal()):
            pass  # its batch is over
        process.send_signal(signal.SIGINT)
        gate.open()
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        planned = self.planned()
        done = self.sluice(gate.url, *AUTO, *options)
        self.assertIn("as chosen by an earlier run", done.stderr)
        self.assert_over(100)
        self.assert_seen(gate.emulator, planned, 100 - planned)

    def test_another_wish_is_another_choice(self):
        gate = self.gate()
        self.half(gate, 60)
        gate.close_at(BEFORE, "GET", "/batches/[^/]+$")
        self.killed(gate, "--deadline", "1h")
        self.assertEqual(self.planned(), 60)
        done = self.sluice(gate.url, *AUTO, "--deadline", "2h")
        self.assertIn("for a deadline of 2h", done.stderr)
        self.assertIn("1 batch of an earlier run is under way", done.stderr)
        self.assertNotIn("as chosen by an earlier run", done.stderr)
        self.assert_over(60)
        self.assert_seen(gate.emulator, 60, 0)

    def test_late_and_killed(self):
        gate = self.gate("--batch-latency", "1h")
        self.batch(60)
        options = (*self.prompt_cancels(), "--deadline", "3s")
        for when in BEFORE, AFTER:
            with self.subTest(when=when):
                gate.close_at(when, "POST", "/cancel$")
                self.killed(gate, *options)
                self.sluice(gate.url, *AUTO, *options)
                self.assert_over(60)
                self.assert_seen(gate.emulator, 0, 60)
                gate = self.gate("--batch-latency", "1h")
                os.unlink(self.output)


if __name__ == "__main__":
    main()
