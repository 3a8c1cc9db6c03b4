"""What `sluice plan` says beforehand against what `sluice run` then takes: gsm8k on an emulated
tier-1 account in a minute of two seconds, with the same options.

A busy machine makes a run longer, never shorter, since the emulator's limiter gives nothing away:
so no run may take less than 98 % of what was planned, and of a few tries one must take no more
than 102 %. Run by hand: SLUICE=build/sluice python3 tests/e2e/plan_real.py [-v]"""
import json
import subprocess

from run_support import GSM8K, RunTest, SLUICE, main, need_shared_data, read_lines

ACCOUNT = ("--emulate", "openai/tier-1", "--minute", "2s", "--emulate-latency", "50ms-100ms")
WITHIN = 0.02
TRIES = 4


class Real(RunTest):
    def planned(self):
        done = subprocess.run([SLUICE, "plan", GSM8K, "--json", *ACCOUNT], capture_output=True,
                              text=True, check=True)
        plan = json.loads(done.stdout)
        own = [t for t in plan["variants"][0]["tiers"] if t["own"]]
        self.assertEqual([t["tier"] for t in own], ["1"])
        self.assertEqual(own[0]["live"]["rehearsed"], plan["requests"])
        self.assertEqual(own[0]["live"]["refused"], 0)
        return plan, own[0]["live"]

    def real(self, number):
        output = self.path(f"results-{number}.jsonl")
        subprocess.run([SLUICE, "run", GSM8K, "-o", output, "--quiet", "--report",
                        self.report_path, *ACCOUNT], check=True)
        return self.report(), output

    def test_makespan_within_two_percent(self):
        plan, live = self.planned()
        makespan = live["makespan_s"]["likely"]
        off = []
        for number in range(TRIES):
            report, output = self.real(number)
            off.append(report["makespan_s"] / makespan - 1)
            print(f"# planned {makespan:.2f} s, took {report['makespan_s']:.2f} s: "
                  f"{100 * off[-1]:+.2f} %")
            self.assertEqual(len(read_lines(output)), plan["requests"])
            self.assertEqual(report["binding_budget"], live["binding_budget"])
            self.assertGreater(off[-1], -WITHIN, "faster than planned")
            if off[-1] <= WITHIN:
                self.assertEqual(report["charged_tokens"], live["charged_tokens"])
                return
        self.fail(f"never within {100 * WITHIN:.0f} %: " +
                  ", ".join(f"{100 * x:+.2f} %" for x in off))


if __name__ == "__main__":
    need_shared_data()
    main()
