/* main.c: the simulator's command line. */
#include "arena.h"
#include "hidden.h"
#include "option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_GOOD = 0, EXIT_FAILURES = 1, EXIT_WRONG = 2, EXIT_SKIPPED = 77 };

static const char *const TRACE = "../shared/data/azure-llm-conv-2023.csv";

static const struct verb face = {
    .name = "sim",
    .summary = "run the pacing engine in virtual time",
    .usage = "sim [--quick] [--late] [--seed N] [--jobs N] [--json]\n"
             "sim --cell \"WORD=VALUE ...\" [--events]\n"
             "sim --trace [FILE]\n"
             "sim --hidden [--seeds N] [--rpm N]",
    .about =
        "Drives the real flow_step against the emulated provider's limiter through a network "
        "with delay, and has an oracle judge every window of every arrival log.\n\n"
        "A cell's words: mode=known|identify|blind|stranger|hidden, "
        "window=bucket|fixed|sliding|slices, bound=rpm|tpm|mixed, charge=max|sum|actual, "
        "jitter=MS, service=S, seed=N, client=sluice|sdk|window90|even, "
        "work=synthetic|trace|arrivals, phase=MS, headers=decision|answer, "
        "round=ms|seconds|instant, drain=0|1, rpm=N, "
        "sabotage=none|over|under|greedy|blunt|lost|twice.",
    .examples =
        "$ sim --cell \"mode=known window=fixed bound=rpm jitter=60 service=3 charge=max "
        "seed=4\"\n",
    .exits = "0 no refusal, no violation, every target met\n1 some cell failed\n2 usage\n"
             "77 the trace is not there\n",
};

struct order {
    bool quick, json, trace, events, late, hidden;
    int64_t seed, jobs, seeds, rpm;
    const char *cell;
};

/* The whole file; an empty str if it cannot be read. Given to the caller. */
static struct str file_text(const char *path)
{
    struct buf text = {0};
    FILE *f = fopen(path, "rb");
    if (!f)
        return (struct str){0};
    char block[1 << 16];
    for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
        buf_add(&text, (struct str){block, n});
    fclose(f);
    return buf_str(&text);
}

static void print_trial(const struct trial *t)
{
    printf("jobs        %lld, %lld requests sent, %lld refused\n", (long long)t->jobs,
           (long long)t->sends, (long long)t->oracle.refused);
    printf("limits      %lld requests, %lld tokens a minute; a bucket is full at the start\n",
           (long long)t->rpm, (long long)t->tpm);
    printf("charged     %lld requests, %lld tokens; own books differ by %lld\n",
           (long long)t->oracle.charged[0], (long long)t->oracle.charged[1],
           (long long)t->settled_off);
    if (t->first_reset_us >= 0)
        printf("first reset %.3f s after the first send\n", (double)t->first_reset_us / 1e6);
    printf("bound       %.3f s by %s\n", (double)t->bound_us / 1e6,
           t->binding ? "tokens" : "requests");
    printf("last admit  %.3f s, last answer %.3f s after the first send\n",
           (double)t->span_us / 1e6, (double)t->makespan_us / 1e6);
    printf("mean wait   %.3f s\n", (double)t->wait_us / 1e6);
    if (t->cell.mode == SIM_HIDDEN)
        printf("hidden      last refusal %.3f s, used %.3f %% in the last ten minutes\n",
               (double)t->found_us / 1e6, 100 * t->use);
    if (t->efficiency >= 0)
        printf("efficiency  %.3f %% (target %.1f %%)\n", 100 * t->efficiency,
               t->cell.mode == SIM_HIDDEN ? 0 : 100 * trial_target(&t->cell));
    printf("oracle      %lld over, %lld needless, %lld lost, %lld twice\n",
           (long long)t->oracle.over, (long long)t->oracle.needless, (long long)t->oracle.lost,
           (long long)t->oracle.twice);
    printf("verdict     %s\n", t->fault ? trial_fault_text(t->fault) : "good");
}

static int run_cell(const struct order *o, struct str csv)
{
    struct cell c = cell_default();
    struct diag diag;
    if (cell_parse(str_of(o->cell), &c, &diag)) {
        fprintf(stderr, "sim: %s: %s\n", diag.where, diag.what);
        return EXIT_WRONG;
    }
    struct trial t = trial_run(&c, csv, o->events);
    if (o->json)
        grid_json(&t, 1);
    else
        print_trial(&t);
    return t.fault ? EXIT_FAILURES : EXIT_GOOD;
}

/* What every figure has to be read with. */
static void print_conditions(const struct order *o)
{
    if (o->hidden)
        printf(
            "%lld requests a minute, told by nobody; twenty minutes' worth at once; one-way\n"
            "delay 20 ms + J; answers after 0.05, 0.2, 3 s in the mean; seeds %lld to %lld.\n"
            "At most %d refusals, then none; use of the limit in the last ten minutes, and\n"
            "efficiency over the whole run.\n\n",
            (long long)o->rpm, (long long)o->seed, (long long)(o->seed + o->seeds - 1),
            TRIAL_HIDDEN_REFUSALS);
    else if (o->trace)
        printf("The production trace, as a batch and with its arrival times; J 60 ms above 20 "
               "ms,\n"
               "answers after 3 s in the mean; charged max, sum, actual; seed %lld.\n\n",
               (long long)o->seed);
    else
        printf(
            "600 RPM, 300k TPM or both bind; one-way delay 20 ms + J, J to 10, 60, 200 ms;\n"
            "answers after 0.2, 3, 30 s in the mean, log-normal, sigma 0.6; charged max, sum,\n"
            "actual; buckets full at the start; first reset within the first minute "
            "(identify:\n"
            "after 15 s of it); seeds %lld to %lld. Efficiency = bound / (last admission -\n"
            "first send). Baselines: J 60 ms, 3 s, max.\n\n",
            (long long)o->seed, (long long)o->seed + (o->quick ? 0 : 4));
    fflush(stdout);
}

static int run_grid(const struct order *o, struct str csv)
{
    struct grid g = {0};
    if (o->hidden)
        hidden_grid(&g, (uint64_t)o->seed, (int)o->seeds, o->rpm);
    else if (o->trace)
        grid_trace(&g, (uint64_t)o->seed);
    else
        grid_all(&g, (uint64_t)o->seed, o->quick);
    for (size_t i = 0; i < g.n; i++)
        g.cells[i].late = o->late;
    struct trial *trials = mem_zero(g.n * sizeof *trials);
    if (!o->json)
        print_conditions(o);
    enum sl_err err = grid_run(&g, csv, (int)o->jobs, trials);
    if (err)
        fprintf(stderr, "sim: %s\n", sl_err_text(err));
    static const char program[] = "build/tests/sim/sim";
    size_t failed = o->json     ? grid_json(trials, g.n)
                    : o->hidden ? hidden_report(trials, g.n, program)
                                : grid_report(trials, g.n, program);
    grid_free(&g);
    free(trials);
    return failed || err ? EXIT_FAILURES : EXIT_GOOD;
}

int main(int argc, char **argv)
{
    struct order o = {.seed = 1, .jobs = 1, .seeds = 5, .rpm = SIM_HIDDEN_RPM};
    const struct option options[] = {
        {"cell", 0, OPTION_TEXT, "WORDS", "Run one cell and tell all about it.", &o.cell},
        {"events", 0, OPTION_FLAG, NULL, "With --cell: print every event.", &o.events},
        {"quick", 0, OPTION_FLAG, NULL, "One seed, and one jitter in turn.", &o.quick},
        {"trace", 0, OPTION_FLAG, NULL, "The production trace instead of the grid.", &o.trace},
        {"hidden", 0, OPTION_FLAG, NULL, "A limit that nobody tells.", &o.hidden},
        {"seeds", 0, OPTION_COUNT, "N", "With --hidden: how many seeds.", &o.seeds},
        {"rpm", 0, OPTION_COUNT, "N", "With --hidden: that limit.", &o.rpm},
        {"late", 0, OPTION_FLAG, NULL, "Headers computed when the answer leaves.", &o.late},
        {"seed", 0, OPTION_COUNT, "N", "The first of the grid's five seeds.", &o.seed},
        {"jobs", 'j', OPTION_COUNT, "N", "Processes to run at once.", &o.jobs},
        {"json", 0, OPTION_FLAG, NULL, "A line of JSON for each cell.", &o.json},
    };
    const size_t n = sizeof options / sizeof options[0];
    int positional = 0;
    bool help = false;
    struct diag diag;
    if (options_parse(options, n, argc - 1, argv + 1, &positional, &help, &diag)) {
        fprintf(stderr, "sim: %s: %s\n", diag.where, diag.what);
        return EXIT_WRONG;
    }
    if (help) {
        struct buf text = {0};
        options_help(&text, &face, options, n);
        fputs(buf_cstr(&text), stdout);
        buf_free(&text);
        return EXIT_GOOD;
    }
    const char *path = positional ? argv[1] : TRACE;
    bool traced = o.trace || (o.cell && strstr(o.cell, "work="));
    struct str csv = traced ? file_text(path) : (struct str){0};
    if (traced && !csv.n) {
        printf("skipped: no shared data (%s)\n", path);
        return getenv("CI") ? EXIT_FAILURES : EXIT_SKIPPED;
    }
    o.jobs = o.jobs < 1 ? 1 : o.jobs;
    int code = o.cell ? run_cell(&o, csv) : run_grid(&o, csv);
    free((char *)csv.p);
    return code;
}
