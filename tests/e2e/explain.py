#!/usr/bin/env python3
"""`sluice explain` as people use it: captured refusals in every form they are pasted in, whole logs,
advice from --tier, --paid and --since, big files.

usage: explain.py SLUICE [unittest arguments]"""
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import unittest

SLUICE = os.environ["SLUICE"] = os.path.abspath(sys.argv.pop(1))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ERRORS = os.path.join(ROOT, "..", "shared", "facts", "errors.jsonl")
FIELDS = "kind", "dimension", "limit", "used", "requested", "retry_after_ms", "retryable"

TPM = ("Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, "
       "Used 29937, Requested 385. Please try again in 644ms.")
SLOW = "You've exceeded the rate limit, please slow down and try again after 6.937 seconds."


def explain(text, *options, code=0):
    done = subprocess.run([SLUICE, "explain", *options], input=text.encode(), capture_output=True,
                          timeout=60)
    if done.returncode != code:
        raise AssertionError(f"exit code {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode()


def explain_json(text, *options):
    return [json.loads(line) for line in explain(text, "--json", *options).splitlines()]


class Captured(unittest.TestCase):
    """The captured refusals, each in the forms it is met in."""

    @classmethod
    def setUpClass(cls):
        if not os.path.exists(ERRORS):
            if os.environ.get("CI"):
                raise AssertionError("no shared data in CI")
            raise unittest.SkipTest("skipped: no shared data")
        with open(ERRORS) as lines:
            cls.rows = [json.loads(line) for line in lines]

    @staticmethod
    def want(row, without=()):
        want = {field: row["expected"][field] for field in FIELDS if field not in without}
        want["provider"] = {"other": "unknown"}.get(row["provider"], row["provider"])
        return want

    def check(self, form, unsaid=lambda row: ()):
        """`form` gives the text; `unsaid` the fields that this form does not carry."""
        for number, row in enumerate(self.rows, 1):
            text = form(row)
            if text is None:
                continue
            missing = unsaid(row)
            with self.subTest(line=number, text=text):
                got = explain_json(text)
                self.assertEqual(len(got), 1, got)
                want = {k: v for k, v in self.want(row).items() if k not in missing}
                self.assertEqual({k: got[0][k] for k in want}, want)

    @staticmethod
    def body(row):
        return row["body"] if isinstance(row["body"], str) else json.dumps(row["body"])

    def test_the_whole_file(self):
        with open(ERRORS) as lines:
            got = explain_json(lines.read())
        self.assertEqual(len(got), len(self.rows))
        for row, found in zip(self.rows, got):
            self.assertEqual({k: found[k] for k in self.want(row)}, self.want(row))

    def test_each_line(self):
        self.check(json.dumps)

    # What an edge network says in front of the provider names nobody.
    @staticmethod
    def edge(row):
        return ("provider",) if isinstance(row["body"], str) else ()

    def test_curl_i(self):
        self.check(lambda row: f"HTTP/1.1 {row['http_status']} Whatever\r\n" + "".join(
            f"{k}: {v}\r\n" for k, v in row["headers"].items()) + "\r\n" + self.body(row) + "\n",
            self.edge)

    def test_curl_i_pretty(self):
        def form(row):
            if isinstance(row["body"], str):
                return None
            return f"HTTP/2 {row['http_status']} \n" + "".join(
                f"{k.lower()}: {v}\n" for k, v in row["headers"].items()) + "\n" + json.dumps(
                    row["body"], indent=2) + "\n"
        self.check(form)

    def test_curl_v(self):
        self.check(lambda row: "* Trying 127.0.0.1:443...\n> POST /v1/x HTTP/2\n> \n"
                   f"< HTTP/2 {row['http_status']} \n" + "".join(
                       f"< {k}: {v}\n" for k, v in row["headers"].items()) + "< \n"
                   + self.body(row) + "\n* Connection #0 left intact\n", self.edge)

    def python(self, row):
        """As the SDKs of OpenAI, Anthropic and Groq print it: repr of the body."""
        if row["http_status"] < 400 or isinstance(row["body"], str) or row["headers"]:
            return None
        return f"Error code: {row['http_status']} - {row['body']!r}"

    def test_python_message(self):
        self.check(self.python)

    def test_python_traceback(self):
        def form(row):
            text = self.python(row)
            module = {"anthropic": "anthropic", "groq": "groq"}.get(row["provider"], "openai")
            return text and ("Traceback (most recent call last):\n  File \"/app/a.py\", line 429, in "
                             f"ask\n    client.create()\n{module}.RateLimitError: {text}\n")
        # whose SDK it was says little: many providers are spoken to by OpenAI's
        self.check(form, lambda row: ("provider",) if row["provider"] in (
            "mistral", "other", "together", "deepseek") else ())

    def test_python_in_a_log(self):
        def form(row):
            text = self.python(row)
            return text and f"2026-11-26 09:00:01,123 ERROR app: giving up: {text}\n"
        self.check(form)

    def test_node(self):
        """OpenAI's SDK prints the message, Anthropic's the body; both the error object below."""
        def form(row):
            if row["http_status"] < 400 or row["headers"] or not isinstance(row["body"], dict):
                return None
            error = row["body"] if row["provider"] == "anthropic" else row["body"].get("error")
            message = json.dumps(row["body"]) if row["provider"] == "anthropic" else (
                error or {}).get("message")
            if not message or "\n" in message or "details" in (error or {}):
                return None
            return (f"RateLimitError: {row['http_status']} {message}\n    at APIError.generate "
                    f"(file:///app/error.mjs:59:20) {{\n  status: {row['http_status']},\n  headers: "
                    "Headers {},\n  requestID: null,\n  error: " + self.inspected(error, 2) + "\n}")
        self.check(form, lambda row: ("provider",) if row["provider"] in (
            "mistral", "other", "together", "deepseek") else ())

    @classmethod
    def inspected(cls, value, indent):
        if isinstance(value, dict):
            pad = " " * (indent + 2)
            inner = ",\n".join(f"{pad}{k}: {cls.inspected(v, indent + 2)}" for k, v in value.items())
            return "{\n" + inner + "\n" + " " * indent + "}"
        if value is None:
            return "null"
        if isinstance(value, str):
            quote = '"' if "'" in value else "'"
            return quote + value.replace("\\", "\\\\") + quote
        return str(value)

    def test_escaped_in_json(self):
        self.check(lambda row: json.dumps({"level": "error", "upstream_status": row["http_status"],
                                           "upstream": self.body(row)}) + "\n"
                   if row["http_status"] >= 400 and not row["headers"] and not isinstance(
                       row["body"], str) else None)


class Varied(unittest.TestCase):
    """The grammar of refusals with other names and figures, in one-line forms, from a seed."""

    MODELS = ("gpt-5.6-terra", "o9-mini-2027-01-01", "ft:gpt-4o:acme::a1", "text-embedding-4-large",
              "acme/some_model-7b:free", "claude-opus-9")

    def refusal(self, draw):
        """A message and what it says: kind, dimension, limit, used, requested, wait in ms."""
        model = draw.choice(self.MODELS)
        organisation = draw.choice(("org-a", "org-0000000000", "org-2024limit"))
        limit = draw.choice((3, 500, 5000, 30000, 200000, 1500000, 40000000))
        used = draw.randrange(limit // 2, limit + 1)
        asked = limit - used + draw.randrange(1, max(2, used))
        style = draw.choice((str, "{:,}".format, "{:.6f}".format))
        wait, wait_ms = draw.choice((("644ms", 644), ("9.816s", 9816), ("1m30s", 90000),
                                     ("7m12.5s", 432500), ("20s", 20000), ("3h0m1s", 10801000)))
        name, dimension = draw.choice((("tokens per min (TPM)", "tpm"), ("requests per min (RPM)", "rpm"),
                                       ("requests per day (RPD)", "rpd"), ("tokens per day (TPD)", "tpd"),
                                       ("input-images per min", "ipm"), ("tokens_usage_based per min", "tpm")))
        shape = draw.randrange(6)
        if shape == 0:
            return (f"Rate limit reached for {model} in organization {organisation} on {name}: Limit "
                    f"{style(limit)}, Used {style(used)}, Requested {style(asked)}. Please try again in "
                    f"{wait}.", "rate_limit", dimension, limit, used, asked, wait_ms)
        if shape == 1:
            return (f"Rate limit reached for {model} (for limit {model}-pool) in organization "
                    f"{organisation} on {name}: Limit {style(limit)}, Used {style(used)}, Requested "
                    f"{style(asked)}. Please try again in {wait}. Visit https://platform.openai.com/"
                    "account/rate-limits to learn more.", "rate_limit", dimension, limit, used, asked,
                    wait_ms)
        if shape == 2:
            big = limit + draw.randrange(1, limit + 1)
            return (f"Request too large for {model} in organization {organisation} on tokens per min "
                    f"(TPM): Limit {style(limit)}, Requested {style(big)}. The input or output tokens "
                    "must be reduced in order to run successfully.", "too_large", "tpm", limit, None,
                    big, None)
        if shape == 3:
            unit, dimension = draw.choice((("input tokens", "itpm"), ("output tokens", "otpm"),
                                           ("requests", "rpm")))
            return (f"This request would exceed the rate limit for your organization ({organisation}) of "
                    f"{limit:,} {unit} per minute. For details, refer to: "
                    "https://docs.claude.com/en/api/rate-limits.", "rate_limit", dimension, limit, None,
                    None, None)
        if shape == 4:
            window = draw.choice((8192, 128000, 200000, 1000000))
            size = window + draw.randrange(1, window)
            return (f"prompt is too long: {style(size)} tokens > {style(window)} maximum",
                    "context_length", "unknown", window, None, size, None)
        return (f"Rate limit reached for model `{model}` in organization `org_x` service tier `on_demand` "
                f"on tokens per minute (TPM): Limit {limit}, Used {used}, Requested {asked}. Please try "
                f"again in {wait}. Need more tokens? Visit https://console.groq.com/settings/billing",
                "rate_limit", "tpm", limit, used, asked, wait_ms)

    @staticmethod
    def wrapped(draw, message, status):
        """The message as one line of a log, in one of the ways it gets there."""
        error = {"error": {"message": message, "type": "x", "param": None, "code": "x"}}
        body = json.dumps(error)
        return draw.choice((
            lambda: message,
            lambda: f"2026-11-26 09:00:00,123 ERROR [worker] Error code: {status} - {error!r}",
            lambda: body,
            lambda: json.dumps({"level": "error", "msg": f"failed: Error code: {status} - {error!r}"}),
            lambda: json.dumps({"ts": 1795683600, "upstream": body}),
            lambda: "app[7]: answered \"" + body.replace('"', '\\"') + "\"",
            lambda: f'POST "https://api.openai.com/v1/responses": {status} Whatever {body}',
            lambda: f"com.openai.errors.StatusException: {status}: {message}",
            lambda: f"E, OpenAI::Errors::StatusError: {{:status=>{status}, :body=>{{:error=>{{:message=>"
                    + json.dumps(message) + ", :param=>nil}}}",
            lambda: f"StatusError: {status} {message}",
            lambda: f"\u001b[36m2026-11-26T09:00:00Z\u001b[0m \u001b[31merror\u001b[0m {status} {body}",
        ))()

    def test_each_line_says_the_same_whatever_it_is_wrapped_in(self):
        seed = int(os.environ.get("SEED", "1"))
        draw = random.Random(seed)
        lines, wants = [], []
        for _ in range(600):
            message, *want = self.refusal(draw)
            lines.append(self.wrapped(draw, message, 400 if want[0] == "context_length" else 429))
            wants.append(want)
        got = explain_json("".join(line + "\n" for line in lines))
        self.assertEqual(len(got), len(lines), f"SEED={seed}")
        for line, want, found in zip(lines, wants, got):
            self.assertEqual([found[f] for f in FIELDS[:6]], want, f"SEED={seed}: {line}")


class Advice(unittest.TestCase):
    def test_a_tier_that_is_owed(self):
        words = explain(TPM, "--tier", "1", "--paid", "60usd", "--since", "9")
        self.assertIn("60 USD paid and 9 days since the first payment earn tier 2 (50 USD", words)
        self.assertNotIn("is owed", explain(TPM, "--tier", "1", "--paid", "6usd"))
        self.assertIn("44 USD more", explain(TPM, "--tier", "1", "--paid", "6usd"))

    def test_a_limit_below_the_tier(self):
        self.assertIn("below tier 2's 450,000", explain(TPM, "--tier", "2"))

    def test_figures_of_ones_own(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"tiers": [{"provider": "openai", "tier": "2", "paid_usd": 70, "former": {
                "paid_usd": 70, "until": "2025"}}]}, file)
            file.flush()
            words = explain(TPM, "--tier", "1", "--paid", "60", "--catalogue", file.name)
            self.assertIn("10 USD more", words)

    def test_headers_with_room(self):
        words = explain("HTTP/1.1 429 X\nopenai-version: 1\nx-ratelimit-limit-requests: 500\n"
                        "x-ratelimit-remaining-requests: 499\n\n" + json.dumps({"error": {
                            "message": "Rate limit reached on requests per min (RPM)"}}))
        self.assertIn("its headers show 499 of 500 requests per minute left", words)

    def test_wrong_usage(self):
        for args, word in ((("--tier", "9"), "no tier of any provider"),
                           (("--tier", "build", "--provider", "groq"), "no tier of Groq"),
                           (("--paid", "60eur"), "US dollars"), (("--paid", "x"), "60usd"),
                           (("--provider", "acme"), "moonshot"), (("--sinse", "3"), "--since")):
            done = subprocess.run([SLUICE, "explain", *args], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2, args)
            self.assertIn(word, done.stderr)
        explain("all is well\n", code=1)
        done = subprocess.run([SLUICE, "explain", "/nonexistent/x.log"], capture_output=True,
                              timeout=60)
        self.assertEqual(done.returncode, 4)


def polling(minutes, per_minute, refused_above):
    """An access log of an Assistants client that polls its runs."""
    for minute in range(minutes):
        for i in range(per_minute):
            second = i * 60 // per_minute
            status = 429 if i >= refused_above else 200
            yield (f"2026-11-26T09:{minute:02}:{second:02}.{i % 1000:03}Z GET "
                   f"/v1/threads/thread_{i:04}/runs/run_{i:04} {status} 12ms\n")


class Logs(unittest.TestCase):
    def summary(self, text, *options):
        return json.loads(explain(text, "--summary", "--json", *options))

    def test_the_kind_of_request_over_its_limit(self):
        log = "".join(polling(3, 1200, 1000)) + "".join(
            f"2026-11-26T09:01:{i:02}Z POST /v1/threads/thread_{i}/runs 200 5ms\n"
            for i in range(60)) + f"2026-11-26T09:02:59Z ERROR openai.RateLimitError: {SLOW}\n"
        found = self.summary(log)
        self.assertEqual(found["requests"], 3660)
        self.assertEqual(found["refusals"], 600)
        traffic = {row["of"]: row for row in found["traffic"]}
        self.assertTrue(traffic["assistants-get"]["over"])
        self.assertEqual(traffic["assistants-get"]["limit"], 1000)
        self.assertEqual(traffic["assistants-get"]["busiest_minute"], 1200)
        self.assertFalse(traffic["assistants-runs"]["over"])
        self.assertEqual(found["busiest_route"], "GET /threads/*/runs/*")
        words = explain(log)
        self.assertIn("600 refusals in 3,661 lines, 3,660 requests", words)
        self.assertRegex(words, r"3,600 +1,200 +1,000  assistants-get +\S+ OVER\n")
        self.assertIn("log   assistants-get: 1,200 requests in the minute from ", words)
        for line in words.split("\n1. ")[0].split("\n"):
            self.assertLessEqual(len(line), 80, line)

    def test_refusals_by_model_limit_and_kind(self):
        log = ""
        for i in range(30):
            stamp = f"2026-11-26 09:{i:02}:00,000"
            log += f"{stamp} INFO ok\n{stamp} ERROR Error code: 429 - " + repr(
                {"error": {"message": TPM, "type": "tokens", "code": "rate_limit_exceeded"}}) + "\n"
            if i % 3 == 0:
                log += (f"{stamp} WARN " + TPM.replace("gpt-4o", "gpt-4o-mini").replace(
                    "tokens per min (TPM)", "requests per min (RPM)") + "\n")
        log += "2026-11-26 10:00:00 ERROR prompt is too long: 205668 tokens > 200000 maximum\n"
        groups = self.summary(log)["groups"]
        self.assertEqual([(g["model"], g["dimension"], g["kind"], g["count"]) for g in groups],
                         [("gpt-4o", "tpm", "rate_limit", 30), ("gpt-4o-mini", "rpm", "rate_limit", 10),
                          (None, "unknown", "context_length", 1)])
        self.assertEqual((groups[0]["first"], groups[0]["last"]),
                         ("2026-11-26T09:00:00Z", "2026-11-26T09:29:00Z"))
        self.assertEqual((groups[1]["first_line"], groups[0]["limit"]), (3, 30000))
        words = explain(log)
        for number in "1. 30 like", "2. 10 like", "3. 1 like":
            self.assertIn(f"\n{number} the one on line ", words)

    def test_our_own_request_log(self):
        log = "".join(json.dumps({
            "time": f"2026-11-26T09:00:{i % 60:02}.000Z", "request_id": f"r{i}", "tenant": "ab"[i % 2],
            "model": "gpt-4o", "status": 429 if i % 4 == 1 else 200,
            "verdict": "rate_limit" if i % 4 == 1 else "ok", "refused": int(i % 4 == 1),
            "waited_for": "rpm",
        }) + "\n" for i in range(600))
        found = self.summary(log, "--tier", "1")
        self.assertEqual(found["tenants"], {"b": 150})
        self.assertEqual(found["groups"][0]["count"], 150)
        self.assertEqual((found["groups"][0]["model"], found["groups"][0]["dimension"]),
                         ("gpt-4o", "rpm"))
        self.assertEqual(found["traffic"], [{"of": "gpt-4o", "requests": 600, "busiest_minute": 600,
                                             "limit": 500, "from": found["traffic"][0]["from"],
                                             "over": True}])

    def test_hours_of_refusals_without_traffic(self):
        log = "".join(f"2026-11-26T{9 + i // 12:02}:{i % 12 * 5:02}:00Z ERROR {TPM}\n"
                      for i in range(36))
        self.assertTrue(self.summary(log)["groups"][0]["for_hours_without_traffic"])
        self.assertIn("refused 36 times over 2h 55m", explain(log))
        self.assertFalse(self.summary(log.splitlines(True)[0] * 2)["groups"][0][
            "for_hours_without_traffic"])

    def test_a_line_of_json_for_each(self):
        log = ("2026-11-26T09:00:00Z POST /v1/chat/completions 429\n" * 3
               + f"2026-11-26T09:00:01Z {TPM}\n")
        got = explain_json(log)
        self.assertEqual([(g["dimension"], g["line"], g["time"], g["model"]) for g in got],
                         [("tpm", 4, "2026-11-26T09:00:01Z", "gpt-4o")])
        got = explain_json("2026-11-26T09:00:00Z POST /v1/chat/completions 429\n" * 3)
        self.assertEqual([(g["kind"], g["line"]) for g in got],
                         [("rate_limit", n) for n in (1, 2, 3)])

    def test_no_key_is_shown(self):
        secret = "sk-" + "abcdefghij" * 2
        words = explain(f"openai.AuthenticationError: Error code: 401 - {{'error': {{'message': "
                        f"'Incorrect API key provided: {secret}. See', 'code': 'invalid_api_key'}}}}\n"
                        f"GET /v1/threads?key={secret} 429\n")
        self.assertNotIn(secret, words)


class OwnLog(unittest.TestCase):
    """What the gateway writes down of its requests is read back, in both of its forms."""

    def test_what_the_gateway_logged(self):
        from serve_support import Serve  # knows the binary by its variable
        for form in "json", "text":
            with self.subTest(form=form), tempfile.TemporaryDirectory() as folder:
                log = os.path.join(folder, "requests.log")
                with Serve("--emulate", "openai/tier-1", "--emulate-latency", "1ms", "--max-wait", "1s",
                           "--log", log, "--log-format", form) as serve:
                    statuses = [serve.post(max_tokens=9000)[0].status for _ in range(6)]
                    serve.post(max_tokens=90000)
                refused = statuses.count(429)
                self.assertGreater(refused, 0)
                with open(log, encoding="utf-8") as lines:
                    text = lines.read()
                found = json.loads(explain(text, "--summary", "--json", "--tier", "1"))
                self.assertEqual((found["requests"], found["refusals"]), (7, refused + 1))
                self.assertEqual([(g["model"], g["kind"], g["count"]) for g in found["groups"]],
                                 [("gpt-4o", "rate_limit", refused), ("gpt-4o", "context_length", 1)])
                self.assertEqual(found["traffic"][0]["limit"], 500)
                self.assertIn("it was not asked", explain(text))


class Memory(unittest.TestCase):
    def test_a_big_log_in_little_memory(self):
        megabytes = 64
        with tempfile.NamedTemporaryFile("w") as file:
            piece = "".join(polling(1, 1200, 1100))
            for _ in range(megabytes * (1 << 20) // len(piece)):
                file.write(piece)
            file.flush()
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            done = subprocess.run([SLUICE, "explain", "--summary", "--json", file.name],
                                  capture_output=True, text=True, timeout=300)
            most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(json.loads(done.stdout)["refusals"], 10000)
        self.assertLess(most, max(before, 24 << 10), "KB of memory")


if __name__ == "__main__":
    unittest.main()
