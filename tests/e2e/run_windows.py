"""The first 1,250 lines of gsm8k through an emulated account, once per window model, the window told:
no refusal, nothing lost, nothing twice. Counts only; how fast is for `make bench`."""
import itertools

from run_support import Emulator, GSM8K, RunTest, main, need_shared_data, read_lines

ACCOUNT = ("--limits", "gpt-4o:rpm=500,tpm=30000", "--minute", "2s")
SERVICE = ("--latency", "50ms-400ms", "--drain")


class Windows(RunTest):
    def test_windows(self):
        with open(GSM8K, encoding="utf-8") as f:
            lines = [line.rstrip("\n") for line in itertools.islice(f, 1250)]
        self.write_input(lines)
        for window in ("bucket", "fixed", "sliding", "slices"):
            with self.subTest(window=window), \
                    Emulator(*ACCOUNT, *SERVICE, "--window", window) as emulator:
                self.output = self.path(window + ".jsonl")
                self.sluice(emulator.url, *ACCOUNT, "--window", window)
                theirs, ours = emulator.report(), self.report()
                print("#", window, "efficiency", ours["efficiency"], "by the emulator",
                      theirs["models"][0]["efficiency"], "makespan", ours["makespan_s"])
                ids = self.ids(self.output)
                self.assertEqual((len(ids), len(set(ids))), (1250, 1250))
                self.assertEqual(read_lines(self.path(window + ".errors.jsonl")), [])
                self.assertEqual((ours["succeeded"], ours["rate_limited"]), (1250, 0))
                self.assertEqual(theirs["totals"]["refused"], 0)
                self.assertEqual(theirs["totals"]["admitted"], 1250)
                self.assertEqual(theirs["requests"]["answered_again"], 0)


if __name__ == "__main__":
    need_shared_data()
    main()
