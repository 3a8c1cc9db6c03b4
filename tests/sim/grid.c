/* grid.c: which cells there are, and running them side by side.
 *
 * Processes, not threads: a cell that dies on an assertion takes only itself along. The results
 * lie in memory shared by all; each process takes the next cell that nobody has. */
#include "grid.h"
#include "arena.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JITTERS = 3, SERVICES = 3, SEEDS = 5, JOBS_MAX = 64 };
static const int64_t jitters_us[JITTERS] = {10 * 1000, 60 * 1000, 200 * 1000};
static const int64_t services_us[SERVICES] = {200 * 1000, 3000 * 1000, 30 * 1000 * 1000};

void grid_add(struct grid *g, struct cell c)
{
    if (g->n == g->cap) {
        g->cap = g->cap ? 2 * g->cap : 1024;
        g->cells = mem_grow(g->cells, g->cap * sizeof *g->cells);
    }
    c.rounding = cell_rounding(c.window, c.charge);
    g->cells[g->n++] = c;
}

/* The i-th of a mode's cells, seeds innermost. */
static struct cell mode_cell(enum sim_mode mode, int i, uint64_t seed)
{
    struct cell c = cell_default();
    c.mode = mode;
    c.seed = seed + (uint64_t)(i % SEEDS);
    i /= SEEDS;
    c.jitter_us = jitters_us[i % JITTERS];
    i /= JITTERS;
    c.service_us = services_us[i % SERVICES];
    i /= SERVICES;
    c.charge = (enum sim_charge)(i % SIM_CHARGE_COUNT);
    i /= SIM_CHARGE_COUNT;
    c.bound = (enum sim_bound)(i % SIM_BOUND_COUNT);
    c.window = (enum sim_window)(i / SIM_BOUND_COUNT);
    return c;
}

/* One cell in fifteen: the first seed, and the jitters in turn so that each is met. */
static bool is_quick(int i)
{
    int jitter = i / SEEDS % JITTERS, group = i / (SEEDS * JITTERS);
    return i % SEEDS == 0 && jitter == (group + group / 3 + group / 9) % JITTERS;
}

static void add_baselines(struct grid *g, uint64_t seed, bool quick)
{
    for (int i = 0; i < SIM_WINDOW_COUNT * SIM_BOUND_COUNT * SEEDS; i++) {
        struct cell c = cell_default();
        c.seed = seed + (uint64_t)(i % SEEDS);
        c.bound = (enum sim_bound)(i / SEEDS % SIM_BOUND_COUNT);
        c.window = (enum sim_window)(i / SEEDS / SIM_BOUND_COUNT);
        if (quick && i % SEEDS)
            continue;
        for (int client = SIM_SDK; client < SIM_CLIENT_COUNT; client++) {
            c.client = (enum sim_client)client;
            c.drain = false;
            grid_add(g, c);
        }
        c.client = SIM_SDK;
        c.drain = true;
        if (i % SEEDS == 0)
            grid_add(g, c);
    }
}

void grid_all(struct grid *g, uint64_t seed, bool quick)
{
    int cells =
        SIM_WINDOW_COUNT * SIM_BOUND_COUNT * JITTERS * SERVICES * SIM_CHARGE_COUNT * SEEDS;
    for (int mode = 0; mode < SIM_HIDDEN; mode++)
        for (int i = 0; i < cells; i++) {
            struct cell c = mode_cell((enum sim_mode)mode, i, seed);
            if (mode == SIM_BLIND && c.window == SIM_SLICES)
                continue;
            if (!quick || is_quick(i))
                grid_add(g, c);
        }
    add_baselines(g, seed, quick);
}

void grid_trace(struct grid *g, uint64_t seed)
{
    int shapes = SIM_WINDOW_COUNT * SIM_CHARGE_COUNT;
    for (int i = 0; i < 2 * shapes; i++) {
        struct cell c = cell_default();
        c.seed = seed;
        c.work = i < shapes ? SIM_TRACE : SIM_ARRIVALS;
        c.bound = SIM_BOUND_MIXED;
        c.window = (enum sim_window)(i / SIM_CHARGE_COUNT % SIM_WINDOW_COUNT);
        c.charge = (enum sim_charge)(i % SIM_CHARGE_COUNT);
        grid_add(g, c);
        c.drain = false;
        for (int client = SIM_SDK; client < SIM_CLIENT_COUNT; client++) {
            c.client = (enum sim_client)client;
            grid_add(g, c);
        }
    }
}

void grid_free(struct grid *g)
{
    free(g->cells);
    *g = (struct grid){0};
}

struct board {
    atomic_size_t next; /* cell that nobody has taken */
    struct trial trials[];
};

_Noreturn static void work_off(const struct grid *g, struct str csv, struct board *board)
{
    for (;;) {
        size_t i = atomic_fetch_add(&board->next, 1);
        if (i >= g->n)
            _exit(0);
        board->trials[i] = trial_run(&g->cells[i], csv, false);
    }
}

static enum sl_err start(const struct grid *g, struct str csv, struct board *board)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        work_off(g, csv, board);
    return pid < 0 ? SL_NOMEM : SL_OK;
}

enum sl_err grid_run(const struct grid *g, struct str csv, int jobs, struct trial *out)
{
    size_t size = sizeof(struct board) + g->n * sizeof(struct trial);
    struct board *board =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED)
        return SL_NOMEM;
    for (size_t i = 0; i < g->n; i++)
        board->trials[i] = (struct trial){
            .cell = g->cells[i], .fault = TRIAL_CRASHED, .efficiency = -1, .bound_us = -1};
    enum sl_err err = SL_OK;
    for (int j = 0; j < jobs && !err; j++)
        err = start(g, csv, board);
    for (int status; wait(&status) > 0;) {
        bool died = !WIFEXITED(status) || WEXITSTATUS(status);
        if (died && !err) /* one cell is lost, the rest is not */
            err = start(g, csv, board);
    }
    for (size_t i = 0; i < g->n; i++)
        out[i] = board->trials[i];
    munmap(board, size);
    return err;
}
