/* poll.c: see poll.h. */
#include "poll.h"
#include "kind.h"
#include "pattern.h"

struct poll_search {
    struct str method, path;
    const struct poll_class *found;
    int weight;
};

static size_t parts_of(struct str path)
{
    size_t n = 0;
    for (size_t i = 0; i < path.n; i++)
        n += path.p[i] == '/';
    return n;
}

static void look(void *ctx, const struct poll_class *poll)
{
    struct poll_search *s = ctx;
    for (size_t i = 0; i < poll->pattern_count; i++) {
        struct str pattern = poll->patterns[i];
        int weight = pattern_weight(pattern);
        if (!pattern_matches(pattern, s->method, s->path) ||
            parts_of(pattern) != parts_of(s->path) ||
            (s->found && weight < s->weight)) /* of equals the last: a file of one's own */
            continue;
        s->found = poll;
        s->weight = weight;
    }
}

const struct poll_class *poll_of(const struct catalogue *c, const struct provider *p,
                                 struct str method, struct str target)
{
    struct buf text = {0};
    bool anthropic = p->id == PROVIDER_ANTHROPIC;
    if (!str_eq(method, STR("GET")))
        return NULL;
    struct poll_search s = {.method = method, .path = kind_path(target, &text)};
    catalogue_each_poll(c, anthropic ? STR("anthropic") : STR("openai"), look, &s);
    buf_free(&text);
    return s.found;
}

bool poll_pending(const struct poll_class *poll, struct str answer)
{
    if (!poll->field.n)
        return true;
    struct arena arena = {0};
    const struct json *root = json_parse(&arena, answer, NULL);
    struct str said = json_str(json_get(root, poll->field.p)); /* the catalogue's end in NUL */
    bool pending = false;
    for (size_t i = 0; i < poll->pending_count; i++)
        pending |= said.n > 0 && str_eq(said, poll->pending[i]);
    arena_free(&arena);
    return pending;
}
