/* totals.c: see totals.h. */
#include "totals.h"

#include "arena.h"

#include <stdio.h>
#include <stdlib.h>

void kinds_add(struct kinds *k, struct str name)
{
    size_t i = 0;
    char cut[sizeof k->list[0].name];
    snprintf(cut, sizeof cut, "%.*s", STR_ARG(name));
    while (i < k->n && !str_eq(str_of(k->list[i].name), str_of(cut)))
        i++;
    if (i == TOTALS_KINDS) {
        i = TOTALS_KINDS - 1;
        snprintf(k->list[i].name, sizeof k->list[i].name, "other");
    } else if (i == k->n) {
        snprintf(k->list[k->n++].name, sizeof k->list[i].name, "%s", cut);
    }
    k->list[i].count++;
}

int64_t kinds_total(const struct kinds *k)
{
    int64_t sum = 0;
    for (size_t i = 0; i < k->n; i++)
        sum += k->list[i].count;
    return sum;
}

void kinds_write(const struct kinds *k, struct buf *out)
{
    for (size_t i = 0; i < k->n; i++) {
        buf_printf(out, "%s%s x", i ? ", " : "", k->list[i].name);
        buf_thousands(out, k->list[i].count);
    }
}

void totals_init(struct totals *t)
{
    *t = (struct totals){.first_us = -1, .last_byte_us = -1};
    t->outputs = mem_zero(TOTALS_OUTPUTS * sizeof *t->outputs);
}

void totals_free(struct totals *t)
{
    free(t->outputs);
    free(t->refusals);
    *t = (struct totals){0};
}

void totals_refusal(struct totals *t, size_t model, enum dimension dim)
{
    t->refused++;
    for (size_t i = 0; i < t->refusal_count; i++) {
        if (t->refusals[i].model == model && t->refusals[i].dim == dim) {
            t->refusals[i].count++;
            return;
        }
    }
    if (t->refusal_count == t->refusal_cap) {
        t->refusal_cap = t->refusal_cap ? t->refusal_cap * 2 : 8;
        t->refusals = mem_grow(t->refusals, t->refusal_cap * sizeof *t->refusals);
    }
    t->refusals[t->refusal_count++] = (struct refusal){model, dim, 1};
}

void totals_output(struct totals *t, int64_t tokens)
{
    if (tokens >= 0)
        t->outputs[tokens < TOTALS_OUTPUTS ? tokens : TOTALS_OUTPUTS - 1]++;
}

int64_t totals_output_covering(const struct totals *t, int percent)
{
    int64_t all = 0, covered = 0;
    for (size_t i = 0; i < TOTALS_OUTPUTS; i++)
        all += t->outputs[i];
    if (!all)
        return -1;
    for (size_t i = 0; i < TOTALS_OUTPUTS; i++) {
        covered += t->outputs[i];
        if (covered * 100 >= all * percent)
            return (int64_t)i;
    }
    return -1;
}
