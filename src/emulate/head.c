/* head.c: see head.h. */
#include "head.h"
#include "duration.h"

#include <stdarg.h>
#include <stdio.h>

void head_add(struct head *h, const char *name, const char *fmt, ...)
{
    char value[128];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(value, sizeof value, fmt, args);
    va_end(args);
    sl_assert(n >= 0 && (size_t)n < sizeof value);
    sl_assert(h->n < sizeof h->list / sizeof *h->list);
    struct str name_copy = arena_copy(h->arena, str_of(name));
    h->list[h->n++] =
        (struct header){name_copy, arena_copy(h->arena, (struct str){value, (size_t)n})};
}

static const struct gauge_figure *figure_of(const struct gauge_answer *a, enum dimension dim)
{
    for (size_t i = 0; i < a->figure_count; i++) {
        if (a->figures[i].dim == dim)
            return &a->figures[i];
    }
    return NULL;
}

static int64_t round_up(int64_t v, int64_t unit)
{
    return v <= 0 ? 0 : (v + unit - 1) / unit;
}

/* "x-ratelimit-{limit,remaining,reset}-KIND" */
static void ratelimit(struct head *h, enum emulate_headers style, const char *kind,
                      const struct gauge_figure *f)
{
    char name[64];
    if (!f)
        return;
    bool azure = style == EMULATE_HEADERS_AZURE;
    long long remaining = f->remaining < 0 && !azure ? 0 : f->remaining;
    snprintf(name, sizeof name, "x-ratelimit-limit-%s", kind);
    head_add(h, name, "%lld", (long long)f->limit);
    snprintf(name, sizeof name, "x-ratelimit-remaining-%s", kind);
    head_add(h, name, "%lld", remaining);
    snprintf(name, sizeof name, "x-ratelimit-reset-%s", kind);
    if (azure) {
        head_add(h, name, "%lld", (long long)round_up(f->reset_us, 1000000));
        snprintf(name, sizeof name, "x-ratelimit-renewalperiod-%s", kind);
        head_add(h, name, "%lld", (long long)round_up(f->period_us, 1000000));
        return;
    }
    struct buf reset = {0};
    duration_go(&reset, f->reset_us);
    head_add(h, name, "%s", buf_cstr(&reset));
    buf_free(&reset);
}

/* OpenAI shows the day where a model has a limit per day, Groq always does. */
static void openai_rates(struct head *h, enum emulate_headers style,
                         const struct gauge_answer *a)
{
    const struct gauge_figure *day = figure_of(a, DIM_RPD), *minute = figure_of(a, DIM_RPM);
    bool groq = style == EMULATE_HEADERS_GROQ;
    ratelimit(h, style, "requests", day || groq ? day : minute);
    const struct gauge_figure *tokens = figure_of(a, DIM_TPM);
    ratelimit(h, style, "tokens", tokens || groq ? tokens : figure_of(a, DIM_TPD));
}

static void azure_rates(struct head *h, const struct gauge_answer *a)
{
    ratelimit(h, EMULATE_HEADERS_AZURE, "requests", figure_of(a, DIM_RPM));
    ratelimit(h, EMULATE_HEADERS_AZURE, "tokens", figure_of(a, DIM_TPM));
}

static void anthropic_rate(struct head *h, const char *kind, const struct gauge_figure *f,
                           int64_t now_unix_us)
{
    char name[64];
    int64_t remaining = f->remaining < 0 ? 0 : f->remaining;
    if (f->dim != DIM_RPM)
        remaining = (remaining + 500) / 1000 * 1000;
    snprintf(name, sizeof name, "anthropic-ratelimit-%s-limit", kind);
    head_add(h, name, "%lld", (long long)f->limit);
    snprintf(name, sizeof name, "anthropic-ratelimit-%s-remaining", kind);
    head_add(h, name, "%lld", (long long)remaining);
    struct buf reset = {0};
    instant_write_rfc3339(&reset, round_up(now_unix_us + f->reset_us, 1000000) * 1000000);
    snprintf(name, sizeof name, "anthropic-ratelimit-%s-reset", kind);
    head_add(h, name, "%s", buf_cstr(&reset));
    buf_free(&reset);
}

static void anthropic_rates(struct head *h, const struct gauge_answer *a, int64_t now_unix_us)
{
    const struct gauge_figure *requests = figure_of(a, DIM_RPM), *all = figure_of(a, DIM_TPM);
    const struct gauge_figure *in = figure_of(a, DIM_ITPM), *out = figure_of(a, DIM_OTPM);
    if (requests)
        anthropic_rate(h, "requests", requests, now_unix_us);
    if (in)
        anthropic_rate(h, "input-tokens", in, now_unix_us);
    if (out)
        anthropic_rate(h, "output-tokens", out, now_unix_us);
    if (all) {
        anthropic_rate(h, "tokens", all, now_unix_us);
    } else if (in && out) { /* tokens-*: input and output together */
        struct gauge_figure both = *in;
        both.limit += out->limit;
        both.remaining += out->remaining;
        both.reset_us = in->reset_us > out->reset_us ? in->reset_us : out->reset_us;
        anthropic_rate(h, "tokens", &both, now_unix_us);
    }
}

void head_rates(struct head *h, enum emulate_headers style, const struct gauge_answer *a,
                int64_t now_unix_us)
{
    switch (style) {
    case EMULATE_HEADERS_OPENAI:
    case EMULATE_HEADERS_GROQ:
        openai_rates(h, style, a);
        return;
    case EMULATE_HEADERS_AZURE:
        azure_rates(h, a);
        return;
    case EMULATE_HEADERS_ANTHROPIC:
        anthropic_rates(h, a, now_unix_us);
        return;
    case EMULATE_HEADERS_NONE:
        return;
    }
}

void head_retry(struct head *h, enum emulate_headers style, int64_t retry_us)
{
    if (style == EMULATE_HEADERS_ANTHROPIC)
        head_add(h, "x-should-retry", "true");
    if (retry_us < 0 || style == EMULATE_HEADERS_NONE)
        return;
    head_add(h, "retry-after", "%lld", (long long)round_up(retry_us, 1000000));
    if (style == EMULATE_HEADERS_OPENAI || style == EMULATE_HEADERS_AZURE)
        head_add(h, "retry-after-ms", "%lld", (long long)round_up(retry_us, 1000));
}

struct head_id head_request_id(enum emulate_dialect dialect, uint64_t number)
{
    struct random r = {number};
    unsigned long long a = random_next(&r), b = random_next(&r);
    struct head_id id;
    if (dialect == EMULATE_AZURE)
        snprintf(id.text, sizeof id.text, "%08llx-%04llx-4%03llx-8%03llx-%012llx", a >> 32,
                 a >> 16 & 0xFFFF, a & 0xFFF, b >> 52, b & 0xFFFFFFFFFFFF);
    else if (dialect == EMULATE_ANTHROPIC)
        snprintf(id.text, sizeof id.text, "req_01%016llx%06llx", a, b >> 40);
    else
        snprintf(id.text, sizeof id.text, "req_%016llx%016llx", a, b);
    return id;
}

void head_identity(struct head *h, enum emulate_dialect dialect, const struct head_id *id,
                   int64_t processing_us)
{
    switch (dialect) {
    case EMULATE_OPENAI:
        head_add(h, "x-request-id", "%s", id->text);
        head_add(h, "openai-organization", "org-emulated");
        head_add(h, "openai-processing-ms", "%lld", (long long)(processing_us / 1000));
        head_add(h, "openai-version", "2020-10-01");
        return;
    case EMULATE_AZURE:
        head_add(h, "apim-request-id", "%s", id->text);
        head_add(h, "x-ms-region", "Emulated");
        return;
    case EMULATE_ANTHROPIC:
        head_add(h, "request-id", "%s", id->text);
        head_add(h, "anthropic-organization-id", "org-emulated");
        return;
    case EMULATE_GROQ:
    case EMULATE_GEMINI:
        head_add(h, "x-request-id", "%s", id->text);
        return;
    }
}
