/* kind.c: see kind.h. */
#include "kind.h"

#include "pattern.h"

struct search {
    struct str method, path;
    const struct route_class *best;
    int weight;
};

struct str kind_path(struct str path, struct buf *out)
{
    ptrdiff_t scheme = str_find(path, STR("://"), 0);
    if (scheme >= 0) {
        path = str_from(path, (size_t)scheme + 3);
        ptrdiff_t slash = str_find(path, STR("/"), 0);
        path = slash < 0 ? (struct str){0} : str_from(path, (size_t)slash);
    }
    path = str_split(&path, '?');
    if (str_starts(path, STR("/openai/")))
        path = str_from(path, sizeof "/openai" - 1);
    while (str_ends(path, STR("/")))
        path.n--;
    if (!str_starts(path, STR("/v1/")))
        buf_puts(out, "/v1");
    buf_add(out, path);
    return buf_str(out);
}

static void look(void *ctx, const struct route_class *k)
{
    struct search *s = ctx;
    for (size_t i = 0; i < k->pattern_count; i++) {
        int weight = pattern_weight(k->patterns[i]);
        if (!pattern_matches(k->patterns[i], s->method, s->path) ||
            (s->best && weight <= s->weight))
            continue;
        s->best = k;
        s->weight = weight;
    }
}

const struct route_class *kind_of(const struct catalogue *c, struct str provider,
                                  struct str method, struct str path)
{
    return kind_on_tier(c, provider, (struct str){0}, method, path);
}

const struct route_class *kind_on_tier(const struct catalogue *c, struct str provider,
                                       struct str tier, struct str method, struct str path)
{
    struct buf text = {0};
    char upper[16]; /* some programs log "get" */
    size_t n = 0;
    for (; n < method.n && n < sizeof upper; n++)
        upper[n] =
            method.p[n] >= 'a' && method.p[n] <= 'z' ? (char)(method.p[n] - 32) : method.p[n];
    struct search s = {.method = {upper, n}, .path = kind_path(path, &text)};
    catalogue_each_route(c, provider, tier, look, &s);
    buf_free(&text);
    return s.best;
}

struct listing {
    const struct route_class **out;
    size_t n, max;
};

static void list(void *ctx, const struct route_class *k)
{
    struct listing *l = ctx;
    if (l->n < l->max && k->limit >= 0)
        l->out[l->n++] = k;
}

size_t kinds_list(const struct catalogue *c, struct str provider,
                  const struct route_class **out, size_t max)
{
    struct listing l = {.out = out, .max = max};
    catalogue_each_route(c, provider, (struct str){0}, list, &l);
    return l.n;
}

int64_t kind_rpm(const struct route_class *k)
{
    enum { MINUTE_S = 60 };
    return k->limit < 0 ? -1 : k->limit * MINUTE_S / k->period_s;
}

static bool is_id(struct str part)
{
    enum { WORD_MOST = 24 };
    bool digit = false;
    for (size_t i = 0; i < part.n; i++)
        digit |= part.p[i] >= '0' && part.p[i] <= '9';
    return digit || part.n > WORD_MOST;
}

void kind_shape(struct str method, struct str path, struct buf *out)
{
    struct str rest = str_split(&path, '?');
    bool version = true; /* "v1" is no id */
    buf_printf(out, "%.*s ", STR_ARG(method));
    while (str_ends(rest, STR("/")))
        rest.n--;
    (void)str_split(&rest, '/');
    while (rest.p) {
        struct str part = str_split(&rest, '/');
        bool id = is_id(part) && !(version && str_starts(part, STR("v")));
        buf_char(out, '/');
        buf_add(out, id ? STR("*") : part);
        version = false;
    }
}
