/* tally.c: the words of tally.h. */
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
