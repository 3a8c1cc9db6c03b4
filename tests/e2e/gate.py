"""A way between `sluice run` and an emulated provider that can be closed at any point of a call:
before it is carried out, after it was and before its answer leaves, or half-way through the
answer. A process that is killed while its call is held died at exactly that point."""
import http.client
import http.server
import re
import socketserver
import threading

PATIENCE_S = 60
BEFORE, AFTER, HALF = "before", "after", "half"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        gate = self.server
        body = gate.tamper(self.command, self.path, body)
        held = gate.arrive(self.command, self.path)
        if held == BEFORE and not gate.hold():
            self.close_connection = True
            return
        answer, data = gate.ask(self.command, self.path, body, self.headers)
        if answer is None:  # the emulator dropped it
            self.close_connection = True
            return
        if held == AFTER and not gate.hold():
            self.close_connection = True
            return
        data = gate.recast(self.command, self.path, data)
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        half = len(data) // 2 if held == HALF else 0
        self.wfile.write(data[:half])
        if held == HALF and not gate.hold():
            self.close_connection = True
            return
        self.wfile.write(data[half:])

    do_GET = do_POST = do_DELETE = pass_on

    def log_message(self, *unused):
        pass


class Gate(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Stands before the emulator at `port`. `calls` are those that came through, in order.
    `tamper` changes what is asked, `recast` what is answered."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.port = port
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        self.calls = []
        self.lock = threading.Lock()
        self.wanted = None
        self.held = threading.Event()
        self.opened = threading.Event()
        self.let_through = False
        self.tamper = lambda method, path, body: body
        self.recast = lambda method, path, data: data
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01},
                         daemon=True).start()

    def close_at(self, when, method, path, times=1):
        """Holds the next call, or the one after so many, whose path matches."""
        self.held.clear()
        self.opened.clear()
        self.wanted = [when, method, re.compile(path), times]

    def arrive(self, method, path):
        with self.lock:
            self.calls.append((method, path))
            if not self.wanted or method != self.wanted[1] or not self.wanted[2].search(path):
                return None
            self.wanted[3] -= 1
            if self.wanted[3]:
                return None
            when, self.wanted = self.wanted[0], None
            return when

    def hold(self):
        """Waits until it is said what becomes of the call: True, it goes on."""
        self.held.set()
        self.opened.wait(PATIENCE_S)
        return self.let_through

    def wait_held(self, process=None):
        """Until a call is held, or (False) the process that was to make it has ended."""
        patience = PATIENCE_S * 50
        while not self.held.wait(0.02):
            patience -= 1
            if process and process.poll() is not None:
                return False
            if patience == 0:
                raise AssertionError("nothing came to the closed gate")
        return True

    def open(self, let_through=True):
        self.wanted = None
        self.let_through = let_through
        self.opened.set()

    def ask(self, method, path, body, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        passed = {k: v for k, v in headers.items() if k.lower() not in ("connection",)}
        try:
            connection.request(method, path, body or None, passed)
            answer = connection.getresponse()
            return answer, answer.read()
        except (ConnectionError, http.client.HTTPException):
            return None, None
        finally:
            connection.close()

    def count(self, method, path):
        with self.lock:
            return sum(1 for m, p in self.calls if m == method and re.search(path, p))

    def handle_error(self, *unused):
        pass  # clients that are killed are the point

    def __exit__(self, *unused):
        self.open(False)
        self.shutdown()
        self.server_close()
