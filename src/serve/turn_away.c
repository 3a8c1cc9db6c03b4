/* turn_away.c: see turn_away.h. Shapes: facts/providers.md sections 4 and 5. The retry times
 * are rounded up: who obeys them is in time. */
#include "turn_away.h"

#include "duration.h"

static const struct manner {
    int status[2];
    const char *type[2], *code;
    bool again;
} manners[] = {
#define X(kind, status, type, code, a_status, a_type, again)                                   \
    {{status, a_status}, {type, a_type}, code, again},
    TURN_AWAYS(X)
#undef X
};

static void add(struct turn_away *t, struct str name, struct str value)
{
    sl_assert(t->header_count < TURN_AWAY_HEADERS);
    t->headers[t->header_count++] = (struct header){name, value};
}

static struct str number(struct arena *arena, int64_t n)
{
    return arena_printf(arena, "%lld", (long long)n);
}

static void add_retry(struct turn_away *t, int64_t wait_us, struct arena *arena)
{
    int64_t ms = (wait_us + 999) / 1000;
    add(t, STR("retry-after"), number(arena, (ms + 999) / 1000));
    add(t, STR("retry-after-ms"), number(arena, ms));
}

static void add_budget(struct turn_away *t, const struct budget_view *b, const char *what,
                       struct arena *arena)
{
    struct buf reset = {0};
    int64_t lacks = b->limit - b->level;
    duration_go(&reset, (int64_t)((__int128)lacks * b->period_us / (b->limit ? b->limit : 1)));
    add(t, arena_printf(arena, "x-ratelimit-limit-%s", what), number(arena, b->limit));
    add(t, arena_printf(arena, "x-ratelimit-remaining-%s", what),
        number(arena, b->level > 0 ? b->level : 0));
    add(t, arena_printf(arena, "x-ratelimit-reset-%s", what),
        arena_copy(arena, buf_str(&reset)));
    buf_free(&reset);
}

static void add_budgets(struct turn_away *t, const struct pool_view *view, struct arena *arena)
{
    for (size_t i = 0; i < view->budget_count; i++) {
        if (view->budgets[i].dim == DIM_RPM)
            add_budget(t, &view->budgets[i], "requests", arena);
        if (view->budgets[i].dim == DIM_TPM)
            add_budget(t, &view->budgets[i], "tokens", arena);
    }
}

/* Seven parameters: what is said, to whom, and where it is kept; none belongs to another.
 * NOLINTNEXTLINE(readability-function-size) */
void turn_away_write(struct turn_away *out, enum turn_away_kind kind, bool anthropic,
                     struct str what, int64_t wait_us, const struct pool_view *view,
                     struct arena *arena)
{
    const struct manner *m = &manners[kind];
    struct buf body = {0};
    *out = (struct turn_away){.status = m->status[anthropic]};
    add(out, STR("content-type"), STR("application/json"));
    add(out, STR("x-sluice-refused"), STR("yes"));
    add(out, STR("x-should-retry"), m->again ? STR("true") : STR("false"));
    if (wait_us >= 0)
        add_retry(out, wait_us, arena);
    if (view)
        add_budgets(out, view, arena);
    buf_puts(&body, anthropic ? "{\"type\":\"error\",\"error\":{\"type\":\""
                              : "{\"error\":{\"message\":");
    if (anthropic) {
        buf_printf(&body, "%s\",\"message\":", m->type[1]);
        buf_json(&body, what);
        buf_puts(&body, "}}");
    } else {
        buf_json(&body, what);
        buf_printf(&body, ",\"type\":\"%s\",\"param\":null,\"code\":\"%s\"}}", m->type[0],
                   m->code);
    }
    out->body = arena_copy(arena, buf_str(&body));
    buf_free(&body);
}
