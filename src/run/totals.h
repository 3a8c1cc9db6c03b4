/* totals.h: what has happened in a run so far, counted. Pure. */
#ifndef SLUICE_TOTALS_H
#define SLUICE_TOTALS_H

#include "pace.h"

enum { TOTALS_KINDS = 16, TOTALS_OUTPUTS = 1 << 16 };

/* How often each of a few kinds occurred; the last kind takes what does not fit. */
struct kinds {
    struct {
        char name[40];
        int64_t count;
    } list[TOTALS_KINDS];
    size_t n;
};
void kinds_add(struct kinds *k, struct str name);
int64_t kinds_total(const struct kinds *k);
/* "503 x2, connection x1"; nothing for none. */
void kinds_write(const struct kinds *k, struct buf *out);

struct refusal {
    size_t model; /* index into the run's models */
    enum dimension dim;
    int64_t count;
};

struct totals {
    int64_t total;            /* rows, invalid ones included */
    int64_t before_ok;        /* of those, done in earlier runs */
    int64_t before_failed;    /* final failures of earlier runs */
    int64_t ok, failed;       /* in this run */
    int64_t downgraded;       /* rows that went to another model than they named */
    struct kinds failures;    /* by code */
    struct kinds retries;     /* by what made them necessary */
    struct refusal *refusals; /* by model and dimension */
    size_t refusal_count, refusal_cap;
    int64_t refused;
    int64_t input_tokens, output_tokens, cached_tokens;
    int64_t cost_pusd; /* at catalogue prices; -1 once a price is not known */
    int64_t cost_batch_pusd;
    int64_t service_us, served;     /* sum of service times and of how many */
    int64_t first_us, last_byte_us; /* -1 until then */
    uint32_t *outputs; /* answers by their output tokens; the last takes all longer ones */
};

void totals_init(struct totals *t);
void totals_free(struct totals *t);
void totals_refusal(struct totals *t, size_t model, enum dimension dim);
void totals_output(struct totals *t, int64_t tokens);
/* The least number of output tokens that covers `percent` of the answers; -1 without answers.
 */
int64_t totals_output_covering(const struct totals *t, int percent);

#endif
