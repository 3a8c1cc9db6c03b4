/* bench_admit.c: nanoseconds per admission and per settlement with six budgets.
 *
 * An admission checks all budgets, holds the cost in all and charges it (ledger_admit and
 * ledger_charge, what a request does on its way out); a settlement is ledger_settle. Medians of
 * interleaved rounds. */
#include "ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 21, PER_ROUND = 200000, MINUTE_US = 60000000 };

static int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, by_value);
    return values[ROUNDS / 2];
}

static void fill(struct ledger *l, enum window_kind kind)
{
    static const enum dimension dims[] = {DIM_RPM,  DIM_TPM, DIM_ITPM,
                                          DIM_OTPM, DIM_RPD, DIM_TPD};
    struct budget_rules rules = {.window = kind,
                                 .minute_us = MINUTE_US,
                                 .slice_us = MINUTE_US / 60,
                                 .slack_us = 60000,
                                 .use_percent = 100,
                                 .idle = true};
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        int64_t period_us = dimension_period_s(dims[i]) * 1000000;
        struct limit_spec spec = {dims[i], INT64_C(1) << 40, period_us};
        ledger_add(l, &spec, &rules);
    }
}

static void measure(enum window_kind kind)
{
    struct ledger ledger = {0};
    double admits[ROUNDS], settles[ROUNDS];
    int64_t now_us = MINUTE_US;
    fill(&ledger, kind);
    for (int round = 0; round < ROUNDS; round++) {
        static struct bill bills[PER_ROUND];
        for (int i = 0; i < PER_ROUND; i++)
            bills[i] =
                (struct bill){.units = {1, 300 + i % 100, 100, 200 + i % 100, 0, 1, 300}};
        int64_t start_us = now_us, begun_ns = clock_ns();
        for (int i = 0; i < PER_ROUND; i++, now_us += 3) {
            if (ledger_admit(&ledger, now_us, &bills[i]).take != TAKE_OK)
                abort();
            ledger_charge(&ledger, now_us, &bills[i]);
        }
        int64_t admitted_ns = clock_ns();
        for (int i = 0; i < PER_ROUND; i++)
            ledger_settle(&ledger, now_us, start_us + 3 * i, &bills[i], bills[i].units);
        settles[round] = (double)(clock_ns() - admitted_ns) / PER_ROUND;
        admits[round] = (double)(admitted_ns - begun_ns) / PER_ROUND;
    }
    printf("%-8s %6.1f ns per admission, %6.1f ns per settlement\n", window_name(kind),
           median(admits), median(settles));
    ledger_free(&ledger);
}

int main(void)
{
    for (enum window_kind k = WINDOW_BUCKET; k <= WINDOW_SLICES; k++)
        measure(k);
    return 0;
}
