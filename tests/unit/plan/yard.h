/* yard.h: batch files and accounts made up for the tests of this room. */
#ifndef SLUICE_TEST_YARD_H
#define SLUICE_TEST_YARD_H

#include "check.h"
#include "makespan.h"

enum { S = 1000000, MINUTE = 60 * S, DAY = 86400 };

/* Rows with the sizes that the caller sets; models and pools, one each, with given limits. */
struct file {
    struct rows rows;
    struct batch_model list[2];
    struct batch_pool pools[2];
    struct models models;
    struct outputs outputs;
};

static inline void file_add(struct file *f, size_t n, uint16_t model, int64_t input,
                            int64_t max_tokens)
{
    struct row row = {.model = model, .state = ROW_PENDING};
    struct demand d = {.input_tokens = input,
                       .char_tokens = input,
                       .max_output_tokens = max_tokens,
                       .max_output_given = max_tokens > 0};
    row_set_demand(&row, &d);
    for (size_t i = 0; i < n; i++) {
        row.number = (uint32_t)f->rows.n + 1;
        (void)rows_add(&f->rows, &row);
    }
}

static inline void file_limit(struct file *f, size_t pool, enum dimension dim, int64_t limit)
{
    struct batch_pool *p = &f->pools[pool];
    int64_t period_us = dimension_period_s(dim) * S;
    p->limits[p->limit_count++] = (struct limit_spec){dim, limit, period_us};
}

/* One model and one pool, no rows and no limits; answers as long as allowed. */
static inline void file_open(struct file *f)
{
    *f = (struct file){
        .list = {{.name = STR("gpt-4o"), .pool = 0}, {.name = STR("o3"), .pool = 1}},
        .pools = {{.name = STR("gpt-4o")}, {.name = STR("o3")}}};
    f->models = (struct models){.list = f->list, .n = 1, .pools = f->pools, .pool_count = 1};
}

static inline void file_close(struct file *f)
{
    rows_free(&f->rows);
    outputs_free(&f->outputs);
}

/* An idle OpenAI account; answers take a second. */
static inline struct scenario file_scenario(const struct file *f)
{
    struct account_config a = account_defaults(provider_get(PROVIDER_OPENAI));
    a.order = ORDER_BALANCE;
    a.idle = true;
    a.jitter_us = 25000;
    return (struct scenario){.rows = &f->rows,
                             .models = &f->models,
                             .account = a,
                             .headers = HEADERS_DURATIONS,
                             .outputs = &f->outputs,
                             .service_us = {.low = S, .high = S},
                             .delay_us = 20000,
                             .jitter_us = 20000};
}

#endif
