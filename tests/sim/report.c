/* report.c: the grid's table and its lines for machines; see grid.h. */
#include "arena.h"
#include "grid.h"

#include <stdio.h>
#include <stdlib.h>

static const double KNOWN_MEDIAN = 0.995;
enum { NAMED_FAILURES = 40 };

/* One line of the table: cells that share client, work, mode and window. */
struct group {
    const struct trial *like;
    size_t cells, failed;
    int64_t refused, sends, wait_us;
    double *figures; /* efficiencies, sorted */
    size_t n;
};

static bool same_group(const struct cell *a, const struct cell *b)
{
    return a->mode == b->mode && a->client == b->client && a->work == b->work &&
           a->window == b->window && (a->drain == b->drain || a->client == SIM_SLUICE);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Gathers the trials like trials[first]. */
static struct group gather(const struct trial *trials, size_t n, size_t first)
{
    struct group g = {.like = &trials[first]};
    g.figures = mem_alloc(n * sizeof *g.figures);
    for (size_t i = first; i < n; i++) {
        const struct trial *t = &trials[i];
        if (!same_group(&t->cell, &g.like->cell))
            continue;
        g.cells++;
        g.failed += t->fault != TRIAL_NONE;
        g.refused += t->oracle.refused;
        g.sends += t->sends;
        g.wait_us += t->wait_us;
        if (t->efficiency >= 0 && t->fault != TRIAL_STUCK)
            g.figures[g.n++] = t->efficiency;
    }
    qsort(g.figures, g.n, sizeof *g.figures, by_size);
    return g;
}

static double median(const struct group *g)
{
    return (g->figures[(g->n - 1) / 2] + g->figures[g->n / 2]) / 2;
}

/* "known", "sdk, drains", "trace", "trace sdk": who did what. */
static void write_name(struct buf *out, const struct cell *c)
{
    static const char *const works[] = {
        [SIM_SYNTHETIC] = "", [SIM_TRACE] = "trace ", [SIM_ARRIVALS] = "live "};
    bool ours = c->client == SIM_SLUICE;
    buf_puts(out, works[c->work]);
    buf_puts(out, ours ? sim_mode_name(c->mode) : sim_client_name(c->client));
    if (!ours && c->drain)
        buf_puts(out, ", drains");
}

static void print_group(const struct group *g)
{
    const struct cell *c = &g->like->cell;
    struct buf name = {0};
    write_name(&name, c);
    printf("%-14s %-8s %6zu", buf_cstr(&name), sim_window_name(c->window), g->cells);
    buf_free(&name);
    if (g->n)
        printf(" %8.2f %8.2f", 100 * g->figures[0], 100 * median(g));
    else
        printf(" %8s %8s", "-", "-");
    if (c->work == SIM_ARRIVALS)
        printf(" %10lld %7zu %9.2f s\n", (long long)g->refused, g->failed,
               (double)g->wait_us / (double)g->cells / 1e6);
    else
        printf(" %10lld %7zu\n", (long long)g->refused, g->failed);
}

static bool first_of_group(const struct trial *trials, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (same_group(&trials[i].cell, &trials[j].cell))
            return false;
    return true;
}

/* The median that a window's cells owe together, beside what each owes alone. */
static bool median_missed(const struct group *g)
{
    const struct cell *c = &g->like->cell;
    return c->client == SIM_SLUICE && c->mode == SIM_KNOWN && c->work == SIM_SYNTHETIC &&
           g->n && median(g) < KNOWN_MEDIAN;
}

static void print_failure(const struct trial *t, const char *program)
{
    struct buf words = {0};
    cell_write(&words, &t->cell);
    printf("%s", trial_fault_text(t->fault));
    if (t->oracle.refused)
        printf(", %lld refusals", (long long)t->oracle.refused);
    if (t->efficiency >= 0)
        printf(", %.2f %%", 100 * t->efficiency);
    printf("\n  %s --cell \"%s\"\n", program, buf_cstr(&words));
    buf_free(&words);
}

/* A baseline is not on trial, unless the provider itself misjudged it. */
static bool is_failure(const struct trial *t)
{
    bool judged = t->cell.client == SIM_SLUICE;
    return t->fault != TRIAL_NONE && (judged || t->fault < TRIAL_REFUSED);
}

size_t grid_report(const struct trial *trials, size_t n, const char *program)
{
    size_t failed = 0;
    printf("%-14s %-8s %6s %8s %8s %10s %7s%s\n", "", "window", "cells", "least %", "median %",
           "refusals", "failed", trials[0].cell.work == SIM_SYNTHETIC ? "" : "   mean wait");
    for (size_t i = 0; i < n; i++) {
        if (!first_of_group(trials, i))
            continue;
        struct group g = gather(trials, n, i);
        print_group(&g);
        if (median_missed(&g)) {
            printf("  the median is below %.1f %%\n", 100 * KNOWN_MEDIAN);
            failed++;
        }
        free(g.figures);
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_failure(&trials[i]))
            continue;
        if (failed++ == 0)
            printf("\nFailing cells, and how to run each again:\n");
        print_failure(&trials[i], program);
    }
    return failed;
}

static void json_figure(const char *name, double value, bool is_null)
{
    if (is_null)
        printf(", \"%s\": null", name);
    else
        printf(", \"%s\": %.6f", name, value);
}

size_t grid_json(const struct trial *trials, size_t n)
{
    size_t failed = 0;
    for (size_t i = 0; i < n; i++) {
        const struct trial *t = &trials[i];
        struct buf words = {0};
        cell_write(&words, &t->cell);
        printf("{\"cell\": \"%s\", \"mode\": \"%s\", \"client\": \"%s\", \"window\": \"%s\"",
               buf_cstr(&words), sim_mode_name(t->cell.mode), sim_client_name(t->cell.client),
               sim_window_name(t->cell.window));
        printf(", \"fault\": \"%s\", \"jobs\": %lld, \"sends\": %lld, \"refusals\": %lld",
               trial_fault_text(t->fault), (long long)t->jobs, (long long)t->sends,
               (long long)t->oracle.refused);
        printf(", \"rpm\": %lld, \"tpm\": %lld", (long long)t->rpm, (long long)t->tpm);
        json_figure("x0", 1, t->cell.window != SIM_BUCKET);
        json_figure("first_reset_s", (double)t->first_reset_us / 1e6, t->first_reset_us < 0);
        json_figure("bound_s", (double)t->bound_us / 1e6, t->bound_us < 0);
        json_figure("span_s", (double)t->span_us / 1e6, !t->done);
        json_figure("makespan_s", (double)t->makespan_us / 1e6, !t->done);
        json_figure("mean_wait_s", (double)t->wait_us / 1e6, !t->done);
        json_figure("efficiency", t->efficiency, t->efficiency < 0);
        printf("}\n");
        buf_free(&words);
        failed += is_failure(t);
    }
    return failed;
}
