/* scenario.h: what is to be run, where, and what is taken where nobody knows beforehand. Pure.
 */
#ifndef SLUICE_SCENARIO_H
#define SLUICE_SCENARIO_H

#include "account_options.h"
#include "outputs.h"
#include "rows.h"

/* All is lent. */
struct scenario {
    const struct rows *rows;       /* those in ROW_PENDING are run */
    const struct models *models;   /* the rows'; every pool with its limits in this account */
    struct account_config account; /* as the run itself would have it, seed included */
    enum header_form headers;      /* of the provider */
    int64_t most_output;           /* no request asks for more than that; 0: as it says */
    const struct outputs *outputs;
    struct spread service_us;    /* from the provider's decision to the last byte */
    int64_t delay_us, jitter_us; /* one-way delays are in [delay_us, delay_us + jitter_us] */
};

/* For an account as options describe it; rows and models are the caller's to set. Answers are
 * as long as requests allow and come 1 to 10 seconds after the decision (an emulator's own time
 * where there is one), over a way of 20 to 40 ms. */
struct scenario scenario_of(const struct account_options *a);
/* What a row draws in it. */
struct demand scenario_demand(const struct scenario *s, const struct row *row);
/* Whether it could ever be admitted. */
bool scenario_fits(const struct scenario *s, const struct row *row);
/* What it is likely to be charged, by dimension; added to sums. */
void scenario_weigh(const struct scenario *s, const struct row *row, int64_t sums[DIM_RATES]);
/* Where a fixed window first ends: nobody knows, so the middle of what is possible. */
int64_t scenario_phase_us(const struct scenario *s);

#endif
