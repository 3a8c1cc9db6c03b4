/* verb_limits.c: the verb `sluice limits`: asks, shows, compares. */
#include "verb_limits.h"

#include "exits.h"
#include "help.h"
#include "limits_report.h"
#include "sample.h"
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OPTIONS_MAX = 48 };

static const struct verb face = {
    .name = "limits",
    .summary = "the account's limits as they are now, and which tier they are",
    .usage = "sluice limits --provider NAME [--model NAME...]\n"
             "sluice limits --base-url URL --model NAME...\n"
             "sluice limits --emulate PROFILE",
    .about =
        "Asks the provider with one minimal request per model (an answer of one token) and "
        "reads "
        "the headers: each limit, what remains of it, and when it is full again, beside the "
        "catalogue's limits of each tier. Says which tier this looks like, what does not fit "
        "it, "
        "and what the next tier would bring and ask for.\n\n"
        "Without --model a few models are asked that tell all the limits which the catalogue "
        "knows of the provider. A request costs what one token costs, and counts as a request. "
        "Providers that send no such headers (Gemini) tell nothing.",
    .examples = "$ sluice limits --provider openai\n"
                "$ sluice limits --provider anthropic --model claude-sonnet-5 --tier build\n"
                "$ sluice limits --emulate openai/tier-2\n",
    .exits = "0 limits were read\n"
             "1 a model named by --model told none, or no model did\n"
             "2 usage\n"
             "3 the account cannot be asked: wallet, key\n"
             "4 the network cannot be reached\n",
};

struct asked {
    struct account_options account;
    struct option_list models;
    const char *paid, *state;
    int64_t days;
    bool json;
    struct standing standing;
};

static size_t table(struct asked *a, struct option *out)
{
    const struct option own[] = {
        {"model", 'm', OPTION_LIST, "NAME", "A model to ask; may be repeated.", &a->models},
        {"json", 'j', OPTION_FLAG, NULL, "Print JSON.", &a->json},
        {"paid", 0, OPTION_TEXT, "AMOUNT",
         "What was paid in all, in US dollars (60usd): is a tier owed?", &a->paid},
        {"state", 0, OPTION_TEXT, "DIR",
         "Where limits that were learned from refusals are remembered.", &a->state},
        {"since", 0, OPTION_COUNT, "DAYS", "Days since the first payment.", &a->days},
    };
    /* Nothing is paced, no limits need be told. */
    static const char *const pacing[] = {"limits", "use",         "Pacing",  "window", "charge",
                                         "minute", "concurrency", "retries", "seed",   NULL};
    size_t n = sizeof own / sizeof *own;
    sl_assert(n + ACCOUNT_OPTIONS <= OPTIONS_MAX);
    memcpy(out, own, sizeof own);
    return n + account_options_rows_but(&a->account, pacing, out + n);
}

static int complain(const struct diag *diag, int code)
{
    fprintf(stderr, "sluice limits: %s%s%s\n", diag->where, diag->where[0] ? ": " : "",
            diag->what);
    return code;
}

/* ---- asking -------------------------------------------------------------------------- */

static struct str today(char out[16])
{
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(out, 16, "%Y-%m-%d", &tm);
    return str_of(out);
}

static size_t choose(const struct asked *a, struct probe list[SAMPLE_MAX])
{
    char date[16];
    const struct model *models[SAMPLE_MAX];
    size_t n = a->models.n;
    for (size_t i = 0; i < n; i++)
        list[i].model = str_of(a->models.items[i]);
    if (n)
        return n;
    n = sample_models(a->account.catalogue, str_of(a->account.provider->name), today(date),
                      models);
    for (size_t i = 0; i < n; i++)
        list[i].model = models[i]->name;
    return n;
}

static enum sl_err ask(const struct asked *a, struct probe *list, size_t n, struct diag *diag)
{
    uv_loop_t loop;
    struct door door = {0};
    struct upstream *upstream = NULL;
    int rc = uv_loop_init(&loop);
    sl_assert(rc == 0);
    enum sl_err err = door_upstream(&door, &a->account, &loop, &upstream, diag);
    if (err == SL_OK) {
        probes_run(&loop, upstream, &door, &a->account, list, n);
        upstream_free(&upstream);
    }
    door_close(&door);
    uv_run(&loop, UV_RUN_DEFAULT);
    door_free(&door);
    rc = uv_loop_close(&loop);
    sl_assert(rc == 0); /* every handle was closed */
    return err;
}

static int exit_code(const struct asked *a, const struct probe *list, size_t n)
{
    size_t told = 0, barred = 0, broken = 0;
    for (size_t i = 0; i < n; i++) {
        const struct probe *p = &list[i];
        bool refused = p->answered && p->status >= 300;
        told += p->reading_count > 0;
        barred +=
            refused && (p->verdict.kind == VERDICT_QUOTA || p->verdict.kind == VERDICT_AUTH);
        broken += !p->answered && p->err != SL_RANGE;
    }
    if (told && (told == n || !a->models.n))
        return EXIT_ALL_DONE;
    if (!told && barred)
        return EXIT_ACCOUNT;
    if (!told && broken)
        return EXIT_IO;
    return EXIT_SOME_FAILED;
}

/* What `run` and `serve` have learned of this account. */
static void look_back(const struct asked *a, struct memory **memory, struct buf *known_as)
{
    struct arena arena = {0};
    struct diag diag;
    const char *directory = a->state ? a->state : state_directory(&arena);
    if (!a->account.emulator && memory_open(directory, memory, &diag) != SL_OK)
        fprintf(stderr, "warning: %s: %s\n", diag.where, diag.what);
    arena_free(&arena);
    memory_account(&a->account, known_as);
}

static int show(const struct asked *a, const struct probe *list, size_t n)
{
    static struct limits_view view;
    struct buf out = {0}, known_as = {0};
    struct memory *memory = NULL;
    look_back(a, &memory, &known_as);
    view = (struct limits_view){.account = buf_str(&a->account.name),
                                .provider = str_of(a->account.provider->name),
                                .probes = list,
                                .n = n,
                                .standing = &a->standing,
                                .memory = memory,
                                .known_as = buf_str(&known_as),
                                .asked_us = (int64_t)time(NULL) * 1000000};
    limits_look(&view);
    if (a->json)
        limits_json(&out, &view);
    else
        limits_write(&out, &view);
    bool written = fwrite(out.p, 1, out.n, stdout) == out.n && fflush(stdout) == 0;
    buf_free(&out);
    buf_free(&known_as);
    memory_close(&memory);
    if (!written)
        fputs("sluice limits: standard output cannot be written\n", stderr);
    return written ? exit_code(a, list, n) : EXIT_IO;
}

/* ---- the command line ---------------------------------------------------------------- */

static enum sl_err take_standing(struct asked *a, struct diag *diag)
{
    a->standing = (struct standing){.catalogue = a->account.catalogue,
                                    .tier = str_of(a->account.tier),
                                    .paid_cents = -1,
                                    .days = a->days};
    struct str provider = str_of(a->account.provider->name);
    if (a->account.tier && !catalogue_tier(a->account.catalogue, provider, a->standing.tier))
        return diag_set(diag, SL_UNKNOWN, "--tier", "\"%s\" is no tier of %s", a->account.tier,
                        a->account.provider->name);
    return a->paid ? standing_paid(str_of(a->paid), &a->standing.paid_cents, diag) : SL_OK;
}

static int limits(struct asked *a)
{
    struct probe list[SAMPLE_MAX] = {{.model = {0}}};
    struct diag diag = {{0}, {0}};
    enum sl_err err = account_options_make(&a->account, ORDER_BALANCE, &diag);
    if (err == SL_OK)
        err = take_standing(a, &diag);
    if (err != SL_OK)
        return complain(&diag, EXIT_USAGE);
    size_t n = choose(a, list);
    if (n == 0) {
        (void)diag_set(&diag, SL_MISSING, "--model",
                       "needed: the catalogue knows no limits of %s to choose models by",
                       a->account.provider->name);
        return complain(&diag, EXIT_USAGE);
    }
    if (ask(a, list, n, &diag) != SL_OK)
        return complain(&diag, EXIT_USAGE);
    return show(a, list, n);
}

int verb_limits(int argc, char **argv)
{
    static struct asked a;
    struct option options[OPTIONS_MAX];
    struct diag diag = {{0}, {0}};
    bool help = false;
    int positional = 0;
    a = (struct asked){.account = account_options_defaults(), .days = -1};
    size_t n = table(&a, options);
    if (options_parse(options, n, argc, argv, &positional, &help, &diag) != SL_OK)
        return complain(&diag, EXIT_USAGE);
    if (help)
        return help_print(&face, options, n);
    if (positional) {
        (void)diag_set(&diag, SL_UNKNOWN, argv[0], "limits takes options only; see --help");
        return complain(&diag, EXIT_USAGE);
    }
    int code = limits(&a);
    account_options_free(&a.account);
    return code;
}
