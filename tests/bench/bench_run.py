#!/usr/bin/env python3
"""How much of a quota `sluice run` uses in real time: medians of interleaved runs.

    bench_run.py [--rounds 3] [--rows 1250] [--minute 2s] [--windows bucket,fixed,sliding,slices]

Each round runs every window once, in turn, over the first rows of gsm8k against `sluice emulate`
(500 RPM, 30,000 TPM, answers after 50-400 ms, refusals drain, window told). `emulator` is the
efficiency the emulated provider measured, `client` what the run reported. Prints one line per
window and, last, one JSON object. Timing has no place in CI: this belongs to `make bench`."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from run_support import Emulator, GSM8K, SLUICE, need_shared_data  # noqa: E402


def once(window, args, lines):
    account = ("--limits", "gpt-4o:rpm=500,tpm=30000", "--minute", args.minute)
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as scratch, \
            Emulator(*account, "--latency", "50ms-400ms", "--drain",
                     "--window", window) as emulator:
        requests, report = os.path.join(scratch, "in.jsonl"), os.path.join(scratch, "report.json")
        with open(requests, "w", encoding="utf-8") as f:
            f.writelines(lines)
        subprocess.run([SLUICE, "run", requests, "-o", os.path.join(scratch, "out.jsonl"),
                        "--base-url", emulator.url, *account, "--window", window,
                        "--report", report, "--quiet"], check=True)
        with open(report, encoding="utf-8") as f:
            ours = json.load(f)
        theirs = emulator.report()
    return {"emulator": theirs["models"][0]["efficiency"] or 0,
            "client": ours["efficiency"] or 0, "refused": theirs["totals"]["refused"],
            "makespan_s": ours["makespan_s"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1250)
    parser.add_argument("--minute", default="2s")
    parser.add_argument("--windows", default="bucket,fixed,sliding,slices")
    args = parser.parse_args()
    need_shared_data()
    with open(GSM8K, encoding="utf-8") as f:
        lines = f.readlines()[:args.rows]
    windows = args.windows.split(",")
    runs = {window: [] for window in windows}
    for _ in range(args.rounds):
        for window in windows:
            runs[window].append(once(window, args, lines))
    result = {}
    for window, got in runs.items():
        median = {key: statistics.median(r[key] for r in got)
                  for key in ("emulator", "client", "makespan_s")}
        median["refused"] = sum(r["refused"] for r in got)
        result[window] = median
        print(f"{window:8}  efficiency {100 * median['emulator']:.1f} % "
              f"(client {100 * median['client']:.1f} %)   refused {median['refused']}   "
              f"makespan {median['makespan_s']:.2f} s   median of {args.rounds}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
