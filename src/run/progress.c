/* progress.c: see progress.h. Words and shape are those of design/experience.md. */
#include "progress.h"

#include "duration.h"
#include "sheet.h"

#include <string.h>

enum {
    BAR_CELLS = 31,
    BAR_CELLS_NARROW = 20,
    BUDGET_CELLS = 10,
    NARROW = 90, /* columns below which bars give way to figures */
};

#define BOLD_ON   "\033[1m"
#define YELLOW_ON "\033[33m"
#define STYLE_OFF "\033[0m"

static void percent(struct buf *b, int64_t done, int64_t total)
{
    int64_t tenths = total > 0 ? (int64_t)((__int128)done * 1000 / total) : 1000;
    buf_printf(b, "%lld.%lld %%", (long long)(tenths / 10), (long long)(tenths % 10));
}

static void eta(struct buf *b, const struct progress *p)
{
    buf_puts(b, p->eta_live ? "live ETA " : "ETA ");
    if (p->eta_us < 0) {
        buf_puts(b, "not known yet");
        return;
    }
    buf_puts(b, p->eta_rough ? "about " : "");
    duration_human(b, p->eta_us);
    if (p->eta_at && *p->eta_at)
        buf_printf(b, " (at %s)", p->eta_at);
}

/* "29,870 / 30,000 per min". */
static void budget(struct buf *b, const struct progress_budget *x)
{
    buf_thousands(b, x->used);
    if (x->limit > 0) {
        buf_puts(b, " / ");
        buf_thousands(b, x->limit);
    }
    buf_puts(b, dimension_period_s(x->dim) == 86400 ? " per day" : " per min");
}

static void pool_line(struct buf *b, const struct progress *p, const struct progress_pool *pool,
                      const struct progress_style *s)
{
    bool named = p->pool_count > 1;
    buf_puts(b, "  ");
    if (named)
        buf_printf(b, "%-14.*s  ", STR_ARG(str_cut(pool->name, 24)));
    if (pool->tokens.dim != DIM_UNKNOWN) {
        buf_puts(b, "tokens   ");
        budget(b, &pool->tokens);
        buf_char(b, ' ');
        if (s->color && pool->tokens.binds)
            buf_puts(b, BOLD_ON);
        if (!named && pool->tokens.limit > 0 && s->width >= NARROW)
            sheet_bar(b, pool->tokens.used, pool->tokens.limit, BUDGET_CELLS, s->utf8);
        buf_puts(b, pool->tokens.binds ? " binds" : "");
        if (s->color && pool->tokens.binds)
            buf_puts(b, STYLE_OFF);
        buf_puts(b, "     ");
    }
    if (pool->requests.dim != DIM_UNKNOWN) {
        buf_puts(b, "requests   ");
        budget(b, &pool->requests);
        buf_puts(b, pool->requests.binds ? " binds" : "");
    }
}

/* "batches   1 at work (in_progress, 812 / 1,000)   1 waiting   2 done". */
static void batches(struct buf *b, const struct progress_batches *x)
{
    buf_printf(b, "batches   %zu at work", x->at_work);
    if (x->at_work && x->status[0])
        buf_printf(b, " (%s", x->status);
    if (x->at_work && x->status[0] && x->total > 0) {
        buf_puts(b, ", ");
        buf_thousands(b, x->done);
        buf_puts(b, " / ");
        buf_thousands(b, x->total);
    }
    buf_puts(b, x->at_work && x->status[0] ? ")" : "");
    buf_printf(b, "   %zu waiting   %zu done", x->waiting, x->over);
    if (x->upload_percent >= 0)
        buf_printf(b, "   uploading %d %%", x->upload_percent);
}

static void span(struct buf *b, const char *before, int64_t us, const char *after)
{
    buf_puts(b, before);
    duration_human(b, us);
    buf_puts(b, after);
}

/* "done in about 1h 10m   end within 21h 03m", "asked live in 2h 03m unless done"; nothing
 * where nothing is known. */
static void batches_ahead(struct buf *b, const struct progress_batches *x)
{
    size_t from = b->n;
    if (x->at_work && x->eta_us > 0)
        span(b, "done in about ", x->eta_us, "");
    const char *gap = b->n > from ? "   " : "";
    if (x->due_us >= 0 && x->at_work + x->waiting) {
        buf_puts(b, gap);
        span(b, "asked live in ", x->due_us, " unless done");
    } else if (x->at_work && x->ends_us >= 0) {
        buf_puts(b, gap);
        span(b, "end within ", x->ends_us, "");
    }
}

static void counts(struct buf *b, const struct progress *p)
{
    buf_puts(b, "in flight ");
    buf_thousands(b, p->in_flight);
    buf_puts(b, "   waiting ");
    buf_thousands(b, p->waiting);
    buf_puts(b, "   retried ");
    buf_thousands(b, kinds_total(p->retries));
    if (p->retries->n) {
        buf_puts(b, " (");
        kinds_write(p->retries, b);
        buf_char(b, ')');
    }
    buf_puts(b, "   refused ");
    buf_thousands(b, p->refused);
}

/* Ends the line that starts at `from`. */
static void end_line(struct buf *b, size_t from, const struct progress_style *s, int *lines)
{
    sheet_cut(b, from, s->width);
    if (s->color)
        buf_puts(b, STYLE_OFF);
    buf_char(b, '\n');
    ++*lines;
}

static const char *file_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

void progress_block(const struct progress *p, const struct progress_style *s, struct buf *out,
                    int *lines)
{
    size_t from = out->n;
    *lines = 0;
    buf_printf(out, "%s -> %s", file_part(p->input), file_part(p->output));
    int room = s->width - 1 - sheet_columns(buf_str(out)) - (int)strlen(p->account);
    for (int i = 0; i < (room > 3 ? (room < 30 ? room : 30) : 3); i++)
        buf_char(out, ' ');
    buf_puts(out, p->account);
    end_line(out, from, s, lines);

    from = out->n;
    buf_puts(out, "  ");
    buf_thousands(out, p->done);
    buf_puts(out, " / ");
    buf_thousands(out, p->total);
    buf_puts(out, "  ");
    sheet_bar(out, p->done, p->total, s->width < NARROW ? BAR_CELLS_NARROW : BAR_CELLS,
              s->utf8);
    buf_puts(out, "  ");
    percent(out, p->done, p->total);
    buf_puts(out, "   ");
    eta(out, p);
    end_line(out, from, s, lines);

    for (size_t i = 0; i < p->pool_count && i < PROGRESS_POOLS; i++) {
        from = out->n;
        pool_line(out, p, &p->pools[i], s);
        end_line(out, from, s, lines);
    }
    if (p->batches) {
        from = out->n;
        buf_puts(out, "  ");
        batches(out, p->batches);
        end_line(out, from, s, lines);
        from = out->n;
        batches_ahead(out, p->batches);
        if (out->n > from) {
            out->n = from;
            buf_puts(out, "            ");
            batches_ahead(out, p->batches);
            end_line(out, from, s, lines);
        }
    }
    from = out->n;
    buf_puts(out, "  ");
    counts(out, p);
    end_line(out, from, s, lines);
    if (p->state[0]) {
        from = out->n;
        buf_printf(out, "  %s%s", s->color ? YELLOW_ON : "", p->state);
        end_line(out, from, s, lines);
    }
}

/* Of the two there is room for one: that which binds, else that which is nearer to its limit.
 */
static const struct progress_budget *nearest(const struct progress_pool *pool)
{
    const struct progress_budget *t = &pool->tokens, *r = &pool->requests;
    if (t->dim == DIM_UNKNOWN || r->binds)
        return r;
    if (r->dim == DIM_UNKNOWN || t->binds)
        return t;
    double tokens = (double)t->used / (double)(t->limit > 0 ? t->limit : 1);
    double requests = (double)r->used / (double)(r->limit > 0 ? r->limit : 1);
    return requests > tokens ? r : t;
}

void progress_line(const struct progress *p, struct buf *out)
{
    buf_thousands(out, p->done);
    buf_puts(out, " / ");
    buf_thousands(out, p->total);
    buf_puts(out, "  ");
    percent(out, p->done, p->total);
    buf_puts(out, "   ");
    eta(out, p);
    buf_puts(out, "   ");
    for (size_t i = 0; i < p->pool_count && i < PROGRESS_POOLS; i++) {
        const struct progress_pool *pool = &p->pools[i];
        const struct progress_budget *shown = nearest(pool);
        if (shown->dim == DIM_UNKNOWN)
            continue;
        if (p->pool_count > 1)
            buf_printf(out, "%.*s ", STR_ARG(str_cut(pool->name, 40)));
        buf_puts(out, shown == &pool->tokens ? "tokens " : "requests ");
        budget(out, shown);
        buf_puts(out, shown->binds ? " (binds)   " : "   ");
    }
    if (p->batches) {
        batches(out, p->batches);
        buf_puts(out, "   ");
        size_t from = out->n;
        batches_ahead(out, p->batches);
        buf_puts(out, out->n > from ? "   " : "");
    }
    counts(out, p);
    if (p->state[0])
        buf_printf(out, "   %s", p->state);
}
