/* charge.c: what a request is charged. Rules by provider: facts/providers.md section 1. */
#include "provider.h"

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t token_charge(const struct demand *d, enum charge_rule rule)
{
    int64_t input = larger(d->input_tokens, d->char_tokens);
    int64_t asked = d->max_output_given ? d->max_output_tokens : 0;
    switch (rule) {
    case CHARGE_MAX:
        return larger(input, asked);
    case CHARGE_SUM:
        return input + asked;
    case CHARGE_ACTUAL:
        return d->input_tokens + d->max_output_tokens;
    }
    return input;
}

int64_t demand_charge(const struct demand *d, enum charge_rule rule, enum dimension dim)
{
    switch (dim) {
    case DIM_RPM:
    case DIM_RPD:
    case DIM_CONCURRENCY:
        return 1;
    case DIM_TPM:
    case DIM_TPD:
        return token_charge(d, rule);
    case DIM_ITPM:
    case DIM_BATCH_ENQUEUED:
        return d->input_tokens;
    case DIM_OTPM:
        return d->max_output_tokens;
    case DIM_IPM:
        return d->images;
    case DIM_SPEND:
    case DIM_UNKNOWN:
        break;
    }
    return 0;
}
