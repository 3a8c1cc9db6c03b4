/* draft.h: a plan of a made-up file, for the tests of what is planned and how it is shown. */
#ifndef SLUICE_TEST_DRAFT_H
#define SLUICE_TEST_DRAFT_H

#include "check.h"
#include "plan.h"

enum { S = 1000000 };

/* Fill rows and models, then draft_make. */
struct draft {
    struct account_options account;
    struct input input;
    struct guess guess;
    struct plan_ask ask;
    struct plan plan;
};

/* An OpenAI account of that tier (NULL: not told), or of whatever is set before draft_make. */
static inline void draft_open(struct draft *d, const char *provider, const char *tier)
{
    *d = (struct draft){.account = account_options_defaults()};
    d->account.offline = true;
    d->account.provider_name = provider;
    d->account.tier = tier;
    d->input.config.path = "requests.jsonl";
}

static inline void draft_model(struct draft *d, const char *name)
{
    struct models *m = &d->input.models;
    m->list = mem_grow(m->list, (m->n + 1) * sizeof *m->list);
    m->list[m->n++] = (struct batch_model){.name = str_of(name)};
}

/* n rows for the last model, each a line of 400 bytes. */
static inline void draft_rows(struct draft *d, size_t n, int64_t input, int64_t max_tokens)
{
    struct row row = {
        .state = ROW_PENDING, .length = 399, .model = (uint16_t)(d->input.models.n - 1)};
    struct demand demand = {.input_tokens = input,
                            .char_tokens = input,
                            .max_output_tokens = max_tokens,
                            .max_output_given = max_tokens > 0};
    row_set_demand(&row, &demand);
    for (size_t i = 0; i < n; i++) {
        row.number = (uint32_t)d->input.rows.n + 1;
        (void)rows_add(&d->input.rows, &row);
    }
}

static inline void draft_settle(struct outputs *o, int64_t tokens)
{
    outputs_add(o, tokens);
    outputs_settle(o);
}

/* With answers of so many tokens; 0: nothing is known of them. */
static inline void draft_make(struct draft *d, int64_t tokens)
{
    struct diag diag = {{0}, {0}};
    if (account_options_make(&d->account, ORDER_BALANCE, &diag) != SL_OK)
        fail_msg("%s: %s", diag.where, diag.what);
    draft_settle(&d->guess.low, tokens ? tokens : 1);
    if (tokens) {
        d->guess.kind = GUESS_TOLD;
        draft_settle(&d->guess.likely, tokens);
        draft_settle(&d->guess.high, tokens);
    }
    d->ask.input = &d->input;
    d->ask.account = &d->account;
    d->ask.guess = &d->guess;
    d->ask.service_us = (struct spread){.low = S, .high = S};
    d->ask.today = STR("2026-11-26");
    plan_make(&d->plan, &d->ask);
}

static inline void draft_close(struct draft *d)
{
    plan_free(&d->plan);
    guess_free(&d->guess);
    rows_free(&d->input.rows);
    models_free(&d->input.models);
    account_options_free(&d->account);
}

static inline const struct forecast *draft_tier(const struct variant *v, const char *tier)
{
    for (size_t i = 0; i < v->count; i++) {
        if (v->list[i].tier && str_eq(v->list[i].tier->name, str_of(tier)))
            return &v->list[i];
    }
    fail_msg("no tier %s", tier);
    return NULL;
}

#endif
