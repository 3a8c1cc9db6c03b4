"""A batch of nearly 200 MB goes up, and its results come back, in the memory of a live run: 100
bytes a row beside a fixed amount. The results are as large as the requests.

    python3 tests/e2e/run_batch_memory.py [MEGABYTES]

The peak is the kernel's own figure (ru_maxrss of the child, the same as VmHWM)."""
import json
import os
import sys

from run_support import Emulator, RunTest, main

MEGABYTES = int(sys.argv[1]) if len(sys.argv) > 1 else 195
LINE = 10_000
FIXED_KB = 90_000  # program, vocabularies, buffers: as in run_memory.py
ROW_BYTES = 100


class Memory(RunTest):
    def test_memory(self):
        provider = Emulator("--latency", "0", "--batch-latency", "0", "--output-tokens", "2400")
        self.addCleanup(provider.__exit__)
        rows = MEGABYTES * 1_000_000 // LINE
        words = "much ado about nothing " * 500
        with open(self.input, "w", encoding="utf-8") as f:
            for i in range(rows):
                line = {"custom_id": f"row-{i:06d}", "method": "POST",
                        "url": "/v1/chat/completions",
                        "body": {"model": "m", "max_tokens": 3000, "messages": [
                            {"role": "user", "content": f"{i} {words}"}]}}
                text = json.dumps(line)
                excess = len(text) + 1 - LINE
                line["body"]["messages"][0]["content"] = f"{i} {words}"[:-excess]
                f.write(json.dumps(line) + "\n")
        process = self.start(provider.url, "--quiet", "--mode", "batch", "--poll", "50ms")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0, process.stderr.read())
        process.stderr.close()
        print(f"# {rows} rows, {os.path.getsize(self.input)} bytes: {usage.ru_maxrss} kB at most")
        self.assertGreater(os.path.getsize(self.output), rows * LINE)
        with open(self.output, "rb") as f:
            self.assertEqual(sum(1 for _ in f), rows)
        report = provider.report()
        self.assertEqual((report["batches"]["completed"], report["totals"]["admitted"]), (1, 0))
        self.assertLess(usage.ru_maxrss, FIXED_KB + rows * ROW_BYTES // 1000)


if __name__ == "__main__":
    sys.argv[1:] = []
    main()
