/* limits_words.h: the cells and phrases that the limits report is made of. Pure. */
#ifndef SLUICE_LIMITS_WORDS_H
#define SLUICE_LIMITS_WORDS_H

#include "probe.h"
#include "tier_fit.h"

/* Blanks up to `width` bytes from `from` on. */
void words_pad(struct buf *out, size_t from, size_t width);
/* Blanks off the end of the line, and its end. */
void words_end(struct buf *out);
/* To the left, cut, and a blank behind it. */
void words_cell(struct buf *out, struct str text, size_t width);
/* A model's name likewise; one that is longer gets a line of its own. */
void words_model(struct buf *out, struct str name, size_t width);
void words_right(struct buf *out, struct str text, size_t width);
/* "30,000", or a dash for -1. */
void words_number(struct buf *out, int64_t n, size_t width);
/* "30k", "1.35M", rounded to three digits; a star where it is marked. */
void words_short(struct buf *out, int64_t n, bool marked, size_t width);
/* "2026-11-26 09:00:12" */
void words_instant(struct buf *out, int64_t at_us);

/* Why a model told no limits: "no access", "refused", "key not accepted". */
const char *words_failure(const struct probe *p);
/* "This looks like TIER 2 (tiers 1-5)", without an end. */
void words_fit(struct buf *out, const struct tier_fit *f);
/* What a tier asks for and its cap: two lines at most. */
void words_terms(struct buf *out, const struct tier *t);

#endif
