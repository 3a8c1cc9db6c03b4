/* turn_away.c: see turn_away.h. Shapes: facts/providers.md sections 4 and 5. The retry times
 * are rounded up: who obeys them is in time. */
#include "turn_away.h"

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

const char *turn_away_name(enum turn_away_kind kind)
{
    static const char *const names[] = {
        [TURN_AWAY_WAIT] = "wait",           [TURN_AWAY_TOO_LARGE] = "too_large",
        [TURN_AWAY_SPEND] = "spend",         [TURN_AWAY_CONTEXT] = "context_length",
        [TURN_AWAY_BAD_REQUEST] = "invalid", [TURN_AWAY_KEY] = "unknown_key",
        [TURN_AWAY_FORBIDDEN] = "forbidden", [TURN_AWAY_FULL] = "full",
        [TURN_AWAY_ENDING] = "ending",       [TURN_AWAY_UNREACHED] = "unreached",
        [TURN_AWAY_TIMEOUT] = "timeout",     [TURN_AWAY_UPGRADE] = "upgrade"};
    return names[kind];
}

/* The official SDKs obey a wait of at most a minute; told of a longer one they ask again after
 * seconds, in vain (facts/providers.md, section on SDKs). */
enum { OBEYED_US = 60 * 1000000 };

static void add(struct turn_away *t, struct str name, struct str value)
{
    sl_assert(t->header_count < TURN_AWAY_HEADERS);
    t->headers[t->header_count++] = (struct header){name, value};
}

static void add_retry(struct turn_away *t, int64_t wait_us, struct arena *arena)
{
    int64_t ms = (wait_us + 999) / 1000;
    add(t, STR("retry-after"), arena_printf(arena, "%lld", (long long)((ms + 999) / 1000)));
    add(t, STR("retry-after-ms"), arena_printf(arena, "%lld", (long long)ms));
}

struct str turn_away_body(bool anthropic, const char *type, const char *code, struct str what,
                          struct arena *arena)
{
    struct buf body = {0};
    if (anthropic) {
        buf_printf(&body, "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":", type);
        buf_json(&body, what);
        buf_puts(&body, "}}");
    } else {
        buf_puts(&body, "{\"error\":{\"message\":");
        buf_json(&body, what);
        buf_printf(&body, ",\"type\":\"%s\",\"param\":null,\"code\":\"%s\"}}", type, code);
    }
    struct str kept = arena_copy(arena, buf_str(&body));
    buf_free(&body);
    return kept;
}

void turn_away_write(struct turn_away *out, const struct refusal_words *words,
                     struct arena *arena)
{
    const struct manner *m = &manners[words->kind];
    *out = (struct turn_away){.status = m->status[words->anthropic]};
    add(out, STR("content-type"), STR("application/json"));
    add(out, STR("x-sluice-refused"), STR("yes"));
    add(out, STR("x-should-retry"),
        m->again && words->wait_us <= OBEYED_US ? STR("true") : STR("false"));
    if (words->wait_us >= 0)
        add_retry(out, words->wait_us, arena);
    out->header_count += quota_headers(words->quotas, words->quota_count, words->anthropic,
                                       words->unix_us, out->headers + out->header_count, arena);
    const char *type = m->type[words->anthropic];
    if (words->type && !words->anthropic)
        type = words->type;
    out->body = turn_away_body(words->anthropic, type, m->code, words->what, arena);
}
