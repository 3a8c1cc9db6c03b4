/* plan_report.h: a plan as people see it (a table of 80 columns, a picture) and as programs
 * read it. Pure. */
#ifndef SLUICE_PLAN_REPORT_H
#define SLUICE_PLAN_REPORT_H

#include "plan.h"

void plan_table(const struct plan *p, struct buf *out);
void plan_json(const struct plan *p, struct buf *out);
/* An SVG file for light and dark: how long each tier takes, and what max_tokens costs. */
void plan_plot(const struct plan *p, struct buf *out);

/* "gpt-4o, o3", "gpt-4o-mini instead": each model once, whatever leads to it */
void plan_names(const struct variant *v, struct buf *out);
/* "1 (yours)", "your limits" */
void plan_tier_name(const struct forecast *f, struct buf *out);
/* "2m 10s", "2m 10s - 48m 02s", or "not known" */
void plan_span(const struct figure *us, struct buf *out);
/* "30,000 TPM", or "TPM gpt-4o" where there are several pools, or "-" */
void plan_binds(const struct forecast *f, struct buf *out);
/* "within 48 h, 2 turns", "3 batches" where nobody says within what, "not known" */
void plan_batch(const struct waves *w, struct buf *out);

#endif
