/* daybook.h: what is left of the budgets of a day or a month, kept across restarts.
 *
 * `budgets.jsonl` in the state directory, a line a budget, written anew every few seconds in
 * which something changed and at the end; what a crash may forget is those seconds. Budgets of
 * a minute are not kept: a restart takes about as long. */
#ifndef SLUICE_DAYBOOK_H
#define SLUICE_DAYBOOK_H

#include "outlets.h"

struct daybook;

/* What was written before, an empty book if nothing was. SL_IO, SL_SYNTAX with *diag. */
enum sl_err daybook_open(const char *directory, struct daybook **out,
                         struct diag *diag) SL_CHECK;
void daybook_close(struct daybook **b);

/* Tells what was written of a tenant, or of an account's pool, once. NULL: no book is kept. */
void daybook_tell_tenant(struct daybook *b, struct tenant *t, int64_t now_us, int64_t unix_us);
void daybook_tell_pool(struct daybook *b, const char *account, struct account *a,
                       struct pool *p, int64_t now_us, int64_t unix_us);

/* Writes what is left now, if that differs from what is written. */
enum sl_err daybook_write(struct daybook *b, const struct outlets *o, const struct tenants *t,
                          int64_t now_us, int64_t unix_us, struct diag *diag) SL_CHECK;

#endif
