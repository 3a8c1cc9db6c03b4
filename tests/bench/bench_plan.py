#!/usr/bin/env python3
"""How near `sluice plan` comes to what `sluice run` takes, and how long planning takes itself.

    bench_plan.py [--rounds 3] [--minute 2s] [--windows bucket,fixed,sliding,slices] [--lines 100000]

gsm8k on an emulated tier-1 account, both with the same options; each round runs every window once,
in turn. `off` is the median of the rounds; where windows begin (fixed, slices) is the emulator's
secret, so there a plan can be off by half a window. Then a file of that many lines is planned.
Prints one line each and, last, one JSON object. Timing has no place in CI: this belongs to
`make bench`."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from run_support import GSM8K, SLUICE, need_shared_data  # noqa: E402


def account(window, minute):
    return ("--emulate", "openai/tier-1", "--minute", minute, "--emulate-latency", "50ms-400ms",
            "--window", window)


def planned(window, minute):
    done = subprocess.run([SLUICE, "plan", GSM8K, "--json", "--instead", "none",
                           *account(window, minute)], capture_output=True, check=True)
    tiers = json.loads(done.stdout)["variants"][0]["tiers"]
    return [t for t in tiers if t["own"]][0]["live"]["makespan_s"]["likely"]


def real(window, minute):
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as scratch:
        report = os.path.join(scratch, "report.json")
        subprocess.run([SLUICE, "run", GSM8K, "-o", os.path.join(scratch, "out.jsonl"), "--quiet",
                        "--report", report, *account(window, minute)], check=True)
        with open(report, encoding="utf-8") as f:
            return json.load(f)["makespan_s"]


def compare(args):
    windows = args.windows.split(",")
    took = {window: [] for window in windows}
    for _ in range(args.rounds):
        for window in windows:
            took[window].append(real(window, args.minute))
    result = {}
    for window in windows:
        plan, median = planned(window, args.minute), statistics.median(took[window])
        result[window] = {"planned_s": plan, "real_s": median, "off": median / plan - 1}
        print(f"{window:8}  planned {plan:.2f} s   real {median:.2f} s   "
              f"off {100 * result[window]['off']:+.2f} %   median of {args.rounds}")
    return result


def many(lines):
    """gsm8k over and over, under ids of its own."""
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as scratch:
        path = os.path.join(scratch, "many.jsonl")
        with open(GSM8K, encoding="utf-8") as f:
            known = f.readlines()
        with open(path, "w", encoding="utf-8") as f:
            for i in range(lines):
                f.write(known[i % len(known)].replace("gsm8k-test-", f"{i}-", 1))
        took = {}
        for what, options in (("counting", ("count", "--requests", path)),
                              ("planning", ("plan", path, "--tier", "5"))):
            begin = time.monotonic()
            subprocess.run([SLUICE, *options], stdout=subprocess.DEVNULL, check=True)
            took[what] = time.monotonic() - begin
    print(f"{lines:,} lines  counted in {took['counting']:.2f} s, planned in "
          f"{took['planning']:.2f} s")
    return took


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minute", default="2s")
    parser.add_argument("--windows", default="bucket,fixed,sliding,slices")
    parser.add_argument("--lines", type=int, default=100000)
    args = parser.parse_args()
    need_shared_data()
    result = {"windows": compare(args), "many": many(args.lines)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
