"""`sluice serve` over real sockets, before a provider of our own making or `sluice emulate`: what
passes, what waits, what is refused; and the complaints people have of other gateways, by name.

Run by hand: SLUICE=build/sluice python3 tests/e2e/serve.py [-v] [Class.test]
"""
import concurrent.futures
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import unittest

from run_support import SLUICE, Emulator, error_answer, good_answer, main
from serve_support import (CHAT, DONE, PATIENCE_S, REFUSED, Serve, Upstream, account, chat, delta,
                           event)

class Pass(unittest.TestCase):
    """What goes through goes through unchanged."""

    def test_bytes_and_headers(self):
        body = ('{ "messages" : [{"role":"user","content":"\\u00e9\\ud83d\\ude00 \u00fc"}],\n'
                '  "model":"gpt-4o","max_tokens":5, "x":1.50e1 }').encode()
        reply = b'{ "choices" : [ ],\n "usage":{"prompt_tokens":1,"completion_tokens":2} }\n'
        with Upstream(lambda h, n: h.whole(200, reply, {"x-request-id": "req_1"})) as up, \
                Serve(*account(up.url, "--api-key-env", "SERVE_TEST_KEY"),
                      env={"SERVE_TEST_KEY": "the-account-key"}) as serve:
            answer = serve.request("POST", CHAT, body, {
                "authorization": "Bearer whatever", "x-stainless-lang": "js",
                "x-sluice-max-wait": "30", "accept-encoding": "gzip"})
            self.assertEqual((answer.status, answer.read()), (200, reply))
            self.assertEqual(answer.getheader("x-request-id"), "req_1")
            self.assertRegex(answer.getheader("x-sluice-wait-ms"), r"^\d+$")
            method, path, headers, got = up.seen[0]
            headers = {name.lower(): value for name, value in headers.items()}
            self.assertEqual((method, path, got), ("POST", CHAT, body))
            self.assertEqual(headers["authorization"], "Bearer the-account-key")
            self.assertEqual(headers["x-stainless-lang"], "js")
            self.assertEqual(headers["accept-encoding"], "identity")
            self.assertFalse([name for name in headers if name.startswith("x-sluice")])

    def test_other_paths(self):
        binary = bytes(range(256)) * 999
        with Upstream(lambda h, n: h.whole(200, binary, {"content-type": "audio/mpeg"})) as up, \
                Serve(*account(up.url)) as serve:
            for method, path, body in (("GET", "/v1/models?limit=2", None),
                                       ("DELETE", "/v1/files/file-1", None),
                                       ("POST", "/v1/audio/speech", b'{"input":"x"}')):
                answer = serve.request(method, path, body)
                self.assertEqual(answer.read(), binary)
                self.assertEqual(up.seen[-1][:2], (method, path))

    def test_errors_of_the_provider(self):
        """What no waiting can help comes back as it is, and was asked once."""
        for status in (400, 401, 403, 404, 422):
            with self.subTest(status), \
                    Upstream(lambda h, n, s=status: h.whole(*error_answer(s, "c", "m"))) as up, \
                    Serve(*account(up.url)) as serve:
                answer, body = serve.post()
                self.assertEqual((answer.status, body["error"]["message"]), (status, "m"))
                self.assertEqual(len(up.seen), 1)

    def test_who_leaves_while_a_large_body_is_counted(self):
        """What is counted on a thread outlives the connection it came by (ASan would tell)."""
        with Upstream() as up, Serve(*account(up.url)) as serve:
            body = chat(messages=[{"role": "user", "content": "a word " * (2 << 20)}]).encode()
            for _ in range(3):
                with socket.create_connection(("127.0.0.1", serve.port)) as client:
                    client.sendall(f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: "
                                   f"{len(body)}\r\n\r\n".encode() + body)
            self.assertEqual(serve.post()[0].status, 200)
            self.assertEqual(len(up.seen), 1)

    def test_a_body_of_many_values_is_refused_before_it_becomes_a_tree(self):
        with Upstream() as up, Serve("--base-url", up.url) as serve:
            answer, error = serve.post('{"model":"gpt-4o","messages":[' + "0," * (2 << 20) + "0]}")
            self.assertEqual(answer.status, 400)
            self.assertIn("more values than may be", error["error"]["message"])
            self.assertEqual(up.seen, [])

    def test_invalid_requests_cost_nothing(self):
        with Upstream() as up, Serve(*account(up.url)) as serve:
            for body in ("{", "[]", '{"messages":[]}', chat(max_tokens=10**6),
                         '{"model":"gpt-4o","messages":[],"max_tokens":1,"max_tokens":9}'):
                answer, error = serve.post(body)
                self.assertEqual(answer.status, 400, body)
                self.assertEqual(error["error"]["type"], "invalid_request_error")
            answer, error = serve.post("{", path="/v1/messages")
            self.assertEqual((answer.status, error["type"]), (400, "error"))
            self.assertEqual(up.seen, [])

    def test_azure_deployments_stand_for_models(self):
        path = "/openai/deployments/my-model/chat/completions?api-version=2024-10-21"
        body = json.dumps({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 600})
        with Upstream() as up, \
                Serve("--provider", "azure", "--base-url", up.url.removesuffix("/v1"), "--limits",
                      "my-model:tpm=1000", "--window", "bucket",
                      env={"AZURE_OPENAI_API_KEY": "the-key"}) as serve:
            for status in (200, 429):
                answer, _ = serve.post(body, path=path, headers={"x-sluice-max-wait": "0"})
                self.assertEqual(answer.status, status)
            self.assertEqual((up.seen[0][1], up.seen[0][3]), (path, body.encode()))
            self.assertEqual(up.seen[0][2]["api-key"], "the-key")

    def test_health_and_upgrade(self):
        with Upstream() as up, Serve(*account(up.url)) as serve:
            self.assertEqual(serve.request("GET", "/healthz").status, 200)
            self.assertEqual(serve.request("GET", "/readyz").status, 200)
            answer = serve.request("GET", "/v1/realtime", None,
                                   {"connection": "upgrade", "upgrade": "websocket"})
            self.assertEqual(answer.status, 501)
            self.assertEqual(up.seen, [])

    def test_large_body_beside_a_stream(self):
        """A body of megabytes is counted while a stream goes on."""
        go_on = threading.Event()

        def reply(h, n):
            if n > 1:
                h.whole(*good_answer())
                return
            h.begin_stream()
            h.piece(delta("a"))
            go_on.wait(PATIENCE_S)
            h.piece(DONE)
            h.end_stream()

        words = "counting takes a while " * 100000
        with Upstream(reply) as up, Serve(*account(up.url)) as serve:
            stream = serve.request("POST", CHAT, chat(stream=True))
            self.assertIn(b'"a"', stream.readline())
            answer, _ = serve.post(model="some-model",
                                   messages=[{"role": "user", "content": words}])
            self.assertEqual(answer.status, 200)
            go_on.set()
            self.assertIn(DONE, stream.read())

    def test_only_loopback_without_tenants(self):
        done = subprocess.run([SLUICE, "serve", "--listen", "0.0.0.0:0", "--emulate",
                               "openai/tier-1"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("loopback", done.stderr)

    def test_no_account(self):
        env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
        done = subprocess.run([SLUICE, "serve"], capture_output=True, text=True, env=env)
        self.assertEqual(done.returncode, 2)
        self.assertIn("OPENAI_API_KEY", done.stderr)


class Streams(unittest.TestCase):
    def test_each_event_leaves_as_it_comes(self):
        """The provider sends the next event only once the client has read the one before."""
        read = threading.Semaphore(0)
        pieces = [delta(str(i)) for i in range(5)] + [DONE]

        def reply(h, n):
            h.begin_stream()
            for piece in pieces:
                h.piece(piece)
                assert read.acquire(timeout=PATIENCE_S)
            h.end_stream()

        with Upstream(reply) as up, Serve(*account(up.url)) as serve:
            answer = serve.request("POST", CHAT, chat(stream=True))
            for piece in pieces:
                self.assertEqual(answer.read(len(piece)), piece)
                read.release()
            self.assertEqual(answer.read(), b"")

    def test_refusal_inside_a_stream_is_waited_for(self):
        def reply(h, n):
            h.begin_stream()
            h.piece(event(error=REFUSED) if n == 1 else delta("good") + DONE)
            h.end_stream()

        with Upstream(reply) as up, Serve(*account(up.url)) as serve:
            answer = serve.request("POST", CHAT, chat(stream=True))
            self.assertEqual((answer.status, answer.read()), (200, delta("good") + DONE))
            self.assertEqual(len(up.seen), 2)

    def test_refusal_in_the_middle_passes(self):
        def reply(h, n):
            h.begin_stream()
            h.piece(delta("half"))
            h.piece(event(error=REFUSED))
            h.end_stream()

        with Upstream(reply) as up, Serve(*account(up.url)) as serve:
            answer = serve.request("POST", CHAT, chat(stream=True))
            self.assertEqual(answer.read(), delta("half") + event(error=REFUSED))
            self.assertEqual(len(up.seen), 1)

    def test_the_provider_may_choose_the_model(self):
        """Of images, and of a prompt that it keeps."""
        with Upstream() as up, Serve(*account(up.url, "--limits", "(images):ipm=1")) as serve:
            for path, body, status in (
                    ("/v1/images/generations", {"prompt": "a sluice"}, 200),
                    ("/v1/images/generations", {"prompt": "a sluice", "model": None}, 429),
                    ("/v1/responses", {"prompt": {"id": "pmpt_1"}}, 200),
                    ("/v1/responses", {"input": "hi"}, 400),
                    (CHAT, {"messages": []}, 400)):
                answer, _ = serve.post(json.dumps(body), path=path,
                                       headers={"x-sluice-max-wait": "0"})
                self.assertEqual(answer.status, status, (path, body))
            self.assertEqual(json.loads(up.seen[0][3]), {"prompt": "a sluice"})

    def test_speech_has_the_limits_of_its_model(self):
        with Upstream() as up, Serve(*account(up.url, "--limits", "tts-1:rpm=1")) as serve:
            for model, status in (("tts-1", 200), ("tts-1", 429), ("tts-2", 200)):
                answer, _ = serve.post(json.dumps({"model": model, "input": "hi"}),
                                       path="/v1/audio/speech", headers={"x-sluice-max-wait": "0"})
                self.assertEqual(answer.status, status)

    def test_a_length_is_passed_on(self):
        def reply(h, n):
            h.send_response(200)
            h.send_header("content-length", "5")
            h.send_header("x-sluice-account", "not ours to say")
            h.end_headers()
            if h.command == "GET":
                h.wfile.write(b"whole")

        with Upstream(reply) as up, Serve(*account(up.url)) as serve:
            for method, body in (("GET", b"whole"), ("HEAD", b"")):
                answer = serve.request(method, "/v1/files/f/content")
                self.assertEqual((answer.getheader("content-length"), answer.read()), ("5", body))
                self.assertIsNone(answer.getheader("transfer-encoding"))
                self.assertIsNone(answer.getheader("x-sluice-account"))
                answer.connection.close()

    def test_a_core_dump_holds_no_memory(self):
        with Upstream() as up, Serve(*account(up.url)) as serve:
            with open(f"/proc/{serve.process.pid}/coredump_filter", encoding="ascii") as f:
                self.assertEqual(int(f.read(), 16), 0)

    def test_cut_short_is_never_taken_for_whole(self):
        def reply(h, n):
            h.begin_stream()
            h.piece(delta("half"))
            h.connection.shutdown(socket.SHUT_RDWR)

        with Upstream(reply) as up, Serve(*account(up.url)) as serve:
            answer = serve.request("POST", CHAT, chat(stream=True))
            with self.assertRaises((http.client.HTTPException, ConnectionError)):
                answer.read()
            self.assertEqual(len(up.seen), 1)

    def test_slow_reader_holds_the_provider_back(self):
        """64 MB for a client that does not read stay with the provider, not in our memory."""
        stuck = threading.Event()
        piece = delta("x" * 65536)

        def reply(h, n):
            h.begin_stream()
            h.connection.settimeout(2)
            try:
                for _ in range(1000):
                    h.piece(piece)
            except TimeoutError:
                stuck.set()

        with Upstream(reply) as up, Serve(*account(up.url)) as serve:
            answer = serve.request("POST", CHAT, chat(stream=True))
            self.assertTrue(stuck.wait(PATIENCE_S))
            with open(f"/proc/{serve.process.pid}/status", encoding="ascii") as status:
                resident_kb = int(re.search(r"VmRSS:\s*(\d+)", status.read()).group(1))
            self.assertLess(resident_kb, 48 * 1024)
            answer.connection.close()

    def test_sigterm_lets_streams_finish(self):
        go_on = threading.Event()

        def reply(h, n):
            h.begin_stream()
            h.piece(delta("a"))
            go_on.wait(PATIENCE_S)
            h.piece(DONE)
            h.end_stream()

        with Upstream(reply) as up, Serve(*account(up.url)) as serve:
            answer = serve.request("POST", CHAT, chat(stream=True))
            self.assertEqual(answer.read(len(delta("a"))), delta("a"))
            serve.process.send_signal(signal.SIGTERM)
            with self.assertRaises(OSError):  # nobody is let in any more
                while True:
                    socket.create_connection(("127.0.0.1", serve.port), PATIENCE_S).close()
            go_on.set()
            self.assertEqual(answer.read(), DONE)
            self.assertEqual(serve.process.wait(PATIENCE_S), 0)

    def test_a_second_signal_ends_what_is_left(self):
        stuck, go_on = threading.Event(), threading.Event()

        def reply(h, n):
            h.begin_stream()
            h.piece(delta("a"))
            if n == 2:
                stuck.set()
            go_on.wait(PATIENCE_S)

        with Upstream(reply) as up, Serve(*account(up.url)) as serve:
            answers = [serve.request("POST", CHAT, chat(stream=True)) for _ in range(2)]
            self.assertTrue(stuck.wait(PATIENCE_S))
            serve.process.send_signal(signal.SIGTERM)
            with self.assertRaises(OSError):  # the first was heard
                while True:
                    socket.create_connection(("127.0.0.1", serve.port), PATIENCE_S).close()
            serve.process.send_signal(signal.SIGTERM)
            self.assertEqual(serve.process.wait(PATIENCE_S), 0)
            for answer in answers:
                with self.assertRaises((OSError, http.client.HTTPException)):
                    answer.read()
            go_on.set()


class Uploads(unittest.TestCase):
    """Forms and large files go on as they come; what is not counted is not held."""

    class Sink(Upstream):
        """Reads bodies without keeping them: how long they were, and when they began."""

        def __init__(self):
            self.began = threading.Event()
            self.sizes = []
            self.read = self.take
            super().__init__(lambda h, n: h.whole(200, b'{"id":"file-1"}'))

        def take(self, handler):
            size, left = 0, int(handler.headers.get("content-length", 0))
            if handler.headers.get("transfer-encoding") == "chunked":
                while left := int(handler.rfile.readline(), 16):
                    size += len(handler.rfile.read(left))
                    self.began.set()
                    handler.rfile.readline()
                handler.rfile.readline()
            while left:
                piece = len(handler.rfile.read1(min(left, 65536)))
                size, left = size + piece, left - piece
                self.began.set()
            self.sizes.append(size)

    def upload(self, serve, pieces, length=None):
        connection = http.client.HTTPConnection("127.0.0.1", serve.port, timeout=PATIENCE_S)
        connection.putrequest("POST", "/v1/files")
        connection.putheader("content-type", "multipart/form-data; boundary=b")
        connection.putheader(*(("content-length", str(length)) if length is not None
                               else ("transfer-encoding", "chunked")))
        connection.endheaders()
        for piece in pieces:
            connection.send(piece if length is not None
                            else b"%x\r\n%s\r\n" % (len(piece), piece))
        if length is None:
            connection.send(b"0\r\n\r\n")
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body

    def test_they_begin_before_they_end(self):
        """The provider has the first bytes while the client still holds the last."""
        with self.Sink() as up, Serve(*account(up.url)) as serve:
            def pieces():
                yield b"x" * 1000
                self.assertTrue(up.began.wait(PATIENCE_S))
                yield b"y" * 1000

            for length in (2000, None):
                up.began.clear()
                self.assertEqual(self.upload(serve, pieces(), length)[0], 200)
            self.assertEqual(up.sizes, [2000, 2000])

    def test_a_hundred_megabytes_are_not_held(self):
        piece, pieces = b"z" * (1 << 20), 100
        with self.Sink() as up, Serve(*account(up.url)) as serve:
            status, _ = self.upload(serve, [piece] * pieces, len(piece) * pieces)
            self.assertEqual((status, up.sizes), (200, [len(piece) * pieces]))
            with open(f"/proc/{serve.process.pid}/status", encoding="ascii") as lines:
                peak_kb = int(re.search(r"VmHWM:\s*(\d+)", lines.read()).group(1))
            self.assertLess(peak_kb, 40 * 1024)

    def test_a_refused_form_comes_back_as_it_is(self):
        """Part of it is gone: nobody could send it again."""
        with Upstream(lambda h, n: h.whole(*error_answer(
                429, "rate_limit_exceeded", "Rate limit reached"))) as up, \
                Serve(*account(up.url)) as serve:
            status, body = self.upload(serve, [b"x" * 10], 10)
            self.assertEqual((status, json.loads(body)["error"]["message"]),
                             (429, "Rate limit reached"))
            self.assertEqual(len(up.seen), 1)

    def test_limits_of_files(self):
        with Upstream() as up, \
                Serve(*account(up.url, "--limits", "(files):rpm=1")) as serve:
            self.assertEqual(self.upload(serve, [b"x"], 1)[0], 200)
            answer = serve.request("GET", "/v1/files", headers={"x-sluice-max-wait": "0"})
            self.assertEqual(answer.status, 429)
            answer = serve.request("GET", "/v1/models", headers={"x-sluice-max-wait": "0"})
            self.assertEqual(answer.status, 200)

    def test_a_client_that_leaves_in_the_middle(self):
        with self.Sink() as up, Serve(*account(up.url)) as serve:
            left = socket.create_connection(("127.0.0.1", serve.port))
            left.sendall(b"POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n"
                         b"content-type: multipart/form-data; boundary=b\r\n\r\n" + b"x" * 500)
            self.assertTrue(up.began.wait(PATIENCE_S))
            left.close()
            self.assertEqual(self.upload(serve, [b"x"], 1)[0], 200)


class Retries(unittest.TestCase):
    def test_passing_faults_are_tried_again(self):
        def reply(h, n):
            if n == 1:
                h.whole(*error_answer(503, "server_is_overloaded", "busy"))
            else:
                h.whole(*good_answer())

        with Upstream(reply) as up, Serve(*account(up.url)) as serve:
            self.assertEqual(serve.post()[0].status, 200)
            self.assertEqual(len(up.seen), 2)

    def test_an_outage_that_outlasts_the_wait_is_told_as_such(self):
        with Upstream(lambda h, n: h.whole(*error_answer(503, "server_is_overloaded", "busy"))) \
                as up, Serve(*account(up.url, "--retries", "1000")) as serve:
            answer, body = serve.post(headers={"x-sluice-max-wait": "0"})
            self.assertEqual((answer.status, body["error"]["message"]), (503, "busy"))

    def test_a_provider_that_cannot_be_reached_is_told_as_such(self):
        nobody = socket.create_server(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        nobody.close()
        with Serve(*account(f"http://127.0.0.1:{port}/v1", "--retries", "1000")) as serve:
            answer, body = serve.post(headers={"x-sluice-max-wait": "0"})
            self.assertEqual((answer.status, body["error"]["code"]), (502, "provider_unreachable"))

    def lost(self, *options):
        def reply(h, n):
            if n == 1:
                h.connection.shutdown(socket.SHUT_RDWR)
            else:
                h.whole(*good_answer())

        with Upstream(reply) as up, Serve(*account(up.url, *options)) as serve:
            answer, body = serve.post()
            return answer.status, body, len(up.seen)

    def test_a_lost_answer_is_not_asked_for_again(self):
        status, body, seen = self.lost()
        self.assertEqual((status, seen), (502, 1))
        self.assertEqual(body["error"]["type"], "server_error")

    def test_nor_on_a_connection_that_was_used_before(self):
        def reply(h, n):
            if n == 2:
                h.connection.shutdown(socket.SHUT_RDWR)
            else:
                h.whole(*good_answer())

        with Upstream(reply) as up, Serve(*account(up.url)) as serve:
            self.assertEqual(serve.post()[0].status, 200)
            answer, body = serve.post()
            self.assertEqual((answer.status, body["error"]["code"], len(up.seen)),
                             (502, "provider_unreachable", 2))

    def test_unless_it_changes_nothing(self):
        def reply(h, n):
            if n == 1:
                h.connection.shutdown(socket.SHUT_RDWR)
            else:
                h.whole(200, {"object": "list", "data": []})

        with Upstream(reply) as up, Serve(*account(up.url)) as serve:
            answer = serve.request("GET", "/v1/models")
            answer.read()
            answer.connection.close()
            self.assertEqual((answer.status, len(up.seen)), (200, 2))

    def test_unless_told_so(self):
        status, _, seen = self.lost("--resend")
        self.assertEqual((status, seen), (200, 2))


class Waits(unittest.TestCase):
    def test_refused_at_once_where_the_wait_is_too_long(self):
        with Upstream() as up, Serve(*account(up.url, "--limits", "*:rpm=1")) as serve:
            self.assertEqual(serve.post()[0].status, 200)
            answer, body = serve.post(headers={"x-sluice-max-wait": "1"})
            self.assertEqual((answer.status, body["error"]["code"]), (429, "rate_limit_exceeded"))
            ms = int(answer.getheader("retry-after-ms"))
            self.assertTrue(1000 < ms <= 61000, ms)
            self.assertEqual(int(answer.getheader("retry-after")), (ms + 999) // 1000)
            self.assertEqual(answer.getheader("x-ratelimit-limit-requests"), "1")
            self.assertEqual(answer.getheader("x-ratelimit-remaining-requests"), "0")
            answer, body = serve.post(path="/v1/messages", headers={"x-sluice-max-wait": "1"})
            self.assertEqual(body["error"]["type"], "rate_limit_error")
            self.assertEqual(len(up.seen), 1)

    def test_refusals_are_in_the_providers_words(self):
        """Programs look for OpenAI's words and types, and people for the figures."""
        with Upstream() as up, Serve(*account(up.url, "--limits", "*:tpm=100,rpm=9",
                                              "--charge", "max")) as serve:
            self.assertEqual(serve.post(max_tokens=60)[0].status, 200)
            answer, body = serve.post(max_tokens=50, headers={"x-sluice-max-wait": "0"})
            self.assertEqual((answer.status, body["error"]["type"]), (429, "tokens"))
            self.assertRegex(body["error"]["message"],
                             r"^Rate limit reached for gpt-4o on tokens per min \(TPM\): Limit 100, "
                             r"Used \d+, Requested 50\. Please try again in \d+(\.\d+)?s\. ")
            answer, body = serve.post(max_tokens=101)
            self.assertEqual((answer.status, body["error"]["type"]), (429, "tokens"))
            self.assertRegex(body["error"]["message"],
                             r"^Request too large for gpt-4o on tokens per min \(TPM\): Limit 100, "
                             r"Requested 101\. .*The input or output tokens must be reduced")
            explained = subprocess.run([SLUICE, "explain"], input=json.dumps(body), text=True,
                                       capture_output=True, check=True)
            self.assertIn("TOKENS PER MINUTE", explained.stdout)
        with Upstream() as up, Serve(*account(up.url, "--limits", "*:rpm=1")) as serve:
            serve.post()
            answer, body = serve.post(headers={"x-sluice-max-wait": "0"})
            self.assertEqual(body["error"]["type"], "requests")
            self.assertIn(" on requests per min (RPM): Limit 1, Used 1, Requested 1. ",
                          body["error"]["message"])

    def test_what_is_asked_of_us_and_not_understood_is_refused(self):
        with Upstream() as up, Serve(*account(up.url)) as serve:
            for name, value in (("x-sluice-max-wait", "soon"), ("x-sluice-max-wait", "-5"),
                                ("x-sluice-max-wait", ""), ("x-sluice-priority", "urgent")):
                answer, body = serve.post(headers={name: value})
                self.assertEqual((answer.status, body["error"]["code"]), (400, "invalid_request"))
                self.assertIn(name, body["error"]["message"])
            self.assertEqual(up.seen, [])
            self.assertEqual(serve.post(headers={"x-sluice-max-wait": "1m30s",
                                                 "x-sluice-priority": "batch"})[0].status, 200)

    def test_waits_and_says_so(self):
        with Upstream() as up, \
                Serve(*account(up.url, "--limits", "*:rpm=1", "--minute", "1s")) as serve:
            serve.post()
            answer, _ = serve.post()
            self.assertEqual((answer.status, answer.getheader("x-sluice-limit")), (200, "rpm"))
            self.assertGreater(int(answer.getheader("x-sluice-wait-ms")), 0)

    def test_a_client_that_leaves_the_queue_costs_nothing(self):
        with Upstream() as up, Serve(*account(up.url, "--limits", "*:rpm=1")) as serve:
            serve.post()
            gone = http.client.HTTPConnection("127.0.0.1", serve.port)
            gone.request("POST", CHAT, chat())
            seconds = self.queue_s(serve)
            while seconds <= 65:  # until the one in the queue is known
                seconds = self.queue_s(serve)
            gone.close()
            while seconds > 65:  # until it is known to have left
                seconds = self.queue_s(serve)
            self.assertEqual(len(up.seen), 1)

    @staticmethod
    def queue_s(serve):
        answer, _ = serve.post(headers={"x-sluice-max-wait": "0"})
        return int(answer.getheader("retry-after"))

    def test_queue_is_bounded(self):
        with Upstream() as up, \
                Serve(*account(up.url, "--queue-bytes", "1000")) as serve:
            answer, body = serve.post(messages=[{"role": "user", "content": "x" * 2000}])
            self.assertEqual((answer.status, body["error"]["code"]), (503, "server_is_overloaded"))
            self.assertEqual(serve.post()[0].status, 200)


class Complaints(unittest.TestCase):
    """What people complain of in other gateways."""

    def test_five_parallel_calls_spend_663_tokens_on_a_limit_of_100(self):
        with Emulator("--limits", "*:tpm=100", "--minute", "1s", "--window", "bucket",
                      "--latency", "1ms-5ms") as emulator, \
                Serve(*account(emulator.url, "--limits", "*:tpm=100", "--minute", "1s",
                               "--max-wait", "30s")) as serve:
            with concurrent.futures.ThreadPoolExecutor(5) as pool:
                calls = list(pool.map(lambda _: serve.post(max_tokens=60), range(5)))
            self.assertEqual([answer.status for answer, _ in calls], [200] * 5)
            model = emulator.report()["models"][0]
            self.assertEqual(model["arrivals"], 5)
            self.assertEqual(model["admitted"], 5)

    def test_streaming_calls_are_not_counted(self):
        def reply(h, n):
            h.begin_stream()
            h.piece(delta("a") + DONE)
            h.end_stream()

        with Upstream(reply) as up, Serve(*account(up.url, "--limits", "*:tpm=1000")) as serve:
            for status in (200, 200, 429):
                answer, _ = serve.post(chat(stream=True, max_tokens=400),
                                       headers={"x-sluice-max-wait": "0"})
                self.assertEqual(answer.status, status)

    def test_a_cancelled_stream_leaks_its_concurrency_slot(self):
        left = threading.Event()

        def reply(h, n):
            if n > 1:
                h.whole(*good_answer())
                return
            h.begin_stream()
            h.piece(delta("a"))
            while h.connection.recv(1):
                pass
            left.set()

        with Upstream(reply) as up, \
                Serve(*account(up.url, "--limits", "*:rpm=500,concurrency=1")) as serve:
            stream = serve.request("POST", CHAT, chat(stream=True))
            self.assertEqual(stream.read(len(delta("a"))), delta("a"))
            stream.connection.sock.shutdown(socket.SHUT_RDWR)
            self.assertTrue(left.wait(PATIENCE_S))  # cancelled upstream
            self.assertEqual(serve.post()[0].status, 200)

    def test_a_call_refused_for_concurrency_still_burns_a_request(self):
        with Emulator("--limits", "*:rpm=2,concurrency=1", "--latency", "20ms-40ms",
                      "--drain") as emulator, \
                Serve(*account(emulator.url, "--limits", "*:rpm=2,concurrency=1")) as serve:
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                calls = list(pool.map(lambda _: serve.post(), range(2)))
            self.assertEqual([answer.status for answer, _ in calls], [200, 200])
            self.assertEqual(emulator.report()["models"][0]["arrivals"], 2)

    def test_retry_after_of_60_s_is_ignored(self):
        with Upstream(lambda h, n: h.whole(*error_answer(
                429, "rate_limit_exceeded", "Rate limit reached", {"retry-after": "60"}))) as up, \
                Serve(*account(up.url, "--limits", "*:rpm=500")) as serve:
            for _ in range(3):
                answer, body = serve.post(headers={"x-sluice-max-wait": "30"})
                self.assertEqual((answer.status, body["error"]["code"]),
                                 (429, "rate_limit_exceeded"))
                self.assertTrue(30 < int(answer.getheader("retry-after")) <= 76)
            self.assertEqual(len(up.seen), 1)

    def test_queue_hangs_for_an_hour_long_window(self):
        with Upstream(lambda h, n: h.whole(*error_answer(
                429, "rate_limit_exceeded", "Rate limit reached",
                {"retry-after": "3600"}))) as up, Serve(*account(up.url)) as serve:
            for _ in range(3):
                answer, _ = serve.post()
                self.assertEqual(answer.status, 429)
                self.assertTrue(3590 < int(answer.getheader("retry-after")) <= 3601)
            self.assertEqual(len(up.seen), 1)

    def test_an_empty_wallet_is_retried(self):
        with Upstream(lambda h, n: h.whole(*error_answer(
                429, "insufficient_quota", "You exceeded your current quota"))) as up, \
                Serve(*account(up.url)) as serve:
            answer, body = serve.post()
            self.assertEqual((answer.status, body["error"]["code"]), (429, "insufficient_quota"))
            self.assertEqual(answer.getheader("x-should-retry"), "false")  # SDKs obey
            self.assertEqual(len(up.seen), 1)

    def test_a_small_tpm_refuses_its_first_call_because_of_a_default_reservation(self):
        with Upstream() as up, Serve(*account(up.url, "--limits", "*:tpm=50")) as serve:
            answer, _ = serve.post(json.dumps(
                {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}))
            self.assertEqual(answer.status, 200)

    def test_max_tokens_1_plus_max_completion_tokens_10000_reserves_two_tokens(self):
        with Upstream() as up, Serve(*account(up.url, "--limits", "*:tpm=15000")) as serve:
            for status in (200, 429):
                answer, _ = serve.post(max_tokens=1, max_completion_tokens=10000,
                                       headers={"x-sluice-max-wait": "0"})
                self.assertEqual(answer.status, status)

    def test_a_refused_large_request_empties_the_bucket_for_all(self):
        with Upstream() as up, Serve(*account(up.url, "--limits", "*:tpm=1000")) as serve:
            answer, body = serve.post(max_tokens=5000)
            self.assertEqual(answer.status, 429)
            self.assertIn("Request too large", body["error"]["message"])
            self.assertEqual(answer.getheader("x-should-retry"), "false")
            answer, _ = serve.post(max_tokens=900, headers={"x-sluice-max-wait": "0"})
            self.assertEqual(answer.status, 200)
            self.assertEqual(len(up.seen), 1)

    def test_a_hammering_client_is_locked_out_for_ever(self):
        with Upstream() as up, \
                Serve(*account(up.url, "--limits", "*:rpm=1", "--minute", "2s")) as serve:
            serve.post()
            hammered = [serve.post(headers={"x-sluice-max-wait": "0"})[0].status
                        for _ in range(100)]
            self.assertIn(429, hammered)
            self.assertEqual(serve.post()[0].status, 200)

    def test_remaining_header_does_not_fall(self):
        with Upstream() as up, Serve(*account(up.url, "--limits", "*:tpm=1000")) as serve:
            left = []
            for _ in range(3):
                answer, _ = serve.post(max_tokens=990, headers={"x-sluice-max-wait": "0"}) \
                    if left else serve.post(max_tokens=500)
                answer, _ = serve.post(max_tokens=990, headers={"x-sluice-max-wait": "0"})
                left.append(int(answer.getheader("x-ratelimit-remaining-tokens")))
                serve.post(max_tokens=100)
            self.assertEqual(left, sorted(left, reverse=True))
            self.assertLess(left[-1], left[0])


class Mixed(unittest.TestCase):
    def test_faults_and_leaving_clients_leave_nothing_behind(self):
        """Faults of every kind and clients that leave, in the queue and in the middle of streams:
        who stays is answered, no descriptor and no slot is lost, and the process ends when told."""
        calls = 300

        def descriptors(serve):
            return len(os.listdir(f"/proc/{serve.process.pid}/fd"))

        def call(serve, i):
            stream = i % 2 == 0
            body = chat(stream=stream, max_tokens=30, user=str(i))
            if i % 5 == 0:  # leaves while queued, or soon after
                left = http.client.HTTPConnection("127.0.0.1", serve.port, timeout=PATIENCE_S)
                left.request("POST", CHAT, body)
                left.close()
                return "left"
            answer = serve.request("POST", CHAT, body)
            try:
                if stream and i % 3 == 0:
                    answer.readline()  # leaves in the middle
                    return "left"
                answer.read()
                return answer.status
            except (http.client.HTTPException, ConnectionError):
                return "broken off"
            finally:
                answer.connection.close()

        with Emulator("--limits", "*:rpm=6000,concurrency=16", "--minute", "10s", "--latency",
                      "1ms-30ms", "--fault", "500=2%,503=2%,reset=2%,midstream=2%") as emulator, \
                Serve(*account(emulator.url, "--limits", "*:rpm=6000,concurrency=16", "--minute",
                               "10s", "--resend", "--max-wait", "30s")) as serve:
            serve.post()
            before = descriptors(serve)
            with concurrent.futures.ThreadPoolExecutor(40) as pool:
                ends = list(pool.map(lambda i: call(serve, i), range(calls)))
            self.assertEqual(len(ends), calls)
            self.assertLessEqual(set(ends), {200, "left", "broken off"})
            self.assertEqual(serve.post()[0].status, 200)
            # what may stay open: connections kept for the next request to the provider
            self.assertLessEqual(descriptors(serve), before + 16 + 2)
            report = emulator.report()
            self.assertEqual(report["models"][0]["in_flight"], 0)
            self.assertEqual(report["totals"]["refused"], 0)


if __name__ == "__main__":
    main()
