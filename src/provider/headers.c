/* headers.c: what the head of an answer says of the budgets, in any provider's spelling.
 *
 * A header name is read by grammar, not by list:
 *     x-ratelimit-FIELD-WHAT        OpenAI, Azure, Groq, compatible ones (also x-rate-limit-)
 *     anthropic-ratelimit-WHAT-FIELD
 * FIELD is limit, remaining, reset or renewalperiod; WHAT is made of words such as requests,
 * tokens, project-tokens, input-tokens, day. Source: facts/providers.md section 4.
 *
 * Reset values come as Go durations, seconds, RFC 3339 instants or Unix times; each carries how
 * coarse it is. */
#include "duration.h"
#include "provider.h"

enum { SERIES_MAX = 16 };
static const int64_t ms_us = 1000, second_us = 1000000, day_us = 86400 * (int64_t)1000000;

/* The headers of one WHAT. */
struct series {
    struct str what;
    struct reading reading;
    bool inferable; /* the period may be inferred: neither the name nor the provider fixes it */
};

enum field { FIELD_NONE, FIELD_LIMIT, FIELD_REMAINING, FIELD_RESET, FIELD_PERIOD };

static enum field field_named(struct str name)
{
    static const struct {
        const char *name;
        enum field field;
    } fields[] = {{"limit", FIELD_LIMIT},
                  {"remaining", FIELD_REMAINING},
                  {"reset", FIELD_RESET},
                  {"renewalperiod", FIELD_PERIOD}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (str_eq_nocase(name, str_of(fields[i].name)))
            return fields[i].field;
    }
    return FIELD_NONE;
}

/* Splits a name; FIELD_NONE if it is none of ours. */
static enum field split_name(struct str name, struct str *what)
{
    static const struct str field_first[] = {STR_INIT("x-ratelimit-"),
                                             STR_INIT("x-rate-limit-")};
    struct str what_first = STR("anthropic-ratelimit-");
    for (size_t i = 0; i < sizeof field_first / sizeof *field_first; i++) {
        struct str prefix = field_first[i];
        if (str_starts_nocase(name, prefix)) {
            *what = str_from(name, prefix.n);
            return field_named(str_split(what, '-'));
        }
    }
    if (!str_starts_nocase(name, what_first))
        return FIELD_NONE;
    name = str_from(name, what_first.n);
    size_t dash = name.n;
    while (dash > 0 && name.p[dash - 1] != '-')
        dash--;
    *what = str_cut(name, dash ? dash - 1 : 0);
    return field_named(str_from(name, dash));
}

static bool says(struct str what, const char *word)
{
    return str_find_nocase(what, str_of(word), 0) >= 0;
}

static enum dimension dimension_said(struct str what)
{
    /* Almost every answer of almost every provider. */
    if (str_eq(what, STR("requests")))
        return DIM_RPM;
    if (str_eq(what, STR("tokens")))
        return DIM_TPM;
    bool day = says(what, "day");
    if (says(what, "unified") || says(what, "audio") || says(what, "hour") ||
        says(what, "second"))
        return DIM_UNKNOWN; /* of subscriptions, and of spans we keep no budget for */
    if (says(what, "image"))
        return day ? DIM_UNKNOWN : DIM_IPM;
    if (says(what, "token"))
        return day                    ? DIM_TPD
               : says(what, "input")  ? DIM_ITPM
               : says(what, "output") ? DIM_OTPM
                                      : DIM_TPM;
    if (says(what, "req"))
        return day ? DIM_RPD : DIM_RPM;
    return DIM_UNKNOWN;
}

/* The whole number at the start of "500", "-27689", "4787.5", "600, 600;w=60". */
static bool leading_int(struct str value, int64_t *out)
{
    size_t n = value.n && value.p[0] == '-' ? 1 : 0;
    while (n < value.n && value.p[n] >= '0' && value.p[n] <= '9')
        n++;
    bool ends = n == value.n || value.p[n] == '.' || value.p[n] == ',' || value.p[n] == ';';
    return ends && str_int(str_cut(value, n), false, out) == SL_OK;
}

/* Time until a reset, and how coarse the value is. */
static bool read_reset(struct str value, int64_t date_us, int64_t *reset_us, int64_t *round_us)
{
    static const int64_t first_unix_s = 1000000000, first_unix_ms = 1000000000000;
    int64_t at, whole;
    bool plain = str_int(value, false, &whole) == SL_OK;
    *round_us = second_us;
    if (instant_rfc3339(value, &at) == SL_OK || instant_http(value, &at) == SL_OK)
        *reset_us = at - date_us;
    else if (plain && whole >= first_unix_ms && whole < INT64_MAX / ms_us)
        *reset_us = whole * ms_us - date_us;
    else if (plain && whole >= first_unix_s && whole < first_unix_ms)
        *reset_us = whole * second_us - date_us;
    else if (duration_parse(value, reset_us) != SL_OK)
        return false;
    else if (!plain)
        *round_us = ms_us;
    if (*reset_us < 0)
        *reset_us = 0;
    return true;
}

static int64_t date_of(const struct message *m, int64_t now_unix_us)
{
    int64_t at;
    return instant_http(message_header(m, "date"), &at) == SL_OK ? at : now_unix_us;
}

/* Where names leave the period open: Groq's requests are always by the day, and a series of a
 * bucket tells by its own figures (see infer_day). */
static void begin_series(const struct provider *p, struct series *s, enum dimension dim)
{
    bool anthropic = p->id == PROVIDER_ANTHROPIC;
    bool tokens = dim != DIM_RPM && dim != DIM_RPD && dim != DIM_IPM;
    if (p->id == PROVIDER_GROQ && dim == DIM_RPM)
        dim = DIM_RPD;
    s->inferable = (dim == DIM_RPM || dim == DIM_TPM) &&
                   (p->id == PROVIDER_OPENAI || p->id == PROVIDER_COMPATIBLE);
    s->reading = (struct reading){.dim = dim,
                                  .limit = -1,
                                  .remaining = -1,
                                  .reset_us = -1,
                                  .reset_round_us = ms_us,
                                  .remaining_round = anthropic && tokens ? 1000 : 1,
                                  .period_us = -1};
    if (dim == DIM_RPD || dim == DIM_TPD)
        s->reading.period_us = day_us;
}

static void put(struct reading *r, enum field field, struct str value, int64_t date_us)
{
    int64_t n;
    switch (field) {
    case FIELD_LIMIT:
        if (leading_int(value, &n) && n >= 0)
            r->limit = n;
        break;
    case FIELD_REMAINING:
        if (leading_int(value, &n)) {
            r->remaining = n;
            r->has_remaining = true;
        }
        break;
    case FIELD_RESET:
        if (!read_reset(value, date_us, &r->reset_us, &r->reset_round_us))
            r->reset_us = -1;
        break;
    case FIELD_PERIOD:
        if (duration_parse(value, &n) == SL_OK && n > 0)
            r->period_us = n;
        break;
    case FIELD_NONE:
        break;
    }
}

/* The same unqualified header may describe the day: then reset / used * limit is near a day
 * instead of a minute. A bucket says so at any level. Where the window may be a fixed one (a
 * provider we do not know), reset has nothing to do with used: only a reset that no minute can
 * have tells. */
static void infer_day(const struct provider *p, struct reading *r)
{
    static const int64_t between_us = 2277 * (int64_t)1000000; /* sqrt(60 s * 86,400 s) */
    int64_t used = r->limit - r->remaining;
    if (r->limit <= 0 || !r->has_remaining || r->reset_us <= 0 || used <= 0)
        return;
    if (p->window != WINDOW_BUCKET && r->reset_us <= 60 * second_us)
        return;
    if ((__int128)r->reset_us * r->limit / used < between_us)
        return;
    r->dim = r->dim == DIM_RPM ? DIM_RPD : DIM_TPD;
    r->period_us = day_us;
}

/* Of two series of one dimension (organisation and project) the tighter one holds. */
static bool tighter(const struct reading *a, const struct reading *b)
{
    if (a->limit != b->limit)
        return a->limit >= 0 && (b->limit < 0 || a->limit < b->limit);
    return a->has_remaining && (!b->has_remaining || a->remaining < b->remaining);
}

static struct reading *find(struct reading *list, size_t n, enum dimension dim)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i].dim == dim)
            return &list[i];
    }
    return NULL;
}

static size_t collect(const struct provider *p, const struct message *m, int64_t date_us,
                      struct series *series)
{
    size_t n = 0;
    for (size_t i = 0; i < m->header_count; i++) {
        struct str what = {0};
        enum field field = split_name(m->headers[i].name, &what);
        enum dimension dim = field ? dimension_said(what) : DIM_UNKNOWN;
        if (dim == DIM_UNKNOWN)
            continue;
        size_t s = 0;
        while (s < n && !str_eq_nocase(series[s].what, what))
            s++;
        if (s == SERIES_MAX)
            continue;
        if (s == n) {
            series[n].what = what;
            begin_series(p, &series[n++], dim);
        }
        put(&series[s].reading, field, m->headers[i].value, date_us);
    }
    return n;
}

size_t headers_read(const struct provider *p, const struct message *m, int64_t now_unix_us,
                    struct reading *out, size_t max)
{
    struct series series[SERIES_MAX];
    size_t count = collect(p, m, date_of(m, now_unix_us), series), n = 0;
    for (size_t i = 0; i < count; i++) {
        struct reading *r = &series[i].reading;
        if (r->limit < 0 && !r->has_remaining)
            continue;
        if (series[i].inferable && r->period_us < 0)
            infer_day(p, r);
        struct reading *same = find(out, n, r->dim);
        if (same && tighter(r, same))
            *same = *r;
        else if (!same && n < max)
            out[n++] = *r;
    }
    /* Anthropic's `tokens` sums up what `input-tokens` and `output-tokens` say better. */
    struct reading *sum = find(out, n, DIM_TPM);
    if (sum && find(out, n, DIM_ITPM) && find(out, n, DIM_OTPM))
        *sum = out[--n];
    return n;
}

int64_t headers_retry_us(const struct message *m, int64_t now_unix_us)
{
    int64_t us, at;
    struct str ms = message_header(m, "retry-after-ms");
    struct str value = message_header(m, "retry-after");
    if (ms.n && duration_parse(ms, &us) == SL_OK)
        return us / 1000; /* read as seconds, meant as milliseconds */
    if (value.n && duration_parse(value, &us) == SL_OK)
        return us;
    if (instant_http(value, &at) == SL_OK) {
        us = at - date_of(m, now_unix_us);
        return us > 0 ? us : 0;
    }
    return -1;
}
