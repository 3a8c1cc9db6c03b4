/* limits_words.c: see limits_words.h. */
#include "limits_words.h"

#include "duration.h"

void words_pad(struct buf *out, size_t from, size_t width)
{
    while (out->n < from + width)
        buf_char(out, ' ');
}

void words_end(struct buf *out)
{
    while (out->n && out->p[out->n - 1] == ' ')
        out->n--;
    buf_char(out, '\n');
}

void words_cell(struct buf *out, struct str text, size_t width)
{
    size_t from = out->n;
    buf_add(out, str_cut(text, width));
    words_pad(out, from, width + 1);
}

void words_model(struct buf *out, struct str name, size_t width)
{
    if (name.n > width) {
        buf_add(out, name);
        buf_char(out, '\n');
        name = (struct str){0};
    }
    words_cell(out, name, width);
}

void words_right(struct buf *out, struct str text, size_t width)
{
    for (size_t i = text.n; i < width; i++)
        buf_char(out, ' ');
    buf_add(out, text);
}

void words_number(struct buf *out, int64_t n, size_t width)
{
    struct buf text = {0};
    if (n < 0)
        buf_char(&text, '-');
    else
        buf_thousands(&text, n);
    words_right(out, buf_str(&text), width);
    buf_free(&text);
}

/* n / unit with as many digits behind the point as three digits in all allow, none in vain. */
static void three_digits(struct buf *out, int64_t n, int64_t unit, const char *letter)
{
    int64_t whole = n / unit, hundredths = n % unit * 100 / unit;
    if (whole >= 100)
        hundredths = 0;
    else if (whole >= 10)
        hundredths -= hundredths % 10;
    buf_printf(out, "%lld", (long long)whole);
    if (hundredths % 10)
        buf_printf(out, ".%02d", (int)hundredths);
    else if (hundredths)
        buf_printf(out, ".%d", (int)(hundredths / 10));
    buf_puts(out, letter);
}

void words_short(struct buf *out, int64_t n, bool marked, size_t width)
{
    static const struct {
        int64_t unit;
        const char *letter;
    } units[] = {{1000000000, "G"}, {1000000, "M"}, {1000, "k"}, {1, ""}};
    struct buf text = {0};
    size_t u = 0;
    while (u < 3 && n < units[u].unit)
        u++;
    if (n < 0)
        buf_char(&text, '-');
    else
        three_digits(&text, n, units[u].unit, units[u].letter);
    if (marked)
        buf_char(&text, '*');
    words_right(out, buf_str(&text), width);
    buf_free(&text);
}

void words_instant(struct buf *out, int64_t at_us)
{
    size_t from = out->n;
    instant_write_rfc3339(out, at_us);
    out->n--; /* the zone is told once */
    out->p[from + 10] = ' ';
}

const char *words_failure(const struct probe *p)
{
    if (!p->answered)
        return p->err == SL_RANGE ? "not asked" : "no answer";
    switch (p->verdict.kind) {
    case VERDICT_RATE_LIMIT:
        return "refused for a rate";
    case VERDICT_QUOTA:
        return "no credit, or a spending limit";
    case VERDICT_TOO_LARGE:
        return "larger than its limit";
    case VERDICT_OVERLOADED:
        return "overloaded";
    case VERDICT_AUTH:
        return p->status == 403 ? "not permitted" : "key not accepted";
    case VERDICT_OK:
    case VERDICT_CONTEXT_LENGTH:
    case VERDICT_OTHER:
        break;
    }
    return p->status == 404 ? "no access" : "request not accepted";
}

static void tier_list(struct buf *out, const struct tier_fit *f, const char *between)
{
    for (size_t i = 0; i < f->n; i++)
        buf_printf(out, "%sTIER %.*s (%.*s)", i ? between : "", STR_ARG(f->tiers[i]->name),
                   STR_ARG(f->tiers[i]->programme));
}

void words_fit(struct buf *out, const struct tier_fit *f)
{
    switch (f->kind) {
    case FIT_UNKNOWN:
        buf_puts(out, "Which tier this is cannot be told");
        return;
    case FIT_ONE:
        buf_puts(out, "This looks like ");
        break;
    case FIT_SEVERAL:
        buf_puts(out, "This looks like any of ");
        break;
    case FIT_BUT_FOR:
        buf_puts(out, "This looks like ");
        tier_list(out, f, "");
        buf_puts(out, " with limits of its own");
        return;
    case FIT_BETWEEN:
        buf_puts(out, "This is between ");
        tier_list(out, f, " and ");
        return;
    case FIT_HIGHER:
        buf_puts(out, "This is higher than ");
        break;
    case FIT_LOWER:
        buf_puts(out, "This is lower than ");
        break;
    case FIT_CUSTOM:
        buf_puts(out, "These are limits of the account's own");
        if (f->n)
            buf_puts(out, ", nearest to ");
        break;
    }
    tier_list(out, f, ", ");
}

void words_terms(struct buf *out, const struct tier *t)
{
    buf_puts(out, "  it asks for ");
    if (t->paid_usd < 0) {
        buf_puts(out, "what the provider does not publish");
    } else {
        buf_thousands(out, t->paid_usd);
        buf_puts(out, " USD paid in all");
    }
    if (t->wait_days > 0)
        buf_printf(out, " and %lld days since the first payment", (long long)t->wait_days);
    if (t->former_until.n)
        buf_printf(out, " (until %.*s %lld USD and %lld days)", STR_ARG(t->former_until),
                   (long long)t->former_paid_usd, (long long)t->former_wait_days);
    buf_char(out, '\n');
    if (t->monthly_cap_usd >= 0) {
        buf_puts(out, "  its cap is ");
        buf_thousands(out, t->monthly_cap_usd);
        buf_printf(out, " USD a month   (as of %.*s)\n", STR_ARG(t->date));
    }
}
