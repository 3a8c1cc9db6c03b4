/* grid.h: the grid of design/pacing.md, run on several processes, and its table.
 *
 * 4 windows x 3 bounds x 3 jitters (10, 60, 200 ms) x 3 service times (0.2, 3, 30 s) x 3 charge
 * rules x 5 seeds = 1,620 cells in each mode (blind: 1,215, without slices: what refuses the
 * first burst cannot be told from what does not, without headers). The baselines run where
 * J = 60 ms, service 3 s and charge max. */
#ifndef SLUICE_SIM_GRID_H
#define SLUICE_SIM_GRID_H

#include "trial.h"

struct grid {
    struct cell *cells;
    size_t n, cap;
};

/* Seeds seed .. seed + 4; `quick` takes one seed and one jitter of three, in turn. */
void grid_all(struct grid *g, uint64_t seed, bool quick);
/* The trace: as a batch and with its arrival times, each window and charge rule. */
void grid_trace(struct grid *g, uint64_t seed);
void grid_add(struct grid *g, struct cell c);
void grid_free(struct grid *g);

/* Runs all cells on `jobs` processes. A cell that kills its process is marked, the others go
 * on. out[i] belongs to cells[i]. */
enum sl_err grid_run(const struct grid *g, struct str csv, int jobs,
                     struct trial *out) SL_CHECK;

/* At most 80 columns; failing cells with the command that repeats them. Returns how many
 * failed. */
size_t grid_report(const struct trial *trials, size_t n, const char *program);
/* One JSON object per cell, a line each. Returns how many failed. */
size_t grid_json(const struct trial *trials, size_t n);

#endif
