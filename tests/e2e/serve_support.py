"""What the end-to-end tests of `sluice serve` share: the gateway as a process, a provider of our own
making, the events of streams."""
import http.client
import http.server
import json
import os
import re
import signal
import socketserver
import subprocess
import threading

import sentinel
from run_support import SLUICE, good_answer

CHAT = "/v1/chat/completions"
PATIENCE_S = 60  # only a broken test waits so long


class Serve:
    """A `sluice serve` process on a free port."""

    def __init__(self, *options, env=None, listen="127.0.0.1:0"):
        place = ("--listen", listen) if listen else ()
        if "-c" not in options:  # a configuration has its own
            place += ("--grace", "20s")
        self.process = subprocess.Popen(
            [SLUICE, "serve", *place, *options],
            stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
        line = self.process.stdout.readline()
        assert re.match(r"listening on https?://127.0.0.1:\d+\n", line), line
        self.port = int(line.rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE_S)
        sentinel.look(self.process.stdout.read(), "standard output of sluice serve")
        self.process.stdout.close()
        assert code == 0, f"sluice serve ended with {code}"

    def request(self, method, path, body=None, headers=None):
        """The answer, its connection still open: for streams."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        answer.connection = connection
        return answer

    def post(self, body=None, path=CHAT, headers=None, **fields):
        """The answer and its body, parsed where it is JSON."""
        body = body if body is not None else chat(**fields)
        answer = self.request("POST", path, body,
                              {"content-type": "application/json", **(headers or {})})
        text = answer.read()
        answer.connection.close()
        try:
            return answer, json.loads(text)
        except ValueError:
            return answer, text


def chat(**fields):
    return json.dumps({"model": "gpt-4o", "max_tokens": 20,
                       "messages": [{"role": "user", "content": "How many?"}], **fields})


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def any(self):
        body = self.server.read(self)
        with self.server.lock:
            self.server.seen.append((self.command, self.path, dict(self.headers), body))
            n = len(self.server.seen)
        self.server.reply(self, n)

    do_POST = do_GET = do_HEAD = do_DELETE = any

    def whole(self, status, body, headers=None):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def begin_stream(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def piece(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def end_stream(self):
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def log_message(self, *unused):
        pass


class Upstream(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A provider whose answer to its nth request is what `reply(handler, n)` does."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, reply=None):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()
        self.seen = []
        self.reply = reply or (lambda h, n: h.whole(*good_answer()))
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02},
                         daemon=True).start()

    @staticmethod
    def read(handler):
        return handler.rfile.read(int(handler.headers.get("content-length", 0)))

    def handle_error(self, *unused):
        pass  # clients that leave are the point of some tests

    def __exit__(self, *unused):
        self.shutdown()
        self.server_close()


def event(**fields):
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def delta(text):
    return event(choices=[{"index": 0, "delta": {"content": text}, "finish_reason": None}])


DONE = b"data: [DONE]\n\n"
REFUSED = {"message": "Rate limit reached for gpt-4o in organization org-x on requests per min "
                      "(RPM): Limit 500, Used 500, Requested 1. Please try again in 20ms.",
           "type": "requests", "param": None, "code": "rate_limit_exceeded"}


def account(url, *more):
    return ("--base-url", url, "--window", "bucket", *more)
