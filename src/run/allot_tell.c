/* allot_tell.c: see allot.h. What was chosen and why, in words and as JSON. */
#include "allot.h"

#include "batch.h"
#include "duration.h"
#include "money.h"
#include "shipping.h"

#include <time.h>

enum { SECOND = 1000000, DAY = 86400 };

/* "18:25", with the day where it is another one. */
static void tell_instant(struct buf *out, int64_t unix_us)
{
    char text[32];
    time_t t = (time_t)(unix_us / SECOND), now = time(NULL);
    struct tm tm;
    localtime_r(&t, &tm);
    strftime(text, sizeof text, t - now < DAY ? "%H:%M:%S" : "%Y-%m-%d %H:%M", &tm);
    buf_puts(out, text);
}

/* "for a deadline of 6h 00m (at 18:25:00) and a budget of 20.00 USD". */
static void tell_wishes(const struct parcels_choice *c, struct buf *out)
{
    if (c->deadline_us >= 0) {
        buf_puts(out, "for a deadline of ");
        duration_human(out, c->deadline_us);
        buf_puts(out, " (at ");
        tell_instant(out, c->until_us);
        buf_char(out, ')');
    }
    if (c->budget_pusd >= 0) {
        buf_puts(out, c->deadline_us >= 0 ? " and a budget of " : "for a budget of ");
        money_write(out, c->budget_pusd);
        buf_puts(out, " USD");
    }
}

static void tell_counts(const struct choice_group *g, struct buf *out)
{
    buf_thousands(out, g->requests);
    buf_puts(out, g->requests == 1 ? " request: " : " requests: ");
    if (g->batch && g->batch < g->requests) {
        buf_thousands(out, g->batch);
        buf_puts(out, " as batches, ");
        buf_thousands(out, g->requests - g->batch);
        buf_puts(out, " live");
    } else {
        buf_puts(out, g->batch ? "as batches" : "live");
    }
}

static void tell_why(const struct choice *c, const struct choice_group *g, struct buf *out)
{
    if (c->deadline_us >= 0) {
        duration_human(out, g->live_us);
        buf_puts(out, " live; ");
    }
    switch (g->why) {
    case CHOICE_CHEAPER:
        buf_puts(out, "batches end in ");
        duration_human(out, g->window_us);
        buf_puts(out, " at the latest");
        break;
    case CHOICE_TAKE_BACK:
        buf_puts(out, "what is not done by then is asked live in time");
        break;
    case CHOICE_PART:
        buf_puts(out, "so many can be taken back if batches are late");
        break;
    case CHOICE_NO_TIME:
        buf_puts(out, "no time to wait for batches first");
        break;
    case CHOICE_AFFORDED:
        buf_puts(out, "the budget pays for it");
        break;
    case CHOICE_BOUGHT:
        buf_puts(out, "the budget pays for so many live");
        break;
    case CHOICE_SAVED:
        buf_puts(out, "the budget does not pay for it live");
        break;
    case CHOICE_NO_GAIN:
        buf_puts(out, "batches do not take it, or are not known to cost less");
        break;
    }
}

/* "costs up to 3.10 USD; all live 6.20, all as batches 3.10". */
static void tell_costs(const struct batch *b, struct buf *out)
{
    const struct allot *a = &b->allot;
    buf_puts(out, "  costs ");
    if (a->figures.cost_pusd < 0) {
        buf_puts(out, "are not known: the catalogue has no price for every model used\n");
        return;
    }
    buf_puts(out, b->settings->outputs.n || b->input.estimated ? "about " : "up to ");
    money_write(out, a->figures.cost_pusd);
    buf_puts(out, " USD; all live ");
    money_write(out, a->live_pusd);
    buf_puts(out, ", all as batches ");
    money_write(out, a->batch_pusd);
    buf_char(out, '\n');
}

void allot_tell(const struct batch *b, struct buf *out)
{
    const struct allot *a = &b->allot;
    const struct choice *c = &a->figures;
    if (!a->choice.begun)
        return;
    tell_wishes(&a->choice, out);
    if (a->stands) {
        buf_puts(out, ": as chosen by an earlier run\n");
        return;
    }
    buf_puts(out, ":\n");
    for (size_t p = 0; p < c->n; p++) {
        const struct choice_group *g = &c->groups[p];
        if (!g->requests)
            continue;
        buf_printf(out, "  %-14.*s  ", STR_ARG(str_cut(b->input.models.pools[p].name, 40)));
        tell_counts(g, out);
        buf_puts(out, "\n                  ");
        tell_why(c, g, out);
        buf_char(out, '\n');
    }
    tell_costs(b, out);
}

/* ---- for programs -------------------------------------------------------------------------
 */

static void json_seconds(struct buf *b, const char *key, int64_t us)
{
    buf_printf(b, "\"%s\": ", key);
    if (us < 0)
        buf_puts(b, "null");
    else
        buf_printf(b, "%lld.%06lld", (long long)(us / SECOND), (long long)(us % SECOND));
}

/* Millionths of a dollar. */
static void json_usd(struct buf *b, const char *key, int64_t pusd)
{
    json_seconds(b, key, pusd < 0 ? -1 : pusd / 1000000);
}

static const char *why_name(enum choice_why why)
{
    static const char *const names[] = {
        [CHOICE_CHEAPER] = "cheaper",   [CHOICE_TAKE_BACK] = "take_back",
        [CHOICE_PART] = "part",         [CHOICE_NO_TIME] = "no_time",
        [CHOICE_AFFORDED] = "afforded", [CHOICE_BOUGHT] = "bought",
        [CHOICE_SAVED] = "saved",       [CHOICE_NO_GAIN] = "no_gain",
    };
    return names[why];
}

static void json_groups(const struct batch *b, struct buf *out)
{
    const struct choice *c = &b->allot.figures;
    bool any = false;
    for (size_t p = 0; p < c->n; p++) {
        const struct choice_group *g = &c->groups[p];
        if (!g->requests)
            continue;
        buf_puts(out, any ? ", {\"model\": " : "{\"model\": ");
        buf_json(out, b->input.models.pools[p].name);
        buf_printf(out, ", \"requests\": %lld, \"batch\": %lld, ", (long long)g->requests,
                   (long long)g->batch);
        json_seconds(out, "live_s", c->deadline_us >= 0 ? g->live_us : -1);
        buf_printf(out, ", \"why\": \"%s\"}", why_name(g->why));
        any = true;
    }
}

void allot_json(const struct batch *b, struct buf *out)
{
    const struct allot *a = &b->allot;
    int64_t most = a->stands ? -1 : a->figures.cost_pusd;
    if (!a->choice.begun) {
        buf_puts(out, "null");
        return;
    }
    buf_char(out, '{');
    json_seconds(out, "deadline_s", a->choice.deadline_us);
    buf_puts(out, ", \"until\": ");
    if (a->choice.until_us < 0) {
        buf_puts(out, "null");
    } else {
        buf_char(out, '"');
        instant_write_rfc3339(out, a->choice.until_us);
        buf_char(out, '"');
    }
    buf_puts(out, ", ");
    json_usd(out, "budget_usd", a->choice.budget_pusd);
    buf_printf(out, ", \"earlier\": %s, ", a->stands ? "true" : "false");
    json_usd(out, "chosen_usd", most);
    buf_puts(out, ", ");
    json_usd(out, "live_usd", a->stands ? -1 : a->live_pusd);
    buf_puts(out, ", ");
    json_usd(out, "batch_usd", a->stands ? -1 : a->batch_pusd);
    buf_puts(out, ", \"models\": [");
    json_groups(b, out);
    buf_puts(out, "]}");
}
