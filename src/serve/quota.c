/* quota.c: see quota.h. */
#include "quota.h"

#include "duration.h"

size_t quota_of_pool(const struct pool_view *view, struct quota *out)
{
    size_t n = 0;
    for (size_t i = 0; i < view->budget_count && n < QUOTAS; i++) {
        const struct budget_view *b = &view->budgets[i];
        if (b->limit <= 0)
            continue;
        __int128 lacks_us = (__int128)(b->limit - b->level) * b->period_us;
        out[n++] = (struct quota){.dim = b->dim,
                                  .limit = b->limit,
                                  .left = b->level,
                                  .reset_us = (int64_t)(lacks_us / b->limit)};
    }
    return n;
}

size_t quota_of_tenant(const struct allowance *a, int64_t now_us, struct quota *out)
{
    static const enum dimension dims[] = {DIM_RPM, DIM_TPM, DIM_RPD, DIM_TPD};
    size_t n = 0;
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        struct quota *q = &out[n];
        q->dim = dims[i];
        n += allowance_look(a, now_us, q->dim, &q->limit, &q->left, &q->reset_us);
    }
    return n;
}

static const struct quota *find(const struct quota *q, size_t n, enum dimension dim)
{
    for (size_t i = 0; i < n; i++) {
        if (q[i].dim == dim)
            return &q[i];
    }
    return NULL;
}

static struct str when(const struct quota *q, bool anthropic, int64_t unix_us,
                       struct arena *arena)
{
    struct buf text = {0};
    if (anthropic)
        instant_write_rfc3339(&text, unix_us + q->reset_us + 999999);
    else
        duration_go(&text, q->reset_us);
    struct str kept = arena_copy(arena, buf_str(&text));
    buf_free(&text);
    return kept;
}

/* limit, remaining, reset of something */
#define OPENAI(what)                                                                           \
    {                                                                                          \
        STR_INIT("x-ratelimit-limit-" what), STR_INIT("x-ratelimit-remaining-" what),          \
            STR_INIT("x-ratelimit-reset-" what)                                                \
    }
#define ANTHROPIC(what)                                                                        \
    {                                                                                          \
        STR_INIT("anthropic-ratelimit-" what "-limit"),                                        \
            STR_INIT("anthropic-ratelimit-" what "-remaining"),                                \
            STR_INIT("anthropic-ratelimit-" what "-reset")                                     \
    }

size_t quota_headers(const struct quota *q, size_t n, bool anthropic, int64_t unix_us,
                     struct header *out, struct arena *arena)
{
    static const struct {
        enum dimension dims[2];
        bool anthropic_only;
        struct str names[2][3];
    } forms[] = {
        {{DIM_RPM, DIM_RPD}, false, {OPENAI("requests"), ANTHROPIC("requests")}},
        {{DIM_TPM, DIM_TPD}, false, {OPENAI("tokens"), ANTHROPIC("tokens")}},
        {{DIM_ITPM, DIM_ITPM}, true, {OPENAI("input-tokens"), ANTHROPIC("input-tokens")}},
        {{DIM_OTPM, DIM_OTPM}, true, {OPENAI("output-tokens"), ANTHROPIC("output-tokens")}},
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const struct quota *told = find(q, n, forms[i].dims[0]);
        told = told ? told : find(q, n, forms[i].dims[1]);
        if (!told || (forms[i].anthropic_only && !anthropic))
            continue;
        const struct str *names = forms[i].names[anthropic];
        out[count++] = (struct header){names[0], arena_int(arena, told->limit)};
        out[count++] =
            (struct header){names[1], arena_int(arena, told->left > 0 ? told->left : 0)};
        out[count++] = (struct header){names[2], when(told, anthropic, unix_us, arena)};
    }
    return count;
}

bool quota_is_header(struct str name)
{
    const struct str open = STR("x-ratelimit-"), anthropic = STR("anthropic-ratelimit-");
    return str_eq_nocase(str_cut(name, open.n), open) ||
           str_eq_nocase(str_cut(name, anthropic.n), anthropic);
}
