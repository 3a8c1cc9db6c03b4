#!/usr/bin/env python3
"""`sluice emulate` over real sockets: every profile's answers, streams, refusals and faults.

usage: emulate.py SLUICE [unittest arguments]"""
import concurrent.futures
import contextlib
import http.client
import json
import signal
import subprocess
import sys
import unittest

import sentinel

sentinel.watch()
SLUICE = sys.argv.pop(1)
PATHS = {"anthropic": "/v1/messages",
         "azure": "/openai/deployments/m/chat/completions?api-version=2024-10-21",
         "gemini": "/v1beta/openai/chat/completions"}


class Emulator:
    """A process of its own, which ends by itself should the test die."""

    def __init__(self, *args):
        self.process = subprocess.Popen(
            [SLUICE, "emulate", "--listen", "127.0.0.1:0", "--for", "100s", *args],
            stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:") and line.endswith("/v1\n"), line
        self.port = int(line.split(":")[2].split("/")[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.code = self.process.wait(30)
        sentinel.look(self.process.stdout.read(), "standard output of sluice emulate")
        self.process.stdout.close()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def post(self, path="/v1/chat/completions", headers=None, **body):
        body = {"model": "m", "messages": [{"role": "user", "content": "How many?"}],
                "max_tokens": 20, **body}
        with contextlib.closing(self.connect()) as connection:
            connection.request("POST", path, json.dumps(body),
                               {"authorization": f"Bearer {sentinel.KEY}"} if headers is None else headers)
            answer = connection.getresponse()
            return answer, answer.read().decode()

    def report(self):
        with contextlib.closing(self.connect()) as connection:
            connection.request("GET", "/_emulator/report")
            return json.loads(connection.getresponse().read())


def events(text):
    """The data of every event, parsed where it is JSON."""
    datas = [line[6:] for line in text.split("\n") if line.startswith("data: ")]
    return [data if data == "[DONE]" else json.loads(data) for data in datas]


class Profiles(unittest.TestCase):
    def try_profile(self, profile, status, words):
        provider = profile.split("/")[0]
        path = PATHS.get(provider, "/v1/chat/completions")
        with Emulator("--profile", profile, "--limits", "m:rpm=1", "--latency", "5ms") as e:
            answer, text = e.post(path, stream=True)
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.headers["content-type"], "text/event-stream")
            heard = events(text)
            last = {"type": "message_stop"} if provider == "anthropic" else "[DONE]"
            self.assertEqual(heard[-1], last)
            answer, text = e.post(path)
            self.assertEqual(answer.status, status)
            self.assertIn(words, text)
            model = e.report()["models"][0]
            self.assertEqual((model["arrivals"], model["admitted"], model["refused_by"]["rpm"]),
                             (2, 1, 1))
        self.assertEqual(e.code, 0)
        return answer

    def test_openai(self):
        answer = self.try_profile("openai/tier-1", 429, "Please try again in ")
        self.assertRegex(answer.headers["retry-after-ms"], r"^\d+$")
        self.assertRegex(answer.headers["x-ratelimit-reset-requests"], r"^[0-9.ms]+$")

    def test_anthropic(self):
        answer = self.try_profile("anthropic/tier-2", 429, "requests per minute")
        self.assertRegex(answer.headers["anthropic-ratelimit-requests-reset"], r"^20..-.*Z$")
        self.assertEqual(answer.headers["x-should-retry"], "true")

    def test_azure(self):
        answer = self.try_profile("azure", 429, "have exceeded call rate limit")
        self.assertRegex(answer.headers["x-ratelimit-reset-requests"], r"^\d+$")

    def test_groq(self):
        self.try_profile("groq/free", 429, "service tier `on_demand` on requests per minute (RPM)")

    def test_gemini(self):
        answer = self.try_profile("gemini/free", 429, "RESOURCE_EXHAUSTED")
        self.assertNotIn("retry-after", answer.headers)

    def test_limits_of_a_tier(self):
        with Emulator("--profile", "openai/tier-1", "--latency", "0") as e:
            answer, _ = e.post(model="gpt-4o-2024-11-20")
            self.assertEqual(answer.headers["x-ratelimit-limit-tokens"], "30000")
            answer, text = e.post(model="gpt-4o", max_tokens=30001)
            self.assertEqual(answer.status, 429)
            self.assertIn("Request too large for gpt-4o", text)
            answer, _ = e.post(model="no-such-model")
            self.assertEqual(answer.status, 404)


class Limits(unittest.TestCase):
    def test_a_crowd_gets_exactly_what_there_is(self):
        for window in "sliding", "bucket":
            with Emulator("--limits", "m:rpm=50,tpm=100000", "--window", window, "--minute", "1h",
                          "--latency", "1ms-5ms") as e:
                with concurrent.futures.ThreadPoolExecutor(32) as pool:
                    crowd = pool.map(lambda i: e.post(user=str(i))[0].status, range(200))
                    statuses = list(crowd)
                self.assertEqual(statuses.count(200), 50)
                self.assertEqual(statuses.count(429), 150)
                report = e.report()
                self.assertEqual(report["totals"]["answered"], 50)
                self.assertEqual(report["models"][0]["charged"], {"rpm": 50, "tpm": 1000})
                self.assertEqual(report["requests"]["answered_again"], 0)

    def test_a_client_that_left_frees_its_slot(self):
        with Emulator("--limits", "m:concurrency=1", "--fault", "stall=100%") as e:
            connection = e.connect()
            body = json.dumps({"model": "m", "messages": [], "stream": True})
            connection.request("POST", "/v1/chat/completions", body)
            answer = connection.getresponse()  # the stream has begun and will not end
            self.assertEqual(answer.status, 200)
            self.assertEqual(e.post()[0].status, 429)
            answer.close()
            connection.close()
            while e.report()["models"][0]["in_flight"]:
                pass
            self.assertEqual(e.report()["totals"]["answered"], 0)

    def test_a_request_sent_twice_is_noticed(self):
        with Emulator("--latency", "0") as e:
            for name in "a", "b", "a":
                e.post(headers={"x-sluice-id": name})
            self.assertEqual(e.report()["requests"],
                             {"distinct": 2, "admitted_again": 1, "answered_again": 1})
            connection = e.connect()
            connection.request("POST", "/_emulator/reset")
            self.assertEqual(json.loads(connection.getresponse().read())["totals"]["arrivals"], 0)
            connection.close()

    def test_keys(self):
        with Emulator("--keys", "alpha,beta", "--latency", "0") as e:
            right = {"authorization": "Bearer beta"}, {"x-api-key": "alpha"}, {"api-key": "beta"}
            for headers in right:
                self.assertEqual(e.post(headers=headers)[0].status, 200)
            for headers in {}, {"authorization": "Bearer gamma"}:
                answer, text = e.post(headers=headers)
                self.assertEqual(answer.status, 401)
                self.assertEqual(json.loads(text)["error"]["code"], "invalid_api_key")


class Faults(unittest.TestCase):
    def test_a_reset_connection(self):
        with Emulator("--fault", "reset=100%", "--latency", "1ms") as e:
            with self.assertRaises((ConnectionError, http.client.RemoteDisconnected)):
                e.post()
            self.assertEqual(e.report()["faults"]["reset"], 1)

    def test_an_answer_cut_short(self):
        with Emulator("--fault", "midstream=100%", "--latency", "1ms") as e:
            with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
                e.post()

    def test_a_stream_that_ends_in_an_error(self):
        for path in "/v1/chat/completions", "/v1/messages", "/v1/responses":
            with Emulator("--fault", "midstream=100%", "--latency", "1ms") as e:
                answer, text = e.post(path, stream=True, input="x")
                self.assertEqual(answer.status, 200)
                self.assertIn("overloaded", json.dumps(events(text)[-1]))
                self.assertEqual(e.report()["totals"]["answered"], 0)

    def test_an_empty_wallet(self):
        with Emulator("--wallet-after", "1", "--latency", "0") as e:
            self.assertEqual(e.post()[0].status, 200)
            answer, text = e.post()
            self.assertEqual(answer.status, 429)
            self.assertEqual(json.loads(text)["error"]["code"], "insufficient_quota")

    def test_faults_follow_the_seed(self):
        runs = []
        for seed in "5", "5", "6":
            with Emulator("--fault", "500=20%,503=20%", "--latency", "0", "--seed", seed) as e:
                runs.append([e.post()[0].status for _ in range(40)])
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])
        self.assertEqual(set(runs[0]), {200, 500, 503})


class Process(unittest.TestCase):
    def run_to_end(self, *args):
        return subprocess.run([SLUICE, "emulate", *args], capture_output=True, text=True,
                              timeout=60)

    def get(self, e, path):
        with contextlib.closing(e.connect()) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def test_models_are_listed(self):
        with Emulator("--limits", "m:rpm=1", "--limits", "*:rpm=2") as e:
            status, listed = self.get(e, "/v1/models")
            self.assertEqual([m["id"] for m in listed["data"]], ["m"])
            self.assertEqual(self.get(e, "/v1/models/m")[1]["id"], "m")
        with Emulator("--limits", "m:rpm=1") as e:
            self.assertEqual(self.get(e, "/v1/models/x")[0], 404)

    def test_usage_errors_say_what_to_do(self):
        for args, word in ((("--profile", "openai/tier-9"), "tiers: "),
                           (("--profile", "acme"), "anthropic"),
                           (("--limits", "m"), "rpm=500"),
                           (("--window", "round"), "sliding"),
                           (("--window", "slices:x"), "slices:10s"),
                           (("--fault", "500=2"), "500=1%"),
                           (("--latency", "fast"), "50ms-400ms"),
                           (("--minute", "0"), "millisecond"),
                           (("--drain", "--no-drain"), "both"),
                           (("--limit", "m:rpm=1"), "--limits"),
                           (("stray",), "--help")):
            ended = self.run_to_end(*args)
            self.assertEqual(ended.returncode, 2, args)
            self.assertIn(word, ended.stderr)
            self.assertTrue(ended.stderr.startswith("sluice emulate: "), ended.stderr)
            self.assertEqual(ended.stdout, "")

    def test_an_address_in_use(self):
        with Emulator() as e:
            ended = self.run_to_end("--listen", f"127.0.0.1:{e.port}")
            self.assertEqual(ended.returncode, 4)
            self.assertIn("cannot listen", ended.stderr)

    def test_it_ends_by_itself(self):
        ended = self.run_to_end("--listen", "127.0.0.1:0", "--for", "10ms")
        self.assertEqual(ended.returncode, 0)
        self.assertIn("listening on http://127.0.0.1:", ended.stdout)

    def test_a_signal_ends_it_under_load(self):
        with Emulator("--latency", "20s") as e:
            connection = e.connect()
            connection.request("POST", "/v1/chat/completions",
                               json.dumps({"model": "m", "messages": []}))
            while not e.report()["totals"]["arrivals"]:
                pass
        connection.close()
        self.assertEqual(e.code, 0)


if __name__ == "__main__":
    unittest.main()
