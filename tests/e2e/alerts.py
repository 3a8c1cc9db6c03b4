"""Alerts of a gateway: raised by what providers answer, delivered to a webhook, to Slack's shape and
to a command, retried, signed, and never with a secret where it does not belong.

Run by hand: SLUICE=build/sluice python3 tests/e2e/alerts.py [-v] [Class.test]
"""
import hashlib
import hmac
import http.server
import json
import os
import queue
import socketserver
import ssl
import subprocess
import tempfile
import threading
import unittest

from observe_support import Observed, accounts, eventually, total
from run_support import SLUICE, error_answer, good_answer, main
from serve_support import PATIENCE_S, Upstream

SECRET_PATH = "/services/T0SECRET/B0SECRET/notforlogs"
QUICK = "calm: 1s, refusals: {over: 10s}, queue: {over: 10s}, headroom: {over: 10s}"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        status = self.server.status(self)
        self.send_response(status)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
        self.server.letters.put((status, self.path, dict(self.headers), body))

    def log_message(self, *unused):
        pass


class Hook(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Where letters arrive; `status(handler)` is what it answers."""

    daemon_threads = True

    def __init__(self, status=lambda h: 200, context=None):
        super().__init__(("127.0.0.1", 0), _Handler)
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.letters = queue.Queue()
        self.status = status
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02},
                         daemon=True).start()

    def next(self):
        """The next letter: status it was answered with, path, headers, body."""
        return self.letters.get(timeout=PATIENCE_S)

    def changes(self):
        """(state, alert) of the next letter."""
        return [(a["state"], a["alert"]) for a in json.loads(self.next()[3])["alerts"]]

    def handle_error(self, *unused):
        pass

    def __exit__(self, *unused):
        self.shutdown()
        self.server_close()


def alerting(up, more=""):
    return accounts(up) + f"alerts: {{webhook: {{url_env: HOOK}}, {QUICK}{more}}}\n"


class Causes(unittest.TestCase):
    def test_refusals_start_once_and_end_once(self):
        calls = {"refuse": True}

        def reply(h, n):
            if calls["refuse"]:
                calls["refuse"] = False
                h.whole(*error_answer(429, "rate_limit_exceeded",
                                      "Rate limit reached for gpt-4o in organization org-x on "
                                      "requests per min (RPM): Limit 500, Used 500, Requested 1. "
                                      "Please try again in 20ms."))
            else:
                h.whole(*good_answer())

        with Upstream(reply) as up, Hook() as hook, Observed(alerting(up)) as i:
            serve = i.start(env={"HOOK": hook.url})
            self.assertEqual(serve.post()[0].status, 200)  # its client never knew
            letter = json.loads(hook.next()[3])["alerts"][0]
            self.assertEqual((letter["state"], letter["alert"], letter["account"], letter["model"],
                              letter["dimension"]), ("started", "refusals", "a0", "gpt-4o", "rpm"))
            self.assertIn("refused by requests per minute (rpm)", letter["text"])
            self.assertEqual(i.alerts(), {"refusals"})
            self.assertEqual(total(i.metrics(), "sluice_alert_active", alert="refusals",
                                   dimension="rpm"), 1)
            self.assertEqual(hook.changes(), [("ended", "refusals")])
            self.assertEqual(i.alerts(), set())
            self.assertTrue(hook.letters.empty())
            self.assertEqual(total(i.metrics(), "sluice_alert_deliveries_total", result="delivered",
                                   channel="webhook"), 2)

    def test_wallet_key_and_outage(self):
        answers = {"now": error_answer(429, "insufficient_quota", "You exceeded your current quota")}
        with Upstream(lambda h, n: h.whole(*answers["now"])) as up, Hook() as hook, \
                Observed(accounts(up, more=", api_key_env: ONE, retries: 0") +
                         alerting(up).split("\n")[2] + "\n") as i:
            serve = i.start(env={"HOOK": hook.url, "ONE": "key-one"})
            serve.post()
            self.assertEqual(hook.changes(), [("started", "wallet")])
            answers["now"] = good_answer()
            serve.post()
            self.assertEqual(hook.changes(), [("ended", "wallet")])
            answers["now"] = error_answer(401, "invalid_api_key", "Incorrect API key provided")
            serve.post()
            self.assertEqual(hook.changes(), [("started", "key")])
            answers["now"] = good_answer()
            serve.post()
            self.assertEqual(hook.changes(), [("ended", "key")])

    def test_queue_beyond_its_deadline(self):
        with Upstream() as up, Hook() as hook, \
                Observed(alerting(up).replace("window: bucket", "window: bucket, "
                                              "limits: {gpt-4o: {rpm: 1}}")) as i:
            serve = i.start(env={"HOOK": hook.url})
            serve.post()
            answer, _ = serve.post(headers={"x-sluice-max-wait": "0"})
            self.assertEqual(answer.status, 429)
            self.assertLessEqual({("started", "queue"), ("started", "refusals")},
                                 set(hook.changes()))

    def test_what_is_off_is_not_told(self):
        answers = error_answer(429, "insufficient_quota", "You exceeded your current quota")
        with Upstream(lambda h, n: h.whole(*answers)) as up, Hook() as hook, \
                Observed(alerting(up, ", off: [wallet]")) as i:
            serve = i.start(env={"HOOK": hook.url})
            serve.post()
            eventually(lambda: i.status()["pools"][0]["wallet_empty"] == 1)
            self.assertEqual(i.alerts(), set())
            self.assertTrue(hook.letters.empty())


class Delivery(unittest.TestCase):
    """By `sluice alert test` where one attempt will do, else by a wallet that is empty."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="sluice-e2e-")
        self.addCleanup(self.directory.cleanup)

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def alert_test(self, text, code=0, **env):
        with open(self.path("sluice.yaml"), "w", encoding="utf-8") as f:
            f.write(text)
        done = subprocess.run([SLUICE, "alert", "test", "-c", self.path("sluice.yaml")],
                              capture_output=True, text=True, timeout=PATIENCE_S,
                              env={**os.environ, **env})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertNotIn("SECRET", done.stdout + done.stderr)
        return done

    def test_slack(self):
        with Hook() as hook:
            self.alert_test("alerts: {slack: {url_env: HOOK}}\n", HOOK=hook.url + SECRET_PATH)
            _, path, headers, body = hook.next()
            self.assertEqual(path, SECRET_PATH)
            self.assertEqual(headers["content-type"], "application/json")
            self.assertEqual(list(json.loads(body)), ["text"])
            self.assertIn("this is a test", json.loads(body)["text"])

    def test_a_webhook_is_signed(self):
        with Hook() as hook:
            with open(self.path("url"), "w", encoding="utf-8") as f:
                f.write(hook.url + "/x?token=SECRET\n")
            self.alert_test(f"alerts: {{webhook: {{url_file: {self.path('url')}, "
                            "secret_env: SIGN}}\n", SIGN="s3cret")
            _, path, headers, body = hook.next()
            self.assertEqual(path, "/x?token=SECRET")
            mac = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
            self.assertEqual(headers["x-sluice-signature"], "sha256=" + mac)
            self.assertEqual(json.loads(body)["alerts"][0]["alert"], "test")

    def test_a_command_gets_json_and_no_shell(self):
        out = self.path("out file; touch pwned")
        text = f"alerts: {{command: [tee, '{out}']}}\n"
        self.alert_test(text)
        with open(out, encoding="utf-8") as f:
            self.assertEqual(json.load(f)["alerts"][0]["state"], "started")
        self.assertEqual(sorted(os.listdir(self.directory.name)),
                         ["out file; touch pwned", "sluice.yaml"])

    def test_what_is_not_taken_is_said(self):
        with Hook(lambda h: 404) as hook:
            done = self.alert_test("alerts: {slack: {url_env: HOOK}, command: ['false']}\n", code=4,
                                   HOOK=hook.url + SECRET_PATH)
            self.assertIn("slack    NOT delivered: it was answered with status 404", done.stdout)
            self.assertIn("command  NOT delivered: it ended with 1", done.stdout)

    def test_what_is_wrong_is_said(self):
        for text, env, words in (
                ("alerts: {slack: {url_env: HOOK}}\n", {"HOOK": "hooks/SECRET"}, "not of the form"),
                ("alerts: {slack: {url_env: HOOK}}\n", {"HOOK": ""}, "HOOK: not set"),
                ("alerts: {calm: 1m}\n", {}, "names no channel"),
                ("listen: x\n", {}, "no part `alerts`"),
                ("alerts: {off: [walet], command: 'true'}\n", {}, "was it wallet"),
                ("alerts: {refusals: {over: 1h}, command: 'true'}\n", {}, "from 10 s to 590 s")):
            self.assertIn(words, self.alert_test(text, code=2, **env).stderr)

    def test_certificates_are_verified(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", self.path("key"), "-out", self.path("cert")],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path("cert"), self.path("key"))
        with Hook(context=context) as hook:
            text = "alerts: {webhook: {url_env: HOOK}%s}\n"
            done = self.alert_test(text % "", code=4, HOOK=hook.url + SECRET_PATH)
            self.assertIn("TLS verification", done.stdout)
            self.alert_test(text % f", ca_file: {self.path('cert')}", HOOK=hook.url + SECRET_PATH)
            self.assertEqual(hook.next()[0], 200)

    def empty_wallet(self, hook, env=None, more=""):
        """A gateway that alerts of an empty wallet."""
        answer = error_answer(429, "insufficient_quota", "You exceeded your current quota")
        up = Upstream(lambda h, n: h.whole(*answer))
        self.addCleanup(up.__exit__)
        i = Observed(alerting(up, more))
        self.addCleanup(i.__exit__)
        i.start(env={"HOOK": hook.url + SECRET_PATH, **(env or {})}).post()
        return i

    def test_a_failure_is_tried_again(self):
        answers = [503, 429, 200]
        with Hook(lambda h: answers.pop(0)) as hook:
            i = self.empty_wallet(hook)
            letters = [hook.next() for _ in range(3)]
            self.assertEqual([l[0] for l in letters], [503, 429, 200])
            self.assertEqual({json.loads(l[3])["alerts"][0]["alert"] for l in letters}, {"wallet"})
            eventually(lambda: i.status()["channels"][0]["delivered"] == 1)
            channel = i.status()["channels"][0]
            self.assertEqual((channel["retried"], channel["failed"], channel["pending"]), (2, 0, 0))

    def test_a_refusal_is_not(self):
        with Hook(lambda h: 410) as hook:
            i = self.empty_wallet(hook)
            eventually(lambda: i.status()["channels"][0]["failed"] == 1)
            self.assertEqual(i.status()["channels"][0]["retried"], 0)
            self.assertIn("status 410", i.status()["channels"][0]["trouble"])
            self.assertNotIn("SECRET", i.metrics_text() + json.dumps(i.status()))

    def test_a_dead_hook_holds_nothing_up(self):
        """It takes connections and never answers; requests go on, and the gateway ends."""
        with socketserver.TCPServer(("127.0.0.1", 0), None, bind_and_activate=True) as dead:
            dead.url = f"http://127.0.0.1:{dead.server_address[1]}"
            i = self.empty_wallet(dead)
            eventually(lambda: i.status()["channels"][0]["pending"] == 1)
            for _ in range(20):
                self.assertEqual(i.serve.post()[0].status, 429)

    def test_channels_change_with_a_reload(self):
        with Hook() as first, Hook() as second:
            i = self.empty_wallet(first, env={"SECOND": second.url})
            self.assertEqual(first.changes(), [("started", "wallet")])
            with open(i.file, encoding="utf-8") as f:
                text = f.read().split("\n", 1)[1]
            i.reload(text.replace("url_env: HOOK", "url_env: SECOND")
                     .replace("calm: 1s", "calm: 1s, off: [wallet]"))
            self.assertEqual(second.changes(), [("ended", "wallet")])
            self.assertTrue(first.letters.empty())


if __name__ == "__main__":
    main()
