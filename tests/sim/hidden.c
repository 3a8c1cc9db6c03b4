/* hidden.c: see hidden.h. */
#include "hidden.h"
#include "arena.h"

#include <stdio.h>
#include <stdlib.h>

enum { JITTERS = 3, SERVICES = 3, ON_TRIAL_US = 60 * 1000 };
static const int64_t jitters_us[JITTERS] = {10 * 1000, ON_TRIAL_US, 200 * 1000};
static const int64_t services_us[SERVICES] = {50 * 1000, 200 * 1000, 3000 * 1000};

void hidden_grid(struct grid *g, uint64_t seed, int seeds, int64_t rpm)
{
    for (int i = 0; i < SIM_WINDOW_COUNT * JITTERS * SERVICES * seeds; i++) {
        struct cell c = cell_default();
        int rest = i / seeds;
        c.mode = SIM_HIDDEN;
        c.seed = seed + (uint64_t)(i % seeds);
        c.service_us = services_us[rest % SERVICES];
        c.jitter_us = jitters_us[rest / SERVICES % JITTERS];
        c.window = (enum sim_window)(rest / SERVICES / JITTERS);
        c.rpm = rpm;
        grid_add(g, c);
    }
}

/* Cells of one window and jitter; all figures sorted. */
struct lot {
    enum sim_window window;
    int64_t jitter_us;
    size_t n;
    double *refusals, *found_s, *use, *whole;
};

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(const double *list, size_t n)
{
    return (list[(n - 1) / 2] + list[n / 2]) / 2;
}

static struct lot gather(const struct trial *trials, size_t n, int window, int64_t jitter_us)
{
    struct lot l = {.window = (enum sim_window)window, .jitter_us = jitter_us};
    l.refusals = mem_alloc(4 * n * sizeof(double));
    l.found_s = l.refusals + n;
    l.use = l.found_s + n;
    l.whole = l.use + n;
    for (size_t i = 0; i < n; i++) {
        const struct trial *t = &trials[i];
        if (t->cell.window != l.window || t->cell.jitter_us != jitter_us)
            continue;
        l.refusals[l.n] = (double)t->oracle.refused;
        l.found_s[l.n] = (double)t->found_us / 1e6;
        l.use[l.n] = t->use;
        l.whole[l.n] = t->efficiency;
        l.n++;
    }
    double *const figures[] = {l.refusals, l.found_s, l.use, l.whole};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        qsort(figures[i], l.n, sizeof(double), by_size);
    return l;
}

/* What a slice's share in a slice and J comes to, and 95 % of that. */
static bool median_missed(const struct lot *l)
{
    double even = SIM_SLICE_US / (double)(SIM_SLICE_US + l->jitter_us);
    return l->n > 0 && l->window == SIM_SLICES && l->jitter_us <= ON_TRIAL_US &&
           median(l->use, l->n) < 0.95 * even;
}

static bool missed(const struct trial *t)
{
    return t->cell.jitter_us <= ON_TRIAL_US && t->fault != TRIAL_NONE;
}

static size_t visit_lots(const struct trial *trials, size_t n, void (*each)(struct lot *l))
{
    size_t bad = 0;
    for (int w = 0; w < SIM_WINDOW_COUNT; w++) {
        for (int j = 0; j < JITTERS; j++) {
            struct lot l = gather(trials, n, w, jitters_us[j]);
            if (l.n > 0 && each)
                each(&l);
            bad += median_missed(&l);
            free(l.refusals);
        }
    }
    return bad;
}

size_t hidden_missed(const struct trial *trials, size_t n)
{
    size_t bad = visit_lots(trials, n, NULL);
    for (size_t i = 0; i < n; i++)
        bad += missed(&trials[i]);
    return bad;
}

static void print_lot(struct lot *l)
{
    printf("%-9s%5lld%7zu%8.0f%7.0f%10.0f%7.0f%9.1f%8.1f%9.1f%s\n", sim_window_name(l->window),
           (long long)l->jitter_us / 1000, l->n, median(l->refusals, l->n),
           l->refusals[l->n - 1], median(l->found_s, l->n), l->found_s[l->n - 1],
           100 * l->use[0], 100 * median(l->use, l->n), 100 * median(l->whole, l->n),
           median_missed(l)              ? " low"
           : l->jitter_us <= ON_TRIAL_US ? ""
                                         : " shown");
}

size_t hidden_report(const struct trial *trials, size_t n, const char *program)
{
    printf("                        refusals     last after, s        use, %%    whole, %%\n"
           "window    J ms  cells  median   most    median   most    least  median   median\n");
    size_t bad = visit_lots(trials, n, print_lot);
    for (size_t i = 0; i < n; i++) {
        struct buf words = {0};
        if (!missed(&trials[i]))
            continue;
        bad++;
        cell_write(&words, &trials[i].cell);
        printf("%s: %lld refusals, use %.1f %%\n  %s --cell \"%s\"\n",
               trial_fault_text(trials[i].fault), (long long)trials[i].oracle.refused,
               100 * trials[i].use, program, buf_cstr(&words));
        buf_free(&words);
    }
    return bad;
}
