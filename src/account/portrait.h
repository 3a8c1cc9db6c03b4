/* portrait.h: an account and its pools as observe/ sees them. What `run` and `serve` share of
 * drawing the scene. */
#ifndef SLUICE_PORTRAIT_H
#define SLUICE_PORTRAIT_H

#include "account_options.h"
#include "engine.h"
#include "scene.h"

/* Texts are lent: the name, and those of the options. */
void portrait_account(struct str name, const struct account_options *o, struct engine *engine,
                      struct arena *arena, struct scene_account *out);
/* What waits, what is in flight, the budgets; how many may be in flight, where that is known,
 * is a budget like another, without a period. */
void portrait_pool(struct str account, const struct pool_view *view, const struct tally *tally,
                   struct scene_pool *out);

#endif
