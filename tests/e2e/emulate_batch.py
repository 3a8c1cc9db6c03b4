#!/usr/bin/env python3
"""The emulated provider's files, batches, threads and limits by request type over real sockets.

usage: emulate_batch.py SLUICE [unittest arguments]"""
import concurrent.futures
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import unittest

from emulate import Emulator, SLUICE  # takes SLUICE off the arguments

BOUNDARY = "b0undary"
CHAT = "/v1/chat/completions"


def line(number, url=CHAT, **body):
    body = {"model": "m", "max_tokens": 9,
            "messages": [{"role": "user", "content": f"How many? {number}"}], **body}
    return json.dumps({"custom_id": f"r{number}", "method": "POST", "url": url, "body": body})


def lines(count):
    return "".join(line(i) + "\n" for i in range(count)).encode()


def form_head(purpose="batch", filename="jobs.jsonl"):
    return (f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n{purpose}"
            f"\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; "
            f"filename=\"{filename}\"\r\nContent-Type: application/octet-stream\r\n\r\n").encode()


FORM_TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()
FORM_TYPE = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


class Account(Emulator):
    """An emulator and what a client does with it."""

    def call(self, method, path, body=None, headers=None):
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        with contextlib.closing(self.connect()) as connection:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer, answer.read()

    def json(self, method, path, body=None, status=200):
        answer, text = self.call(method, path, body)
        assert answer.status == status, (answer.status, text)
        return json.loads(text)

    def upload(self, content, status=200, **form):
        body = form_head(**form) + content + FORM_TAIL
        answer, text = self.call("POST", "/v1/files", body, FORM_TYPE)
        assert answer.status == status, (answer.status, text)
        return json.loads(text)

    def batch(self, content, endpoint=CHAT):
        uploaded = self.upload(content)["id"]
        return self.json("POST", "/v1/batches", {
            "input_file_id": uploaded, "endpoint": endpoint, "completion_window": "24h"})["id"]

    def poll(self, path, field, active):
        """Asks until the field is none of the active ones."""
        while True:
            thing = self.json("GET", path)
            if thing[field] not in active:
                return thing

    def ended(self, batch):
        return self.poll(f"/v1/batches/{batch}", "status",
                         ("validating", "in_progress", "finalizing", "cancelling"))

    def rows(self, file):
        if not file:
            return []
        _, text = self.call("GET", f"/v1/files/{file}/content")
        return [json.loads(row) for row in text.decode().splitlines()]


class Batches(unittest.TestCase):
    def test_from_upload_to_results(self):
        with Account("--batch-latency", "30ms") as e:
            ended = e.ended(e.batch(lines(300)))
            self.assertEqual(ended["status"], "completed")
            self.assertEqual(ended["request_counts"],
                             {"total": 300, "completed": 300, "failed": 0})
            self.assertIsNone(ended["error_file_id"])
            rows = e.rows(ended["output_file_id"])
            ids = [row["custom_id"] for row in rows]
            self.assertEqual(sorted(ids), sorted(f"r{i}" for i in range(300)))
            self.assertNotEqual(ids, [f"r{i}" for i in range(300)])
            self.assertEqual(len({row["id"] for row in rows}), 300)
            usage = [row["response"]["body"]["usage"]["completion_tokens"] for row in rows]
            self.assertEqual(ended["usage"]["output_tokens"], sum(usage))
            # as a live request is answered
            body = json.loads(line(ids[0][1:]))["body"]
            _, live = e.call("POST", CHAT, json.dumps(body))
            self.assertEqual(json.loads(live), rows[0]["response"]["body"])
            report = e.report()["batches"]
            self.assertEqual((report["completed"], report["requests"]["carried_out_again"]),
                             (1, 0))

    def test_every_endpoint(self):
        bodies = {"/v1/embeddings": {"model": "m", "input": ["a", "b"]},
                  "/v1/responses": {"model": "m", "input": "a"},
                  "/v1/completions": {"model": "m", "prompt": "a"}}
        with Account("--batch-latency", "0") as e:
            for endpoint, body in bodies.items():
                row = json.dumps({"custom_id": "x", "method": "POST", "url": endpoint,
                                  "body": body})
                ended = e.ended(e.batch(row.encode(), endpoint))
                self.assertEqual(ended["status"], "completed", ended)
                (row,) = e.rows(ended["output_file_id"])
                _, live = e.call("POST", endpoint, json.dumps(body))
                self.assertEqual(json.loads(live), row["response"]["body"])

    def test_a_bad_file(self):
        with Account("--batch-latency", "1ms") as e:
            content = line(1) + "\n" + line(1) + "\n" + line(2, stream=True) + "\n{\n"
            ended = e.ended(e.batch(content.encode()))
            self.assertEqual(ended["status"], "failed")
            errors = ended["errors"]["data"]
            self.assertEqual([(error["line"], error["code"]) for error in errors],
                             [(2, "duplicate_custom_id"), (3, "streaming_unsupported"),
                              (4, "invalid_json_line")])
            self.assertIn("jsonl", e.upload(b"{\n", status=400)["error"]["message"])

    def test_expiry_failures_and_cancellation(self):
        # a day lasts 1.44 s
        with Account("--minute", "1ms", "--batch-latency", "50ms", "--batch-faults",
                     "expire=100%,fail=20%") as e:
            ended = e.ended(e.batch(lines(200)))
            self.assertEqual(ended["status"], "expired")
            errors = e.rows(ended["error_file_id"])
            expired = [row for row in errors if row["error"]]
            self.assertEqual({row["error"]["code"] for row in expired}, {"batch_expired"})
            self.assertTrue(all(row["response"] is None for row in expired))
            counts = ended["request_counts"]
            self.assertEqual(len(errors) - len(expired), counts["failed"])
            self.assertEqual(len(e.rows(ended["output_file_id"])), counts["completed"])
            self.assertEqual(len(expired) + counts["failed"] + counts["completed"], 200)
        with Account("--batch-latency", "1h", "--batch-cancel", "10ms") as e:
            batch = e.batch(lines(5))
            self.assertEqual(e.json("POST", f"/v1/batches/{batch}/cancel")["status"],
                             "cancelling")
            self.assertEqual(e.ended(batch)["status"], "cancelled")

    def test_the_queue(self):
        with Account("--profile", "openai/tier-1", "--batch-latency", "1s",
                     "--batch-queue", "gpt-4o=100") as e:
            content = "".join(line(i, model="gpt-4o-2024-08-06") + "\n" for i in range(20))
            first, second = e.batch(content.encode()), e.batch(content.encode())
            failed = e.ended(second)
            self.assertEqual(failed["status"], "failed")
            (error,) = failed["errors"]["data"]
            self.assertEqual(error["code"], "token_limit_exceeded")
            self.assertIn("Limit: 100 enqueued tokens.", error["message"])
            self.assertEqual(e.ended(first)["status"], "completed")
            self.assertEqual(e.ended(e.batch(content.encode()))["status"], "completed")

    def test_an_answer_that_is_lost_after_the_deed(self):
        with Account("--batch-faults", "drop=100%", "--batch-latency", "0") as e:
            with self.assertRaises((ConnectionError, http.client.RemoteDisconnected)):
                e.upload(lines(1))
            (uploaded,) = e.json("GET", "/v1/files")["data"]
            order = {"input_file_id": uploaded["id"], "endpoint": CHAT,
                     "completion_window": "24h"}
            with self.assertRaises((ConnectionError, http.client.RemoteDisconnected)):
                e.json("POST", "/v1/batches", order)
            (batch,) = e.json("GET", "/v1/batches")["data"]
            self.assertEqual(e.ended(batch["id"])["status"], "completed")
            self.assertEqual(e.report()["snags"]["drop"], 2)
        with Account("--batch-faults", "busy=100%,absent=100%") as e:
            self.assertEqual(e.upload(lines(1), status=503)["error"]["code"],
                             "server_is_overloaded")
            self.assertEqual(e.json("GET", "/v1/files")["data"], [])

    def test_clients_are_served_while_a_batch_is_read(self):
        with Account("--batch-latency", "0", "--latency", "0") as e:
            padding = "x" * 4000
            content = "".join(line(i, user=padding) + "\n" for i in range(10000)).encode()
            batch = e.batch(content)
            seen = []
            for _ in range(5):
                self.assertEqual(e.post()[0].status, 200)
                seen.append(e.json("GET", f"/v1/batches/{batch}")["status"])
            self.assertIn("validating", seen)
            self.assertEqual(e.ended(batch)["request_counts"]["completed"], 10000)


class Files(unittest.TestCase):
    def test_an_upload_that_is_broken_off_leaves_nothing(self):
        with Account() as e:
            with socket.create_connection(("127.0.0.1", e.port)) as s:
                s.sendall(b"POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-length: 5000000\r\n"
                          b"content-type: " + FORM_TYPE["content-type"].encode() + b"\r\n\r\n" +
                          form_head() + b" " * 2_000_000)
            self.assertEqual(e.json("GET", "/v1/files")["data"], [])
            kept = e.upload(b"{}\n" + b" " * 3_000_000)["id"]
            with socket.create_connection(("127.0.0.1", e.port)) as s:  # reads a little, leaves
                s.sendall(f"GET /v1/files/{kept}/content HTTP/1.1\r\nhost: x\r\n\r\n".encode())
                self.assertTrue(s.recv(1000))
            answer, text = e.call("GET", f"/v1/files/{kept}/content")
            self.assertEqual(len(text), 3_000_003)

    def test_what_is_no_form(self):
        with Account() as e:
            answer, text = e.call("POST", "/v1/files", "{}")
            self.assertEqual(answer.status, 400)
            answer, text = e.call("POST", "/v1/files", form_head() + b"{}", FORM_TYPE)
            self.assertEqual(answer.status, 400)
            self.assertIn("ends in the middle", text.decode())


class Memory(unittest.TestCase):
    def send(self, e, total, chunked=False):
        """Uploads so many bytes without holding them; the answer."""
        first, block = b'{"custom_id":"1"}\n', b" " * (1 << 20)

        def pieces():
            yield form_head()
            yield first
            left = total - len(first)
            while left:
                yield block[:min(left, len(block))]
                left -= min(left, len(block))
            yield FORM_TAIL

        headers = dict(FORM_TYPE)
        if not chunked:
            headers["content-length"] = str(len(form_head()) + total + len(FORM_TAIL))
        with contextlib.closing(e.connect()) as connection:
            connection.request("POST", "/v1/files", pieces(), headers, encode_chunked=chunked)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def test_big_uploads_do_not_stay_in_memory(self):
        with Account() as e:
            for chunked in False, True:
                status, uploaded = self.send(e, 190_000_000, chunked)
                self.assertEqual((status, uploaded.get("bytes")), (200, 190_000_000))
            with contextlib.closing(e.connect()) as connection:
                connection.request("GET", f"/v1/files/{uploaded['id']}/content")
                answer = connection.getresponse()
                got = 0
                while piece := answer.read(1 << 20):
                    got += len(piece)
                self.assertEqual(got, 190_000_000)
            status, refused = self.send(e, 200_000_001)
            self.assertEqual((status, refused["error"]["message"]), (400, "File is too large."))
            with open(f"/proc/{e.process.pid}/status") as f:
                peak = [row for row in f if row.startswith("VmHWM")][0]
            self.assertLess(int(peak.split()[1]), 100_000)


class MessageBatches(unittest.TestCase):
    PATH = "/v1/messages/batches"

    def requests(self, count, **params):
        params = {"model": "m", "max_tokens": 9, "messages": [], **params}
        return {"requests": [{"custom_id": f"r{i}", "params": params} for i in range(count)]}

    def ended(self, e, batch):
        return e.poll(f"{self.PATH}/{batch}", "processing_status", ("in_progress", "canceling"))

    def results(self, e, batch):
        self.assertTrue(batch["results_url"].startswith(f"http://127.0.0.1:{e.port}/v1/"))
        path = batch["results_url"].split(str(e.port), 1)[1]
        _, text = e.call("GET", path)
        return [json.loads(row) for row in text.decode().splitlines()]

    def test_from_creation_to_results(self):
        with Account("--batch-latency", "30ms") as e:
            made = e.json("POST", self.PATH, self.requests(200))
            self.assertEqual(made["request_counts"]["processing"], 200)
            ended = self.ended(e, made["id"])
            self.assertEqual(ended["request_counts"]["succeeded"], 200)
            rows = self.results(e, ended)
            self.assertEqual(sorted(row["custom_id"] for row in rows),
                             sorted(f"r{i}" for i in range(200)))
            self.assertEqual({row["result"]["type"] for row in rows}, {"succeeded"})
            self.assertEqual(e.json("DELETE", f"{self.PATH}/{made['id']}")["type"],
                             "message_batch_deleted")
            e.json("GET", f"{self.PATH}/{made['id']}", status=404)

    def test_cancellation_and_errors(self):
        with Account("--batch-latency", "1h", "--batch-cancel", "10ms") as e:
            made = e.json("POST", self.PATH, self.requests(3))
            e.json("POST", f"{self.PATH}/{made['id']}/cancel")
            ended = self.ended(e, made["id"])
            self.assertEqual(ended["request_counts"]["canceled"], 3)
        with Account("--batch-latency", "0") as e:
            made = e.json("POST", self.PATH, self.requests(2, stream=True))
            (one, two) = self.results(e, self.ended(e, made["id"]))
            self.assertEqual(one["result"]["error"]["error"]["type"], "invalid_request_error")
            bad = e.json("POST", self.PATH, {"requests": [{"custom_id": "a" * 65}]}, 400)
            self.assertEqual(bad["error"]["message"],
                             "requests.0.custom_id: String should have at most 64 characters")

    def test_a_body_over_the_bound(self):
        with Account() as e:
            with contextlib.closing(e.connect()) as connection:
                block = b" " * (1 << 20)
                connection.request("POST", self.PATH, (block for _ in range(257)),
                                   {"content-length": str(257 << 20)})
                answer = connection.getresponse()
                self.assertEqual(answer.status, 413)
                self.assertEqual(json.loads(answer.read())["error"]["type"],
                                 "request_too_large")


class Threads(unittest.TestCase):
    def test_a_run_is_polled_to_its_end(self):
        with Account("--limits", "m:rpm=5,tpm=100", "--minute", "1h", "--run-latency", "20ms",
                     "--output-tokens", "9") as e:
            order = {"assistant_id": "a", "max_completion_tokens": 60, "thread": {
                "messages": [{"role": "user", "content": "How many?"}]}}
            statuses = []
            for _ in range(2):  # the second does not fit: Limit 100, Used 60, Requested 60
                run = e.json("POST", "/v1/threads/runs", order)
                path = f"/v1/threads/{run['thread_id']}/runs/{run['id']}"
                run = e.poll(path, "status", ("queued", "in_progress"))
                statuses.append(run["status"])
            self.assertEqual(statuses, ["completed", "failed"])
            self.assertEqual(run["last_error"]["code"], "rate_limit_exceeded")
            self.assertIn("on tokens per min (TPM): Limit 100, Used 60, Requested 60.",
                          run["last_error"]["message"])

    def test_limits_by_request_type(self):
        with Account("--profile", "openai/tier-1", "--minute", "1h", "--no-drain") as e:
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                crowd = pool.map(lambda _: e.call("POST", "/v1/threads/runs", "{}"), range(260))
                answers = list(crowd)
            refused = [answer for answer in answers if answer[0].status == 429]
            self.assertEqual(len(refused), 60)
            for answer, text in refused:
                error = json.loads(text)["error"]
                self.assertEqual((error["type"], error["code"]),
                                 ("invalid_request_error", "rate_limit_exceeded"))
                self.assertRegex(error["message"], r"slow down and try again after [0-9.]+ sec")
                told = [name for name in answer.headers if "rate" in name or "retry" in name]
                self.assertEqual(told, [])
            (runs,) = [r for r in e.report()["routes"] if r["class"] == "assistants-runs"]
            self.assertEqual((runs["admitted"], runs["refused"]), (200, 60))

    def test_a_hidden_limit(self):
        with Account("--hidden", "POST /v1/things/*=300", "--latency", "0", "--minute", "1h",
                     "--no-drain") as e:
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                crowd = pool.map(lambda i: e.call("POST", f"/v1/things/{i}", "{}"), range(400))
                answers = list(crowd)
            statuses = [answer.status for answer, _ in answers]
            self.assertEqual((statuses.count(200), statuses.count(429)), (300, 100))
            for answer, text in answers:
                told = [name for name in answer.headers if "rate" in name or "retry" in name]
                self.assertEqual(told, [])
                self.assertNotIn(b"after", text)


class Process(unittest.TestCase):
    def test_routes_of_a_file(self):
        path = f"/tmp/sluice-routes-{os.getpid()}.json"
        with open(path, "w") as f:
            json.dump({"routes": [{"provider": "openai", "class": "videos",
                                   "paths": ["POST /v1/videos"], "rpm": 2}]}, f)
        try:
            with Account("--profile", "openai/tier-1", "--catalogue", path, "--latency", "0",
                         "--minute", "1h") as e:
                statuses = [e.call("POST", "/v1/videos", "{}")[0].status for _ in range(3)]
                self.assertEqual(statuses, [200, 200, 429])
        finally:
            os.unlink(path)

    def test_usage_errors_say_what_to_do(self):
        for args, word in ((("--batch-latency", "fast"), "50ms-400ms"),
                           (("--batch-queue", "gpt-4o"), "gpt-4o=90000"),
                           (("--batch-faults", "500=1%"), "expire"),
                           (("--batch-faults", "fail=2"), "fail=1%"),
                           (("--batch-window", "0"), "second"),
                           (("--hidden", "POST /v1/x"), "=300"),
                           (("--route", "x=3"), "METHOD /PATH"),
                           (("--catalogue", "/nowhere"), "No such file")):
            ended = subprocess.run([SLUICE, "emulate", *args], capture_output=True, text=True,
                                   timeout=60)
            self.assertEqual(ended.returncode, 2, args)
            self.assertIn(word, ended.stderr)

    def test_a_signal_ends_it_while_a_batch_runs(self):
        with Account("--batch-latency", "1h") as e:
            e.batch(lines(10))
            e.json("POST", "/v1/threads/runs", {"assistant_id": "a"})
            e.process.send_signal(signal.SIGINT)
            e.process.wait(30)
        self.assertEqual(e.code, 0)


if __name__ == "__main__":
    unittest.main()
