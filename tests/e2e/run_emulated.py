"""`sluice run` against `sluice emulate`: faults, an empty wallet, several models, other providers.
Counts only: no refusal, nothing lost, nothing answered twice that was not lost on the way."""
import json
import subprocess

from run_support import Emulator, RunTest, SLUICE, main, read_lines, request_line

FAST = ("--latency", "1ms-30ms", "--minute", "1s", "--drain")


class Emulated(RunTest):
    def test_faults_do_not_overdraw_the_account(self):
        """What was cut off may have been charged: it counts, and is asked again."""
        limits = ("--limits", "gpt-4o:rpm=500,tpm=60000")
        self.batch(400, max_tokens=300)
        with Emulator(*FAST, *limits, "--window", "bucket",
                      "--fault", "500=2%,503=2%,reset=2%,midstream=2%") as emulator:
            self.sluice(emulator.url, *limits, "--minute", "1s", "--window", "bucket")
            report = emulator.report()
        self.assert_each_once(400)
        self.assertEqual(read_lines(self.errors), [])
        self.assertEqual(report["totals"]["refused"], 0)
        self.assertGreater(sum(report["faults"].values()), 10)
        self.assertEqual(report["requests"]["distinct"], 400)
        self.assertEqual(self.report()["rate_limited"], 0)

    def test_the_wallet_is_empty_and_filled(self):
        limits = ("--limits", "gpt-4o:rpm=6000,tpm=600000")
        self.batch(100)
        with Emulator(*FAST, *limits, "--wallet-after", "40") as emulator:
            done = self.sluice(emulator.url, *limits, "--minute", "1s", code=3)
        self.assertIn("billing, not a rate limit", done.stderr)
        answered = len(read_lines(self.output))
        self.assertEqual(answered, 40)
        with Emulator(*FAST, *limits) as emulator:
            self.sluice(emulator.url, *limits, "--minute", "1s")
            self.assertEqual(emulator.report()["totals"]["admitted"], 60)
        self.assert_each_once(100)

    def test_each_model_has_its_budgets(self):
        limits = ("--limits", "gpt-4o:rpm=60,tpm=60000", "--limits", "gpt-4o-mini:rpm=120,tpm=90000")
        rows = [request_line(i, model="gpt-4o" if i % 3 else "gpt-4o-mini") for i in range(240)]
        self.write_input(json.dumps(row) for row in rows)
        with Emulator(*FAST, *limits, "--window", "bucket") as emulator:
            self.sluice(emulator.url, *limits, "--minute", "1s", "--window", "bucket")
            report = emulator.report()
        self.assert_each_once(240)
        self.assertEqual(report["totals"]["refused"], 0)
        self.assertEqual({m["name"]: m["admitted"] for m in report["models"]},
                         {"gpt-4o": 160, "gpt-4o-mini": 80})
        self.assertEqual(self.report()["binding_budget"]["model"], "gpt-4o")

    def test_an_emulator_of_its_own(self):
        self.batch(50, max_tokens=300)
        for profile in ("openai/tier-1", "azure"):
            output = self.path(profile.replace("/", "-") + ".jsonl")
            subprocess.run([SLUICE, "run", self.input, "-o", output, "--emulate", profile,
                            "--minute", "1s", "--emulate-latency", "1ms-20ms", "--report",
                            self.report_path, "--limits", "gpt-4o:rpm=600,tpm=30000"],
                           check=True, capture_output=True)
            self.assertEqual(len(read_lines(output)), 50)
            self.assertEqual(self.report()["rate_limited"], 0)

    def test_messages_of_anthropic(self):
        self.write_input(json.dumps({"custom_id": f"row-{i:06d}", "params": {
            "model": "claude-sonnet-4-6", "max_tokens": 200,
            "messages": [{"role": "user", "content": f"Question {i}"}]}}) for i in range(60))
        subprocess.run([SLUICE, "run", self.input, "-o", self.output, "--emulate",
                        "anthropic/tier-2", "--minute", "1s", "--emulate-latency", "1ms-20ms",
                        "--report", self.report_path], check=True, capture_output=True)
        self.assert_each_once(60)
        self.assertEqual(self.report()["rate_limited"], 0)


if __name__ == "__main__":
    main()
