"""The first 1,250 lines of gsm8k through an emulated account, once per window model, the window told:
no refusal, nothing lost, nothing twice. Counts only; how fast is for `make bench`."""
import concurrent.futures
import itertools
import json
import subprocess

from run_support import Emulator, GSM8K, RunTest, SLUICE, main, need_shared_data, read_lines

ROWS = 1250  # 12.5 limits of tokens: well inside a step of the bound

ACCOUNT = ("--limits", "gpt-4o:rpm=500,tpm=30000", "--minute", "2s")
SERVICE = ("--latency", "50ms-400ms", "--drain")


class Windows(RunTest):
    def setUp(self):
        super().setUp()
        with open(GSM8K, encoding="utf-8") as f:
            self.write_input(line.rstrip("\n") for line in itertools.islice(f, ROWS))

    def through(self, window):
        """Runs in its own thread: an account each, so that they do not wait for one another."""
        output, report = self.path(window + ".jsonl"), self.path(window + ".json")
        with Emulator(*ACCOUNT, *SERVICE, "--window", window) as emulator:
            done = subprocess.run(
                [SLUICE, "run", self.input, "-o", output, "--base-url", emulator.url, *ACCOUNT,
                 "--window", window, "--report", report], capture_output=True, text=True)
            theirs = emulator.report()
        with open(report, encoding="utf-8") as f:
            return done, json.load(f), theirs, self.ids(output)

    def test_windows(self):
        windows = ("bucket", "fixed", "sliding", "slices")
        with concurrent.futures.ThreadPoolExecutor(len(windows)) as pool:
            results = list(pool.map(self.through, windows))
        for window, (done, ours, theirs, ids) in zip(windows, results):
            with self.subTest(window=window):
                print(f"# {window}: efficiency {ours['efficiency']}, by the emulator "
                      f"{theirs['models'][0]['efficiency']}, makespan {ours['makespan_s']}")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual((len(ids), len(set(ids))), (ROWS, ROWS))
                self.assertEqual(read_lines(self.path(window + ".errors.jsonl")), [])
                self.assertEqual((ours["succeeded"], ours["rate_limited"]), (ROWS, 0))
                self.assertEqual(theirs["totals"]["refused"], 0)
                self.assertEqual(theirs["totals"]["admitted"], ROWS)
                self.assertEqual(theirs["requests"]["answered_again"], 0)


if __name__ == "__main__":
    need_shared_data()
    main()
