"""`sluice serve` and polls: many callers ask how one thing stands, one request asks for them all.

Run by hand: SLUICE=build/sluice python3 tests/e2e/serve_polls.py [-v] [Class.test]
"""
import http.client
import json
import re
import socket
import threading
import time
import unittest

from run_support import main
from serve_support import PATIENCE_S, REFUSED, Upstream
from serve_tenants import Installation, eventually

RUN = "/v1/threads/thread_1/runs/run_1"
LONG = "poll_pace: 1h\n"  # nothing that is kept grows old within a test
PENDING = b'{"id": "run_1",  "status":"in_progress", "odd": "\\u00e9\\/"}\n'
DONE = b'{"id": "run_1", "status": "completed"}'


class Gate:
    """Answers that are held back until the test lets them go."""

    def __init__(self, status=200, body=PENDING, headers=None):
        self.open = threading.Event()
        self.words = status, body, headers

    def __call__(self, handler, n):
        self.open.wait(PATIENCE_S)
        handler.whole(*self.words)


class Watched(Installation):
    """A gateway whose status can be asked for."""

    def __init__(self, up, more="", tenants="", account=""):
        super().__init__("admin: {listen: '127.0.0.1:0', token_env: ADMIN}\n" + more +
                         f"accounts:\n  a: {{base_url: '{up.url}', provider: openai{account}}}\n" + tenants)

    def __enter__(self):
        for tenant in re.findall(r"(\w+): {}", self.tenants_of()):
            self.key(tenant)
        self.start(env={"ADMIN": "watch"})
        line = ""
        while "admin on port" not in line:
            line = self.serve.process.stdout.readline()
        self.admin = int(line.rsplit(" ", 1)[1])
        return self

    def tenants_of(self):
        with open(self.file, encoding="utf-8") as f:
            return f.read().partition("tenants:")[2]

    def look(self, path):
        c = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=PATIENCE_S)
        c.request("GET", path, headers={"authorization": "Bearer watch"})
        text = c.getresponse().read().decode()
        c.close()
        return text

    def held(self):
        return json.loads(self.look("/status"))["held"]

    def shared(self):
        found = re.findall(r"^sluice_polls_shared_total{.*} (\d+)$", self.look("/metrics"), re.M)
        return sum(int(n) for n in found)

    def get(self, path=RUN, method="GET", tenant=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if tenant:
            headers["authorization"] = f"Bearer {self.keys[tenant]}"
        answer = self.serve.request(method, path, None, headers)
        answer.body = answer.read()
        answer.connection.close()
        return answer


class Caller(threading.Thread):
    def __init__(self, gateway, *arguments, **headers):
        super().__init__()
        self.ask = lambda: gateway.get(*arguments, **headers)
        self.start()

    def run(self):
        self.answer = self.ask()

    def end(self):
        self.join()
        return self.answer


class One:
    """A caller that can leave."""

    def __init__(self, gateway):
        self.socket = socket.create_connection(("127.0.0.1", gateway.serve.port))
        self.socket.sendall(f"GET {RUN} HTTP/1.1\r\nhost: x\r\n\r\n".encode())

    def leave(self):
        self.socket.close()


def crowd(gateway, up, n, first=None, **headers):
    """The first leads, the others are held."""
    callers = [first or Caller(gateway, **headers)]
    eventually(lambda: len(up.seen) == 1)
    callers += [Caller(gateway, **headers) for _ in range(n - 1)]
    eventually(lambda: gateway.held() == n)
    return callers


class AtOnce(unittest.TestCase):
    def test_one_request_answers_all_byte_for_byte(self):
        gate = Gate(headers={"openai-version": "2020-10-01", "age": "7"})
        with Upstream(gate) as up, Watched(up) as g:
            callers = crowd(g, up, 40)
            gate.open.set()
            answers = [caller.end() for caller in callers]
            self.assertEqual({(a.status, a.body) for a in answers}, {(200, PENDING)})
            self.assertEqual({a.headers["openai-version"] for a in answers}, {"2020-10-01"})
            self.assertEqual(len(up.seen), 1)
            told = [a.headers["x-sluice-shared-ms"] for a in answers]
            self.assertEqual(told.count(None), 1)
            for a in answers:
                self.assertGreaterEqual(int(a.headers["age"]), 7)
            self.assertEqual(g.shared(), 39)

    def test_an_age_beyond_all_measure_is_not_believed(self):
        gate = Gate(headers={"age": str(2**63 - 1)})
        with Upstream(gate) as up, Watched(up) as g:
            callers = crowd(g, up, 2)
            eventually(lambda: g.held() == 2)
            gate.open.set()
            ages = [int(caller.end().headers["age"]) for caller in callers]
            self.assertEqual(ages[0], 2**63 - 1)  # as the provider said it
            self.assertLess(ages[1], PATIENCE_S)

    def test_an_error_answers_all(self):
        gate = Gate(404, b'{"error": {"message": "No run found"}}')
        with Upstream(gate) as up, Watched(up, LONG) as g:
            callers = crowd(g, up, 10)
            gate.open.set()
            self.assertEqual({caller.end().status for caller in callers}, {404})
            self.assertEqual(len(up.seen), 1)
            self.assertEqual(g.get().status, 404)  # and is not kept
            self.assertEqual(len(up.seen), 2)

    def test_who_leaves_takes_nothing_from_the_others(self):
        gate = Gate()
        with Upstream(gate) as up, Watched(up) as g:
            leader = One(g)
            callers = crowd(g, up, 5, leader)
            held = One(g)
            eventually(lambda: g.held() == 6)
            held.leave()
            leader.leave()
            # the held one is gone; the leader's request goes on for the others
            eventually(lambda: g.held() == 5)
            gate.open.set()
            self.assertEqual({caller.end().body for caller in callers[1:]}, {PENDING})
            self.assertEqual(len(up.seen), 1)
            eventually(lambda: g.held() == 0)

    def test_what_goes_on_without_its_caller_is_sent_again_as_it_was(self):
        gate = Gate(429, {"error": REFUSED})

        def reply(handler, n):
            if n == 1:
                gate(handler, n)
            else:
                handler.whole(200, PENDING)

        with Upstream(reply) as up, Watched(up) as g:
            leader = One(g)
            callers = crowd(g, up, 3, leader)
            leader.leave()
            eventually(lambda: json.loads(g.look("/status"))["connections"] == 2)
            gate.open.set()
            self.assertEqual({caller.end().body for caller in callers[1:]}, {PENDING})
            first, second = up.seen
            self.assertEqual(first, second)

    def test_where_all_leave_nothing_is_left(self):
        gate = Gate()
        with Upstream(gate) as up, Watched(up) as g:
            callers = [One(g)]
            eventually(lambda: len(up.seen) == 1)
            callers.append(One(g))
            eventually(lambda: g.held() == 2)
            for caller in callers:
                caller.leave()
            eventually(lambda: g.held() == 0)
            gate.open.set()
            self.assertEqual(g.get().body, PENDING)
            self.assertEqual(len(up.seen), 2)

    def test_what_is_no_json_each_asks_for(self):
        gate = Gate(headers={"content-type": "text/plain"})
        with Upstream(gate) as up, Watched(up) as g:
            callers = crowd(g, up, 5)
            gate.open.set()
            self.assertEqual({caller.end().body for caller in callers}, {PENDING})
            self.assertEqual(len(up.seen), 5)
            self.assertEqual(g.shared(), 0)

    def test_what_cannot_be_shared_ends_with_its_caller(self):
        """Its provider would say more, and stalls."""
        gate, end = Gate(), threading.Event()

        def reply(handler, n):
            gate.open.wait(PATIENCE_S)
            if n > 1:
                handler.whole(200, PENDING)
                return
            handler.send_response(200)
            handler.send_header("content-type", "text/plain")
            handler.send_header("content-length", "100")
            handler.end_headers()
            handler.wfile.write(b"some")
            end.wait(PATIENCE_S)

        with Upstream(reply) as up, Watched(up) as g:
            leader = One(g)
            callers = crowd(g, up, 3, leader)
            leader.leave()
            eventually(lambda: json.loads(g.look("/status"))["connections"] == 2)
            gate.open.set()
            self.assertEqual({caller.end().body for caller in callers[1:]}, {PENDING})
            eventually(lambda: g.held() == 0)
            end.set()

    def breaks_off(self, account):
        """What a crowd gets whose first answer breaks off."""
        gate = Gate()

        def reply(handler, n):
            gate.open.wait(PATIENCE_S)
            if n <= 1:
                handler.send_response(200)
                handler.send_header("content-type", "application/json")
                handler.send_header("content-length", "100")
                handler.end_headers()
                handler.close_connection = True
            else:
                handler.whole(200, PENDING)

        with Upstream(reply) as up, Watched(up, account=account) as g:
            callers = crowd(g, up, 6)
            gate.open.set()
            statuses = [caller.end().status for caller in callers]
            self.assertEqual(len(up.seen), 2)
            return statuses

    def test_an_answer_that_breaks_off_is_asked_for_again(self):
        self.assertEqual(self.breaks_off(""), [200] * 6)

    def test_or_by_the_next_where_nothing_is_tried_again(self):
        self.assertEqual(self.breaks_off(", retries: 0"), [502] + [200] * 5)


class Kept(unittest.TestCase):
    def answers(self, up, g, *asked):
        """How many requests went up for each."""
        counts = []
        for ask in asked:
            before = len(up.seen)
            ask()
            counts.append(len(up.seen) - before)
        return counts

    def test_an_answer_is_good_for_the_pace(self):
        with Upstream(lambda h, n: h.whole(200, PENDING)) as up, Watched(up, LONG) as g:
            self.assertEqual(self.answers(up, g, g.get, g.get, g.get), [1, 0, 0])
            self.assertEqual(g.get().body, PENDING)
            self.assertIsNotNone(g.get().headers["x-sluice-shared-ms"])
            other = [lambda p=p: g.get(p) for p in (
                RUN + "?x=1", "/v1/threads/thread_1/runs/run_2", "/v1/threads/thread_1",
                "/v1/batches/batch_1")]
            self.assertEqual(self.answers(up, g, *other), [1, 1, 1, 1])
            self.assertEqual(self.answers(up, g, *other), [0, 0, 0, 0])
            same = [lambda: g.get(user_agent="x", x_stainless_retry_count="1", traceparent="y")]
            self.assertEqual(self.answers(up, g, *same), [0])

    def test_who_asks_for_something_else_is_asked_for(self):
        with Upstream(lambda h, n: h.whole(200, PENDING)) as up, Watched(up, LONG) as g:
            asked = [g.get, lambda: g.get(openai_beta="assistants=v2"),
                     lambda: g.get(openai_organization="org-2"),
                     lambda: g.get(accept="text/event-stream"),
                     lambda: g.get(accept="text/event-stream"),
                     lambda: g.get(RUN + "/steps"), lambda: g.get(RUN + "/steps")]
            self.assertEqual(self.answers(up, g, *asked), [1] * 7)

    def test_a_change_makes_it_forgotten(self):
        with Upstream(lambda h, n: h.whole(200, PENDING)) as up, Watched(up, LONG) as g:
            cancel = lambda: g.get(RUN + "/cancel", method="POST")
            elsewhere = lambda: g.get("/v1/threads/thread_2/messages", method="POST")
            self.assertEqual(self.answers(up, g, g.get, g.get, cancel, g.get, g.get, elsewhere,
                                          g.get), [1, 0, 1, 1, 0, 1, 0])

    def test_what_was_asked_before_a_change_is_not_kept(self):
        gate = Gate()

        def reply(handler, n):
            if handler.command == "GET" and n == 1:
                gate.open.wait(PATIENCE_S)
            handler.whole(200, PENDING if n == 1 else DONE)

        with Upstream(reply) as up, Watched(up, LONG) as g:
            callers = crowd(g, up, 3)
            g.get(RUN + "/cancel", method="POST")
            self.assertEqual(g.get().body, DONE)  # by a request of its own
            gate.open.set()
            self.assertEqual({caller.end().body for caller in callers}, {PENDING})
            self.assertEqual(g.get().body, DONE)
            self.assertEqual(len(up.seen), 3)

    def test_no_pace_no_sharing(self):
        with Upstream(lambda h, n: h.whole(200, PENDING)) as up, Watched(up, "poll_pace: 0s\n") as g:
            self.assertEqual(self.answers(up, g, g.get, g.get), [1, 1])
            self.assertEqual(g.shared(), 0)


class Paced(unittest.TestCase):
    THINGS, LIMIT, MINUTE_S, ROUNDS = 10, 60, 2, 300

    def test_many_things_take_half_of_the_limit_at_most(self):
        """Each is asked about all the time; so much in a minute may go up for them all."""
        limits = f"limits: {{'(assistants-get)': {{rpm: {self.LIMIT}}}}}"
        with Upstream(lambda h, n: h.whole(200, PENDING)) as up, \
                Watched(up, "poll_pace: 1ms\n", account=f", minute: {self.MINUTE_S}s, {limits}") as g:
            paths = [f"/v1/threads/thread_{i}/runs/run_{i}" for i in range(self.THINGS)]
            for path in paths:
                g.get(path)
            before, began = len(up.seen), time.monotonic()
            callers = [threading.Thread(target=lambda p=p: [g.get(p) for _ in range(self.ROUNDS)])
                       for p in paths]
            for caller in callers:
                caller.start()
            for caller in callers:
                caller.join()
            minutes = (time.monotonic() - began) / self.MINUTE_S
            went = len(up.seen) - before
            # two of each before their pace is that of a crowd
            self.assertLessEqual(went, self.LIMIT / 2 * minutes + 2 * self.THINGS)
            self.assertEqual(g.shared() + len(up.seen), self.THINGS * (self.ROUNDS + 1))


class Tenants(unittest.TestCase):
    def test_nobody_gets_what_another_asked_for(self):
        def reply(handler, n):
            handler.whole(200, json.dumps({"status": "in_progress", "n": n}).encode())

        with Upstream(reply) as up, \
                Watched(up, LONG, "tenants:\n  web: {}\n  night: {}\n") as g:
            first, second = g.get(tenant="web"), g.get(tenant="night")
            self.assertNotEqual(first.body, second.body)
            self.assertEqual(g.get(tenant="web").body, first.body)
            self.assertEqual(g.get(tenant="night").body, second.body)
            self.assertEqual(len(up.seen), 2)

    def test_clients_keys_tell_callers_apart(self):
        with Upstream(lambda h, n: h.whole(200, PENDING)) as up, \
                Watched(up, LONG + "client_keys: pass\n") as g:
            for key in "one", "two", "one":
                g.get(authorization=f"Bearer {key}")
            self.assertEqual([s[2]["authorization"] for s in up.seen],
                             ["Bearer one", "Bearer two"])


if __name__ == "__main__":
    main()
