"""A long file runs in little memory: 100 bytes a row beside a fixed amount.

    python3 tests/e2e/run_memory.py [ROWS]

The peak is the kernel's own figure (ru_maxrss of the child, the same as VmHWM)."""
import json
import os
import sys

from run_support import Emulator, RunTest, main, request_line

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 30000
FIXED_KB = 90_000  # program, vocabularies, buffers, what is in flight
ROW_BYTES = 100

class Memory(RunTest):
    def test_memory(self):
        provider = Emulator("--latency", "0-1ms", "--output-tokens", "5-10", "--headers", "none")
        self.addCleanup(provider.__exit__)
        self.write_input(json.dumps(request_line(i)) for i in range(ROWS))
        process = self.start(provider.url, "--quiet", "--concurrency", "16")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0, process.stderr.read())
        process.stderr.close()
        print(f"# {ROWS} rows: {usage.ru_maxrss} kB at most")
        with open(self.output, "rb") as f:
            self.assertEqual(sum(1 for _ in f), ROWS)
        self.assertLess(usage.ru_maxrss, FIXED_KB + ROWS * ROW_BYTES // 1000)


if __name__ == "__main__":
    sys.argv[1:] = []
    main()
