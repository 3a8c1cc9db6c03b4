/* run.c: the verb `sluice run`: check the input, open the output, run the batch, tell the end.
 */
#include "run.h"

#include "batch.h"
#include "bound.h"
#include "checking.h"
#include "detour.h"
#include "exits.h"
#include "remember.h"
#include "replace.h"
#include "report.h"
#include "shipping.h"
#include "wall.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Below this many answers the 99th percentile of their lengths says nothing. */
    TIP_ANSWERS = 50,
};

static int complain(const char *place, const struct diag *diag, int code)
{
    fprintf(stderr, "sluice run: %s%s%s%s%s\n", place, *place && diag->where[0] ? ":" : "",
            diag->where, *place || diag->where[0] ? ": " : "", diag->what);
    return code;
}

/* ---- the input ----------------------------------------------------------------------- */

/* "3 of 1,319 lines are invalid; nothing was sent." */
static int refuse_input(const struct batch *b)
{
    struct buf out = {0};
    size_t invalid = b->input.invalid - b->input.excused;
    buf_thousands(&out, (int64_t)invalid);
    buf_puts(&out, " of ");
    buf_thousands(&out, (int64_t)b->input.rows.n);
    buf_puts(&out, invalid == 1 ? " lines is" : " lines are");
    buf_puts(&out, " invalid; nothing was sent. Fix ");
    buf_puts(&out, invalid == 1 ? "it" : "them");
    buf_puts(&out, ", or pass --skip-invalid to run the rest.\n");
    fputs(buf_cstr(&out), stderr);
    buf_free(&out);
    return EXIT_USAGE;
}

static int open_input(struct batch *b)
{
    const struct settings *s = b->settings;
    b->detour = detour_of_lines(&s->detours);
    struct input_config c = {.path = s->input,
                             .form = s->form,
                             .provider = s->account.provider,
                             .catalogue = s->account.catalogue,
                             .limits = &s->account.limits,
                             .charge = s->account.config.charge,
                             .use_percent = s->account.config.use_percent,
                             .detour = &b->detour};
    struct checking checking = {"run", input_name(&c), b->term.interactive && !s->quiet, 0,
                                false};
    struct input_listener listener = checking_listener(&checking);
    struct diag diag;
    enum sl_err err = input_open(&b->input, &c, &listener, &diag);
    checking_end(&checking);
    if (err == SL_IO || err == SL_FULL)
        return complain("", &diag, EXIT_IO);
    if (err != SL_OK)
        return complain(input_name(&c), &diag, EXIT_USAGE);
    if (b->input.invalid > b->input.excused && !s->skip_invalid)
        return refuse_input(b);
    if (detour_open(b, &diag) != SL_OK)
        return complain("--fallback", &diag, EXIT_USAGE);
    return EXIT_ALL_DONE;
}

/* ---- the output ---------------------------------------------------------------------- */

static int open_results(struct batch *b)
{
    const struct settings *s = b->settings;
    struct results_config c = {s->output, s->errors};
    struct diag diag;
    enum sl_err err = results_open(&b->loop, &c, &b->input, &b->results, &b->found, &diag);
    if (err == SL_IO || err == SL_FULL)
        return complain("", &diag, EXIT_IO);
    if (err != SL_OK)
        return complain("", &diag, EXIT_USAGE);
    buf_puts(&b->errors_path, results_errors_path(b->results));
    buf_cstr(&b->errors_path);
    b->totals.total = (int64_t)b->input.rows.n;
    b->totals.before_ok = b->found.ok;
    b->totals.before_failed = b->found.failed;
    for (size_t i = 0; i < b->input.rows.n; i++) {
        const struct row *row = &b->input.rows.list[i];
        b->totals.downgraded += row->downgraded && row->state == ROW_PENDING;
    }
    return EXIT_ALL_DONE;
}

/* With --skip-invalid each invalid line gets its complaint into the error file. */
static int write_invalid(struct batch *b)
{
    struct input_request req = {0};
    struct diag diag;
    enum sl_err err = SL_OK;
    for (size_t i = 0; i < b->input.rows.n && err == SL_OK; i++) {
        const struct row *row = &b->input.rows.list[i];
        if (row->state != ROW_INVALID)
            continue;
        struct diag why = {"", ""};
        input_complaint(&b->input, row, &req, &why);
        struct buf message = {0};
        buf_printf(&message, "line %u: %s%s%s", row->number, why.where,
                   why.where[0] ? ": " : "", why.what);
        struct result r = {.id = row->id, .custom_id = req.line.custom_id};
        struct str code = row->excused ? STR("too_large") : STR(FAILURE_INVALID);
        err = results_failure(b->results, &r, code, buf_str(&message), &diag);
        buf_free(&message);
        b->totals.failed++;
        kinds_add(&b->totals.failures, code);
    }
    input_request_free(&req);
    return err == SL_OK ? EXIT_ALL_DONE : complain("", &diag, EXIT_IO);
}

/* ---- the end ------------------------------------------------------------------------- */

static struct budget_use use_of(const struct batch *b, size_t pool, const struct budget_view *v)
{
    int64_t edge_us = b->pools[pool].edge_us[v->dim];
    int64_t first_us = engine_look(b->door.engine).first_sent_us, ahead_us = -1;
    if (edge_us >= 0 && first_us >= 0 && v->period_us > 0) {
        ahead_us = (edge_us - first_us) % v->period_us;
        ahead_us += ahead_us < 0 ? v->period_us : 0;
    }
    return (struct budget_use){.window = v->window,
                               .limit = v->limit,
                               .period_us = v->period_us,
                               .charged = v->charged,
                               .start_level = v->limit,
                               .first_reset_us = ahead_us};
}

/* The largest bound over all budgets sets the pace. */
static void measure(struct batch *b, int64_t now_us, struct report *r)
{
    r->bound_us = -1;
    r->binding_dim = DIM_UNKNOWN;
    for (size_t p = 0; p < b->input.models.pool_count; p++) {
        struct pool_view view;
        pool_look(engine_account(b->door.engine), b->input.models.pools[p].pool, now_us, &view);
        for (size_t i = 0; i < view.budget_count; i++) {
            const struct budget_view *v = &view.budgets[i];
            struct budget_use use = use_of(b, p, v);
            int64_t bound = bound_us(&use);
            if (v->dim == DIM_TPM || v->dim == DIM_ITPM || v->dim == DIM_OTPM)
                r->charged += v->charged;
            if (bound <= r->bound_us)
                continue;
            r->bound_us = bound;
            r->binding_dim = bound > 0 ? v->dim : DIM_UNKNOWN;
            r->binding_pool = p;
            r->binding_limit = v->limit;
        }
    }
}

/* What would a smaller max_tokens have saved, where it is max_tokens that is charged? */
static void advise(const struct batch *b, struct report *r)
{
    enum charge_rule rule = b->settings->account.config.charge;
    int64_t covering = totals_output_covering(&b->totals, 99);
    if (b->input.models.n != 1 || rule == CHARGE_ACTUAL || r->binding_dim != DIM_TPM ||
        b->totals.ok < TIP_ANSWERS || covering <= 0)
        return;
    int64_t advised = (covering + 9) / 10 * 10, now = 0, then = 0, largest = 0;
    for (size_t i = 0; i < b->input.rows.n; i++) {
        const struct row *row = &b->input.rows.list[i];
        struct demand d = row_demand(row);
        if (row->state != ROW_DONE || !d.max_output_given)
            continue;
        now += demand_charge(&d, rule, DIM_TPM);
        largest = d.max_output_tokens > largest ? d.max_output_tokens : largest;
        d.max_output_tokens = d.max_output_tokens < advised ? d.max_output_tokens : advised;
        then += demand_charge(&d, rule, DIM_TPM);
    }
    if (!now || then * 100 > now * 85) /* less than 15 % is not worth a word */
        return;
    r->tip_max_tokens = largest;
    r->tip_advised = advised;
    r->tip_us = (int64_t)((__int128)r->makespan_us * then / now);
}

static void fill_report(struct batch *b, struct report *r)
{
    *r = (struct report){.totals = &b->totals,
                         .models = &b->input.models,
                         .errors_path = b->errors_path.p,
                         .charge = b->settings->account.config.charge,
                         .binding_dim = DIM_UNKNOWN,
                         .bound_us = -1,
                         .stopped = b->why.what};
    const struct totals *t = &b->totals;
    r->left = t->total - t->before_ok - t->before_failed - t->ok - t->failed;
    const struct parcels_choice *choice = &b->allot.choice;
    if (choice->begun && choice->until_us >= 0) {
        r->timed = true;
        r->ahead_us = choice->until_us - wall_unix_us();
    }
    if (b->shipping && b->shipping->parcels.n) {
        const struct shipping *s = b->shipping;
        b->shipped =
            (struct report_batches){.created = s->created,
                                    .answered = s->carried,
                                    .returned = s->returned,
                                    .elapsed_us = (int64_t)(uv_hrtime() / 1000) - b->begun_us};
        r->batches = &b->shipped;
    }
    if (!b->door.engine)
        return;
    struct engine_look look = engine_look(b->door.engine);
    if (look.first_sent_us >= 0) {
        r->paced_us = look.last_sent_us - look.first_sent_us;
        r->makespan_us = t->last_byte_us - look.first_sent_us;
    }
    measure(b, engine_now(b->door.engine), r);
    advise(b, r);
}

static int write_report(const struct batch *b, const struct report *r)
{
    struct buf text = {0};
    struct diag diag;
    report_json(r, &text);
    enum sl_err err = replacement_write(b->settings->report, buf_str(&text), &diag);
    buf_free(&text);
    return err == SL_OK ? EXIT_ALL_DONE : complain("--report", &diag, EXIT_IO);
}

/* Batches do not end with the process. */
static void say_under_way(const struct batch *b, struct buf *out)
{
    size_t n = b->shipping ? shipping_at_provider(b->shipping) : 0;
    if (n && !b->settings->account.emulate)
        buf_printf(out,
                   "%zu batch%s the provider, where %s on. The same command fetches what comes "
                   "of %s;\n--cancel ends %s.\n",
                   n, n == 1 ? " is at" : "es are at", n == 1 ? "it goes" : "they go",
                   n == 1 ? "it" : "them", n == 1 ? "it" : "them");
}

static void say_stop(const struct batch *b, const struct report *r)
{
    struct buf out = {0};
    const struct totals *t = &b->totals;
    buf_puts(&out, "sluice run: stopped after ");
    buf_thousands(&out, t->before_ok + t->before_failed + t->ok + t->failed);
    buf_puts(&out, " of ");
    buf_thousands(&out, t->total);
    buf_printf(&out, ": %s%s%s\n", b->stop == STOP_DISK ? b->why.where : "",
               b->stop == STOP_DISK && b->why.where[0] ? ": " : "", b->why.what);
    if (b->stop == STOP_ACCOUNT && strcmp(b->why.where, "key") == 0)
        buf_puts(&out,
                 "The provider does not accept this key. Set the right one, then run the same\n"
                 "command again: it continues with what is left.\n");
    else if (b->stop == STOP_ACCOUNT)
        buf_puts(
            &out,
            "This is billing, not a rate limit: waiting or retrying will not help. Add credit, "
            "then run\nthe same command again: it continues with what is left.\n");
    else if (b->stop == STOP_DISK)
        buf_puts(&out, "Nothing more was sent. Make room, then run the same command again: it "
                       "continues, and only\nwhat was in flight is asked again.\n");
    else if (b->stop == STOP_LOST)
        buf_puts(&out,
                 "Is it the same account, with the same key? If the batch is really gone, "
                 "forget it with --cancel,\nthen run the same command again.\n");
    else if (r->left)
        buf_puts(&out, "Run the same command again: it continues with what is left.\n");
    say_under_way(b, &out);
    fputs(buf_cstr(&out), stderr);
    buf_free(&out);
}

static int exit_code(const struct batch *b, const struct report *r)
{
    switch (b->stop) {
    case STOP_INTERRUPT:
    case STOP_NOW:
        return EXIT_INTERRUPTED;
    case STOP_ACCOUNT:
        return EXIT_ACCOUNT;
    case STOP_LOST:
    case STOP_NETWORK:
    case STOP_DISK:
        return EXIT_IO;
    case STOP_NONE:
        break;
    }
    if (b->settings->cancel)
        return EXIT_ALL_DONE; /* rows are left on purpose */
    bool failures = b->totals.failed + b->totals.before_failed > 0 || r->left > 0;
    return failures ? EXIT_SOME_FAILED : EXIT_ALL_DONE;
}

static int tell_end(struct batch *b)
{
    struct report r;
    struct buf choice = {0};
    fill_report(b, &r);
    allot_json(b, &choice);
    r.choice = buf_cstr(&choice);
    int code = exit_code(b, &r);
    if (b->stop != STOP_NONE)
        say_stop(b, &r);
    if (!b->settings->quiet) {
        struct buf table = {0};
        report_table(&r, &table);
        remember_say(b, &table);
        fputs(buf_cstr(&table), stderr);
        buf_free(&table);
    }
    if (b->settings->report && write_report(b, &r) != EXIT_ALL_DONE && code == EXIT_ALL_DONE)
        code = EXIT_IO;
    buf_free(&choice);
    return code;
}

/* ---- the verb ------------------------------------------------------------------------ */

static bool anything_pending(const struct batch *b)
{
    return b->totals.before_ok + b->totals.before_failed + b->totals.failed < b->totals.total;
}

/* What goes through the Batch API is chosen, and told, before anything is sent. */
static int open_shipping(struct batch *b)
{
    struct diag diag = {"", ""};
    enum sl_err err = shipping_open(b, &b->shipping, &diag);
    if (err == SL_OK && b->shipping && b->settings->mode == MODE_BATCH &&
        !b->settings->cancel) {
        const struct manifest_filter all = {.from = 0};
        err = manifest_pack(b->shipping, &all, &diag);
    }
    if (err == SL_OK && b->settings->mode == MODE_AUTO && !b->settings->cancel &&
        anything_pending(b))
        err = allot_rows(b, &diag);
    if (err == SL_IO || err == SL_FULL)
        return complain("", &diag, EXIT_IO);
    if (err != SL_OK)
        return complain("", &diag, EXIT_USAGE);
    if (b->shipping && !b->settings->quiet) {
        struct buf text = {0};
        allot_tell(b, &text);
        manifest_tell(b->shipping, &text);
        fputs(buf_cstr(&text), stderr);
        buf_free(&text);
    }
    return EXIT_ALL_DONE;
}

static int run(struct batch *b)
{
    int code = open_input(b);
    if (code == EXIT_ALL_DONE)
        code = open_results(b);
    if (code == EXIT_ALL_DONE)
        code = write_invalid(b);
    if (code != EXIT_ALL_DONE)
        return code;
    struct diag diag = {"", ""};
    code = open_shipping(b);
    if (code != EXIT_ALL_DONE)
        return code;
    if (anything_pending(b) && batch_run(b, &diag) != SL_OK)
        return complain("", &diag, EXIT_USAGE);
    batch_settle(b);
    return tell_end(b);
}

int verb_run(int argc, char **argv)
{
    struct settings settings;
    struct diag diag;
    bool help = false;
    if (settings_read(&settings, argc, argv, &help, &diag) != SL_OK) {
        settings_free(&settings);
        return complain("", &diag, EXIT_USAGE);
    }
    if (help) {
        settings_free(&settings);
        return settings_help();
    }
    signal(SIGPIPE, SIG_IGN); /* seen as write errors instead */
    signal(SIGXFSZ, SIG_IGN);
    struct batch *b = mem_zero(sizeof *b);
    b->settings = &settings;
    b->begun_us = (int64_t)(uv_hrtime() / 1000);
    b->term = term_look();
    b->term.color = b->term.color || settings.color;
    totals_init(&b->totals);
    uv_loop_init(&b->loop);
    int code = run(b);
    batch_free(b);
    free(b);
    settings_free(&settings);
    return code;
}
