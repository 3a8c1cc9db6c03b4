"""`sluice plan`: what a command line gives, against the catalogue's own files and against what
`sluice run` is told with the same options. How long things take is plan_real.py's.

Run by hand: SLUICE=build/sluice python3 tests/e2e/plan.py [-v] [Class.test]"""
import json
import os
import re
import subprocess
import xml.dom.minidom

from run_support import ROOT, RunTest, SLUICE, main, read_lines, request_line

PROMPT_TOKENS_PER_ROW = 4  # at least: words of a prompt


def catalogue(name):
    with open(os.path.join(ROOT, "data", name), encoding="utf-8") as f:
        return json.load(f)


class PlanTest(RunTest):
    def plan(self, *options, code=0, **kw):
        done = subprocess.run([SLUICE, "plan", *options], capture_output=True, text=True,
                              timeout=240, check=False, **kw)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        return done

    def plan_json(self, *options, code=0, **kw):
        return json.loads(self.plan(*options, "--json", code=code, **kw).stdout)

    def tier(self, plan, name, variant=0):
        found = [t for t in plan["variants"][variant]["tiers"] if t["tier"] == name]
        self.assertEqual(len(found), 1, name)
        return found[0]


class Table(PlanTest):
    def test_without_a_word_of_the_account(self):
        """The provider follows from the models; nothing is sent, no key is asked for."""
        self.batch(1300, max_tokens=300)
        environment = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
        text = self.plan(self.input, env=environment).stdout
        self.assertLessEqual(max(map(len, text.splitlines()[1:])), 80, text)
        for words in ("1,300 requests", "390,000 charged", "gpt-4o\n", "gpt-4o-mini instead\n",
                      "30,000 TPM", "within 24 h", "max_tokens, tier 1\n", "as asked",
                      "not known: free", "answers of 1 token to max_tokens"):
            self.assertIn(words, text)

    def test_help_and_man_page(self):
        text = self.plan("--help").stdout
        man = self.plan("--man").stdout
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        for option in ("output-tokens", "from", "service-time", "instead", "plot", "tier",
                       "limits", "window", "emulate"):
            self.assertIn("--" + option, text)
            self.assertIn(option, man)
        for option in ("api-key-env", "ca-file", "idle-timeout", "retries"):
            self.assertNotIn("--" + option, text)

    def test_everything_is_in_the_menu(self):
        self.assertIn("plan", subprocess.run([SLUICE, "--help"], capture_output=True, text=True,
                                             check=True).stdout)


class Figures(PlanTest):
    def test_every_tier_of_the_catalogue(self):
        self.batch(100, max_tokens=300)
        limits = catalogue("limits.json")
        for provider, model in (("openai", "gpt-4o"), ("anthropic", "claude-opus-4-8"),
                                ("groq", "gpt-oss-20b"), ("gemini", "gemini-2.5-flash")):
            with self.subTest(provider=provider):
                plan = self.plan_json(self.input, "--model", model)
                self.assertEqual(plan["provider"], provider)
                want = [t["tier"] for t in limits["tiers"] if t["provider"] == provider]
                got = [t["tier"] for t in plan["variants"][0]["tiers"]]
                self.assertEqual(got, want)
                for tier in plan["variants"][0]["tiers"]:
                    cap = [t["monthly_cap_usd"] for t in limits["tiers"]
                           if (t["provider"], t["tier"]) == (provider, tier["tier"])]
                    self.assertEqual([tier["monthly_cap_usd"]], cap)

    def test_next_model_down_is_the_catalogues(self):
        self.batch(10)
        models = {m["model"]: m for m in catalogue("models.json")["models"]}
        for model, row in models.items():
            if row["provider"] == "openai" and row.get("next_down") in models:
                shutdown = models[row["next_down"]]["shutdown"]
                if shutdown and shutdown < "2027":
                    continue  # which of them is gone depends on the day
                plan = self.plan_json(self.input, "--model", model)
                self.assertEqual(plan["variants"][1]["models"], [row["next_down"]])
        self.assertEqual(len(self.plan_json(self.input, "--instead", "none")["variants"]), 1)
        plan = self.plan_json(self.input, "--instead", "o3")
        self.assertEqual(plan["variants"][1]["models"], ["o3"])

    def test_costs(self):
        self.batch(50, max_tokens=200)
        plan = self.plan_json(self.input, "--output-tokens", "120")
        input_usd, output_usd = 2.5e-6, 10e-6  # gpt-4o's, in data/models.json
        live = plan["input_tokens"] * input_usd + 50 * 120 * output_usd
        cost = plan["variants"][0]["live_usd"]
        for end in ("low", "likely", "high"):
            self.assertAlmostEqual(cost[end], live, 5)
        self.assertAlmostEqual(plan["variants"][0]["batch_usd"]["likely"], live / 2, 5)
        self.assertEqual(plan["variants"][0]["prices_date"], "2026-07-24")
        unknown = self.plan_json(self.input)["variants"][0]["live_usd"]
        self.assertIsNone(unknown["likely"])
        self.assertAlmostEqual(unknown["high"],
                               plan["input_tokens"] * input_usd + 50 * 200 * output_usd, 5)

    def test_the_accounts_options_are_those_of_run(self):
        self.batch(1300, max_tokens=300)
        base = self.plan_json(self.input, "--tier", "1")
        own = self.tier(base, "1")
        self.assertTrue(own["own"])
        self.assertEqual(own["live"]["binding_budget"],
                         {"model": "gpt-4o", "dimension": "tpm", "limit": 30000})
        half = self.tier(self.plan_json(self.input, "--tier", "1", "--use", "50%"), "1")
        self.assertEqual(half["live"]["binding_budget"]["limit"], 15000)
        told = self.plan_json(self.input, "--limits", "gpt-4o:rpm=60", "--window", "fixed",
                              "--minute", "2s", "--service-time", "100ms")
        first = told["variants"][0]["tiers"][0]
        self.assertIsNone(first["tier"])
        self.assertTrue(first["own"])
        self.assertEqual(first["live"]["binding_budget"]["dimension"], "rpm")
        self.assertEqual(told["taken"]["window"], "fixed")
        # 1,300 requests, 60 in each window of 2 s, the first of which is half over
        self.assertAlmostEqual(first["live"]["makespan_s"]["likely"], 1 + 20 * 2 + 0.1, 0)
        elsewhere = self.plan_json(self.input, "--base-url", "http://127.0.0.1:9/v1", "--limits",
                                   "*:rpm=500,tpm=30000")
        self.assertEqual((elsewhere["provider"], elsewhere["taken"]["window"]),
                         ("compatible", "auto"))  # as a run there would find it
        self.assertEqual(len(elsewhere["variants"][0]["tiers"]), 1)
        own_catalogue = self.path("mine.json")
        with open(own_catalogue, "w", encoding="utf-8") as f:
            json.dump({"limits": [{"provider": "openai", "tier": "1", "models": ["gpt-4o"],
                                   "tpm": 60000, "date": "today"}]}, f)
        mine = self.tier(self.plan_json(self.input, "--catalogue", own_catalogue), "1")
        self.assertEqual(mine["live"]["binding_budget"]["limit"], 60000)
        self.assertEqual(mine["limits_date"], "today")

    def test_batches(self):
        self.batch(3000, words=40)
        plan = self.plan_json(self.input)
        turns = -(-plan["input_tokens"] // 90000)  # what may wait on tier 1
        first = self.tier(plan, "1")["batch"]
        self.assertIn(first["turns"] - turns, (0, 1))  # a parcel holds whole requests
        self.assertEqual(first["within_s"], first["turns"] * 86400)
        self.assertEqual(first["rules_date"], "2026")
        self.assertEqual(self.tier(plan, "5")["batch"]["turns"], 1)
        self.assertIsNone(self.plan_json(self.input, "--model", "gpt-oss-20b")["variants"][0]
                          ["tiers"][0]["batch"])

    def test_several_models(self):
        with open(self.input, "w", encoding="utf-8") as f:
            for i in range(400):
                line = request_line(i, model=("gpt-4o", "o3")[i % 2], max_tokens=400)
                f.write(json.dumps(line) + "\n")
        plan = self.plan_json(self.input)
        self.assertEqual(plan["variants"][0]["models"], ["gpt-4o", "o3"])
        self.assertEqual(plan["variants"][1]["models"], ["gpt-4o-mini", "o3"])
        live = self.tier(plan, "1")["live"]
        self.assertAlmostEqual(live["bound_s"], (200 * 400 - 30000) / 500, 3)

    def test_the_same_command_says_the_same(self):
        self.batch(500, max_tokens=300)
        options = (self.input, "--tier", "1", "--output-tokens", "lognormal:50-300", "--json")
        self.assertEqual(self.plan(*options).stdout, self.plan(*options).stdout)
        other = self.plan(*options, "--seed", "2").stdout
        self.assertNotEqual(self.plan(*options).stdout, other)


class Inputs(PlanTest):
    def test_standard_input(self):
        self.batch(20)
        with open(self.input, encoding="utf-8") as f:
            plan = self.plan_json("-", stdin=f)
        self.assertEqual((plan["requests"], plan["file"]), (20, "standard input"))

    def test_prompts(self):
        with open(self.path("prompts.txt"), "w", encoding="utf-8") as f:
            f.write("\n".join(f"Tell me all about number {i}." for i in range(30)))
        plan = self.plan_json("--prompts", self.path("prompts.txt"), "--model", "gpt-4o",
                              "--max-tokens", "500")
        self.assertEqual(plan["requests"], 30)
        self.assertEqual(plan["max_tokens"]["asked"], 500)
        self.assertGreater(plan["input_tokens"], 30 * PROMPT_TOKENS_PER_ROW)

    def test_anthropic_lines(self):
        self.write_input(json.dumps({"custom_id": f"r-{i}", "params": {
            "model": "claude-sonnet-4-5", "max_tokens": 800,
            "messages": [{"role": "user", "content": "Hello"}]}}) for i in range(60))
        plan = self.plan_json(self.input)
        self.assertEqual((plan["provider"], plan["exact"]), ("anthropic", False))
        self.assertEqual(plan["max_tokens"]["kind"], "produced")
        live = self.tier(plan, "1")["live"]["makespan_s"]
        self.assertIsNone(live["likely"])
        self.assertLess(live["low"], live["high"])

    def test_invalid_lines_are_told_and_left_out(self):
        self.batch(10)
        with open(self.input, "a", encoding="utf-8") as f:
            f.write('{"custom_id": "x"}\n')
        done = self.plan(self.input, "--json", code=1)
        self.assertIn("requests.jsonl:11:", done.stderr)
        plan = json.loads(done.stdout)
        self.assertEqual((plan["requests"], plan["invalid"]), (10, 1))

    def test_complaints(self):
        self.batch(3)
        empty = self.path("empty.jsonl")
        with open(empty, "w", encoding="utf-8"):
            pass
        for options, code, words in (
                ((), 2, "which file?"),
                ((self.path("none.jsonl"),), 4, "none.jsonl"),
                ((empty,), 2, "no request in it"),
                ((self.input, "--tier", "9"), 2, "is no tier of openai"),
                ((self.input, "--model", "house-7b"), 2, "--limits"),
                ((self.input, "--provider", "azure"), 2, "no limits of azure are known"),
                ((self.input, "--instead", "house-7b"), 2, "--instead"),
                ((self.input, "--output-tokens", "many"), 2, "--output-tokens"),
                ((self.input, "--service-time", "soon"), 2, "--service-time"),
                ((self.input, "--from", self.input, "--output-tokens", "9"), 2, "--from"),
                ((self.input, "--from", self.input), 2, "no line is an answer"),
                ((self.input, "--from", self.path("none")), 4, "none"),
                ((self.input, "--plot", self.path("no/such/folder.svg")), 4, "--plot"),
                ((self.input, "--window", "round"), 2, "--window"),
                ((self.input, self.input), 2, "one file at a time"),
                (("--prompts", self.input), 2, "--model"),
                ((self.input, "--teir", "1"), 2, "--tier")):
            with self.subTest(options=options):
                done = self.plan(*options, code=code)
                self.assertIn(words, done.stderr)


class Guess(PlanTest):
    def test_answers_of_an_earlier_run(self):
        """Run half of it on an emulator; what its answers used is what the plan takes."""
        self.batch(400, max_tokens=300)
        subprocess.run([SLUICE, "run", self.input, "-o", self.output, "--quiet", "--emulate",
                        "openai/tier-5", "--minute", "2s", "--emulate-output", "100-160",
                        "--emulate-latency", "5ms"], check=True)
        used = sorted(line["response"]["body"]["usage"]["completion_tokens"]
                      for line in read_lines(self.output))
        plan = self.plan_json(self.input, "--from", self.output, "--tier", "1")
        taken = plan["taken"]["output"]
        self.assertEqual((taken["by"], taken["answers"], taken["cut"]), ("seen", 400, 0))
        self.assertAlmostEqual(taken["mean_tokens"], sum(used) / len(used), delta=1)
        curve = plan["max_tokens"]
        self.assertEqual((curve["asked"], curve["tier"]), (300, "1"))
        covers = used[-(-len(used) * 99 // 100) - 1]
        self.assertEqual(curve["enough"], -(-covers // 10) * 10)
        pace = {p["max_tokens"]: p["requests_per_minute"] for p in curve["points"]}
        self.assertGreater(pace[curve["enough"]], 1.5 * pace[300])
        text = self.plan(self.input, "--from", self.output, "--tier", "1").stdout
        self.assertIn("enough for 99 %", text)
        self.assertIn("400 seen before", text)

    def test_answers_that_were_cut_off_prove_nothing(self):
        self.batch(100, max_tokens=50)
        with open(self.output, "w", encoding="utf-8") as f:
            for i in range(100):
                body = {"choices": [{"finish_reason": "length" if i % 10 == 0 else "stop"}],
                        "usage": {"completion_tokens": 50 if i % 10 == 0 else 30}}
                f.write(json.dumps({"custom_id": str(i), "response": {"body": body}}) + "\n")
        plan = self.plan_json(self.input, "--from", self.output)
        self.assertEqual(plan["taken"]["output"]["cut"], 10)
        self.assertIsNone(plan["max_tokens"]["enough"])
        self.assertIn("10 of the answers seen were cut off",
                      self.plan(self.input, "--from", self.output).stdout)

    def test_an_emulators_own_figures(self):
        self.batch(50, max_tokens=300)
        plan = self.plan_json(self.input, "--emulate", "openai/tier-2", "--emulate-latency",
                              "70ms-90ms", "--emulate-output", "10-20")
        self.assertEqual(plan["taken"]["output"]["by"], "emulated")
        self.assertEqual(plan["taken"]["output"]["high_tokens"], 20)
        self.assertEqual(plan["taken"]["service"], {"low_s": 0.07, "high_s": 0.09})
        self.assertTrue(self.tier(plan, "2")["own"])


class Plot(PlanTest):
    def test_well_formed_and_alone(self):
        self.batch(1300, max_tokens=300, model="gpt-4o")
        picture = self.path("plan.svg")
        self.plan(self.input, "--tier", "1", "--output-tokens", "50-150", "--plot", picture)
        with open(picture, encoding="utf-8") as f:
            text = f.read()
        document = xml.dom.minidom.parseString(text)
        words = [node.firstChild.data for node in document.getElementsByTagName("text")]
        for want in ("tier 1 (yours)", "gpt-4o", "gpt-4o-mini instead", "max_tokens (tokens)",
                     "requests per minute", "live", "1 day"):
            self.assertIn(want, words)
        self.assertTrue(any(w.startswith("enough: ") for w in words))
        self.assertTrue(any(w.startswith("as asked: ") for w in words))
        self.assertEqual(re.findall(r"https?://[^\"]+", text), ["http://www.w3.org/2000/svg"])
        for name in ("script", "image", "use", "foreignObject"):
            self.assertEqual(document.getElementsByTagName(name).length, 0)
        width = float(document.documentElement.getAttribute("width"))
        height = float(document.documentElement.getAttribute("height"))
        for rect in document.getElementsByTagName("rect"):
            if rect.getAttribute("x"):
                self.assertLessEqual(float(rect.getAttribute("x")) +
                                     float(rect.getAttribute("width")), width)
                self.assertLess(float(rect.getAttribute("y")), height)


class Memory(PlanTest):
    def test_memory_grows_with_the_index_alone(self):
        """72 bytes a line, a quarter more while the list grows, and what finds and shuffles it."""
        def peak(rows):
            self.batch(rows, words=2)
            child = subprocess.Popen([SLUICE, "plan", self.input, "--json"],
                                     stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(child.returncode, 0)
            return usage.ru_maxrss * 1024
        small, large = peak(20000), peak(60000)
        self.assertLess((large - small) / 40000, 260, "bytes a line")


if __name__ == "__main__":
    main()
