"""`sluice run --mode batch` against `sluice emulate`: batches that fail, expire, are cancelled and
finish out of order, queues that are full, processes that are killed at any point of any call.

Each time every line of input has exactly one result, and the emulator's report shows nothing that
was submitted twice.

    SLUICE=build/sluice python3 tests/e2e/run_batch.py [-v] [Class.test]"""
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request

from gate import AFTER, BEFORE, HALF, Gate
from run_support import Emulator, RunTest, main, read_lines, request_line

QUICK = ("--batch-latency", "20ms-60ms", "--batch-cancel", "5ms-20ms", "--latency", "0-1ms")
BATCH = ("--mode", "batch", "--poll", "10ms")
LOST = 4
CLAUDE = ("--provider", "anthropic")
KEY = {**os.environ, "ANTHROPIC_API_KEY": "k"}


def message_line(i):
    return {"custom_id": f"row-{i:06d}", "params": {
        "model": "claude-sonnet-4-6", "max_tokens": 20,
        "messages": [{"role": "user", "content": f"Question {i}"}]}}


class BatchTest(RunTest):
    def emulator(self, *options):
        emulator = Emulator(*QUICK, *options)
        self.addCleanup(emulator.__exit__)
        return emulator

    def gate(self, *options):
        emulator = self.emulator(*options)
        gate = Gate(emulator.port)
        gate.emulator = emulator
        self.addCleanup(gate.__exit__)
        return gate

    def journal(self):
        return read_lines(self.path("results.batches.jsonl"))

    def seen(self, emulator):
        """What the emulator saw of batches: how many there were, how many different requests were
        carried out, how many a second time; and of requests that came live."""
        report = emulator.report()
        requests = report["batches"]["requests"]
        return {"created": report["batches"]["created"] - report["batches"]["failed"],
                "distinct": requests["distinct"],
                "again": requests["carried_out_again"] + requests["answered_again"],
                "live": report["totals"]["admitted"],
                "uploads": report["files"]["uploads"]}

    def kill(self, process, gate):
        """At the call that is held."""
        process.kill()
        process.wait()
        process.stderr.close()
        gate.open(False)

    def assert_over(self, rows):
        self.assert_each_once(rows)
        self.assertEqual([name for name in os.listdir(self.dir) if ".batches." in name], [])


def post(emulator, path, body):
    request = urllib.request.Request(emulator.url + path, json.dumps(body).encode(),
                                     {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def get(emulator, path):
    with urllib.request.urlopen(emulator.url + path) as answer:
        return json.load(answer)


def upload(emulator, rows):
    content = "".join(json.dumps(row) + "\n" for row in rows)
    form = ("--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--b\r\n"
            "Content-Disposition: form-data; name=\"file\"; filename=\"x.jsonl\"\r\n\r\n"
            f"{content}\r\n--b--\r\n")
    request = urllib.request.Request(emulator.url + "/files", form.encode(),
                                     {"content-type": "multipart/form-data; boundary=b"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["id"]


class Whole(BatchTest):
    def test_results_are_as_live_ones(self):
        emulator = self.emulator()
        self.batch(300)
        done = self.sluice(emulator.url, *BATCH)
        self.assert_over(300)
        self.assertEqual(self.seen(emulator), {"created": 1, "distinct": 300, "again": 0,
                                               "live": 0, "uploads": 1})
        self.assertIn("300 requests", done.stderr)
        self.assertIn("as 1 batch", done.stderr)
        batch = {line["custom_id"]: line for line in read_lines(self.output)}
        self.assertNotEqual(list(batch), sorted(batch))  # they finished out of order
        os.unlink(self.output)
        self.sluice(emulator.url)
        for line in read_lines(self.output):
            other = batch[line["custom_id"]]
            self.assertEqual(line["id"], other["id"])
            self.assertEqual(line["response"]["body"], other["response"]["body"])
            self.assertEqual((line.keys(), line["error"]), (other.keys(), other["error"]))

    def test_message_batches(self):
        emulator = self.emulator()
        rows = [message_line(i) for i in range(200)]
        rows[7]["custom_id"] = "no id for Anthropic: " + "\u00fc" * 80
        self.write_input(json.dumps(row) for row in rows)
        self.sluice(emulator.url, *CLAUDE, *BATCH, env=KEY)
        self.assertEqual({line["custom_id"] for line in read_lines(self.output)},
                         {row["custom_id"] for row in rows})
        seen = self.seen(emulator)
        self.assertEqual((seen["created"], seen["distinct"], seen["again"], seen["live"]),
                         (1, 200, 0, 0))

    def test_prompts_go_too(self):
        emulator = self.emulator()
        with open(self.input, "w", encoding="utf-8") as f:
            f.writelines(f"Tell \"{i}\" \\ me\n" for i in range(40))
        command = self.command(emulator.url, *BATCH, "--model", "m")
        command.insert(command.index(self.input), "--prompts")
        subprocess.run(command, check=True, capture_output=True)
        self.assertEqual(sorted(self.ids(self.output)),
                         sorted(f"prompt-{i + 1}" for i in range(40)))

    def test_models_and_endpoints_are_not_mixed(self):
        emulator = self.emulator()
        rows = [request_line(i, model="ab"[i % 2]) for i in range(40)]
        for i in range(40, 60):
            rows.append({"custom_id": f"row-{i:06d}", "method": "POST", "url": "/v1/embeddings",
                         "body": {"model": "a", "input": ["x", f"y{i}"]}})
        rows.append({"custom_id": "row-000060", "method": "POST", "url": "/v1/messages",
                     "body": {"model": "a", "max_tokens": 9, "messages": []}})
        self.write_input(json.dumps(row) for row in rows)
        done = self.sluice(emulator.url, *BATCH)
        self.assertIn("1 line is of a kind that batches do not take", done.stderr)
        self.assert_over(61)
        seen = self.seen(emulator)
        self.assertEqual((seen["created"], seen["distinct"], seen["again"], seen["live"]),
                         (3, 60, 0, 1))

    def test_every_rule_splits(self):
        rows = [request_line(i) for i in range(70)]  # 30, 30 and 10
        rows += [request_line(i, model="big", words=800) for i in range(70, 80)]  # 2 each
        for i in range(80, 90):
            rows.append({"custom_id": f"row-{i:06d}", "method": "POST", "url": "/v1/embeddings",
                         "body": {"model": "e", "input": ["x", str(i)] * 5}})  # 2 each
        rows.append(request_line(90, model="huge", words=4000))
        size = len(json.dumps(rows[70]))
        catalogue = self.path("rules.json")
        with open(catalogue, "w", encoding="utf-8") as f:
            json.dump({"batch": [{"provider": "openai", "requests": 30, "bytes": 2 * size + 900,
                                  "embedding_inputs": 25, "endpoints": [
                                      "/v1/chat/completions", "/v1/embeddings"]}]}, f)
        self.write_input(json.dumps(row) for row in rows)
        emulator = self.emulator()
        done = self.sluice(emulator.url, *BATCH, "--catalogue", catalogue)
        self.assertIn("1 line is larger than a batch may be", done.stderr)
        self.assert_over(91)
        seen = self.seen(emulator)
        self.assertEqual((seen["created"], seen["again"], seen["live"]), (3 + 5 + 5, 0, 1))

    def test_nothing_is_sent_where_batches_cannot_be(self):
        self.batch(3)
        emulator = self.emulator()
        done = self.sluice(emulator.url, "--provider", "groq", *BATCH, code=2,
                           env={**os.environ, "GROQ_API_KEY": "k"})
        self.assertIn("no Batch API of groq is known here", done.stderr)
        self.output = "-"
        done = self.sluice(emulator.url, *BATCH, code=2)
        self.assertIn("needs an output that is a file", done.stderr)
        self.output = self.path("results.jsonl")
        done = self.sluice(emulator.url, "--cancel", code=2)
        self.assertIn("no batch of this output is under way", done.stderr)
        self.assertEqual(emulator.report()["totals"]["arrivals"], 0)


class Rest(BatchTest):
    """Rows that batches give back."""

    def test_failed_rows_go_live(self):
        emulator = self.emulator("--batch-faults", "fail=20%,zero=10%")
        self.batch(200)
        self.sluice(emulator.url, *BATCH)
        self.assert_over(200)
        self.assertEqual(len(read_lines(self.output)), 200)
        seen, snags = self.seen(emulator), emulator.report()["snags"]
        self.assertGreater(snags["fail"], 10)
        self.assertGreater(snags["zero"], 5)
        self.assertEqual((seen["created"], seen["again"]), (1, 0))
        # a request may be struck by both
        self.assertLessEqual(seen["live"], snags["fail"] + snags["zero"])
        self.assertGreaterEqual(seen["live"], max(snags["fail"], snags["zero"]))

    def test_failed_messages_go_live(self):
        emulator = self.emulator("--batch-faults", "fail=20%,zero=10%")
        self.write_input(json.dumps(message_line(i)) for i in range(200))
        self.sluice(emulator.url, *CLAUDE, *BATCH, env=KEY)
        self.assert_over(200)
        self.assertEqual(len(read_lines(self.output)), 200)
        self.assertGreater(self.seen(emulator)["live"], 20)

    def test_failed_rows_go_to_the_error_file_if_so_wished(self):
        emulator = self.emulator("--batch-faults", "fail=30%")
        self.batch(100)
        self.sluice(emulator.url, *BATCH, "--batch-rest", "error", code=1)
        self.assert_over(100)
        errors = read_lines(self.errors)
        self.assertGreater(len(errors), 10)
        self.assertEqual({line["error"]["code"] for line in errors}, {"server_error"})
        self.assertEqual(self.seen(emulator)["live"], 0)
        # they failed in passing: the next run takes them up, and nothing else
        before = len(errors)
        self.sluice(emulator.url, *BATCH, "--batch-rest", "error", code=None)
        self.assert_over(100)
        self.assertLess(len(read_lines(self.errors)), before)
        seen = self.seen(emulator)
        self.assertEqual((seen["created"], seen["live"]), (2, 0))

    def test_what_can_never_succeed_is_final(self):
        emulator = self.emulator()
        rows = [request_line(i) for i in range(20)]
        rows[3]["body"]["temperature"] = "warm"
        rows[5]["body"]["n"] = 0
        self.write_input(json.dumps(row) for row in rows)
        done = self.sluice(emulator.url, *BATCH, code=None)
        self.assert_over(20)
        failed = self.ids(self.errors)
        self.assertEqual(done.returncode, 1 if failed else 0)
        self.assertEqual(self.seen(emulator)["live"], 0)

    def test_expired_rows(self):
        for rest in "live", "error":
            with self.subTest(rest=rest):
                emulator = self.emulator("--batch-faults", "expire=100%", "--batch-window", "1s")
                self.batch(100)
                self.sluice(emulator.url, *BATCH, "--batch-rest", rest,
                            code=0 if rest == "live" else 1)
                self.assert_over(100)
                expired = emulator.report()["batches"]["requests"]["expired"]
                self.assertGreater(expired, 0)
                seen = self.seen(emulator)
                self.assertEqual(seen["live"], expired if rest == "live" else 0)
                if rest == "error":
                    errors = read_lines(self.errors)
                    self.assertEqual({line["error"]["code"] for line in errors},
                                     {"batch_expired"})
                    self.assertEqual(len(errors), expired)
                for path in self.output, self.errors:
                    if os.path.exists(path):
                        os.unlink(path)

    def test_expired_messages(self):
        emulator = self.emulator("--batch-faults", "expire=100%", "--batch-window", "1s")
        self.write_input(json.dumps(message_line(i)) for i in range(100))
        self.sluice(emulator.url, *CLAUDE, *BATCH, env=KEY)
        self.assert_over(100)
        report = emulator.report()
        self.assertEqual(report["totals"]["admitted"], report["batches"]["requests"]["expired"])

    def test_a_file_with_bad_lines_goes_without_them(self):
        def spoil(method, path, body):  # on their way, since sluice sends none
            if not path.endswith("/files"):
                return body
            return re.sub(rb'("row-0000[03]3",.*"model": ")gpt-4o', rb"\1gpt-4x", body)

        gate = self.gate()
        gate.tamper = spoil
        self.batch(50)
        self.sluice(gate.url, *BATCH)
        self.assert_over(50)
        self.assertEqual(len(read_lines(self.output)), 50)
        batches = gate.emulator.report()["batches"]
        self.assertEqual((batches["failed"], batches["completed"]), (1, 1))
        seen = self.seen(gate.emulator)
        self.assertEqual((seen["distinct"], seen["again"], seen["live"]), (48, 0, 2))

    def test_a_model_without_batches_goes_live(self):
        emulator = self.emulator("--limits", "gpt-4o:rpm=600000")
        self.write_input(json.dumps(request_line(i, model="other" if i % 2 else "gpt-4o"))
                         for i in range(40))
        self.sluice(emulator.url, *BATCH, code=1)
        self.assert_over(40)
        self.assertEqual(len(read_lines(self.output)), 20)
        self.assertEqual(len(read_lines(self.errors)), 20)  # as live: 404
        self.assertEqual(self.seen(emulator)["distinct"], 20)


class Queue(BatchTest):
    """Tokens that may wait at the provider at once."""

    def tokens(self, emulator):
        (queue,) = emulator.report()["batches"]["queues"]
        return queue

    def test_batches_wait_for_one_another(self):
        emulator = self.emulator("--batch-queue", "gpt-4o=600")
        self.batch(120)
        done = self.sluice(emulator.url, *BATCH, "--batch-queue", "gpt-4o=600")
        self.assert_over(120)
        self.assertIn("600 tokens may wait at once", done.stderr)
        report = emulator.report()["batches"]
        self.assertEqual(report["failed"], 0)
        self.assertGreater(report["completed"], 5)
        self.assertLessEqual(self.tokens(emulator)["most"], 600)
        self.assertGreater(self.tokens(emulator)["most"], 300)
        self.assertEqual(self.seen(emulator)["again"], 0)

    def test_a_limit_that_nobody_told_is_learned(self):
        emulator = self.emulator("--batch-queue", "gpt-4o=600")
        self.batch(120)
        done = self.sluice(emulator.url, *BATCH)
        self.assertIn("how many tokens may wait at once is not known", done.stderr)
        self.assert_over(120)
        seen = self.seen(emulator)
        self.assertEqual((seen["distinct"], seen["again"], seen["live"]), (120, 0, 0))
        self.assertGreater(emulator.report()["batches"]["failed"], 0)
        self.assertLessEqual(self.tokens(emulator)["most"], 600)

    def test_others_use_the_queue_too(self):
        gate = self.gate("--batch-queue", "gpt-4o=1000", "--batch-latency", "400ms")
        self.batch(40)
        gate.close_at(BEFORE, "POST", "/batches$")
        process = self.start(gate.url, *BATCH, "--batch-queue", "gpt-4o=1000")
        gate.wait_held()
        # somebody else's batch takes the room that there was
        others = upload(gate.emulator, (request_line(i) for i in range(1000, 1035)))
        post(gate.emulator, "/batches", {"input_file_id": others, "completion_window": "24h",
                                         "endpoint": "/v1/chat/completions"})
        gate.open()
        self.assertEqual(process.wait(60), 0)
        process.stderr.close()
        self.assert_over(40)
        self.assertGreater(gate.emulator.report()["batches"]["failed"], 0)
        seen = self.seen(gate.emulator)
        self.assertEqual((seen["distinct"], seen["again"], seen["live"]), (75, 0, 0))

    def test_requests_of_messages(self):
        emulator = self.emulator("--batch-requests", "50")
        self.write_input(json.dumps(message_line(i)) for i in range(120))
        catalogue = self.path("rules.json")
        with open(catalogue, "w", encoding="utf-8") as f:
            json.dump({"batch": [{"provider": "anthropic", "requests": 30,
                                  "endpoints": ["/v1/messages"]}]}, f)
        self.sluice(emulator.url, *CLAUDE, *BATCH, "--catalogue", catalogue, "--batch-queue",
                    "*=50", env=KEY)
        self.assert_over(120)
        report = emulator.report()
        self.assertEqual(report["batches"]["completed"], 4)
        self.assertEqual(report["totals"]["bad_requests"], 0)  # none was refused


class Killed(BatchTest):
    """kill -9 at a point of a call, then the same command again."""

    CALLS = (("POST", "/files$"), ("POST", "/batches$"), ("GET", "/batches/[^/]+$"),
             ("GET", "/content$"))

    def killed_at(self, gate, when, method, path, options=BATCH, **kw):
        gate.close_at(when, method, path)
        process = self.start(gate.url, *options, "--quiet", **kw)
        gate.wait_held()
        while when == HALF and path.endswith("content$") and not read_lines(self.output):
            pass  # half of the results are on their way
        self.kill(process, gate)

    def again(self, gate, rows, **kw):
        self.sluice(gate.url, *BATCH, "--quiet", **kw)
        self.assert_over(rows)
        seen = self.seen(gate.emulator)
        self.assertEqual((seen["created"], seen["distinct"], seen["again"], seen["live"]),
                         (1, rows, 0, 0))
        return seen

    def test_between_upload_and_create(self):
        gate = self.gate()
        self.batch(100)
        self.killed_at(gate, BEFORE, "POST", "/batches$")
        self.assertEqual([line["state"] for line in self.journal()[1:]],
                         ["planned", "uploading", "uploaded", "creating"])
        self.assertEqual(self.again(gate, 100)["uploads"], 1)

    def test_between_create_and_journal(self):
        gate = self.gate()
        self.batch(100)
        self.killed_at(gate, AFTER, "POST", "/batches$")
        self.assertEqual(self.journal()[-1]["state"], "creating")
        self.assertEqual(self.seen(gate.emulator)["created"], 1)
        self.assertEqual(self.again(gate, 100)["uploads"], 1)
        self.assertEqual(gate.count("POST", "/batches$"), 1)

    def test_between_upload_and_journal(self):
        gate = self.gate()
        self.batch(100)
        self.killed_at(gate, AFTER, "POST", "/files$")
        self.assertEqual(self.journal()[-1]["state"], "uploading")
        self.assertEqual(self.again(gate, 100)["uploads"], 1)

    def test_while_fetching(self):
        gate = self.gate()
        self.batch(100)
        self.killed_at(gate, HALF, "GET", "/content$")
        fetched = len(read_lines(self.output))
        self.assertTrue(0 < fetched < 100, fetched)
        self.assertEqual(self.journal()[-1]["state"], "created")
        self.again(gate, 100)

    def test_at_every_point_of_every_call(self):
        for method, path in self.CALLS:
            for when in BEFORE, AFTER, HALF:
                with self.subTest(call=path, when=when):
                    gate = self.gate()
                    self.batch(60)
                    self.killed_at(gate, when, method, path)
                    self.again(gate, 60)
                    os.unlink(self.output)

    def test_messages_at_every_point_of_every_call(self):
        for method, path in (("POST", "/batches$"), ("GET", "/batches/[^/]+$"),
                             ("GET", "/results$")):
            for when in BEFORE, AFTER, HALF:
                with self.subTest(call=path, when=when):
                    gate = self.gate()
                    self.write_input(json.dumps(message_line(i)) for i in range(60))
                    self.killed_at(gate, when, method, path, (*BATCH, *CLAUDE), env=KEY)
                    self.sluice(gate.url, *BATCH, *CLAUDE, "--quiet", env=KEY)
                    self.assert_over(60)
                    seen = self.seen(gate.emulator)
                    self.assertEqual((seen["created"], seen["distinct"], seen["again"],
                                      seen["live"]), (1, 60, 0, 0))
                    os.unlink(self.output)

    def test_another_batch_of_messages_is_not_taken_for_ones_own(self):
        gate = self.gate()
        self.write_input(json.dumps(message_line(i)) for i in range(60))
        self.killed_at(gate, BEFORE, "POST", "/batches$", (*BATCH, *CLAUDE), env=KEY)
        post(gate.emulator, "/messages/batches", {"requests": [
            {"custom_id": f"{i + 1}-another", "params": message_line(1000 + i)["params"]}
            for i in range(60)]})
        self.sluice(gate.url, *BATCH, *CLAUDE, "--quiet", env=KEY)
        self.assert_over(60)
        seen = self.seen(gate.emulator)
        self.assertEqual((seen["created"], seen["distinct"], seen["again"]), (2, 120, 0))

    def test_among_many_of_the_same_size_ones_own_is_found(self):
        gate = self.gate()
        self.write_input([json.dumps(message_line(0))])
        self.killed_at(gate, BEFORE, "POST", "/batches$", (*BATCH, *CLAUDE), env=KEY)
        for i in range(20):
            post(gate.emulator, "/messages/batches", {"requests": [
                {"custom_id": f"1-another-{i}", "params": message_line(1000 + i)["params"]}]})
        self.sluice(gate.url, *BATCH, *CLAUDE, "--quiet", env=KEY)
        self.assert_over(1)
        self.assertEqual(self.seen(gate.emulator)["created"], 21)
        # each of them was asked once whose it is, and one more time if it was not over yet
        self.assertEqual(gate.count("GET", "/results$"), 20 + 1)

    def test_a_result_without_a_newline_is_recognised(self):
        gate = self.gate()
        gate.recast = lambda method, path, data: data.rstrip(b"\n")
        self.write_input([json.dumps(message_line(0))])
        self.killed_at(gate, AFTER, "POST", "/batches$", (*BATCH, *CLAUDE), env=KEY)
        self.sluice(gate.url, *BATCH, *CLAUDE, "--quiet", env=KEY)
        self.assert_over(1)
        seen = self.seen(gate.emulator)
        self.assertEqual((seen["created"], seen["again"], seen["live"]), (1, 0, 0))

    def test_when_some_of_several_are_through(self):
        gate = self.gate("--batch-queue", "gpt-4o=600")
        self.batch(120)
        options = (*BATCH, "--batch-queue", "gpt-4o=600")
        kills = 0
        for call in range(40):  # each time a little further, until all is through
            gate.close_at((BEFORE, AFTER, HALF)[call % 3], *self.CALLS[call % 4],
                          1 + call % 2)
            process = self.start(gate.url, *options, "--quiet")
            held = gate.wait_held(process)
            self.kill(process, gate)
            if not held:
                break
            kills += 1
        self.assertGreater(kills, 3)
        self.sluice(gate.url, *options, "--quiet")
        self.assert_over(120)
        seen = self.seen(gate.emulator)
        self.assertEqual((seen["distinct"], seen["again"], seen["live"]), (120, 0, 0))

    def test_rows_that_came_back_are_asked_live_once(self):
        gate = self.gate("--batch-faults", "fail=30%")
        self.batch(100)
        gate.close_at(AFTER, "POST", "/chat/completions$", 5)
        process = self.start(gate.url, *BATCH, "--quiet", "--concurrency", "1")
        gate.wait_held()
        self.kill(process, gate)
        self.sluice(gate.url, *BATCH, "--quiet", "--batch-rest", "error", code=None)
        self.assert_each_once(100)
        report = gate.emulator.report()  # what failed in the first batch is asked again in a second
        self.assertEqual(report["batches"]["requests"]["answered_again"], 0)

    def test_a_live_run_goes_on_with_the_batches_there_are(self):
        gate = self.gate("--batch-queue", "gpt-4o=600")
        self.batch(120)
        self.killed_at(gate, AFTER, "POST", "/batches$", (*BATCH, "--batch-queue", "gpt-4o=600"))
        done = self.sluice(gate.url, "--poll", "10ms")
        self.assertIn("1 batch of an earlier run is under way", done.stderr)
        self.assert_over(120)
        report = gate.emulator.report()
        requests = report["batches"]["requests"]
        self.assertEqual((report["batches"]["created"], requests["carried_out_again"]), (1, 0))
        self.assertEqual(report["totals"]["admitted"] + requests["distinct"], 120)


class Faults(BatchTest):
    def test_lost_answers_and_busy_servers(self):
        for seed in range(1, 5):
            with self.subTest(seed=seed):
                emulator = self.emulator("--seed", str(seed), "--batch-faults",
                                         "busy=30%,drop=40%,absent=30%")
                self.batch(60)
                self.sluice(emulator.url, *BATCH)
                self.assert_over(60)
                self.assertEqual(self.seen(emulator), {"created": 1, "distinct": 60, "again": 0,
                                                       "live": 0, "uploads": 1})
                os.unlink(self.output)

    def test_each_loss_is_looked_for_twice(self):
        """The upload's answer is lost and its file listed late; then the same of the batch."""
        gate = self.gate()
        looks = {"/files?": 0, "/batches?": 0}

        def recast(method, path, data):
            for list_of in looks:
                if list_of in path:
                    looks[list_of] += 1
                    if looks[list_of] == 1:
                        return b'{"data": [], "has_more": false}'
            return data
        gate.recast = recast
        self.batch(20)
        gate.close_at(AFTER, "POST", "/files$")
        process = self.start(gate.url, *BATCH, "--quiet")
        for path in ("/batches$", None):
            self.assertTrue(gate.wait_held(process))
            gate.open(False)
            if path:
                gate.close_at(AFTER, "POST", path)
        process.communicate(timeout=60)
        self.assert_over(20)
        self.assertEqual((gate.count("POST", "/files$"), gate.count("POST", "/batches$")), (1, 1))
        self.assertEqual(looks, {"/files?": 2, "/batches?": 2})

    def test_lost_answers_about_messages(self):
        for seed in range(1, 5):
            with self.subTest(seed=seed):
                emulator = self.emulator("--seed", str(seed), "--batch-faults",
                                         "busy=30%,drop=40%,absent=30%")
                self.write_input(json.dumps(message_line(i)) for i in range(60))
                self.sluice(emulator.url, *CLAUDE, *BATCH, env=KEY)
                self.assert_over(60)
                seen = self.seen(emulator)
                self.assertEqual((seen["created"], seen["distinct"], seen["again"]), (1, 60, 0))
                os.unlink(self.output)

    def test_an_empty_wallet(self):
        emulator = self.emulator("--wallet-after", "1")
        self.batch(20)
        done = self.sluice(emulator.url, *BATCH, code=3)
        self.assertIn("billing, not a rate limit", done.stderr)
        self.assertEqual(self.ids(self.output) + self.ids(self.errors), [])

    def test_a_refused_key(self):
        emulator = self.emulator("--keys", "right")
        self.batch(20)
        done = self.sluice(emulator.url, *BATCH, code=3)
        self.assertIn("does not accept this key", done.stderr)

    def test_nobody_listens(self):
        emulator = self.emulator()
        emulator.process.kill()
        emulator.process.wait()
        self.batch(3)
        done = self.sluice(emulator.url, *BATCH, "--patience", "300ms", code=4)
        self.assertRegex(done.stderr, "(?i)refused")
        self.assertIn("the same command again", done.stderr)

    def made_once(self, gate, recast):
        """The answers are recast; the run ends as one that needs a person, and so does the next
        one: no batch is made a second time."""
        gate.recast = recast
        self.batch(20)
        for _ in range(2):
            done = self.sluice(gate.url, *BATCH, "--quiet", code=LOST)
            self.assertIn("can not be told", done.stderr)
        self.assertEqual(gate.count("POST", "/batches$"), 1)
        self.assertEqual(self.journal()[-1]["state"], "creating")

    def test_ids_that_cannot_be_read(self):
        def recast(method, path, data):
            return re.sub(rb'"id": ?"batch_', b'"id": "batches/', data)
        self.made_once(self.gate(), recast)

    def test_a_creation_that_is_answered_by_nothing(self):
        gate = self.gate()

        def recast(method, path, data):
            return b'{"object": "ok"}' if (method, path) == ("POST", "/v1/batches") else \
                b'{"data": [], "has_more": false}' if path.startswith("/v1/batches?") else data
        gate.recast = recast
        self.batch(20)
        self.sluice(gate.url, *BATCH, "--quiet", code=LOST)
        self.assertEqual(gate.count("POST", "/batches$"), 1)

    def test_an_upload_that_is_answered_by_nothing(self):
        gate = self.gate()
        gate.recast = lambda method, path, data: \
            data if "/files" not in path else b'{"data": [], "has_more": false}'
        self.batch(20)
        self.sluice(gate.url, *BATCH, "--quiet")
        self.assert_over(20)
        self.assertEqual(gate.count("POST", "/files$"), 1)

    def test_a_batch_that_is_gone_is_told_and_may_be_forgotten(self):
        gate = self.gate()
        self.batch(20)
        gate.close_at(BEFORE, "GET", "/batches/[^/]+$")
        process = self.start(gate.url, *BATCH)
        gate.wait_held()
        self.kill(process, gate)
        other = self.gate()  # that account knows nothing of it
        gate.port = other.emulator.port
        done = self.sluice(gate.url, *BATCH, code=4)
        self.assertRegex(done.stderr, r"stopped after 0 of 20: batch batch_\w+ is not known")
        self.assertIn("--cancel", done.stderr)
        self.sluice(gate.url, *BATCH, "--cancel")
        self.assertEqual(self.journal(), [])
        self.sluice(gate.url, *BATCH)
        self.assert_over(20)


class Stopped(BatchTest):
    def interrupted(self, gate, *options):
        """Ctrl-C while a batch is at work."""
        gate.close_at(BEFORE, "GET", "/batches/[^/]+$", 2)
        process = self.start(gate.url, *BATCH, *options)
        gate.wait_held()
        process.send_signal(signal.SIGINT)
        _, text = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, text)
        gate.open(False)
        return text

    def test_ctrl_c_leaves_the_batch_at_work(self):
        gate = self.gate()
        self.batch(50)
        text = self.interrupted(gate)
        self.assertIn("1 batch is at the provider, where it goes on", text)
        self.sluice(gate.url, *BATCH)
        self.assert_over(50)
        self.assertEqual(self.seen(gate.emulator)["created"], 1)

    def test_cancelled_batches_give_what_they_have(self):
        gate = self.gate("--batch-latency", "20s")  # two of these to be validated
        self.batch(500)
        self.interrupted(gate)
        while get(gate.emulator, "/batches")["data"][0]["request_counts"]["completed"] == 0:
            pass
        done = self.sluice(gate.url, *BATCH, "--cancel")
        self.assertIn("to be cancelled", done.stderr)
        self.assertRegex(done.stderr, r"\d+ left")
        report = gate.emulator.report()
        self.assertEqual(report["batches"]["cancelled"], 1)
        self.assertEqual(report["totals"]["admitted"], 0)
        self.assertEqual(self.journal(), [])
        done = len(read_lines(self.output))
        self.assertGreater(done, 0)
        self.assertEqual(done + report["batches"]["requests"]["cancelled"], 500)
        self.sluice(gate.url)
        self.assert_over(500)
        self.assertEqual(gate.emulator.report()["totals"]["admitted"], 500 - done)

    def test_what_no_batch_was_made_of_is_not_asked_either(self):
        gate = self.gate("--batch-latency", "1h", "--batch-queue", "gpt-4o=600")
        self.batch(120)
        queue = ("--batch-queue", "gpt-4o=600")
        self.interrupted(gate, *queue)
        done = self.sluice(gate.url, *BATCH, *queue, "--cancel")
        self.assertIn("120 left", done.stderr)
        report = gate.emulator.report()
        self.assertEqual((report["batches"]["cancelled"], report["totals"]["admitted"]), (1, 0))
        self.assertEqual((self.journal(), read_lines(self.output)), ([], []))

    def test_cancelled_messages(self):
        gate = self.gate("--batch-latency", "1h")
        self.write_input(json.dumps(message_line(i)) for i in range(50))
        gate.close_at(BEFORE, "GET", "/batches/[^/]+$", 2)
        process = self.start(gate.url, *BATCH, *CLAUDE, env=KEY)
        gate.wait_held()
        self.kill(process, gate)
        self.sluice(gate.url, *BATCH, *CLAUDE, "--cancel", env=KEY)
        self.assertEqual(gate.emulator.report()["batches"]["cancelled"], 1)
        self.assertEqual(self.journal(), [])

    def test_what_was_about_to_be_created_is_cancelled_too(self):
        for when in BEFORE, AFTER:
            with self.subTest(when=when):
                gate = self.gate("--batch-latency", "1h")
                self.batch(50)
                gate.close_at(when, "POST", "/batches$")
                process = self.start(gate.url, *BATCH)
                gate.wait_held()
                self.kill(process, gate)
                self.sluice(gate.url, *BATCH, "--cancel")
                self.assertEqual(gate.emulator.report()["batches"]["cancelled"],
                                 1 if when == AFTER else 0)
                self.assertEqual(self.journal(), [])

    def test_two_runs_on_one_output(self):
        gate = self.gate()
        self.batch(5)
        gate.close_at(BEFORE, "POST", "/batches$")
        first = self.start(gate.url, *BATCH)
        gate.wait_held()
        second = self.sluice(gate.url, *BATCH, code=None)
        self.assertIn(second.returncode, (2, 4))
        self.assertRegex(second.stderr, r"process \d+ is writing to it")
        gate.open()
        self.assertEqual(first.wait(60), 0)
        first.stderr.close()
        self.assert_over(5)


class Journal(BatchTest):
    def under_way(self):
        gate = self.gate()
        self.batch(20)
        gate.close_at(BEFORE, "GET", "/batches/[^/]+$")
        process = self.start(gate.url, *BATCH)
        gate.wait_held()
        self.kill(process, gate)
        return gate

    def test_a_changed_input_is_noticed(self):
        gate = self.under_way()
        with open(self.input, encoding="utf-8") as f:
            text = f.read()
        for change in (text.replace("Question 7:", "Question 7!"),  # another body
                       text[text.index("\n") + 1:],                 # a line less
                       "\n".join(reversed(text.splitlines()))):     # another order
            with open(self.input, "w", encoding="utf-8") as f:
                f.write(change)
            done = self.sluice(gate.url, *BATCH, code=2)
            self.assertIn("the input is not what it was when batch 1 was made of it",
                          done.stderr)
        with open(self.input, "w", encoding="utf-8") as f:
            f.write(text + json.dumps(request_line(20)) + "\n")  # a line more does no harm
        self.sluice(gate.url, *BATCH)
        self.assert_over(21)

    def test_another_account_is_noticed(self):
        gate = self.under_way()
        other = self.gate()
        done = self.sluice(other.url, *BATCH, code=2)
        self.assertRegex(done.stderr, "tells of batches at http://127.0.0.1:.*, not at http://")
        self.sluice(gate.url, *BATCH)
        self.assert_over(20)

    def test_what_is_no_journal_is_left_alone(self):
        path = self.path("results.batches.jsonl")
        emulator = self.emulator()
        self.batch(3)
        with open(path, "w", encoding="utf-8") as f:
            f.write("{\"mine\": 1}\n")
        done = self.sluice(emulator.url, *BATCH, code=2)
        self.assertIn("results.batches.jsonl", done.stderr)
        with open(path, encoding="utf-8") as f:
            self.assertEqual(f.read(), "{\"mine\": 1}\n")

    def test_a_full_disk(self):
        emulator = self.emulator()
        self.batch(20)
        os.symlink("/dev/full", self.path("results.batches.jsonl"))
        done = self.sluice(emulator.url, *BATCH, code=4)
        self.assertIn("No space left", done.stderr)
        self.assertEqual(emulator.report()["files"]["uploads"], 0)


if __name__ == "__main__":
    main()
