"""`sluice status` of a gateway and of a batch: once, as JSON, live on a terminal.

Run by hand: SLUICE=build/sluice python3 tests/e2e/status.py [-v] [Class.test]
"""
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import tempfile
import termios
import threading
import unittest

from observe_support import TOKEN, Observed, accounts, eventually
from run_support import PLENTY, SLUICE, Provider, RunTest, good_answer, main
from serve_support import PATIENCE_S, Upstream

LIMITS = ", limits: {gpt-4o: {rpm: 500, concurrency: 2}}"


def status(*options, code=0, env=None):
    done = subprocess.run([SLUICE, "status", *options], capture_output=True, text=True,
                          timeout=PATIENCE_S, env={**os.environ, "ADMIN_TOKEN": TOKEN, **(env or {})})
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


class Case(unittest.TestCase):
    def setUp(self):
        self.up = Upstream()
        self.addCleanup(self.up.__exit__)
        self.gateway = Observed(accounts(self.up, more=LIMITS))
        self.addCleanup(self.gateway.__exit__)
        self.gateway.start()


class Once(Case):
    def test_what_it_shows_is_what_the_listener_says(self):
        for _ in range(3):
            self.assertEqual(self.gateway.serve.post()[0].status, 200)
        shown = status("-c", self.gateway.file)
        self.assertIn("Quiet: nothing is asked for\n", shown)
        self.assertIn("0 waiting   0 in flight   3 ended   refused 0 there, 0 here\n", shown)
        self.assertRegex(shown, r"\n    rpm +[^\n]* 0 %  \d of 500 requests per minute\n")
        self.assertRegex(shown, r"\n    slots +[^\n]* 0 %  0 of 2 requests in flight\n")
        self.assertNotIn("\033", shown)
        self.assertLess(max(map(len, shown.splitlines())), 80)
        told = json.loads(status("-c", self.gateway.file, "--json"))
        self.assertEqual(told["totals"]["requests"], 3)
        self.assertEqual(told["totals"], self.gateway.status()["totals"])

    def test_it_is_found_by_its_address_or_by_itself(self):
        url = f"http://127.0.0.1:{self.gateway.admin_port}"
        for options, env in (((url, "--token-env", "ADMIN_TOKEN"), {}), ((f"{url}/#token={TOKEN}",), {}),
                             ((url,), {"SLUICE_ADMIN_TOKEN": TOKEN}),
                             ((), {"SLUICE_ADMIN_TOKEN": TOKEN, "STATE_DIRECTORY": self.gateway.state}),
                             (("--pid", str(self.gateway.serve.process.pid), "-c", self.gateway.file), {})):
            self.assertIn("sluice serve", status("--once", *options, env=env))

    def test_a_gateway_without_a_file_is_found_too(self):
        with tempfile.TemporaryDirectory() as state:
            env = {**os.environ, "STATE_DIRECTORY": state, "SLUICE_ADMIN_TOKEN": ""}
            with subprocess.Popen([SLUICE, "serve", "--listen", "127.0.0.1:0", "--base-url", self.up.url,
                                   "--ui"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  text=True, env=env) as serve:
                place = next(line for line in serve.stderr if line.startswith("ui ")).split()[1]
                self.assertIn("sluice serve", status("--once", place))
                self.assertIn("sluice serve", status("--once", "--pid", str(serve.pid), env={
                    "STATE_DIRECTORY": state, "SLUICE_ADMIN_TOKEN": place.split("#token=")[1]}))
                self.assertIn("not the right one", status(place + "0", code=2))
                serve.terminate()

    def test_what_is_wrong_is_said(self):
        url = f"http://127.0.0.1:{self.gateway.admin_port}"
        empty = {"STATE_DIRECTORY": "/nonexistent"}
        self.assertIn("not the right one", status(f"{url}#token=wrong", code=2))
        self.assertIn("a token is needed", status(url, code=2))
        self.assertIn("nothing that runs here shows itself", status(code=2, env=empty))
        self.assertIn("--pid", status("--pid", "1", code=2, env=empty))
        self.assertIn("one URL at most", status(url, url, code=2))
        self.assertIn("NO_SUCH", status(url, "--token-env", "NO_SUCH", code=2))
        self.assertIn("no admin listener", status(f"http://127.0.0.1:{self.gateway.serve.port}",
                                                  "--token-env", "ADMIN_TOKEN", code=4))
        status("http://127.0.0.1:1", "--token-env", "ADMIN_TOKEN", code=4)

    def test_several_are_listed(self):
        with Observed(accounts(self.up)) as other:
            other.state = self.gateway.state
            other.write(f"admin: {{listen: '127.0.0.1:0', token_env: ADMIN_TOKEN}}\n{accounts(self.up)}")
            other.start()
            told = status("-c", other.file, code=2)
            self.assertIn("several run here", told)
            for one in (other, self.gateway):
                self.assertIn(f"--pid {one.serve.process.pid} (serve, http://127.0.0.1:{one.admin_port})", told)


class Terminal:
    """A terminal with `sluice status` on it."""

    def __init__(self, *options, env=None, columns=80, rows=24):
        self.master, slave = pty.openpty()
        self.resize(rows, columns)
        self.process = subprocess.Popen(
            [SLUICE, "status", *options], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**os.environ, "TERM": "xterm", "ADMIN_TOKEN": TOKEN, **(env or {})})
        os.close(slave)
        self.seen = b""
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            try:
                self.seen += os.read(self.master, 65536)
            except OSError:
                return

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def frames(self):
        return self.seen.split(b"\033[H")[1:]

    def close(self):
        self.process.kill()
        self.process.wait()

    def press(self, key):
        os.write(self.master, key)
        code = self.process.wait(PATIENCE_S)
        os.close(self.master)
        return code


class Live(Case):
    def terminal(self, **fields):
        terminal = Terminal("-c", self.gateway.file, **fields)
        self.addCleanup(terminal.close)
        return terminal

    def test_it_goes_on_until_q(self):
        terminal = self.terminal()
        eventually(lambda: b"Ready: nothing has been asked for yet" in terminal.seen)
        self.gateway.serve.post()
        eventually(lambda: b"Quiet: nothing is asked for" in terminal.seen)
        self.assertTrue(terminal.seen.startswith(b"\033[?1049h"))
        self.assertIn(b"\033[1m", terminal.seen)
        for frame in terminal.frames():
            self.assertLess(frame.count(b"\n"), 24)
        self.assertEqual(terminal.press(b"q"), 0)
        eventually(lambda: b"\033[?1049l" in terminal.seen)

    def test_without_colours_and_on_a_small_window(self):
        terminal = self.terminal(env={"NO_COLOR": "1"}, columns=40, rows=6)
        eventually(lambda: terminal.frames() and b"lines more" in terminal.frames()[-1])
        self.assertIsNone(re.search(rb"\033\[\d*m", terminal.seen))
        for line in terminal.frames()[-1].split(b"\n"):
            self.assertLess(len(re.sub(rb"\033\[[0-9?]*[A-Za-z]|\r", b"", line).decode()), 40)
        self.assertEqual(terminal.press(b"\x03"), 0)

    def test_a_gateway_that_is_gone_is_waited_for(self):
        terminal = self.terminal()
        eventually(lambda: b"Ready" in terminal.seen)
        self.gateway.stop()
        eventually(lambda: b"what stands below is old" in terminal.seen)
        self.assertEqual(terminal.press(b"q"), 0)


class Batch(RunTest):
    def test_a_batch_shows_itself_and_its_end(self):
        gate = threading.Event()

        def reply(handler, body):
            if provider.arrivals() > 20:
                gate.wait(PATIENCE_S)
            return good_answer(handler, body)

        with Provider(reply) as provider:
            self.batch(30)
            env = {"SLUICE_ADMIN_TOKEN": TOKEN, "XDG_STATE_HOME": os.path.dirname(self.path("x"))}
            run = self.start(provider.url, *PLENTY, "--ui", env={**os.environ, **env})
            told = lambda: json.loads(status("--json", env=env))["batch"]
            eventually(lambda: subprocess.run([SLUICE, "status"], capture_output=True, check=False,
                                              env={**os.environ, **env}).returncode == 0)
            eventually(lambda: told()["done"] == 20)
            self.assertIn(" 20 of 30   ", status(env=env))
            terminal = Terminal(env=env)
            self.addCleanup(terminal.close)
            eventually(lambda: b"20 of 30" in terminal.seen)
            gate.set()
            self.assertEqual(run.wait(PATIENCE_S), 0)
            self.assertEqual(terminal.process.wait(PATIENCE_S), 0)
            eventually(lambda: b"\033[?1049l" in terminal.seen)
            os.close(terminal.master)


if __name__ == "__main__":
    main()
