/* tenants.c: see tenants.h. */
#include "tenants.h"

#include "arena.h"
#include "queue.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct tenant_setting nothing = {
    .name = "", .weight = QUEUE_WEIGHT, .max_wait_us = -1};

static struct tenant *add(struct tenants *t, const char *name, int64_t minute_us)
{
    struct tenant *tenant = mem_zero(sizeof *tenant);
    size_t n = strlen(name) + 1;
    tenant->name = mem_alloc(n);
    memcpy(tenant->name, name, n);
    tenant->index = t->n;
    allowance_init(&tenant->allowance, &nothing.limits, minute_us);
    t->list = mem_grow(t->list, (t->n + 1) * sizeof(struct tenant *));
    t->list[t->n++] = tenant;
    return tenant;
}

void tenants_apply(struct tenants *t, const struct tenant_setting *settings, size_t n,
                   int64_t now_us, int64_t minute_us)
{
    for (uint32_t i = 0; i < t->n; i++) {
        t->list[i]->gone = true;
        t->list[i]->setting = &nothing;
    }
    for (size_t i = 0; i < n; i++) {
        struct tenant *tenant = tenants_find(t, str_of(settings[i].name));
        if (!tenant)
            tenant = add(t, settings[i].name, minute_us);
        tenant->setting = &settings[i];
        tenant->gone = false;
        allowance_relimit(&tenant->allowance, now_us, &settings[i].limits);
    }
}

void tenants_free(struct tenants *t)
{
    for (uint32_t i = 0; i < t->n; i++) {
        free(t->list[i]->name);
        free(t->list[i]);
    }
    free(t->list);
    *t = (struct tenants){.n = 0};
}

struct tenant *tenants_find(const struct tenants *t, struct str name)
{
    for (uint32_t i = 0; i < t->n; i++) {
        if (str_eq(str_of(t->list[i]->name), name))
            return t->list[i];
    }
    return NULL;
}

bool tenant_may_use(const struct tenant_setting *s, struct str model)
{
    const struct option_list *models = &s->models;
    for (size_t i = 0; i < models->n; i++) {
        struct str pattern = str_of(models->items[i]);
        bool open = str_ends(pattern, STR("*"));
        if (open ? str_starts(model, str_cut(pattern, pattern.n - 1)) : str_eq(model, pattern))
            return true;
    }
    return models->n == 0;
}

/* The end of the calendar's day or month, in microseconds since 1970. */
static int64_t end_of(int purse, int64_t unix_us)
{
    time_t now = (time_t)(unix_us / 1000000);
    struct tm t;
    gmtime_r(&now, &t);
    t.tm_hour = t.tm_min = t.tm_sec = 0;
    if (purse == PURSE_MONTH) {
        t.tm_mday = 1;
        t.tm_mon++;
    } else {
        t.tm_mday++;
    }
    return (int64_t)timegm(&t) * 1000000; /* which mends months of 32 days */
}

int64_t tenants_turn(struct tenants *t, int64_t now_us, int64_t unix_us)
{
    int64_t next_us = INT64_MAX;
    for (int p = 0; p < PURSES; p++) {
        int64_t ends_us = now_us + (end_of(p, unix_us) - unix_us);
        for (uint32_t i = 0; i < t->n; i++) {
            struct purse *purse = &t->list[i]->allowance.purses[p];
            if (purse->ends_us <= now_us)
                purse_refill(purse, ends_us);
        }
        next_us = ends_us < next_us ? ends_us : next_us;
    }
    return next_us;
}
