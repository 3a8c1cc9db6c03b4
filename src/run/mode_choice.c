/* mode_choice.c: see mode_choice.h. Times and costs are taken to grow evenly with requests. */
#include "mode_choice.h"

static int64_t share(int64_t n, int64_t part, int64_t whole)
{
    if (part <= 0 || whole <= 0)
        return 0;
    return part >= whole ? n : (int64_t)((__int128)n * part / whole);
}

static void set(struct choice_group *g, int64_t batch, enum choice_why why)
{
    g->batch = batch;
    g->why = why;
}

static void keep_deadline(const struct choice *c, struct choice_group *g)
{
    int64_t d = c->deadline_us, half = d / 2 - c->cancel_us, live = g->live_us;
    if (!g->batches)
        set(g, 0, CHOICE_NO_GAIN);
    else if (g->window_us >= 0 && g->window_us <= d - live)
        set(g, g->requests, CHOICE_CHEAPER);
    else if (live <= half)
        set(g, g->requests, CHOICE_TAKE_BACK);
    else if (live <= d - c->cancel_us && share(g->requests, half, live) > 0)
        set(g, share(g->requests, half, live), CHOICE_PART);
    else
        set(g, 0, CHOICE_NO_TIME);
}

static int64_t cost_of(const struct choice_group *g)
{
    if (g->live_pusd < 0 || (g->batch && g->batch_pusd < 0))
        return -1;
    int64_t live = share(g->live_pusd, g->requests - g->batch, g->requests);
    return live + share(g->batch_pusd, g->batch, g->requests);
}

static int64_t cost_of_all(struct choice *c)
{
    int64_t sum = 0;
    for (size_t i = 0; i < c->n; i++) {
        int64_t cost = cost_of(&c->groups[i]);
        if (cost < 0) {
            c->fault = i;
            return -1;
        }
        sum += cost;
    }
    return sum;
}

/* The group where a request costs least more live than as a batch, of those not bought yet. */
static struct choice_group *next_bargain(struct choice *c)
{
    struct choice_group *best = NULL;
    for (size_t i = 0; i < c->n; i++) {
        struct choice_group *g = &c->groups[i];
        if (g->why != CHOICE_SAVED)
            continue;
        __int128 more = g->live_pusd - g->batch_pusd;
        if (!best || more * best->requests <
                         (__int128)(best->live_pusd - best->batch_pusd) * g->requests)
            best = g;
    }
    return best;
}

static void spend(struct choice *c, int64_t money)
{
    struct choice_group *g;
    while (money > 0 && (g = next_bargain(c))) {
        int64_t more = g->live_pusd - g->batch_pusd;
        if (more <= money) {
            set(g, 0, CHOICE_AFFORDED);
        } else {
            int64_t bought = share(g->requests, money, more);
            set(g, g->requests - bought, CHOICE_BOUGHT);
        }
        money -= more;
    }
}

static enum choice_end keep_budget(struct choice *c)
{
    for (size_t i = 0; i < c->n && c->deadline_us < 0; i++) {
        struct choice_group *g = &c->groups[i];
        set(g, g->batches ? g->requests : 0, g->batches ? CHOICE_SAVED : CHOICE_NO_GAIN);
    }
    c->cost_pusd = cost_of_all(c);
    if (c->cost_pusd < 0)
        return CHOICE_PRICE_UNKNOWN;
    if (c->cost_pusd > c->budget_pusd)
        return CHOICE_TOO_DEAR;
    if (c->deadline_us < 0)
        spend(c, c->budget_pusd - c->cost_pusd);
    return CHOICE_MADE;
}

enum choice_end mode_choose(struct choice *c)
{
    enum choice_end end = CHOICE_MADE;
    for (size_t i = 0; i < c->n && c->deadline_us >= 0; i++) {
        if (c->groups[i].live_us < 0) {
            c->fault = i;
            return CHOICE_TIME_UNKNOWN;
        }
        if (c->groups[i].live_us > c->deadline_us) {
            c->fault = i;
            return CHOICE_TOO_LATE;
        }
        keep_deadline(c, &c->groups[i]);
    }
    if (c->budget_pusd >= 0)
        end = keep_budget(c);
    if (end == CHOICE_MADE)
        c->cost_pusd = cost_of_all(c);
    return end;
}
