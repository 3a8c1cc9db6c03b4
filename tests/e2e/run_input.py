"""What `sluice run` takes in: forms, complaints, standard input, resume over a changed file."""
import json
import subprocess

from run_support import (Provider, RunTest, SLUICE, error_answer, good_answer, main, read_lines,
                         request_line)


class Input(RunTest):
    def setUp(self):
        super().setUp()
        self.provider = Provider(good_answer)
        self.addCleanup(self.provider.__exit__)

    def test_answers_are_the_providers_bytes(self):
        self.batch(20)
        self.sluice(self.provider.url)
        self.assert_each_once(20)
        for line in read_lines(self.output):
            self.assertRegex(line["id"], "^batch_req_[0-9a-f]{32}$")
            self.assertIsNone(line["error"])
            self.assertEqual(line["response"]["status_code"], 200)
            self.assertRegex(line["response"]["request_id"], "^req_")
        with open(self.output, "rb") as f:
            whole = f.read()
        for body in self.provider.bodies:
            self.assertIn(json.dumps(good_answer(None, body)[1]).encode(), whole)

    def test_bodies_are_sent_as_written(self):
        body = '{ "model":"gpt-4o", "max_tokens":9,"messages":[{"role":"user","content":"\\u00e9 x"}] }'
        self.write_input(['{"custom_id":"row-000000","method":"POST",'
                          '"url":"/v1/chat/completions","body":' + body + "}"])
        self.sluice(self.provider.url)
        self.assertEqual(list(self.provider.bodies), [body.encode()])

    def test_pretty_printed_answers_become_one_line(self):
        def pretty(handler, body):
            status, answer, headers = good_answer(handler, body)
            return status, json.dumps(answer, indent=2).encode(), headers

        self.provider.answer = pretty
        self.batch(3)
        self.sluice(self.provider.url)
        self.assert_each_once(3)

    def test_every_complaint_before_the_first_request(self):
        good = request_line(1)
        self.write_input([
            json.dumps(good),
            "{not json",
            json.dumps(good),
            json.dumps({**request_line(2), "method": "GET"}),
            json.dumps({**request_line(3), "url": "/v1/elsewhere"}),
            json.dumps({**request_line(4), "custom_id": ""}),
            json.dumps({**request_line(5), "body": {"messages": []}}),
            json.dumps(request_line(6, max_tokens=40000)),
            json.dumps(request_line(7, max_tokens=16000, words=300000)),
        ])
        done = self.sluice(self.provider.url, "--limits", "gpt-4o:rpm=500,tpm=30000", code=2)
        for n, part in ((2, "JSON"), (3, "already used on line 1"), (4, "method"), (5, "url"),
                        (6, "custom_id"), (7, "model"), (8, ""), (9, "")):
            self.assertRegex(done.stderr, rf"sluice run: {self.input}:{n}: .*{part}")
        self.assertIn("8 of 9 lines are invalid; nothing was sent", done.stderr)
        self.assertEqual(self.provider.arrivals(), 0)
        self.assertEqual(read_lines(self.output), [])

    def test_many_complaints_are_counted(self):
        self.write_input(["{"] * 70)
        done = self.sluice(self.provider.url, code=2)
        self.assertEqual(done.stderr.count("requests.jsonl:"), 20)
        self.assertIn("and 50 more", done.stderr)

    def test_invalid_lines_are_skipped_on_demand(self):
        self.write_input([json.dumps(request_line(0)), "{not json",
                          json.dumps({**request_line(1), "method": "GET"}),
                          json.dumps(request_line(0))])
        for _ in range(2):  # again: the same complaints, not twice as many
            self.sluice(self.provider.url, "--skip-invalid", code=1)
            self.assertEqual(self.ids(self.output), ["row-000000"])
            errors = read_lines(self.errors)
            self.assertEqual([e["error"]["code"] for e in errors], ["invalid_request_line"] * 3)
            self.assertEqual([e["custom_id"] for e in errors], [None, "row-000001", "row-000000"])
            self.assertEqual(self.report()["failed"], 3)
        self.assertEqual(self.provider.arrivals(), 1)

    def test_standard_input(self):
        lines = "".join(json.dumps(request_line(i)) + "\n" for i in range(30))
        command = [SLUICE, "run", "-", "-o", self.output, "--base-url", self.provider.url]
        for _ in range(2):
            subprocess.run(command, input=lines, text=True, check=True, capture_output=True)
            self.assert_each_once(30)
        self.assertEqual(self.provider.arrivals(), 30)

    def test_standard_output(self):
        self.batch(5)
        command = [SLUICE, "run", self.input, "-o", "-", "--base-url", self.provider.url]
        done = subprocess.run(command, text=True, check=True, capture_output=True)
        self.assertEqual(len([json.loads(line) for line in done.stdout.splitlines()]), 5)

    def test_prompts(self):
        with open(self.path("prompts.txt"), "w", encoding="utf-8") as f:
            f.write('say "one"\n\nsay two\n')
        command = [SLUICE, "run", "--prompts", self.path("prompts.txt"), "--model", "gpt-4o",
                   "--max-tokens", "30", "-o", self.output, "--base-url", self.provider.url]
        subprocess.run(command, check=True, capture_output=True)
        self.assertEqual(sorted(self.ids(self.output)), ["prompt-1", "prompt-3"])
        sent = sorted(json.loads(b)["messages"][0]["content"] for b in self.provider.bodies)
        self.assertEqual(sent, ['say "one"', "say two"])

    def test_anthropic_lines(self):
        paths = []

        def answer(handler, body):
            paths.append((handler.path, handler.headers["anthropic-version"]))
            return 200, {"type": "message", "usage": {"input_tokens": 5, "output_tokens": 3}}, {}

        self.provider.answer = answer
        self.write_input(json.dumps({"custom_id": f"row-{i:06d}", "params": {
            "model": "claude-sonnet-4-5", "max_tokens": 20,
            "messages": [{"role": "user", "content": f"hello {i}"}]}}) for i in range(5))
        self.sluice(self.provider.url, "--provider", "anthropic")
        self.assert_each_once(5)
        self.assertEqual(paths, [("/v1/messages", "2023-06-01")] * 5)
        self.assertEqual(self.report()["output_tokens"], 15)

    def test_changed_input_is_noticed(self):
        self.batch(5)
        self.sluice(self.provider.url)
        self.batch(5, max_tokens=21)
        done = self.sluice(self.provider.url, code=2)
        self.assertIn("the input was changed", done.stderr)
        self.batch(3)
        done = self.sluice(self.provider.url, code=2)
        self.assertIn("is not in the input", done.stderr)
        self.assertEqual(self.provider.arrivals(), 5)

    def test_a_foreign_output_is_left_alone(self):
        self.batch(2)
        with open(self.output, "w", encoding="utf-8") as f:
            f.write("my notes\n")
        done = self.sluice(self.provider.url, code=2)
        self.assertIn("is not a result of an earlier run", done.stderr)
        with open(self.output, encoding="utf-8") as f:
            self.assertEqual(f.read(), "my notes\n")

    def test_a_torn_line_is_dropped(self):
        self.batch(4)
        self.sluice(self.provider.url)
        with open(self.output, "rb+") as f:
            data = f.read()
            f.truncate(len(data) - 30)
        self.sluice(self.provider.url)
        self.assert_each_once(4)
        self.assertEqual(self.provider.arrivals(), 5)

    def test_unknown_names_are_answered_with_known_ones(self):
        self.batch(1, model="model-of-tomorrow")
        command = [SLUICE, "run", self.input, "-o", self.output, "--base-url", self.provider.url]
        done = subprocess.run(command + ["--provider", "openai", "--tier", "1"], text=True,
                              capture_output=True)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, "model-of-tomorrow.*--limits")
        done = subprocess.run(command + ["--provider", "openai", "--tier", "nine"], text=True,
                              capture_output=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("tier", done.stderr)
        done = subprocess.run(command + ["--provider", "nobody"], text=True, capture_output=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("anthropic", done.stderr)
        self.assertEqual(self.provider.arrivals(), 0)

    def test_nothing_to_do(self):
        self.write_input([])
        self.sluice(self.provider.url)
        self.assertEqual(self.report()["requests"], 0)

    def test_keys_go_only_where_they_belong(self):
        keys = []

        def answer(handler, body):
            keys.append(handler.headers["authorization"])
            return good_answer(handler, body)

        self.provider.answer = answer
        self.batch(1)
        env = {"OPENAI_API_KEY": "key-of-openai", "OTHER": "key-of-other"}
        done = self.sluice(self.provider.url, env=env)
        self.assertEqual(keys.pop(), None)
        for options, key in ((("--provider", "openai"), "Bearer key-of-openai"),
                             (("--api-key-env", "OTHER"), "Bearer key-of-other")):
            self.output = self.path(options[0] + ".jsonl")
            done = self.sluice(self.provider.url, *options, env=env)
            self.assertEqual(keys.pop(), key)
            self.assertNotIn("key-of", done.stderr)

    def test_final_failures_stay_and_passing_ones_are_asked_again(self):
        def answer(handler, body):
            if b"Question 1:" in body:
                return error_answer(400, "invalid_value", "no such voice")
            if b"Question 2:" in body and self.sick:
                return error_answer(500, "server_error", "try later")
            return good_answer(handler, body)

        self.sick = True
        self.provider.answer = answer
        self.batch(4)
        self.sluice(self.provider.url, "--retries", "0", code=1)
        self.assertEqual(sorted(self.ids(self.errors)), ["row-000001", "row-000002"])
        self.sick = False
        self.sluice(self.provider.url, code=1)
        self.assertEqual(self.ids(self.errors), ["row-000001"])
        self.assert_each_once(4)
        error = read_lines(self.errors)[0]
        self.assertEqual(error["error"]["code"], "invalid_value")
        self.assertEqual(error["response"]["status_code"], 400)
        report = self.report()
        self.assertEqual((report["requests"], report["succeeded"], report["failed"]), (4, 3, 1))


if __name__ == "__main__":
    main()
