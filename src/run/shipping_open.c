/* shipping_open.c: see shipping.h. What a run that begins finds under way: the journal beside
 * its output is read, its rows are marked, and what nobody needs any more is struck out. */
#include "shipping.h"

#include "batch.h"
#include "replace.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void name_journal(struct shipping *s, const char *output)
{
    struct str out = str_of(output), tail = STR(".jsonl");
    buf_add(&s->path, str_ends(out, tail) ? str_cut(out, out.n - tail.n) : out);
    buf_puts(&s->path, ".batches.jsonl");
    buf_cstr(&s->path);
}

static enum sl_err on_line(void *ctx, struct str line, int64_t offset)
{
    (void)offset;
    void **both = ctx;
    return parcels_read_line(both[0], line, both[1]);
}

/* Another deadline or budget is another choice; so is an emulator of our own, which knows no
 * earlier run's batches. */
static bool still_stands(const struct shipping *s)
{
    const struct settings *set = s->batch->settings;
    return set->mode == MODE_AUTO && s->choice.made && !set->account.emulate &&
           s->choice.deadline_us == set->deadline_us &&
           s->choice.budget_pusd == set->budget_pusd;
}

static enum sl_err read_journal(struct shipping *s, struct diag *diag)
{
    struct parcels_reader r = {
        .parcels = &s->parcels, .input = &s->batch->input, .rules = s->rules};
    void *both[2] = {&r, diag};
    struct journal_reader reader = {on_line, both};
    enum sl_err err = journal_open(&s->batch->loop, s->path.p, reader, &s->journal, diag);
    if (err != SL_OK && !strstr(diag->where, s->path.p)) {
        struct diag said = *diag;
        err = diag_set(diag, err, s->path.p, "%s%s%s", said.where, said.where[0] ? ": " : "",
                       said.what);
    }
    s->header = r.header;
    s->choice = r.choice;
    s->stands = err == SL_OK && still_stands(s);
    s->header.account = arena_copy(&s->arena, r.header.account);
    parcels_reader_free(&r);
    struct str account = shipping_account(s->batch);
    if (err == SL_OK && r.begun && !str_eq(account, s->header.account))
        err =
            diag_set(diag, SL_RANGE, s->path.p,
                     "tells of batches at %.*s, not at %.*s: run the same command as then",
                     STR_ARG(str_cut(s->header.account, 120)), STR_ARG(str_cut(account, 120)));
    return err;
}

/* Rows of live parcels are under way, unless their results stand in the output already. */
static void mark_rows(struct shipping *s)
{
    struct rows *rows = &s->batch->input.rows;
    for (size_t i = 0; i < rows->n; i++) {
        struct row *row = &rows->list[i];
        const struct parcel *p = parcels_get(&s->parcels, row->parcel);
        if (!p || !parcel_is_live(p))
            row->parcel = 0;
        else if (row->state == ROW_PENDING)
            row->state = ROW_SHIPPED;
        s->rows += row->state == ROW_SHIPPED;
    }
}

/* A process that died between the last result and its word of it: all is there. */
static enum sl_err close_complete(struct shipping *s, struct diag *diag)
{
    const struct rows *rows = &s->batch->input.rows;
    int64_t *open = mem_zero((s->parcels.n + 1) * sizeof *open);
    struct buf line = {0};
    enum sl_err err = SL_OK;
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->list[i].state == ROW_SHIPPED)
            open[rows->list[i].parcel]++;
    }
    for (size_t i = 0; i < s->parcels.n && err == SL_OK; i++) {
        struct parcel *p = &s->parcels.list[i];
        if (!parcel_is_live(p) || open[p->number])
            continue;
        p->state = PARCEL_FETCHED;
        buf_clear(&line);
        parcel_write(p, &s->batch->input, s->rules, NULL, &line);
        err = journal_append(s->journal, buf_str(&line), diag);
    }
    buf_free(&line);
    free(open);
    return err;
}

static enum sl_err void_parcel(struct shipping *s, struct parcel *p, struct diag *diag)
{
    struct buf line = {0};
    p->state = PARCEL_VOID;
    parcel_write(p, &s->batch->input, s->rules, "not begun when another run went on", &line);
    enum sl_err err = journal_append(s->journal, buf_str(&line), diag);
    buf_free(&line);
    return err;
}

/* A run that is not to use batches goes on with those that exist, and plans no others. */
static enum sl_err continue_journal(struct shipping *s, struct diag *diag)
{
    const struct settings *set = s->batch->settings;
    enum sl_err err = read_journal(s, diag);
    for (size_t i = 0; i < s->parcels.n && err == SL_OK; i++) {
        struct parcel *p = &s->parcels.list[i];
        bool kept = set->mode == MODE_BATCH || s->stands;
        bool gone =
            set->account.emulate != NULL || (parcel_is_idle(p) && (!kept || set->cancel));
        if (parcel_is_live(p) && gone)
            err = void_parcel(s, p, diag);
    }
    if (err != SL_OK)
        return err;
    mark_rows(s);
    err = close_complete(s, diag);
    shipping_add(s);
    return err;
}

/* The figures of the tier, of which only a part may be ours. */
static void take_limits(struct shipping *s)
{
    const struct account_options *a = &s->batch->settings->account;
    const struct models *m = &s->batch->input.models;
    struct str provider = str_of(a->provider->name);
    s->queue_tokens = mem_alloc((m->pool_count + 1) * sizeof *s->queue_tokens);
    for (size_t p = 0; p < m->pool_count; p++)
        s->queue_tokens[p] = -1;
    for (size_t i = 0; i < m->n && s->dialect == BATCH_OPENAI; i++) {
        int64_t tokens = settings_batch_queue(s->batch->settings, m->list[i].name);
        if (tokens < 0 && a->limits.tier.n)
            tokens = catalogue_batch_enqueued(a->catalogue, provider, a->limits.tier,
                                              m->list[i].name);
        if (tokens >= 0)
            s->queue_tokens[m->list[i].pool] = tokens / 100 * a->use_percent;
    }
    s->queue_requests = -1;
    if (s->dialect != BATCH_ANTHROPIC)
        return;
    s->queue_requests = settings_batch_queue(s->batch->settings, STR("*"));
    if (s->queue_requests < 0 && a->limits.tier.n)
        s->queue_requests = catalogue_batch_queue(a->catalogue, provider, a->limits.tier);
    if (s->queue_requests >= 0)
        s->queue_requests = s->queue_requests / 100 * a->use_percent;
}

/* Calls keep a distance that no limit by request type could refuse. */
static void keep_distance(void *ctx, const struct route_class *r)
{
    struct shipping *s = ctx;
    const struct account_options *a = &s->batch->settings->account;
    int64_t gap_us = r->limit > 0 ? r->period_s * a->minute_us / 60 / r->limit : 0;
    if (str_eq(r->name, STR("message-batches")))
        s->call_gap_us = gap_us;
    if (str_eq(r->name, STR("batch-creations")))
        s->create_gap_us = gap_us;
}

static enum sl_err check_wish(const struct batch *b, bool there, bool regular,
                              struct diag *diag)
{
    const struct settings *set = b->settings;
    bool wanted = set->mode != MODE_LIVE || set->cancel;
    const char *option = set->cancel ? "--cancel" : "--mode";
    const struct provider *p = set->account.provider;
    if ((wanted || there) && batch_dialect_of(p) == BATCH_NONE)
        return diag_set(diag, SL_UNKNOWN, option,
                        "no Batch API of %s is known here: openai's and anthropic's are",
                        p->name);
    if (wanted && !regular)
        return diag_set(diag, SL_RANGE, option,
                        "needs an output that is a file (-o FILE): the ids of batches are kept "
                        "beside it");
    if (set->cancel && !there)
        return diag_set(diag, SL_MISSING, option,
                        "no batch of this output is under way: there is no journal of any");
    return SL_OK;
}

enum sl_err shipping_open(struct batch *b, struct shipping **out, struct diag *diag)
{
    const struct settings *set = b->settings;
    struct shipping *s = mem_zero(sizeof *s);
    name_journal(s, set->output);
    bool regular = file_is_regular(set->output);
    bool there = regular && access(s->path.p, F_OK) == 0;
    s->batch = b;
    s->dialect = batch_dialect_of(set->account.provider);
    s->rules = batch_rules_of(set->account.catalogue, set->account.provider);
    s->random = (struct random){set->account.config.seed};
    s->ending = set->cancel;
    *out = s;
    enum sl_err err = check_wish(b, there, regular, diag);
    if (err == SL_OK && !there && set->mode == MODE_LIVE) {
        shipping_free(out);
        return SL_OK;
    }
    if (err == SL_OK) {
        take_limits(s);
        catalogue_each_route(set->account.catalogue, str_of(set->account.provider->name),
                             set->account.limits.tier, keep_distance, s);
        if (there)
            err = continue_journal(s, diag);
    }
    s->sound = err == SL_OK;
    return err;
}
