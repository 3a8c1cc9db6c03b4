"""`sluice serve` and limits by request type: classes of routes are budgets of their own, whatever the
model, and the provider refuses nothing.

Run by hand: SLUICE=build/sluice python3 tests/e2e/serve_routes.py [-v] [Class.test]
"""
import concurrent.futures
import json
import os
import tempfile
import unittest

from run_support import Emulator, main
from serve_support import Serve

MINUTE = ("--minute", "3s")
RUN = json.dumps({"assistant_id": "asst_any", "model": "gpt-4o-mini"})


def many(serve, asked):
    """Each (method, path, body) at once, as far as 32 threads go; the statuses."""
    def ask(one):
        answer = serve.request(*one, {"content-type": "application/json"})
        text = answer.read()
        answer.connection.close()
        return answer.status, text

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        return list(pool.map(ask, asked))


def routes(emulator):
    return {route["class"]: route for route in emulator.report()["routes"]}


class Assistants(unittest.TestCase):
    """GET 1000, POST 300, POST runs 200, DELETE 300 a minute, for all threads together."""

    def test_each_class_keeps_to_its_limit_and_none_holds_up_another(self):
        with Emulator("--profile", "openai/tier-1", *MINUTE, "--latency", "1ms-5ms",
                      "--run-latency", "10ms-20ms") as emulator, \
                Serve("--base-url", emulator.url, "--provider", "openai", "--tier", "1",
                      *MINUTE) as serve:
            made = many(serve, [("POST", "/v1/threads", "{}")] * 330)
            ids = [json.loads(text)["id"] for _, text in made]
            statuses = many(serve, [("POST", f"/v1/threads/{i}/runs", RUN) for i in ids[:230]])
            statuses += many(serve, [("GET", f"/v1/threads/{i}/messages", None)
                                     for i in ids * 4][:1100])
            statuses += many(serve, [("DELETE", f"/v1/threads/{i}", None) for i in ids])
            self.assertEqual({status for status, _ in made + statuses}, {200})
            seen = routes(emulator)
            self.assertEqual({name: (seen[name]["limit"], seen[name]["admitted"])
                              for name in seen if name.startswith("assistants")},
                             {"assistants-get": (1000, 1100), "assistants-post": (300, 330),
                              "assistants-runs": (200, 230), "assistants-delete": (300, 330)})
            self.assertEqual({route["refused"] for route in seen.values()}, {0})


class Own(unittest.TestCase):
    """Classes of one's own, as data."""

    def ask(self, emulator, *options):
        with Serve("--base-url", emulator.url, "--provider", "openai", *MINUTE,
                   *options) as serve:
            statuses = many(serve, [("POST", f"/v1/things/{i}", "{}") for i in range(70)])
        self.assertEqual({status for status, _ in statuses}, {200})
        return routes(emulator)["POST /v1/things/*"]["refused"]

    def test_a_catalogue_of_ones_own_adds_a_class(self):
        row = {"provider": "openai", "class": "things", "paths": ["POST /v1/things/*"], "rpm": 50}
        with tempfile.TemporaryDirectory() as directory, \
                Emulator("--limits", "*:rpm=9000", "--hidden", "POST /v1/things/*=50",
                         *MINUTE) as emulator:
            path = os.path.join(directory, "own.json")
            with open(path, "w", encoding="utf-8") as f:
                json.dump({"routes": [row]}, f)
            self.assertEqual(self.ask(emulator, "--catalogue", path), 0)

    def test_a_limit_by_hand_holds_instead(self):
        """50 by the catalogue; this account has 20."""
        row = {"provider": "openai", "class": "things", "paths": ["POST /v1/things/*"], "rpm": 50}
        with tempfile.TemporaryDirectory() as directory, \
                Emulator("--limits", "*:rpm=9000", "--hidden", "POST /v1/things/*=20",
                         *MINUTE) as emulator:
            path = os.path.join(directory, "own.json")
            with open(path, "w", encoding="utf-8") as f:
                json.dump({"routes": [row]}, f)
            self.assertEqual(self.ask(emulator, "--catalogue", path, "--limits",
                                      "(things):rpm=20"), 0)


if __name__ == "__main__":
    main()
