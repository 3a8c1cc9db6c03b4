/* alerts.c: see alerts.h. */
#include "alerts.h"

#include "causes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t HOUR_US = INT64_C(3600000000);

static const char *const names[] = {
#define X(id, name, severity, text) name,
    ALERT_KINDS(X)
#undef X
};
static const char *const severities[] = {
#define X(id, name, severity, text) severity,
    ALERT_KINDS(X)
#undef X
};

enum stage { HOLDING, ON, RESTING };

struct entry {
    enum alert_kind kind;
    enum stage stage;
    bool holds; /* in the scene seen last */
    char account[64], model[128];
    enum dimension dim;
    char text[320], advice[320];
    int64_t since_us; /* HOLDING: since when; RESTING: when it ended */
    int64_t calm_us;  /* ON: when it was last seen to hold */
    int64_t since_unix_us;
    int flaps;
};

struct alerts {
    struct alert_rules rules;
    struct entry entries[ALERTS_MAX];
    size_t n;
    int64_t left_out;
    struct wallets wallets;
    struct scene_alert told[ALERTS_MAX];
    struct alert_change changes[ALERTS_MAX];
    size_t change_count;
    struct scene_alert drawn[ALERTS_MAX];
};

const char *alert_kind_name(enum alert_kind k)
{
    return names[k];
}

struct alert_rules alert_rules_defaults(void)
{
    const int64_t second = 1000000, minute = 60 * second;
    return (struct alert_rules){.refusals_percent = 1,
                                .refusals_over_us = 5 * minute,
                                .refusals_least = 1,
                                .saturation_percent = 80,
                                .saturation_for_us = 10 * minute,
                                .headroom_over_us = 5 * minute,
                                .queue_over_us = minute,
                                .calm_us = 2 * minute};
}

struct alerts *alerts_new(const struct alert_rules *r)
{
    struct alerts *a = mem_zero(sizeof *a);
    a->rules = *r;
    return a;
}

void alerts_free(struct alerts **a)
{
    free(*a);
    *a = NULL;
}

void alerts_rule(struct alerts *a, const struct alert_rules *r)
{
    a->rules = *r;
}

/* ---- entries ----------------------------------------------------------------------------- */

static bool is_of(const struct entry *e, const struct cause *c)
{
    return e->kind == c->kind && e->dim == c->dim &&
           str_eq(str_of(e->account), str_cut(c->account, sizeof e->account - 1)) &&
           str_eq(str_of(e->model), str_cut(c->model, sizeof e->model - 1));
}

static void drop(struct alerts *a, struct entry *e)
{
    *e = a->entries[--a->n];
}

/* A place for another one: one that rests gives way, the one that has rested longest. */
static struct entry *place(struct alerts *a)
{
    struct entry *oldest = NULL;
    if (a->n < ALERTS_MAX)
        return &a->entries[a->n++];
    for (size_t i = 0; i < a->n; i++) {
        struct entry *e = &a->entries[i];
        if (e->stage == RESTING && (!oldest || e->since_us < oldest->since_us))
            oldest = e;
    }
    return oldest;
}

static void copy(char *out, size_t size, struct str text)
{
    snprintf(out, size, "%.*s", STR_ARG(str_cut(text, size - 1)));
}

static struct entry *entry_of(struct alerts *a, const struct cause *c, int64_t now_us)
{
    struct entry *e;
    for (size_t i = 0; i < a->n; i++) {
        if (is_of(&a->entries[i], c))
            return &a->entries[i];
    }
    e = place(a);
    if (!e) {
        a->left_out++;
        return NULL;
    }
    *e = (struct entry){.kind = c->kind, .dim = c->dim, .since_us = now_us};
    copy(e->account, sizeof e->account, c->account);
    copy(e->model, sizeof e->model, c->model);
    return e;
}

static struct scene_alert draw(const struct entry *e)
{
    return (struct scene_alert){.kind = names[e->kind],
                                .severity = severities[e->kind],
                                .account = str_of(e->account),
                                .model = str_of(e->model),
                                .dim = e->dim,
                                .since_unix_us = e->since_unix_us,
                                .text = str_of(e->text),
                                .advice = str_of(e->advice)};
}

/* ---- from scene to scene ----------------------------------------------------------------- */

/* The entries a change is told of may move, but not while changes are told: what has ended is
 * dropped by the next scene. */
static void tell(struct alerts *a, const struct entry *e, bool starts)
{
    if (a->change_count == ALERTS_MAX)
        return;
    a->told[a->change_count] = draw(e);
    a->changes[a->change_count] = (struct alert_change){&a->told[a->change_count], starts};
    a->change_count++;
}

/* How long it has to be calm before it is over. */
static int64_t calm_of(const struct alerts *a, const struct entry *e)
{
    int64_t calm_us = a->rules.calm_us;
    for (int i = 0; i < e->flaps && calm_us < HOUR_US; i++)
        calm_us *= 2;
    return calm_us < HOUR_US || calm_us == a->rules.calm_us ? calm_us : HOUR_US;
}

static void see_cause(struct alerts *a, const struct scene *s, const struct cause *c,
                      int64_t now_us)
{
    struct entry *e = entry_of(a, c, now_us);
    if (!e)
        return;
    e->holds = true;
    e->calm_us = now_us;
    copy(e->text, sizeof e->text, c->text);
    copy(e->advice, sizeof e->advice, c->advice);
    if (e->stage == ON)
        return;
    if (e->stage == RESTING) {
        e->stage = HOLDING;
        e->since_us = now_us;
        e->flaps++;
    }
    if (now_us - e->since_us < c->hold_us)
        return;
    e->stage = ON;
    e->since_unix_us = s->unix_us;
    tell(a, e, true);
}

/* true: nothing need be known of it any more. */
static bool see_calm(struct alerts *a, struct entry *e, int64_t now_us)
{
    if (e->stage == RESTING)
        return now_us - e->since_us >= HOUR_US;
    if (e->stage == HOLDING) {
        if (e->flaps == 0)
            return true;
        e->stage = RESTING;
        e->since_us = now_us;
        return false;
    }
    if (now_us - e->calm_us < calm_of(a, e))
        return false;
    tell(a, e, false);
    e->stage = RESTING;
    e->since_us = now_us;
    return false;
}

void alerts_see(struct alerts *a, const struct scene *s, const struct history *h,
                int64_t now_us)
{
    struct arena arena = {0};
    struct causes causes;
    a->change_count = 0;
    a->left_out = 0;
    for (size_t i = 0; i < a->n; i++)
        a->entries[i].holds = false;
    causes_find(&a->rules, s, h, &a->wallets, &arena, &causes);
    for (size_t i = 0; i < causes.n; i++) {
        if (!a->rules.off[causes.list[i].kind])
            see_cause(a, s, &causes.list[i], now_us);
    }
    for (size_t i = a->n; i-- > 0;) {
        if (!a->entries[i].holds && see_calm(a, &a->entries[i], now_us))
            drop(a, &a->entries[i]);
    }
    arena_free(&arena);
}

const struct alert_change *alerts_change(const struct alerts *a, size_t i)
{
    return i < a->change_count ? &a->changes[i] : NULL;
}

void alerts_draw(struct alerts *a, struct scene *s)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        if (a->entries[i].stage != ON)
            continue;
        struct scene_alert one = draw(&a->entries[i]);
        size_t at = n++;
        for (; at > 0 && a->drawn[at - 1].since_unix_us > one.since_unix_us; at--)
            a->drawn[at] = a->drawn[at - 1];
        a->drawn[at] = one;
    }
    s->alerts = a->drawn;
    s->alert_count = n;
    s->alerts_left_out = a->left_out;
}
