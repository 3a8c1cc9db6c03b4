/* ledger.h: all the budgets that a request draws on, at once.
 *
 * ledger_admit checks all of them, then holds its cost in all, or changes nothing and returns
 * the exact wait and which budget binds. Each admitted cost is charged (or released) once and
 * settled once. */
#ifndef SLUICE_LEDGER_H
#define SLUICE_LEDGER_H

#include "bounds.h"
#include "budget.h"

enum take { TAKE_OK, TAKE_LATER, TAKE_NEVER };

struct admission {
    enum take take;
    int64_t wait_us; /* LATER: until the last budget has room; frozen ones included */
    size_t binds;    /* LATER, NEVER: index of that budget */
};

struct ledger {
    struct budget budgets[BOUND_BUDGETS];
    size_t n;
    /* What answers have taught of the way and of when headers are computed: feedback.c. */
    int64_t way_us; /* the quickest answer so far, 0 before it */
    int64_t votes[SUPPOSED_COUNT];
    bool refuted[SUPPOSED_COUNT];
};

void ledger_free(struct ledger *l);
/* An independent copy, to ask what would be; over what *to was (nothing that is owned). */
void ledger_copy(struct ledger *to, const struct ledger *from);
/* A further budget, or NULL where there is no room for it. */
struct budget *ledger_add(struct ledger *l, const struct limit_spec *spec,
                          const struct budget_rules *rules);
/* The account's own budget of that dimension, or NULL. */
struct budget *ledger_find(struct ledger *l, enum dimension dim);

/* What one request draws on an account: units by dimension; `later` of the tokens are output
 * that is charged as it is produced. */
struct bill {
    int64_t units[DIM_RATES];
    int64_t later;
    uint32_t budgets; /* the ledger's when it was admitted: later ones do not know it */
    uint32_t cohort;  /* of output.h */
};
static inline struct draw bill_draw(const struct bill *bill, enum dimension dim)
{
    bool output = dim == DIM_TPM || dim == DIM_TPD || dim == DIM_OTPM;
    return (struct draw){.units = bill->units[dim], .later = output ? bill->later : 0};
}

/* Would it fit? Changes nothing. */
struct admission ledger_ask(struct ledger *l, int64_t now_us, const struct bill *bill);
/* The same if `other` had been admitted before it. */
struct admission ledger_ask_after(struct ledger *l, int64_t now_us, const struct bill *bill,
                                  const struct bill *other);
struct admission ledger_admit(struct ledger *l, int64_t now_us, struct bill *bill);
void ledger_charge(struct ledger *l, int64_t now_us, const struct bill *bill);
void ledger_release(struct ledger *l, const struct bill *bill);
/* Of a copy: what is promised, and what those in flight are expected to write yet, is charged
 * now. No more comes of it: nothing that was admitted may be charged, released or settled. */
void ledger_foresee(struct ledger *l, int64_t now_us);
/* A request in flight is expected to cost something else. */
void ledger_expect(struct ledger *l, int64_t now_us, int64_t sent_us, struct bill *bill,
                   const struct bill *is);
/* What was reserved becomes what was charged. */
void ledger_settle(struct ledger *l, int64_t now_us, int64_t sent_us, const struct bill *bill,
                   const int64_t charged[DIM_RATES]);

#endif
