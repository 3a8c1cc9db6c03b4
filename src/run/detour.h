/* detour.h: rows over a limit take another way, as the rules say.
 *
 * The wait that counts is from the start of the run (or from when a batch gave the row back) to
 * when the last row of its deck would be sent, at the budgets' pace: what would wait longer
 * than it may is taken from the end of the deck, a slice at a time, until the rest does not.
 * The other model takes a row only where it would be sent earlier there. */
#ifndef SLUICE_DETOUR_H
#define SLUICE_DETOUR_H

#include "detour_rules.h"
#include "input.h"

struct batch;

/* For the check of the input; the rules are lent. */
struct input_detour detour_of_lines(const struct detour_rules *rules);
/* The models that rules lead to are known, and their pools; before the engine stands. */
enum sl_err detour_open(struct batch *b, struct diag *diag) SL_CHECK;
/* Once the decks are dealt, and then now and then. */
void detour_look(struct batch *b, int64_t now_us);

#endif
