/* tally.c: see tally.h. */
#include "tally.h"

#define X(id, text) text,
static const char *const outcomes[] = {TALLY_OUTCOMES(X)};
static const char *const causes[] = {TALLY_CAUSES(X)};
static const char *const retries[] = {TALLY_RETRIES(X)};
#undef X

const char *tally_outcome_name(enum tally_outcome o)
{
    return outcomes[o];
}

const char *tally_cause_name(enum tally_cause c)
{
    return causes[c];
}

const char *tally_retry_name(enum tally_retry r)
{
    return retries[r];
}

int64_t tally_ended(const struct tally *t)
{
    int64_t n = 0;
    for (int i = 0; i < TALLY_OUTCOME_COUNT; i++)
        n += t->outcomes[i];
    return n;
}

int64_t tally_refused(const struct tally *t, enum tally_cause cause)
{
    int64_t n = 0;
    for (int d = 0; d <= DIM_COUNT; d++)
        n += t->refusals[cause][d];
    return n;
}

void tally_add(struct tally *t, const struct tally *other)
{
    for (int i = 0; i < TALLY_OUTCOME_COUNT; i++)
        t->outcomes[i] += other->outcomes[i];
    for (int i = 0; i < TALLY_RETRY_COUNT; i++)
        t->retries[i] += other->retries[i];
    for (int c = 0; c < TALLY_CAUSE_COUNT; c++) {
        for (int d = 0; d <= DIM_COUNT; d++)
            t->refusals[c][d] += other->refusals[c][d];
    }
    t->input_tokens += other->input_tokens;
    t->output_tokens += other->output_tokens;
    t->cached_tokens += other->cached_tokens;
    t->reserved_tokens += other->reserved_tokens;
    t->used_tokens += other->used_tokens;
    t->wallet_empty += other->wallet_empty;
    t->key_refused += other->key_refused;
    t->shared += other->shared;
    histogram_merge(&t->wait, &other->wait);
    histogram_merge(&t->first_byte, &other->first_byte);
    histogram_merge(&t->latency, &other->latency);
}
