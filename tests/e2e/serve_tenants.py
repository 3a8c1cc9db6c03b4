"""`sluice serve` with a configuration: tenants with keys and limits of their own, routes between
accounts, fallbacks, reloads, restarts.

Run by hand: SLUICE=build/sluice python3 tests/e2e/serve_tenants.py [-v] [Class.test]
"""
import concurrent.futures
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from run_support import SLUICE, error_answer, good_answer, main
from serve_support import CHAT, DONE, PATIENCE_S, Serve, Upstream, chat, delta, event

AT_ONCE = {"x-sluice-max-wait": "0"}


class Installation:
    """A directory with a configuration, keys, and the gateway that uses them."""

    def __init__(self, text):
        self.directory = tempfile.mkdtemp(prefix="sluice-test-")
        self.file = os.path.join(self.directory, "sluice.yaml")
        self.state = os.path.join(self.directory, "state")
        self.serve = None
        self.keys = {}
        self.write(text)

    def write(self, text):
        with open(self.file, "w", encoding="utf-8") as f:
            f.write(f"state: {self.state}\n{text}")

    def start(self, env=None):
        self.serve = Serve("-c", self.file, env=env)
        return self.serve

    def stop(self):
        self.serve.__exit__()
        self.serve = None

    def key(self, tenant):
        if tenant not in self.keys:
            made = self.command("create", "--tenant", tenant)
            self.keys[tenant] = made.stdout.strip()
        return self.keys[tenant]

    def command(self, *arguments):
        return subprocess.run([SLUICE, "key", *arguments, "-c", self.file], capture_output=True,
                              text=True, check=True)

    def post(self, tenant, body=None, headers=None, path=CHAT, **fields):
        return self.serve.post(body, path=path, headers={
            "authorization": f"Bearer {self.keys[tenant]}", **(headers or {})}, **fields)

    def reload(self, text):
        """Written, read again, and in force: whoever is told otherwise waits for a word of it."""
        self.reload_process(self.serve.process, text)

    def reload_process(self, process, text):
        self.write(text)
        process.send_signal(signal.SIGHUP)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.serve:
            self.stop()
        shutil.rmtree(self.directory)


def accounts(*ups, more=""):
    lines = ["accounts:"]
    for i, up in enumerate(ups):
        lines.append(f"  a{i}: {{base_url: '{up.url}', window: bucket{more}}}")
    return "\n".join(lines) + "\n"


def eventually(what):
    """Asks until it is so; a broken test asks for a minute."""
    for _ in range(600):
        if what():
            return
        threading.Event().wait(0.1)
    raise AssertionError("it never was so")


class Keys(unittest.TestCase):
    def test_unknown_and_revoked_keys_are_refused(self):
        with Upstream() as up, Installation(accounts(up) + "tenants: {web: {}}\n") as i:
            i.key("web")
            serve = i.start()
            self.assertEqual(i.post("web")[0].status, 200)
            for headers in ({}, {"authorization": "Bearer sk-whatever"}, {"api-key": "x"},
                            {"authorization": f"Bearer {i.keys['web'][:-1]}"}):
                answer, body = serve.post(headers=headers)
                self.assertEqual((answer.status, body["error"]["code"]), (401, "invalid_api_key"))
            answer, body = serve.post(path="/v1/messages", headers={"x-api-key": "nobody"})
            self.assertEqual((answer.status, body["error"]["type"]), (401, "authentication_error"))
            answer, _ = serve.post(headers={"x-api-key": i.keys["web"]})
            self.assertEqual(answer.status, 200)
            key = json.loads(i.command("list", "--json").stdout)
            self.assertEqual(key["tenant"], "web")
            i.command("revoke", key["id"])
            eventually(lambda: i.post("web")[0].status == 401)
            i.keys = {}
            i.key("web")
            eventually(lambda: i.post("web")[0].status == 200)
            self.assertFalse([seen for seen in up.seen if i.keys["web"] in str(seen)])

    def test_no_key_is_ever_passed_on(self):
        with Upstream() as up, Installation(accounts(up) + "tenants: {web: {}}\n") as i:
            i.key("web")
            i.start()
            i.post("web")
            self.assertNotIn("authorization", {name.lower() for name in up.seen[0][2]})

    def test_a_tenant_does_not_choose_the_account(self):
        """A wrong organisation would have the gateway's keys refused, one after the other."""
        theirs = {"OpenAI-Organization": "org-theirs", "OpenAI-Project": "p"}
        for config, passed in (("tenants: {web: {}}\n", 0), ("", 2)):
            with Upstream() as up, Installation(accounts(up) + config) as i:
                i.start() if passed else i.key("web") and i.start()
                key = {} if passed else {"authorization": "Bearer " + i.keys["web"]}
                self.assertEqual(i.serve.post(headers={**theirs, **key})[0].status, 200)
                seen = {name.lower() for name in up.seen[0][2]}
                self.assertEqual(len(seen & {"openai-organization", "openai-project"}), passed)

    def test_client_keys_pass_where_configured(self):
        with Upstream() as up, Installation("client_keys: pass\n" + accounts(up)) as i:
            serve = i.start()
            serve.post(headers={"authorization": "Bearer the-clients-own"})
            self.assertEqual(up.seen[0][2]["authorization"], "Bearer the-clients-own")

    def test_a_refused_key_is_left_out(self):
        def reply(h, n):
            if h.headers["authorization"] == "Bearer key-one":
                h.whole(*error_answer(401, "invalid_api_key", "Incorrect API key provided"))
            else:
                h.whole(*good_answer())

        with Upstream(reply) as up, \
                Installation(accounts(up, more=", api_key_env: [ONE, TWO]")) as i:
            serve = i.start(env={"ONE": "key-one", "TWO": "key-two"})
            for _ in range(4):
                self.assertEqual(serve.post()[0].status, 200)
            used = [seen[2]["authorization"] for seen in up.seen]
            self.assertEqual(used.count("Bearer key-one"), 1)


class Limits(unittest.TestCase):
    """Complaints of other gateways, about limits of the gateway's own."""

    def test_n_concurrent_on_a_limit_of_n(self):
        config = "tenants: {web: {limits: {rpm: 5}}}\n"
        with Upstream() as up, Installation(accounts(up) + config) as i:
            i.key("web")
            i.start()
            with concurrent.futures.ThreadPoolExecutor(20) as pool:
                calls = list(pool.map(lambda _: i.post("web", headers=AT_ONCE), range(20)))
            status = [answer.status for answer, _ in calls]
            self.assertEqual((status.count(200), status.count(429)), (5, 15))
            self.assertEqual(len(up.seen), 5)
            answer, body = next(call for call in calls if call[0].status == 429)
            self.assertEqual(body["error"]["code"], "rate_limit_exceeded")
            self.assertIn("requests per min (RPM): Limit 5, Used 5, Requested 1. Please try again in ",
                          body["error"]["message"])
            self.assertEqual(answer.getheader("x-ratelimit-limit-requests"), "5")
            self.assertEqual(answer.getheader("x-ratelimit-remaining-requests"), "0")
            self.assertTrue(0 < int(answer.getheader("retry-after")) <= 12)

    def test_five_parallel_calls_spend_663_tokens_on_a_limit_of_100(self):
        """None says how long its answer may be; each uses 133 tokens."""
        answer = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 124}}
        body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]})
        with Upstream(lambda h, n: h.whole(200, answer)) as up, \
                Installation(accounts(up) + "tenants: {web: {limits: {tpm: 100}}}\n") as i:
            i.key("web")
            i.start()
            with concurrent.futures.ThreadPoolExecutor(5) as pool:
                calls = list(pool.map(lambda _: i.post("web", body, headers=AT_ONCE), range(5)))
            self.assertEqual(sorted(a.status for a, _ in calls), [200, 429, 429, 429, 429])
            self.assertEqual(len(up.seen), 1)

    def test_streaming_calls_are_not_counted(self):
        def reply(h, n):
            h.begin_stream()
            h.piece(delta("four tokens of text") + DONE)
            h.end_stream()

        with Upstream(reply) as up, \
                Installation(accounts(up) + "tenants: {web: {limits: {tpm: 1000}}}\n") as i:
            i.key("web")
            serve = i.start()
            left = []
            for _ in range(3):
                answer = serve.request("POST", CHAT, chat(stream=True),
                                       {"x-api-key": i.keys["web"]})
                left.append(int(answer.getheader("x-ratelimit-remaining-tokens")))
                answer.read()
            self.assertEqual(left, sorted(left, reverse=True))
            self.assertLess(left[2], left[0])

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
                Installation(accounts(up) + "tenants: {web: {limits: {concurrency: 1}}}\n") as i:
            i.key("web")
            serve = i.start()
            stream = serve.request("POST", CHAT, chat(stream=True), {"x-api-key": i.keys["web"]})
            self.assertEqual(stream.read(len(delta("a"))), delta("a"))
            answer, body = i.post("web", headers=AT_ONCE)
            self.assertEqual(answer.status, 200 if left.is_set() else 429)
            stream.connection.close()
            self.assertTrue(left.wait(PATIENCE_S))
            self.assertEqual(i.post("web")[0].status, 200)

    def test_a_call_refused_for_concurrency_still_burns_a_request(self):
        go_on = threading.Event()

        def reply(h, n):
            go_on.wait(PATIENCE_S if n == 1 else 0)
            h.whole(*good_answer())

        config = "tenants: {web: {limits: {rpm: 2, concurrency: 1}}}\n"
        with Upstream(reply) as up, Installation(accounts(up) + config) as i:
            i.key("web")
            i.start()
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                first = pool.submit(i.post, "web")
                eventually(lambda: up.seen)
                for _ in range(5):
                    self.assertEqual(i.post("web", headers=AT_ONCE)[0].status, 429)
                go_on.set()
                self.assertEqual(first.result()[0].status, 200)
            self.assertEqual(i.post("web", headers=AT_ONCE)[0].status, 200)

    def test_a_small_tpm_refuses_its_first_call_because_of_a_default_reservation(self):
        body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]})
        with Upstream() as up, \
                Installation(accounts(up) + "tenants: {web: {limits: {tpm: 50}}}\n") as i:
            i.key("web")
            i.start()
            self.assertEqual(i.post("web", body, headers=AT_ONCE)[0].status, 200)

    def test_max_tokens_1_plus_max_completion_tokens_10000_reserves_two_tokens(self):
        with Upstream() as up, \
                Installation(accounts(up) + "tenants: {web: {limits: {tpm: 9000}}}\n") as i:
            i.key("web")
            i.start()
            answer, body = i.post("web", max_tokens=1, max_completion_tokens=10000)
            self.assertEqual(answer.status, 429)
            self.assertIn("Request too large", body["error"]["message"])
            self.assertEqual(answer.getheader("x-should-retry"), "false")

    def test_a_refused_large_request_empties_the_bucket_for_all(self):
        config = "tenants: {web: {limits: {tpm: 1000}}, other: {}}\n"
        with Upstream() as up, Installation(accounts(up) + config) as i:
            i.key("web"), i.key("other")
            i.start()
            self.assertEqual(i.post("web", max_tokens=5000)[0].status, 429)
            self.assertEqual(i.post("web", max_tokens=900, headers=AT_ONCE)[0].status, 200)
            self.assertEqual(i.post("other", max_tokens=9000, headers=AT_ONCE)[0].status, 200)

    def test_a_hammering_client_is_locked_out_for_ever(self):
        config = "tenants: {web: {limits: {rpm: 1}}}\n"
        with Upstream() as up, Installation(accounts(up, more=", minute: 2s") + config) as i:
            i.key("web")
            i.start()
            i.post("web")
            hammered = [i.post("web", headers=AT_ONCE)[0].status for _ in range(100)]
            self.assertIn(429, hammered)
            self.assertEqual(i.post("web")[0].status, 200)

    def test_queue_hangs_for_an_hour_long_window(self):
        config = "tenants: {web: {limits: {rpd: 2}}}\n"
        with Upstream() as up, Installation(accounts(up) + config) as i:
            i.key("web")
            i.start()
            for status in (200, 200, 429):
                answer, _ = i.post("web")
                self.assertEqual(answer.status, status)
            self.assertTrue(43000 < int(answer.getheader("retry-after")) <= 43200)

    def test_remaining_header_does_not_fall(self):
        """And it is the tenant's, not the account's."""
        theirs = {"x-ratelimit-remaining-tokens": "777777", "x-ratelimit-limit-tokens": "9999999"}
        status, body, _ = good_answer()
        config = "tenants: {web: {limits: {tpm: 1000}}, free: {}}\n"
        with Upstream(lambda h, n: h.whole(status, body, theirs)) as up, \
                Installation(accounts(up) + config) as i:
            i.key("web"), i.key("free")
            i.start()
            left = [int(i.post("web")[0].getheader("x-ratelimit-remaining-tokens"))
                    for _ in range(3)]
            self.assertEqual(left, sorted(left, reverse=True))
            self.assertTrue(left[2] < left[0] < 1000)
            answer, _ = i.post("free")
            self.assertEqual(answer.getheader("x-ratelimit-remaining-tokens"), "777777")

    def test_spending(self):
        """gpt-4o: 2.50 dollars a million tokens in, 10 out: 1,000 and 400 are 0.0065."""
        answer = {"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 400}}
        config = "tenants: {web: {limits: {spend_day: 0.01}}}\n"
        with Upstream(lambda h, n: h.whole(200, answer)) as up, \
                Installation(accounts(up) + config) as i:
            i.key("web")
            i.start()
            for status in (200, 200, 429):
                last, body = i.post("web")
                self.assertEqual(last.status, status)
            self.assertEqual(body["error"]["code"], "project_spend_limit_exceeded")
            self.assertEqual(last.getheader("x-should-retry"), "false")
            last, body = i.post("web", model="a-model-nobody-knows")
            self.assertEqual(last.status, 403)
            self.assertIn("price", body["error"]["message"])

    def test_models_that_a_key_may_use(self):
        config = "tenants: {web: {models: [gpt-4o-mini, 'text-*']}}\n"
        with Upstream() as up, Installation(accounts(up) + config) as i:
            i.key("web")
            i.start()
            self.assertEqual(i.post("web", model="gpt-4o-mini")[0].status, 200)
            self.assertEqual(i.post("web")[0].status, 403)

    def test_what_a_request_spends_must_be_known(self):
        """Of a key that is held to models or dollars, a batch could use and spend anything."""
        config = ("tenants:\n  some: {models: [gpt-4o]}\n  rich: {limits: {spend_day: 1}}\n"
                  "  free: {}\n")
        with Upstream() as up, Installation(accounts(up) + config) as i:
            told = {"some": 403, "rich": 403, "free": 200}
            for tenant in told:
                i.key(tenant)
            i.start()
            for tenant, status in told.items():
                for path in ("/v1/batches", "/v1/audio/speech", "/v1/threads/t_1/runs"):
                    self.assertEqual(i.post(tenant, "{}", path=path)[0].status, status, path)
                for path in ("/v1/files", "/v1/batches/b_1/cancel", "/v1/messages/count_tokens"):
                    self.assertEqual(i.post(tenant, "{}", path=path)[0].status, 200, path)
                form = {"content-type": "multipart/form-data; boundary=x"}
                self.assertEqual(i.post(tenant, "--x--\r\n", form, "/v1/audio/transcriptions")
                                 [0].status, status)
                asked = i.serve.request("GET", "/v1/batches", None,
                                        {"x-api-key": i.keys[tenant]})
                self.assertEqual(asked.status, 200)
                asked.connection.close()

    def test_no_way_of_writing_gets_round_the_counting(self):
        config = "tenants: {some: {models: [gpt-4o-mini]}, small: {limits: {tpm: 100}}}\n"
        form = {"content-type": "multipart/form-data; boundary=x"}
        with Upstream() as up, Installation(accounts(up) + config) as i:
            i.key("some"), i.key("small")
            i.start()
            for path in ("/v1/chat%2Fcompletions", "/v1/x/../chat/completions", CHAT + "/..%2f/cancel",
                         "/v1/batches/x/v1/files", CHAT):
                self.assertEqual(i.post("some", path=path, headers=form)[0].status, 403, path)
            self.assertEqual(i.post("small", max_tokens=101, headers=form)[0].status, 429)
            self.assertEqual(i.post("small", max_tokens=101, path="/v1/ch%61t/completions")
                             [0].status, 429)
            self.assertEqual(up.seen, [])

    def test_a_message_of_a_thread_is_no_use_of_a_model(self):
        with Upstream() as up, Serve("--base-url", up.url) as serve:
            path, body = "/v1/threads/t_1/messages", '{"role": "user", "content": "hi"}'
            self.assertEqual(serve.post(body, path=path)[0].status, 200)
            self.assertEqual(up.seen[0][1:4:2], (path, body.encode()))

    def test_each_tenant_has_a_queue_of_its_own(self):
        go_on = threading.Event()

        def reply(h, n):
            go_on.wait(PATIENCE_S)
            h.whole(*good_answer())

        config = "tenants: {web: {queue: 2}, other: {}}\n"
        with Upstream(reply) as up, Installation(accounts(up) + config) as i:
            i.key("web"), i.key("other")
            i.start()
            with concurrent.futures.ThreadPoolExecutor(3) as pool:
                held = [pool.submit(i.post, "web") for _ in range(2)]
                eventually(lambda: len(up.seen) == 2)
                self.assertEqual(i.post("web")[0].status, 503)
                held.append(pool.submit(i.post, "other"))
                eventually(lambda: len(up.seen) == 3)
                go_on.set()
                self.assertEqual([call.result()[0].status for call in held], [200] * 3)


class Shares(unittest.TestCase):
    def order(self, tenants, calls, account_limits="rpm: 1"):
        """Who was served when: the first call holds the account, the others queue behind it."""
        config = accounts_with(account_limits) + f"tenants: {tenants}\n"
        with Upstream() as up, Installation(config.replace("URL", up.url)) as i:
            for tenant, _ in calls:
                i.key(tenant)
            serve = i.start()
            i.post(calls[0][0], user="first")
            with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
                held = []
                for tenant, headers in calls:
                    held.append(pool.submit(i.post, tenant, headers=headers, user=tenant))
                    eventually(lambda n=len(held): queued(serve, i.keys[tenant]) >= n)
                for call in held:
                    self.assertEqual(call.result()[0].status, 200)
            return [json.loads(seen[3])["user"] for seen in up.seen[1:]]

    def test_who_comes_late_is_not_served_last(self):
        order = self.order("{a: {}, b: {}}", [("a", {})] * 6 + [("b", {})] * 2)
        self.assertLess(max(k for k, who in enumerate(order) if who == "b"), 5)

    def test_interactive_before_batch(self):
        order = self.order("{a: {priority: batch}, b: {priority: interactive}}",
                           [("a", {})] * 4 + [("b", {})] * 2)
        self.assertEqual(order[:2], ["b", "b"])

    def test_a_request_may_ask_for_less_urgency(self):
        low = {"x-sluice-priority": "batch"}
        order = self.order("{a: {}, b: {}}", [("a", low)] * 3 + [("b", {})] * 2)
        self.assertEqual(order[:2], ["b", "b"])


def accounts_with(limits):
    return ("accounts: {main: {base_url: 'URL', window: bucket, minute: 500ms, "
            f"limits: {{'*': {{{limits}}}}}}}}}\n")


def queued(serve, key):
    """How many wait, as one that may not wait is told."""
    _, body = serve.post(headers={"x-api-key": key, **AT_ONCE})
    return int(re.search(r"(\d+) requests are queued", body["error"]["message"]).group(1))


class Routes(unittest.TestCase):
    def test_the_one_with_the_least_wait(self):
        with Upstream() as east, Upstream() as west, Installation(
                "accounts:\n"
                f"  east: {{base_url: '{east.url}', window: bucket, organization: us,\n"
                "         limits: {'*': {rpm: 1}}}\n"
                f"  west: {{base_url: '{west.url}', window: bucket, organization: us,\n"
                "         limits: {'*': {rpm: 500}}}\n"
                "routes: [{models: ['*'], accounts: [east, west]}]\n") as i:
            serve = i.start()
            answers = [serve.post(headers=AT_ONCE)[0] for _ in range(6)]
            self.assertEqual([a.status for a in answers], [200] * 6)
            self.assertEqual(len(east.seen), 1)
            used = {a.getheader("x-sluice-account") for a in answers}
            self.assertEqual(used, {"east", "west"})

    def test_azure_beside_openai(self):
        """Azure's paths and keys lead to Azure, though OpenAI's account stands first; its
        deployments count as their models; where the body names the deployment it is put there."""
        with Upstream() as openai, Upstream() as azure, Installation("") as i:
            i.write("accounts:\n"
                    f"  first: {{base_url: '{openai.url}', organization: o}}\n"
                    f"  east: {{provider: azure, base_url: '{azure.url.removesuffix('/v1')}',\n"
                    "    organization: o, api_key_env: KEY, api_version: '1', window: bucket,\n"
                    "    deployments: {gpt-4o: my-east}, limits: {gpt-4o: {rpm: 6}}}\n"
                    "routes: [{models: gpt-4o, accounts: [first, east]}]\n")
            serve = i.start(env={"KEY": "secret"})
            messages = {"messages": [{"role": "user", "content": "hi"}]}
            for path, sent, model in (
                    ("/openai/deployments/my-east/chat/completions?api-version=2", None, None),
                    ("/openai/deployments/gpt-4o/chat/completions?api-version=2",
                     "/openai/deployments/my-east/chat/completions?api-version=2", None),
                    ("/openai/deployments/other/chat/completions?api-version=2", None, None),
                    ("/openai/responses?api-version=2", None, "my-east"),
                    ("/openai/v1/responses", None, "my-east")):
                body = {"model": "gpt-4o", "input": "hi"} if model else messages
                answer, _ = serve.post(json.dumps(body), path=path, headers={"api-key": "x"})
                self.assertEqual((answer.status, answer.getheader("x-sluice-account")),
                                 (200, "east"), path)
                self.assertEqual(azure.seen[-1][1], sent or path)
                self.assertEqual(json.loads(azure.seen[-1][3]).get("model"), model)
            self.assertEqual(openai.seen, [])
            serve.post(json.dumps({"model": "my-east", "input": "hi"}), path="/openai/v1/responses")
            serve.post(json.dumps(messages), path="/openai/deployments/my-east/chat/completions")
            answer, _ = serve.post(json.dumps(messages), headers=AT_ONCE,
                                   path="/openai/deployments/my-east/chat/completions")
            self.assertEqual((answer.status, answer.getheader("x-ratelimit-limit-requests")),
                             (429, "6"))

    def test_a_path_does_not_get_round_the_models_of_a_key(self):
        with Upstream() as up, Installation(
                f"accounts: {{a: {{provider: azure, base_url: '{up.url.removesuffix('/v1')}',\n"
                "  api_key_env: KEY, deployments: {small: my-small}}}\n"
                "tenants: {web: {models: [small]}}\n") as i:
            i.key("web")
            i.start(env={"KEY": "secret"})
            for deployment, status in (("large", 403), ("my-small", 200), ("small", 200)):
                answer, body = i.post("web", path="/openai/deployments/" + deployment +
                                      "/chat/completions", model="small")
                self.assertEqual(answer.status, status, body)
            self.assertEqual(len(up.seen), 2)

    def test_azure_deployments(self):
        with Upstream() as up, Installation(
                f"accounts: {{east: {{provider: azure, base_url: '{up.url.removesuffix('/v1')}',\n"
                "  api_key_env: KEY, api_version: '2024-10-21', deployments: {gpt-4o: my-east}}}\n"
        ) as i:
            serve = i.start(env={"KEY": "k"})
            body = chat()
            self.assertEqual(serve.post(body)[0].status, 200)
            self.assertEqual(up.seen[0][1], "/openai/deployments/my-east/chat/completions"
                                            "?api-version=2024-10-21")
            self.assertEqual(up.seen[0][3], body.encode())

    def test_a_long_wait_becomes_another_model(self):
        with Upstream() as up, Installation(
                f"accounts: {{main: {{base_url: '{up.url}', window: bucket,\n"
                "  limits: {gpt-4o: {rpm: 1}, gpt-4o-mini: {rpm: 500}}}}\n"
                "routes: [{models: [gpt-4o], accounts: [main],\n"
                "          fallback: {model: gpt-4o-mini, on: wait, after: 2s}}]\n") as i:
            serve = i.start()
            first, _ = serve.post()
            self.assertIsNone(first.getheader("x-sluice-model"))
            second, _ = serve.post()
            self.assertEqual((second.status, second.getheader("x-sluice-model")),
                             (200, "gpt-4o-mini"))
            self.assertEqual(json.loads(up.seen[1][3]),
                             {**json.loads(up.seen[0][3]), "model": "gpt-4o-mini"})

    def test_a_long_wait_fails_where_a_route_says_so(self):
        with Upstream() as up, Installation(
                f"accounts: {{main: {{base_url: '{up.url}', window: bucket,\n"
                "  limits: {gpt-4o: {rpm: 1}, gpt-4.1: {rpm: 1}}}}\n"
                "routes: [{models: [gpt-4o], over_limit: fail, after: 2s}]\n") as i:
            serve = i.start()
            self.assertEqual(serve.post()[0].status, 200)
            refused, _ = serve.post()
            self.assertEqual((refused.status, refused.getheader("x-sluice-refused")),
                             (429, "yes"))
            self.assertGreater(int(refused.getheader("retry-after")), 2)
            self.assertEqual(len(up.seen), 1)

    def test_a_long_prompt_becomes_another_model(self):
        long = "one two three four " * 40000  # 160,000 tokens: over gpt-4o's window
        with Upstream() as up, Installation(
                accounts(up) + "routes: [{models: [gpt-4o], accounts: [a0],\n"
                               "          fallback: {model: gpt-4.1, on: length}}]\n") as i:
            serve = i.start()
            answer, _ = serve.post(messages=[{"role": "user", "content": long}])
            self.assertEqual((answer.status, answer.getheader("x-sluice-model")),
                             (200, "gpt-4.1"))
            self.assertEqual(json.loads(up.seen[0][3])["model"], "gpt-4.1")


class Operations(unittest.TestCase):
    def test_reload_without_dropping_a_request(self):
        go_on = threading.Event()

        def reply(h, n):
            if n > 1:
                h.whole(*good_answer())
                return
            h.begin_stream()
            h.piece(delta("a"))
            go_on.wait(PATIENCE_S)
            h.piece(event(choices=[], usage={"prompt_tokens": 5, "completion_tokens": 1}) + DONE)
            h.end_stream()

        with Upstream(reply) as up, \
                Installation(accounts(up) + "tenants: {web: {limits: {rpm: 1}}}\n") as i:
            i.key("web")
            serve = i.start()
            stream = serve.request("POST", CHAT, chat(stream=True), {"x-api-key": i.keys["web"]})
            self.assertEqual(stream.read(len(delta("a"))), delta("a"))
            self.assertEqual(i.post("web", headers=AT_ONCE)[0].status, 429)
            i.reload(accounts(up) + "tenants: {web: {limits: {rpm: 100}}}\n")
            eventually(lambda: i.post("web", headers=AT_ONCE)[0].status == 200)
            i.reload("accounts: {\n")  # not YAML: it goes on as before
            i.reload(accounts(up) + "tenants: {other: {}}\n")
            eventually(lambda: i.post("web", headers=AT_ONCE)[0].status == 401)
            go_on.set()
            self.assertIn(DONE, stream.read())

    def test_tenants_that_are_no_more_limit_nobody(self):
        with Upstream() as up, Installation(accounts(up) + (
                "tenants: {web: {models: [gpt-4o-mini], limits: {rpm: 1}}}\n")) as i:
            serve = i.start()
            self.assertEqual(serve.post()[0].status, 401)
            i.reload(accounts(up))
            eventually(lambda: serve.post(headers=AT_ONCE)[0].status == 200)
            self.assertEqual(serve.post(headers=AT_ONCE)[0].status, 200)

    def test_a_request_keeps_to_the_terms_it_came_under(self):
        """Its body comes slowly; meanwhile its tenant is there by other texts, and then gone."""
        with Upstream() as up, Installation(
                accounts(up) + "tenants: {web: {models: [gpt-4o]}}\n") as i:
            i.key("web")
            serve = i.start()
            body = chat().encode()
            slow = http.client.HTTPConnection("127.0.0.1", serve.port, timeout=PATIENCE_S)
            slow.putrequest("POST", CHAT)
            slow.putheader("authorization", f"Bearer {i.keys['web']}")
            slow.putheader("content-length", str(len(body)))
            slow.endheaders(body[:10])
            eventually(lambda: i.post("web")[0].status == 200)
            for tenants, status in (("web: {models: [o1]}", 403), ("other: {}", 401)):
                i.reload(accounts(up) + f"tenants: {{{tenants}}}\n")
                eventually(lambda: i.post("web")[0].status == status)
            slow.send(body[10:])
            self.assertEqual(slow.getresponse().status, 200)
            slow.close()

    def test_a_stranger_is_not_booked_to_a_tenant(self):
        with Upstream() as up, Installation("") as i:
            log = os.path.join(i.directory, "log")
            i.write(accounts(up) + f"tenants: {{web: {{}}}}\nlog: {log}\nlog_format: json\n")
            i.key("web")
            serve = i.start()
            self.assertEqual(serve.post()[0].status, 401)
            self.assertEqual(i.post("web")[0].status, 200)
            i.stop()
            with open(log, encoding="utf-8") as lines:
                self.assertEqual([json.loads(line)["tenant"] for line in lines], ["", "web"])

    def test_another_provider_takes_over(self):
        with Upstream() as old, Upstream() as new, Installation(accounts(old)) as i:
            serve = i.start()
            serve.post()
            i.reload(accounts(new))
            eventually(lambda: serve.post()[0].status == 200 and new.seen)

    def test_a_service_manager_is_told(self):
        with Upstream() as up, Installation(accounts(up)) as i, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            place = os.path.join(i.directory, "notify")
            manager.bind(place)
            manager.settimeout(PATIENCE_S)
            i.start(env={"NOTIFY_SOCKET": place, "WATCHDOG_USEC": "200000"})

            def told(word):
                while word not in manager.recv(4096).decode():
                    pass

            told("READY=1")
            told("WATCHDOG=1")
            i.reload(accounts(up))
            told("RELOADING=1")
            told("READY=1")
            i.stop()
            told("STOPPING=1")

    def test_a_reload_says_what_it_does_not_do(self):
        """A log that cannot be written is found before anything is changed; what only a restart
        changes is named."""
        with Upstream() as up, Installation("") as i:
            i.write(accounts(up, more=", limits: {'*': {rpm: 7}}"))
            process = subprocess.Popen([SLUICE, "serve", "-c", i.file, "--listen", "127.0.0.1:0"],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            process.stdout.readline()

            def reload(text):
                i.reload_process(process, text)
                lines = []
                while not lines or not lines[-1].startswith("sluice serve: "):
                    lines.append(process.stderr.readline())
                return "".join(lines)

            told = reload("log: /nowhere/log\n" + accounts(up, more=", limits: {'*': {rpm: 1}}"))
            self.assertIn("not taken; it goes on as before: /nowhere/log: No such file", told)
            told = reload(accounts(up) + "admin: {listen: '127.0.0.1:0', token_env: PATH}\n")
            self.assertIn("admin: stays as it was until a restart\n", told)
            self.assertNotIn("listen: stays", told)  # --listen holds
            self.assertIn(": read again\n", told)
            process.terminate()
            self.assertEqual(process.wait(PATIENCE_S), 0)
            process.stdout.close(), process.stderr.close()

    def test_unix_sockets_and_several_places(self):
        with Upstream() as up, Installation("") as i:
            place = os.path.join(i.directory, "sock")
            i.write(f"listen: ['127.0.0.1:0', 'unix:{place}']\n" + accounts(up))
            i.serve = Serve("-c", i.file, listen=None)
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(place)
                s.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
                self.assertIn(b" 200 ", s.recv(4096))
            self.assertEqual(i.serve.post()[0].status, 200)
            i.stop()
            self.assertFalse(os.path.exists(place))

    def test_tls(self):
        with Upstream() as up, Installation("") as i:
            files = [os.path.join(i.directory, name) for name in ("cert.pem", "key.pem")]
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
                            "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
                            "-out", files[0], "-keyout", files[1]],
                           capture_output=True, check=True)
            place = os.path.join(i.directory, "sock")
            i.write(f"listen: ['127.0.0.1:0', 'unix:{place}']\n"
                    f"tls: {{certificate: {files[0]}, key: {files[1]}}}\n" + accounts(up))
            i.serve = Serve("-c", i.file, listen=None)
            with socket.socket(socket.AF_UNIX) as s:  # which nobody can listen in on
                s.connect(place)
                s.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
                self.assertIn(b" 200 ", s.recv(4096))
            context = ssl.create_default_context(cafile=files[0])
            c = http.client.HTTPSConnection("127.0.0.1", i.serve.port, context=context,
                                            timeout=PATIENCE_S)
            c.request("POST", CHAT, chat(), {"content-type": "application/json"})
            answer = c.getresponse()
            self.assertEqual((answer.status, b"choices" in answer.read()), (200, True))
            c.close()

    def test_day_budgets_survive_a_restart(self):
        config = ("tenants: {web: {limits: {rpd: 3, spend_day: 5}}}\n")
        with Upstream() as up, \
                Installation(accounts(up, more=", limits: {gpt-4o: {rpd: 100}}") + config) as i:
            i.key("web")
            i.start()
            for _ in range(2):
                self.assertEqual(i.post("web")[0].status, 200)
            i.stop()
            with open(os.path.join(i.state, "budgets.jsonl"), encoding="utf-8") as f:
                lines = [json.loads(line) for line in f]
            self.assertEqual({(l.get("tenant"), l.get("account"), l.get("limit") or l["purse"])
                              for l in lines},
                             {("web", None, "rpd"), ("web", None, "day"), (None, "a0", "rpd")})
            i.start()
            for status in (200, 429):
                self.assertEqual(i.post("web", headers=AT_ONCE)[0].status, status)

    def test_the_state_directory_is_made(self):
        with Upstream() as up, Installation("") as i:
            i.state = os.path.join(i.directory, "new", "home")
            i.write(accounts(up, more=", limits: {gpt-4o: {rpd: 2}}"))
            i.start()
            self.assertEqual(i.serve.post()[0].status, 200)
            i.stop()
            i.start()
            self.assertEqual(i.serve.post()[0].status, 200)
            self.assertEqual(i.serve.post(headers=AT_ONCE)[0].status, 429)

    def test_every_request_has_one_line(self):
        """Also one whose time is over while it waits to be sent again: the provider's words are
        the last it hears."""
        def reply(h, n):
            if n == 1:
                h.whole(200, {"usage": {"prompt_tokens": 3, "completion_tokens": 4}})
            else:
                h.whole(503, {"error": {"message": "later"}})

        with Upstream(reply) as up, Installation(accounts(up, more=", retries: 9")) as i:
            log = os.path.join(i.directory, "log")
            i.write(accounts(up, more=", retries: 9") + f"log: {log}\nlog_format: json\n")
            serve = i.start()
            told = [serve.post(), serve.post("not JSON"),
                    serve.post(headers={"x-sluice-max-wait": "0.1"})]
            self.assertEqual([answer.status for answer, _ in told], [200, 400, 503])
            i.stop()
            with open(log, encoding="utf-8") as lines:
                entries = [json.loads(line) for line in lines]
            self.assertEqual([(e["status"], e["verdict"], e["input_tokens"]) for e in entries],
                             [(200, "ok", 3), (400, "invalid", 0), (503, "overloaded", -1)])

    def test_a_name_forges_no_line_of_the_log(self):
        with Upstream() as up, Installation("") as i:
            log = os.path.join(i.directory, "log")
            i.write(accounts(up) + f"log: {log}\n")
            i.start().post(model="a b\n2026-01-01 forged\x1b[31m\x7f\u009b\u00e4")
            i.stop()
            with open(log, encoding="utf-8", newline="") as file:
                line = file.read()
            self.assertRegex(line, r"^\S+ everybody a_b_2026-01-01_forged_\[31m__\u00e4 200 ok [^\n]*\n$")

    def test_names_that_nobody_knows_do_not_crowd_out_others(self):
        with Upstream() as up, Installation("") as i:
            i.write(f"accounts: {{a: {{base_url: '{up.url}', window: bucket, limits: {{late: {{rpm: 1}}, '*': {{rpm: 20}}}}}}}}\n")
            serve = i.start()
            connection = http.client.HTTPConnection("127.0.0.1", serve.port, timeout=PATIENCE_S)
            statuses = []
            for n in range(1100):
                connection.request("POST", CHAT, chat(model=f"nobody-knows-{n}"), AT_ONCE)
                answer = connection.getresponse()
                answer.read()
                statuses.append(answer.status)
            connection.close()
            self.assertEqual([serve.post(model="late", headers=AT_ONCE)[0].status for _ in "12"],
                             [200, 429])
            # those beyond count share the limit of any name
            self.assertEqual(statuses[-1], 429)

    def test_check(self):
        with Upstream() as up, Installation(accounts(up) + "tenants: {web: {}}\n") as i:
            good = subprocess.run([SLUICE, "check", "-c", i.file], capture_output=True, text=True)
            self.assertEqual((good.returncode, good.stderr.count("has no key")), (0, 1))
            self.assertIn("tenant   web", good.stdout)
            i.write("listen: 0.0.0.0:80\naccounts:\n  main: {provider: opnai}\n")
            bad = subprocess.run([SLUICE, "check", "-c", i.file], capture_output=True, text=True)
            self.assertEqual(bad.returncode, 2)
            self.assertIn("sluice.yaml:4: accounts.main: provider: \"opnai\"", bad.stderr)
            self.assertIn("sluice.yaml:2: listen: 0.0.0.0:80 can be reached", bad.stderr)
            refused = subprocess.run([SLUICE, "serve", "-c", i.file], capture_output=True,
                                     text=True)
            self.assertEqual((refused.returncode, refused.stderr), (2, bad.stderr.rsplit(
                "\n", 2)[0] + "\n"))

    def test_what_would_fail_later_is_found_by_check(self):
        """What `serve` would stumble over, and what would mean the opposite of what it says."""
        key = "sk-proj-abcdefgh0123456789"
        account = "accounts: {a: {provider: openai, tier: 1, base_url: 'http://127.0.0.1:1'%s}}\n"
        tenant = account % "" + "tenants: {t: {%s}}\n"
        cases = (
            ("accounts: {a: {provider: openai, tier: 77}}\n", "2: accounts.a: tier: \"77\" is no"),
            ("accounts: {a: {emulate: openai/x}}\n", "2: accounts.a: emulate: \"x\" is no tier"),
            ("accounts: {a: {base_url: 'ftp://x'}}\n", "2: accounts.a: base_url: the URL must"),
            (account % f", api_key_env: {key}", "2: accounts.a: api_key_env: looks like a key"),
            (account % f", api_key_file: {key}", "2: accounts.a: api_key_file: looks like a key"),
            (account % "" + "listen: 127.0.0.1:70000\n", "3: listen: 127.0.0.1:70000: listen on"),
            (account % "" + "listen: localhost:80\n", "3: listen: localhost:80: listen on"),
            (account % "" + "tls: {certificate: /nowhere, key: /nowhere}\n",
             "3: tls: /nowhere: cannot be read"),
            (account % "" + "admin: {listen: '127.0.0.1:0', token_env: NO_SUCH}\n",
             "3: admin: NO_SUCH: not set"),
            (account % "" + "admin: {listen: '127.0.0.1', token_env: PATH}\n",
             "3: admin: 127.0.0.1: listen on"),
            (tenant % "limits: {rpm: 0}", "3: tenants.t.limits: rpm: would let nothing through"),
            (tenant % "limits: {spend_day: 0}", "spend_day: would let nothing through"),
            (tenant % "models: []", "3: tenants.t: models: would let nothing through"),
            (tenant % "queue: 0", "3: tenants.t: queue: would let nothing through"),
            (account % "" + "tenants: {'': {}}\n", "a name has 1 to 64 bytes"),
        )
        for text, words in cases:
            with self.subTest(text=text), Installation(text) as i:
                judged = subprocess.run([SLUICE, "check", "-c", i.file], capture_output=True,
                                        text=True, env={**os.environ, "OPENAI_API_KEY": "sk-o"})
                self.assertEqual(judged.returncode, 2)
                self.assertIn(words, judged.stderr)
                self.assertIn("1 thing is wrong", judged.stderr)
                self.assertNotIn(key, judged.stderr)
        with Installation(account % "" + "tenants:\n  usual:\n") as i:
            judged = subprocess.run([SLUICE, "check", "-c", i.file], capture_output=True,
                                    text=True, env={**os.environ, "OPENAI_API_KEY": "sk-o"})
            self.assertIn("tenant   usual", judged.stdout)

    def test_options_that_a_file_would_hide_are_refused(self):
        with Installation("accounts:\n  main: {provider: openai}\n") as i:
            for option in "--grace=5s", "--provider=openai", "--resend":
                said = subprocess.run([SLUICE, "serve", option, "-c", i.file],
                                      capture_output=True, text=True, check=False)
                self.assertEqual(said.returncode, 2)
                self.assertIn(option.split("=")[0] + ": stands in the configuration", said.stderr)

    def test_the_example_is_one(self):
        example = os.path.join(os.path.dirname(__file__), "..", "..", "contrib", "sluice.yaml")
        with open(example, encoding="utf-8") as file:
            text = file.read()
        with Installation("") as i:
            key = os.path.join(i.directory, "azure.key")
            with open(key, "w", encoding="utf-8") as file:
                file.write("sk-azure")
            i.write(text.replace("/etc/sluice/azure-east.key", key))
            judged = subprocess.run(
                [SLUICE, "check", "-c", i.file], capture_output=True, text=True,
                env={**os.environ, "OPENAI_API_KEY": "sk-o", "ANTHROPIC_API_KEY": "sk-a",
                     "SLUICE_ADMIN_TOKEN": "geheim"})
            self.assertEqual((judged.returncode, judged.stderr), (0, ""))


if __name__ == "__main__":
    main()
