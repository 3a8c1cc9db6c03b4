"""kill -9 at random moments, then the same command again: nothing lost, nothing twice.

    python3 tests/e2e/run_kill.py [KILLS [SEED]]

Only what was in flight may be asked again: every request arrives at the provider at most once more
than the number of kills it was in flight for, so the arrivals in all are bounded too.
"""
import os
import random
import sys
import time

from run_support import Provider, RunTest, good_answer, main, read_lines

KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 200
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
IN_FLIGHT = 6


class Kill(RunTest):
    def test_kills(self):
        print(f"# again: python3 tests/e2e/run_kill.py {KILLS} {SEED}")
        draw = random.Random(SEED)

        def reply(handler, body):
            with lock_draw:
                pause = draw.uniform(0, 0.004)
            time.sleep(pause)
            return good_answer(handler, body)

        provider = Provider(reply)
        lock_draw = provider.lock
        self.addCleanup(provider.__exit__)
        done, kills, rounds = True, 0, 0
        while kills < KILLS:
            if done:  # a new batch each time one is through
                for path in (self.output, self.errors):
                    if os.path.exists(path):
                        os.unlink(path)
                rows = draw.randrange(100, 400)
                self.batch(rows, words=draw.randrange(4, 200))
                provider.bodies.clear()
                rounds = 0
            process = self.start(provider.url, "--concurrency", str(IN_FLIGHT), "--quiet")
            try:
                process.wait(draw.uniform(0.005, 0.25))
            except Exception:  # still at work: the wanted case
                process.kill()
                kills += 1
                rounds += 1
            process.stderr.close()
            code = process.wait()
            self.assertIn(code, (0, -9))
            done = code == 0
            if done:
                self.check(provider, rows, rounds)
        self.sluice(provider.url, "--quiet")
        self.check(provider, rows, rounds)

    def check(self, provider, rows, rounds):
        self.assert_each_once(rows)
        self.assertEqual(read_lines(self.errors), [])
        self.assertEqual(len(provider.bodies), rows)
        self.assertLessEqual(provider.arrivals(), rows + rounds * IN_FLIGHT)


if __name__ == "__main__":
    sys.argv[1:] = []
    main()
