#!/usr/bin/env python3
"""`sluice limits`: every tier of the catalogue is recognised through the emulator; limits of one's own,
refusals and broken providers are told apart.

usage: SLUICE=build/sluice python3 tests/e2e/limits.py [unittest arguments]"""
import json
import os
import subprocess
import tempfile
import unittest

from run_support import ROOT, SLUICE, Emulator, Provider, error_answer, good_answer

with open(os.path.join(ROOT, "data", "limits.json"), encoding="utf-8") as file:
    CATALOGUE = json.load(file)
FAST = ("--emulate-latency", "1ms")


def limits(*options, code=0, **environment):
    done = subprocess.run([SLUICE, "limits", *options], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **environment})
    if done.returncode != code:
        raise AssertionError(f"exit code {done.returncode}: {done.stdout}{done.stderr}")
    return done


def limits_json(*options, **kind):
    return json.loads(limits("--json", *options, **kind).stdout)


def tiers():
    """(provider, tier, models with limits of every tier that has any."""
    for tier in CATALOGUE["tiers"]:
        models = [m for row in CATALOGUE["limits"] for m in row["models"]
                  if (row["provider"], row["tier"]) == (tier["provider"], tier["tier"])
                  and "input_tokens_above" not in row]
        if models:
            yield tier["provider"], tier["tier"], models


def of_tier(provider, tier, model):
    for row in CATALOGUE["limits"]:
        if (row["provider"], row["tier"]) == (provider, tier) and model in row["models"] \
                and "input_tokens_above" not in row:
            return row
    return {}


class Learned(unittest.TestCase):
    """What `run` and `serve` have learned of the account, from the state directory."""

    def test_lessons_of_this_account_are_shown(self):
        with tempfile.TemporaryDirectory() as state, \
                Emulator("--limits", "gpt-4o:rpm=90", "--latency", "1ms") as emulator:
            with open(os.path.join(state, "lessons.jsonl"), "w", encoding="utf-8") as file:
                for account, pool in ((emulator.url, "(POST /v1/things/*)"),
                                      (emulator.url, "gpt-4o-mini"), ("https://x.test", "gpt-4o")):
                    file.write(json.dumps({
                        "account": account, "pool": pool, "window": "sliding", "limit": 1295,
                        "slice_us": 0, "edge": 0, "zone_us": 0, "lately": 3,
                        "at": 1764158400000000}) + "\n")
            asked = "--base-url", emulator.url, "--model", "gpt-4o", "--state", state
            text = limits(*asked).stdout
            self.assertIn("Learned from refusals, told by nobody\n"
                          "(POST /v1/things/*)    requests per minute            1,295"
                          "  sliding, 2025-11-26 12:00:00\n"
                          "gpt-4o-mini            requests per minute            1,295", text)
            learned = limits_json(*asked)["learned"]
            self.assertEqual([one["pool"] for one in learned],
                             ["(POST /v1/things/*)", "gpt-4o-mini"])
            self.assertEqual(learned[0], {
                "pool": "(POST /v1/things/*)", "dimension": "rpm", "limit": 1295,
                "window": "sliding", "at": "2025-11-26T12:00:00Z"})
            self.assertNotIn("Learned", limits(*asked[:-1], os.path.join(state, "no")).stdout)


class Tiers(unittest.TestCase):
    def asked(self, model):
        return not any(word in model for word in ("image", "dall-e", "whisper", "tts"))

    def test_each_is_recognised_by_all_its_models(self):
        seen = 0
        for provider, tier, models in tiers():
            models = [m for m in models if self.asked(m)][-16:]
            options = [o for m in models for o in ("--model", m)]
            with self.subTest(provider=provider, tier=tier):
                if provider == "gemini":  # sends no headers, and so does its emulation
                    found = limits_json("--emulate", f"{provider}/{tier}", *FAST, *options, code=1)
                    self.assertEqual(found["looks_like"]["kind"], "unknown")
                    continue
                found = limits_json("--emulate", f"{provider}/{tier}", *FAST, *options)
                self.assertEqual(found["looks_like"]["kind"], "one")
                self.assertEqual(found["looks_like"]["tiers"], [tier])
                self.assertEqual(found["unlike_tier"], [])
                for model in found["models"]:
                    for limit in model["limits"]:
                        self.assertEqual(limit["limit"], of_tier(
                            provider, tier, model["model"])[limit["dimension"]])
                seen += 1
        self.assertGreaterEqual(seen, 17)

    def test_each_is_recognised_by_the_models_asked_by_itself(self):
        for provider, tier, _ in tiers():
            if provider == "gemini":
                continue
            with self.subTest(provider=provider, tier=tier):
                found = limits_json("--emulate", f"{provider}/{tier}", *FAST)
                self.assertEqual(found["looks_like"]["tiers"], [tier])
                self.assertLessEqual(len(found["models"]), 16)

    def test_what_the_next_tier_brings(self):
        found = limits_json("--emulate", "openai/tier-2", "--model", "gpt-4o", *FAST)["next"]
        self.assertEqual((found["tier"], found["paid_usd"], found["monthly_cap_usd"],
                          found["former_wait_days"]), ("3", 100, 1000, 7))
        self.assertEqual(found["brings"], [{"model": "gpt-4o", "dimension": "tpm", "now": 450000,
                                            "tier": 800000}])
        words = limits("--emulate", "openai/tier-2", "--model", "gpt-4o", *FAST).stdout
        self.assertIn("This looks like TIER 2 (tiers 1-5): 2 of 2 limits", words)
        self.assertRegex(words, r"TPM +450k +- +30k +450k\* +800k +2M +30M\n")
        self.assertIn("450,000 -> 800,000", words)
        self.assertIsNone(limits_json("--emulate", "openai/grow", *FAST)["next"])

    def test_two_programmes_may_fit(self):
        found = limits_json("--emulate", "openai/tier-2", "--model", "gpt-5.6-sol", *FAST)
        self.assertEqual(found["looks_like"]["kind"], "several")
        self.assertEqual(found["looks_like"]["tiers"], ["2", "build"])

    def test_tables_are_80_columns_wide(self):
        for provider, tier, _ in tiers():
            done = subprocess.run([SLUICE, "limits", "--emulate", f"{provider}/{tier}", *FAST],
                                  capture_output=True, text=True, timeout=60)
            for line in done.stdout.split("\n"):
                self.assertLessEqual(len(line), 80, line)


class OfTheirOwn(unittest.TestCase):
    """Limits that are no tier's."""

    def look(self, *limits_of, options=(), models=("gpt-4o", "gpt-4o-mini")):
        given = [o for limit in limits_of for o in ("--limits", limit)]
        with Emulator("--latency", "1ms", *given) as emulator:
            return limits_json("--provider", "openai", "--base-url", emulator.url,
                               *(o for m in models for o in ("--model", m)), *options,
                               OPENAI_API_KEY="k")

    def test_between_higher_lower_custom(self):
        for rows, kind, names in (
                (("gpt-4o:rpm=5000,tpm=600000", "gpt-4o-mini:rpm=5000,tpm=3000000"), "between", ["2", "3"]),
                (("gpt-4o:rpm=20000,tpm=60000000", "gpt-4o-mini:rpm=60000,tpm=300000000"), "higher", ["5"]),
                (("gpt-4o:rpm=100,tpm=3000", "gpt-4o-mini:rpm=2,tpm=30"), "lower", ["free"]),
                (("gpt-4o:rpm=5000,tpm=450000", "gpt-4o-mini:rpm=5000,tpm=2500000"), "but_for", ["2"]),
                (("gpt-4o:rpm=100,tpm=450000", "gpt-4o-mini:rpm=9000,tpm=1000"), "custom", ["2"])):
            found = self.look(*rows)["looks_like"]
            self.assertEqual((found["kind"], found["tiers"]), (kind, names))

    def test_lower_than_the_tier_that_was_told(self):
        found = self.look("gpt-4o:rpm=5000,tpm=30000", models=["gpt-4o"], options=("--tier", "2"))
        self.assertEqual(found["tier"], "2")
        self.assertEqual(found["unlike_tier"], [{"model": "gpt-4o", "dimension": "tpm", "now": 30000,
                                                 "tier": 450000}])
        with Emulator("--latency", "1ms", "--limits", "gpt-4o:rpm=5000,tpm=30000") as emulator:
            words = limits("--provider", "openai", "--base-url", emulator.url, "--tier", "2", "--model",
                           "gpt-4o", OPENAI_API_KEY="k").stdout
        self.assertIn("30,000, lower than tier 2's 450,000", words)
        self.assertIn("to the provider's support", words)

    def test_a_tier_that_is_owed(self):
        words = limits("--emulate", "openai/tier-1", "--model", "gpt-4o", "--paid", "60usd",
                       "--since", "9", *FAST).stdout
        self.assertIn("60 USD paid and 9 days since the first payment earn tier 2", words)

    def test_figures_of_a_catalogue_of_ones_own(self):
        path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"sluice-limits-{os.getpid()}.json")
        with open(path, "w", encoding="utf-8") as own:
            json.dump({"tiers": [{"provider": "azure", "tier": "small", "programme": "house"},
                                 {"provider": "azure", "tier": "large", "programme": "house"}],
                       "limits": [{"provider": "azure", "tier": "small", "models": ["gpt-4o"],
                                   "rpm": 60, "tpm": 10000},
                                  {"provider": "azure", "tier": "large", "models": ["gpt-4o"],
                                   "rpm": 600, "tpm": 100000}]}, own)
        self.addCleanup(os.remove, path)
        found = limits_json("--emulate", "azure/large", "--catalogue", path, "--model", "gpt-4o", *FAST)
        self.assertEqual(found["looks_like"]["tiers"], ["large"])


class Answers(unittest.TestCase):
    """What a provider may say instead."""

    def ask(self, reply, *options, models=("gpt-4o",), code=0, provider="openai"):
        server = Provider(reply)
        self.addCleanup(server.__exit__)
        self.server = server
        variable = {"anthropic": "ANTHROPIC_API_KEY"}.get(provider, "OPENAI_API_KEY")
        return limits_json("--provider", provider, "--base-url", server.url, *options,
                           *(o for m in models for o in ("--model", m)), code=code,
                           **{variable: "key-of-a-test"})

    @staticmethod
    def headers(limit=30000, remaining=29000):
        return {"x-ratelimit-limit-tokens": str(limit), "x-ratelimit-remaining-tokens": str(remaining),
                "x-ratelimit-reset-tokens": "2s"}

    def test_requests_are_minimal_and_single(self):
        requests = []

        def reply(handler, body):
            requests.append((handler.path, dict(handler.headers), json.loads(body)))
            return good_answer()[0], good_answer()[1], self.headers()

        self.ask(reply, models=("gpt-4o", "text-embedding-3-small"))
        requests.sort(key=lambda r: r[0])
        self.assertEqual([r[0] for r in requests], ["/v1/chat/completions", "/v1/embeddings"])
        self.assertEqual(requests[0][2]["max_completion_tokens"], 1)
        self.assertEqual(requests[1][2], {"model": "text-embedding-3-small", "input": "Hi"})
        self.assertEqual(requests[0][1]["authorization"], "Bearer key-of-a-test")

    def test_anthropic(self):
        requests = []

        def reply(handler, body):
            requests.append((handler.path, dict(handler.headers), json.loads(body)))
            return 200, {"type": "message", "content": []}, {
                "anthropic-ratelimit-requests-limit": "1000",
                "anthropic-ratelimit-requests-remaining": "999",
                "anthropic-ratelimit-input-tokens-limit": "450000",
                "anthropic-ratelimit-input-tokens-remaining": "450000",
                "anthropic-ratelimit-output-tokens-limit": "90000"}

        found = self.ask(reply, provider="anthropic", models=("claude-sonnet-4-6",))
        self.assertEqual(requests[0][0], "/v1/messages")
        self.assertEqual(requests[0][1]["x-api-key"], "key-of-a-test")
        self.assertEqual(requests[0][1]["anthropic-version"], "2023-06-01")
        self.assertEqual(requests[0][2]["max_tokens"], 1)
        self.assertEqual(found["looks_like"]["tiers"], ["2"])
        self.assertEqual([(r["dimension"], r["limit"], r["remaining"]) for r in
                          found["models"][0]["limits"]],
                         [("rpm", 1000, 999), ("itpm", 450000, 450000), ("otpm", 90000, None)])

    def test_a_model_that_wants_the_other_name(self):
        def reply(handler, body):
            if "max_completion_tokens" in json.loads(body):
                return error_answer(400, "unsupported_parameter", "Unsupported parameter: "
                                    "'max_completion_tokens' is not supported with this model.")
            return good_answer()[0], good_answer()[1], self.headers()

        found = self.ask(reply)
        self.assertEqual(found["models"][0]["status"], 200)
        self.assertEqual(self.server.arrivals(), 2)

    def test_refused_models_are_told_apart(self):
        answers = {
            "gpt-4o": (200, {"choices": []}, self.headers()),
            "gone": error_answer(404, "model_not_found", "The model `gone` does not exist."),
            "busy": error_answer(429, "rate_limit_exceeded", "Rate limit reached for busy on tokens per "
                                 "min (TPM): Limit 30000, Used 29999, Requested 9. Please try again in "
                                 "16ms.", self.headers(30000, 1)),
            "down": error_answer(503, "server_is_overloaded", "Our servers are currently overloaded."),
            "barred": error_answer(403, "unsupported_country_region_territory", "Not supported here"),
        }
        models = [*answers, "dall-e-3"]
        found = self.ask(lambda h, b: answers[json.loads(b)["model"]], models=models, code=1)
        self.assertEqual([(m["model"], m["status"], m["refused"], m["dimension"], len(m["limits"]))
                          for m in found["models"]],
                         [("gpt-4o", 200, None, None, 1), ("gone", 404, "other", None, 0),
                          ("busy", 429, "rate_limit", "tpm", 1), ("down", 503, "overloaded", None, 0),
                          ("barred", 403, "auth", None, 0), ("dall-e-3", None, None, None, 0)])
        self.assertEqual(found["models"][2]["retry_after_ms"], 16)
        self.assertEqual(self.server.arrivals(), 5)  # none is asked twice, pictures not at all
        words = limits("--provider", "openai", "--base-url", self.server.url,
                       *(o for m in models for o in ("--model", m)), code=1, OPENAI_API_KEY="k").stdout
        for said in ("no access (404)", "refused for a rate (429), tokens per minute, retry in 16 ms",
                     "overloaded (503)", "not permitted (403)", "not asked"):
            self.assertIn(said, words)

    def test_the_account_cannot_be_asked(self):
        self.ask(lambda h, b: error_answer(401, "invalid_api_key", "Incorrect API key provided."), code=3)
        self.ask(lambda h, b: error_answer(429, "insufficient_quota", "You exceeded your current quota."),
                 code=3)

    def test_nobody_answers(self):
        server = Provider(lambda h, b: good_answer())
        url = server.url
        server.__exit__()
        found = limits_json("--provider", "openai", "--base-url", url, "--model", "gpt-4o", code=4,
                            OPENAI_API_KEY="k")
        self.assertIsNone(found["models"][0]["status"])
        self.assertTrue(found["models"][0]["why"])

    def test_no_key_is_shown(self):
        secret = "sk-" + "0123456789" * 2
        server = Provider(lambda h, b: error_answer(
            401, "invalid_api_key", f"Incorrect API key provided: {secret}. Look it up."))
        self.addCleanup(server.__exit__)
        done = limits("--provider", "openai", "--base-url", server.url, "--model", "gpt-4o", code=3,
                      OPENAI_API_KEY=secret)
        self.assertNotIn(secret, done.stdout + done.stderr)
        self.assertIn("sk-...", done.stdout)

    def test_wrong_usage(self):
        for args, word in (((), "where to?"), (("--provider", "openai", "--tier", "9"), "no tier of openai"),
                           (("--base-url", "http://127.0.0.1:1/v1"), "--model: needed"),
                           (("--provider", "openai"), "not set"), (("x",), "--help"),
                           (("--emulate", "openai/tier-1", "--paid", "60eur"), "US dollars"),
                           (("--emulate", "openai/tier-1", "--limits", "a:rpm=1"), "--limits")):
            environment = {"OPENAI_API_KEY": "k"} if "--tier" in args else {"OPENAI_API_KEY": ""}
            done = limits(*args, code=2, **environment)
            self.assertIn(word, done.stderr)
            self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
