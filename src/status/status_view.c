/* status_view.c: see status_view.h. In the order in which it matters: what holds requests back,
 * alerts, budgets, tenants, what was refused. Names that clients choose are made harmless. */
#include "status_view.h"

#include "duration.h"
#include "sheet.h"

#include <string.h>

enum {
    BAR_CELLS = 18,
    FULL_PERCENT = 80,
    WIDTH_LEAST = 20,
    REFUSED_SHOWN = 5,
    MODEL_COLUMNS = 34,
};

#define BOLD_ON   "\033[1m"
#define QUIET_ON  "\033[2m"
#define RED_ON    "\033[31m"
#define YELLOW_ON "\033[33m"
#define STYLE_OFF "\033[0m"

struct page {
    struct buf *out;
    const struct status_style *style;
    size_t from; /* where the line under way begins */
    int lines, hidden;
};

/* ---- lines ------------------------------------------------------------------------------- */

static void end_line(struct page *p)
{
    sheet_cut(p->out, p->from, p->style->width);
    if (p->style->height > 0 && p->lines >= p->style->height - 1) {
        p->out->n = p->from; /* beyond the screen */
        p->hidden++;
        return;
    }
    if (p->style->color)
        buf_puts(p->out, STYLE_OFF);
    buf_char(p->out, '\n');
    p->from = p->out->n;
    p->lines++;
}

static void mark(struct page *p, const char *escape)
{
    if (p->style->color)
        buf_puts(p->out, escape);
}

static void text(struct page *p, struct str s, int columns)
{
    sheet_text(p->out, s, columns, false);
}

static void column(struct page *p, struct str s, int columns)
{
    sheet_text(p->out, s, columns - 1, true);
    buf_char(p->out, ' ');
}

static void number(struct page *p, int64_t n, int columns)
{
    struct buf b = {0};
    buf_thousands(&b, n);
    buf_printf(p->out, "%*s", columns, buf_cstr(&b));
    buf_free(&b);
}

static void count(struct page *p, int64_t n, const char *what)
{
    buf_thousands(p->out, n);
    buf_puts(p->out, what);
}

/* ---- the document ------------------------------------------------------------------------ */

static int64_t whole(const struct json *object, const char *key)
{
    int64_t n = 0;
    return json_int(json_get(object, key), &n) == SL_OK ? n : 0;
}

/* Seconds, in microseconds; -1: null. */
static int64_t span_us(const struct json *object, const char *key)
{
    const struct json *v = json_get(object, key);
    int64_t us = -1;
    return v && v->type == JSON_NUMBER && duration_parse(v->text, &us) == SL_OK ? us : -1;
}

static struct str name(const struct json *object, const char *key)
{
    return json_str(json_get(object, key));
}

static const struct json *first_of(const struct json *list)
{
    return list ? list->first : NULL;
}

/* ---- at a glance ------------------------------------------------------------------------- */

static bool tell_outage(struct page *p, const struct json *status)
{
    for (const struct json *a = first_of(json_get(status, "accounts")); a; a = a->next) {
        if (!json_true(json_get(a, "paused")) || json_true(json_get(a, "retired")))
            continue;
        mark(p, RED_ON);
        buf_puts(p->out, "Provider out: ");
        text(p, name(a, "name"), MODEL_COLUMNS);
        end_line(p);
        return true;
    }
    return false;
}

static bool tell_critical(struct page *p, const struct json *status)
{
    for (const struct json *a = first_of(json_get(status, "alerts")); a; a = a->next) {
        if (!json_is(json_get(a, "severity"), "critical"))
            continue;
        mark(p, RED_ON);
        text(p, name(a, "text"), p->style->width);
        end_line(p);
        return true;
    }
    return false;
}

/* The budget that holds back the most. */
static bool tell_binding(struct page *p, const struct json *status)
{
    const struct json *worst = NULL, *limit = NULL;
    for (const struct json *pool = first_of(json_get(status, "pools")); pool;
         pool = pool->next) {
        for (const struct json *v = first_of(json_get(pool, "budgets")); v; v = v->next) {
            if (!json_true(json_get(v, "binds")) || whole(pool, "queued") == 0 ||
                (worst && whole(pool, "queued") <= whole(worst, "queued")))
                continue;
            worst = pool;
            limit = v;
        }
    }
    if (!worst)
        return false;
    mark(p, YELLOW_ON);
    text(p, name(worst, "model"), MODEL_COLUMNS);
    buf_puts(p->out, " is held back by ");
    text(p, name(limit, "unit"), MODEL_COLUMNS);
    buf_puts(p->out, ": ");
    count(p, whole(worst, "queued"), whole(worst, "queued") == 1 ? " waits" : " wait");
    end_line(p);
    return true;
}

static void tell_state(struct page *p, const struct json *status)
{
    const struct json *totals = json_get(status, "totals"), *batch = json_get(status, "batch");
    int64_t queued = whole(totals, "queued");
    if (tell_outage(p, status) || tell_critical(p, status) || tell_binding(p, status))
        return;
    if (batch && whole(batch, "done") >= whole(batch, "total"))
        buf_puts(p->out, "Done");
    else if (queued)
        count(p, queued, queued == 1 ? " request waits" : " requests wait");
    else if (whole(totals, "in_flight"))
        buf_puts(p->out, "Nothing waits");
    else
        buf_puts(p->out, whole(totals, "requests") ? "Quiet: nothing is asked for"
                                                   : "Ready: nothing has been asked for yet");
    end_line(p);
}

static void tell_head(struct page *p, const struct json *status, struct str url)
{
    mark(p, BOLD_ON);
    buf_puts(p->out, "sluice ");
    text(p, name(status, "verb"), 8);
    buf_char(p->out, ' ');
    text(p, name(status, "version"), 12);
    mark(p, STYLE_OFF);
    buf_puts(p->out, "  ");
    text(p, url, MODEL_COLUMNS);
    buf_puts(p->out, "  up ");
    duration_human(p->out, span_us(status, "time") - span_us(status, "started"));
    if (whole(status, "held_max")) {
        buf_puts(p->out, "  holds ");
        count(p, whole(status, "held"), " of ");
        count(p, whole(status, "held_max"), "");
    }
    end_line(p);
}

static void tell_totals(struct page *p, const struct json *status)
{
    const struct json *t = json_get(status, "totals");
    count(p, whole(t, "queued"), " waiting   ");
    count(p, whole(t, "in_flight"), " in flight   ");
    count(p, whole(t, "requests"), " ended   refused ");
    count(p, whole(t, "refused_there"), " there, ");
    count(p, whole(t, "refused_here"), " here");
    end_line(p);
    buf_puts(p->out, "tokens ");
    count(p, whole(t, "input_tokens"), " in, ");
    count(p, whole(t, "output_tokens"), " out");
    end_line(p);
}

static void tell_batch(struct page *p, const struct json *b)
{
    if (!b)
        return;
    int64_t total = whole(b, "total"), done = whole(b, "done"), eta = span_us(b, "eta");
    sheet_bar(p->out, total > 0 ? done : 1, total > 0 ? total : 1, BAR_CELLS, p->style->utf8);
    buf_char(p->out, ' ');
    count(p, done, " of ");
    count(p, total, "   ");
    if (whole(b, "failed"))
        count(p, whole(b, "failed"), " failed   ");
    buf_puts(p->out, eta < 0 ? "ETA not known yet" : "ETA ");
    if (eta >= 0)
        duration_human(p->out, eta);
    end_line(p);
    struct str state = name(b, "state");
    if (state.n) {
        text(p, state, p->style->width);
        end_line(p);
    }
}

/* Whole words; what does not fit goes on below. */
static void paragraph(struct page *p, struct str s)
{
    int used = 2;
    buf_puts(p->out, "  ");
    while (s.n) {
        ptrdiff_t space = str_find(s, STR(" "), 0);
        struct str word = str_cut(s, space < 0 ? s.n : (size_t)space);
        int columns = sheet_columns(word);
        if (used > 2 && used + 1 + columns >= p->style->width) {
            end_line(p);
            buf_puts(p->out, "  ");
            used = 2;
        }
        if (used > 2)
            buf_char(p->out, ' ');
        text(p, word, columns);
        used += columns + 1;
        s = str_from(s, word.n + 1);
    }
    end_line(p);
}

static void tell_alerts(struct page *p, const struct json *status)
{
    for (const struct json *a = first_of(json_get(status, "alerts")); a; a = a->next) {
        bool critical = json_is(json_get(a, "severity"), "critical");
        end_line(p);
        mark(p, critical ? RED_ON : YELLOW_ON);
        buf_puts(p->out, critical ? "ALERT " : "alert ");
        text(p, name(a, "alert"), 16);
        mark(p, STYLE_OFF);
        buf_puts(p->out, "  for ");
        duration_human(p->out, span_us(status, "time") - span_us(a, "since"));
        end_line(p);
        paragraph(p, name(a, "text"));
        paragraph(p, name(a, "advice"));
    }
}

/* ---- accounts, models, budgets ----------------------------------------------------------- */

static void tell_budget(struct page *p, const struct json *v)
{
    int64_t limit = whole(v, "limit"), used = whole(v, "used");
    int64_t share = limit > 0 ? (int64_t)((__int128)used * 100 / limit) : 0;
    bool slots = json_is(json_get(v, "dimension"), "concurrency");
    buf_puts(p->out, "    ");
    column(p, slots ? STR("slots") : name(v, "dimension"), 7);
    if (limit > 0 && share >= FULL_PERCENT)
        mark(p, YELLOW_ON);
    sheet_bar(p->out, used, limit, BAR_CELLS, p->style->utf8);
    mark(p, STYLE_OFF);
    if (limit > 0)
        buf_printf(p->out, "%5lld %%  ", (long long)share);
    else
        buf_puts(p->out, "      ?  ");
    count(p, used, limit > 0 ? " of " : " ");
    if (limit > 0)
        count(p, limit, " ");
    text(p, name(v, "unit"), MODEL_COLUMNS);
    if (json_true(json_get(v, "binds"))) {
        mark(p, BOLD_ON);
        buf_puts(p->out, ", binds");
        mark(p, STYLE_OFF);
    }
    end_line(p);
}

static void tell_duration(struct page *p, const struct json *pool, const char *key,
                          const char *words)
{
    const struct json *d = json_get(pool, key);
    if (whole(d, "count") == 0)
        return;
    buf_puts(p->out, words);
    duration_human(p->out, span_us(d, "p50"));
    buf_puts(p->out, " / ");
    duration_human(p->out, span_us(d, "p95"));
}

static void tell_refusals(struct page *p, const struct json *pool)
{
    bool any = false;
    for (const struct json *r = first_of(json_get(pool, "refusals")); r; r = r->next) {
        buf_puts(p->out, any ? ", " : "    refused: ");
        any = true;
        count(p, whole(r, "count"), " ");
        text(p, name(r, "dimension"), 16);
        buf_puts(p->out, " (");
        text(p, name(r, "cause"), 16);
        buf_puts(p->out, ")");
    }
    if (any)
        end_line(p);
}

static bool is_idle(const struct json *pool)
{
    if (whole(pool, "queued") || whole(pool, "in_flight"))
        return false;
    for (const struct json *n = first_of(json_get(pool, "outcomes")); n; n = n->next) {
        int64_t ended;
        if (json_int(n, &ended) == SL_OK && ended > 0)
            return false;
    }
    return true;
}

static void tell_pool(struct page *p, const struct json *pool)
{
    buf_puts(p->out, "  ");
    mark(p, BOLD_ON);
    column(p, name(pool, "model"), MODEL_COLUMNS);
    mark(p, STYLE_OFF);
    number(p, whole(pool, "in_flight"), 7);
    buf_puts(p->out, " in flight");
    number(p, whole(pool, "queued"), 8);
    buf_puts(p->out, " waiting");
    end_line(p);
    for (const struct json *v = first_of(json_get(pool, "budgets")); v; v = v->next)
        tell_budget(p, v);
    size_t before = p->out->n;
    tell_duration(p, pool, "queue_wait", "    wait ");
    tell_duration(p, pool, "first_byte", "   first ");
    tell_duration(p, pool, "latency", "   whole ");
    if (p->out->n > before)
        end_line(p);
    tell_refusals(p, pool);
}

static void tell_account(struct page *p, const struct json *status, const struct json *a)
{
    struct str tier = name(a, "tier");
    end_line(p);
    mark(p, BOLD_ON);
    text(p, name(a, "name"), MODEL_COLUMNS);
    mark(p, STYLE_OFF);
    buf_puts(p->out, "  ");
    text(p, name(a, "provider"), 16);
    buf_puts(p->out, tier.n ? " " : "");
    text(p, tier, 16);
    buf_puts(p->out, ", ");
    count(p, whole(a, "keys"), whole(a, "keys") == 1 ? " key" : " keys");
    if (whole(a, "keys_refused")) {
        mark(p, RED_ON);
        buf_puts(p->out, ", of which refused: ");
        count(p, whole(a, "keys_refused"), "");
    }
    if (json_true(json_get(a, "paused"))) {
        mark(p, RED_ON);
        buf_puts(p->out, ", out: ");
        text(p, name(a, "trouble"), p->style->width);
    }
    end_line(p);
    struct str mine = name(a, "name");
    for (const struct json *pool = first_of(json_get(status, "pools")); pool;
         pool = pool->next) {
        if (str_eq(name(pool, "account"), mine) && !is_idle(pool))
            tell_pool(p, pool);
    }
}

/* ---- tenants, requests ------------------------------------------------------------------- */

static void tell_tenants(struct page *p, const struct json *status)
{
    const struct json *tenants = json_get(status, "tenants");
    if (!tenants || !tenants->count)
        return;
    end_line(p);
    mark(p, BOLD_ON);
    buf_printf(p->out, "%-20s %-11s %8s %9s %10s %8s %7s", "tenant", "priority", "waiting",
               "in flight", "requests", "refused", "spent");
    end_line(p);
    for (const struct json *t = first_of(tenants); t; t = t->next) {
        const struct json *w = json_get(t, "waiting"), *spent = json_get(t, "spent_usd");
        int64_t waiting = whole(w, "interactive") + whole(w, "normal") + whole(w, "batch");
        if (json_true(json_get(t, "gone")) && !whole(t, "held"))
            continue;
        column(p, name(t, "name"), 21);
        column(p, name(t, "priority"), 12);
        number(p, waiting, 8);
        number(p, whole(t, "held") - waiting, 10);
        number(p, whole(t, "requests"), 11);
        number(p, whole(t, "refused"), 9);
        struct str dollars = spent ? spent->text : STR("0");
        buf_printf(p->out, " %7.*s",
                   STR_ARG(str_cut(dollars, dollars.n > 4 ? dollars.n - 4 : 0)));
        end_line(p);
    }
}

static void tell_refused(struct page *p, const struct json *status)
{
    int shown = 0;
    for (const struct json *r = first_of(json_get(status, "requests")); r; r = r->next) {
        if (!json_true(json_get(r, "refused")) || shown == REFUSED_SHOWN)
            continue;
        if (!shown++) {
            end_line(p);
            mark(p, BOLD_ON);
            buf_puts(p->out, "refused or failed lately");
            end_line(p);
        }
        mark(p, QUIET_ON);
        int64_t ago_us = span_us(status, "time") - span_us(r, "time");
        struct buf ago = {0};
        duration_human(&ago, ago_us > 0 ? ago_us : 0);
        buf_printf(p->out, "%9s ago  ", buf_cstr(&ago));
        buf_free(&ago);
        mark(p, STYLE_OFF);
        buf_printf(p->out, "%3lld  ", (long long)whole(r, "status"));
        text(p, name(r, "model"), MODEL_COLUMNS / 2);
        buf_puts(p->out, "  ");
        text(p, name(r, "what"), p->style->width);
        end_line(p);
    }
}

void status_view(const struct json *status, struct str url, const struct status_style *style,
                 struct buf *out)
{
    struct status_style room = *style;
    if (room.width < WIDTH_LEAST)
        room.width = WIDTH_LEAST;
    struct page p = {.out = out, .style = &room, .from = out->n};
    tell_head(&p, status, url);
    tell_state(&p, status);
    tell_batch(&p, json_get(status, "batch"));
    tell_totals(&p, status);
    tell_alerts(&p, status);
    for (const struct json *a = first_of(json_get(status, "accounts")); a; a = a->next) {
        if (!json_true(json_get(a, "retired")))
            tell_account(&p, status, a);
    }
    tell_tenants(&p, status);
    tell_refused(&p, status);
    if (p.hidden) {
        buf_printf(out, "... %d lines more: a higher window, or --once", p.hidden);
        sheet_cut(out, p.from, room.width);
    }
}
