/* slowdown.h: traffic that may grow no faster than half in a quarter of an hour.
 *
 * Above about a million input tokens a minute OpenAI answers a sharp rise with `slow_down`,
 * whatever the limits leave; Anthropic has acceleration limits. Such an answer adds one more
 * budget to the ledger: three quarters of what went lately, and half as much again every 15
 * minutes. Source: facts/providers.md section 1.1. */
#ifndef SLUICE_SLOWDOWN_H
#define SLUICE_SLOWDOWN_H

#include "ledger.h"

struct slowdown {
    int64_t grows_us; /* when it may grow next */
};

/* Told to slow down. False if no budget counts tokens. */
bool slowdown_refused(struct slowdown *s, struct ledger *l, const struct budget_rules *rules,
                      int64_t now_us);
/* Lets it grow when its time has come. */
void slowdown_grow(struct slowdown *s, struct ledger *l, const struct budget_rules *rules,
                   int64_t now_us);

#endif
