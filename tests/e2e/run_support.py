"""What the end-to-end tests of `sluice run` share: an emulated provider, a provider of our own
making for what the emulator does not do, batches, and readers of results.

Run a test by hand: SLUICE=build/sluice python3 tests/e2e/run_stops.py [-v] [Class.test]
"""
import hashlib
import http.server
import json
import os
import re
import socketserver
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.request

import sentinel

sentinel.watch()  # before anything is started

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SLUICE = os.path.abspath(os.environ.get("SLUICE", os.path.join(ROOT, "build", "sluice")))
GSM8K = os.path.join(ROOT, "..", "shared", "data", "gsm8k.batch.jsonl")
PLENTY = ("--limits", "*:rpm=600000,tpm=600000000")  # where pacing is not the point
SKIP = 77  # what Meson takes for "skipped"


def need_shared_data():
    """Exits as skipped without the shared data; where CI is set their absence is a failure."""
    if os.path.exists(GSM8K):
        return
    print("skipped: no shared data")
    sys.exit(1 if os.environ.get("CI") else SKIP)


class Emulator:
    """A `sluice emulate` process on a free port."""

    def __init__(self, *options):
        command = [SLUICE, "emulate", "--listen", "127.0.0.1:0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.port = None
        for line in self.process.stdout:
            found = re.search(r"127\.0\.0\.1:(\d+)", line)
            if found:
                self.port = int(found.group(1))
                break
        if not self.port:
            raise AssertionError("emulator did not start: " + " ".join(command))
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def report(self):
        url = f"http://127.0.0.1:{self.port}/_emulator/report"
        with urllib.request.urlopen(url) as answer:
            return json.load(answer)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16  # head and body leave together

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        status, answer, headers = self.server.reply(self, body)
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *unused):
        pass


class Provider(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A provider that answers as `reply(handler, body)` says: (status, object or bytes, headers).
    Counts how often each body arrived."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, reply):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()
        self.bodies = {}
        self.answer = reply
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02},
                         daemon=True).start()

    def reply(self, handler, body):
        with self.lock:
            self.bodies[body] = self.bodies.get(body, 0) + 1
        return self.answer(handler, body)

    def arrivals(self):
        with self.lock:
            return sum(self.bodies.values())

    def handle_error(self, *unused):
        pass  # clients that are killed are the point of some tests

    def __exit__(self, *unused):
        self.shutdown()
        self.server_close()


def good_answer(handler=None, body=b""):
    del handler
    tag = hashlib.sha256(body).hexdigest()[:12]
    return 200, {"id": "chatcmpl-" + tag, "object": "chat.completion",
                 "choices": [{"index": 0, "finish_reason": "stop",
                              "message": {"role": "assistant", "content": "answer " + tag}}],
                 "usage": {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19}}, \
        {"x-request-id": "req_" + tag}


def error_answer(status, code, message, headers=None):
    return status, {"error": {"message": message, "type": code, "param": None, "code": code}}, \
        headers or {}


def request_line(i, model="gpt-4o", max_tokens=20, words=8):
    text = f"Question {i}: " + " ".join(f"word{(i * 7 + k) % 97}" for k in range(words))
    return {"custom_id": f"row-{i:06d}", "method": "POST", "url": "/v1/chat/completions",
            "body": {"model": model, "max_tokens": max_tokens,
                     "messages": [{"role": "user", "content": text}]}}


def read_lines(path):
    """The whole lines of a results file, parsed; a torn last line is left out."""
    if not os.path.exists(path):
        return []
    with open(path, "rb") as f:
        data = f.read()
    return [json.loads(line) for line in data[:data.rfind(b"\n") + 1].splitlines()]


class RunTest(unittest.TestCase):
    """A directory of its own, and `sluice run` in it."""

    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="sluice-e2e-")
        self.dir = self.scratch.name
        self.addCleanup(self.scratch.cleanup)
        self.input = self.path("requests.jsonl")
        self.output = self.path("results.jsonl")
        self.errors = self.path("results.errors.jsonl")
        self.report_path = self.path("report.json")

    def path(self, name):
        return os.path.join(self.dir, name)

    def batch(self, n, **kind):
        self.write_input(json.dumps(request_line(i, **kind)) for i in range(n))

    def write_input(self, lines):
        with open(self.input, "w", encoding="utf-8") as f:
            f.writelines(line + "\n" for line in lines)

    def command(self, url, *options):
        if "--limits" not in options:
            options += PLENTY
        return [SLUICE, "run", self.input, "-o", self.output, "--base-url", url,
                "--report", self.report_path, *options]

    def sluice(self, url, *options, code=0, **kw):
        done = subprocess.run(self.command(url, *options), capture_output=True, text=True,
                              timeout=240, **kw)
        if code is not None:
            self.assertEqual(done.returncode, code, done.stderr)
        return done

    def start(self, url, *options, **kw):
        return subprocess.Popen(self.command(url, *options), stderr=subprocess.PIPE, text=True, **kw)

    def report(self):
        with open(self.report_path, encoding="utf-8") as f:
            return json.load(f)

    def ids(self, path):
        return [line["custom_id"] for line in read_lines(path)]

    def assert_each_once(self, n):
        """Every row stands exactly once in output and error file together."""
        ids = self.ids(self.output) + self.ids(self.errors)
        self.assertEqual(len(ids), len(set(ids)), "an answer stands twice")
        self.assertEqual(set(ids), {f"row-{i:06d}" for i in range(n)}, "an answer is lost")


def main():
    unittest.main()
