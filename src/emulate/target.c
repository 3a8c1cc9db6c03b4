/* target.c: see target.h. A path is matched from its end, so that any base will do; of several
 * tails that match, the longest holds, and of those the one spelt out furthest. */
#include "target.h"

static const struct {
    const char *tail, *method;
    enum target_api api;
    enum target_verb verb;
} rows[] = {
    {"chat/completions", "POST", API_CHAT, TARGET_CREATE},
    {"completions", "POST", API_COMPLETIONS, TARGET_CREATE},
    {"responses", "POST", API_RESPONSES, TARGET_CREATE},
    {"embeddings", "POST", API_EMBEDDINGS, TARGET_CREATE},
    {"messages", "POST", API_MESSAGES, TARGET_CREATE},
    {"messages/count_tokens", "POST", API_COUNT_TOKENS, TARGET_CREATE},
    {"models", "GET", API_MODELS, TARGET_LIST},
    {"files", "POST", API_FILES, TARGET_CREATE},
    {"files", "GET", API_FILES, TARGET_LIST},
    {"files/*", "GET", API_FILES, TARGET_READ},
    {"files/*", "DELETE", API_FILES, TARGET_DELETE},
    {"files/*/content", "GET", API_FILES, TARGET_CONTENT},
    {"batches", "POST", API_BATCHES, TARGET_CREATE},
    {"batches", "GET", API_BATCHES, TARGET_LIST},
    {"batches/*", "GET", API_BATCHES, TARGET_READ},
    {"batches/*/cancel", "POST", API_BATCHES, TARGET_CANCEL},
    {"messages/batches", "POST", API_MESSAGE_BATCHES, TARGET_CREATE},
    {"messages/batches", "GET", API_MESSAGE_BATCHES, TARGET_LIST},
    {"messages/batches/*", "GET", API_MESSAGE_BATCHES, TARGET_READ},
    {"messages/batches/*", "DELETE", API_MESSAGE_BATCHES, TARGET_DELETE},
    {"messages/batches/*/cancel", "POST", API_MESSAGE_BATCHES, TARGET_CANCEL},
    {"messages/batches/*/results", "GET", API_MESSAGE_BATCHES, TARGET_CONTENT},
    {"threads", "POST", API_THREADS, TARGET_CREATE},
    {"threads", "GET", API_THREADS, TARGET_LIST},
    {"threads/*", "GET", API_THREADS, TARGET_READ},
    {"threads/*", "POST", API_THREADS, TARGET_CHANGE},
    {"threads/*", "DELETE", API_THREADS, TARGET_DELETE},
    {"threads/*/messages", "POST", API_THREAD_MESSAGES, TARGET_CREATE},
    {"threads/*/messages", "GET", API_THREAD_MESSAGES, TARGET_LIST},
    {"threads/*/messages/*", "GET", API_THREAD_MESSAGES, TARGET_READ},
    {"threads/*/messages/*", "POST", API_THREAD_MESSAGES, TARGET_CHANGE},
    {"threads/*/messages/*", "DELETE", API_THREAD_MESSAGES, TARGET_DELETE},
    {"threads/runs", "POST", API_RUNS, TARGET_CREATE},
    {"threads/*/runs", "POST", API_RUNS, TARGET_CREATE},
    {"threads/*/runs", "GET", API_RUNS, TARGET_LIST},
    {"threads/*/runs/*", "GET", API_RUNS, TARGET_READ},
    {"threads/*/runs/*", "POST", API_RUNS, TARGET_CHANGE},
    {"threads/*/runs/*/cancel", "POST", API_RUNS, TARGET_CANCEL},
    {"_emulator/report", "GET", API_REPORT, TARGET_READ},
    {"_emulator/reset", "POST", API_RESET, TARGET_CREATE},
};
enum { ROWS = sizeof rows / sizeof *rows };

/* The last segment of *path, which loses it and its slash; false at the beginning. */
static bool last_segment(struct str *path, struct str *segment)
{
    size_t n = path->n;
    while (n && path->p[n - 1] != '/')
        n--;
    *segment = str_from(*path, n);
    *path = str_cut(*path, n ? n - 1 : 0);
    return segment->n > 0;
}

/* How well a path ends with a tail: 0 not at all, else more for each segment, and for each that
 * is spelt out. */
static int tail_weight(struct str path, struct str tail)
{
    enum { SEGMENT = 100, LITERAL = 1 };
    struct str have, want;
    int weight = 0;
    while (tail.n) {
        bool whole = last_segment(&tail, &want) && last_segment(&path, &have);
        bool star = whole && str_eq(want, STR("*"));
        if (!whole || (!star && !str_eq(want, have)))
            return 0;
        weight += SEGMENT + !star * LITERAL;
    }
    return weight;
}

/* Cuts the path where the row's tail begins, and notes what its stars stand for. */
static void take_tail(struct target *t, struct str path, struct str tail)
{
    struct str left = path, rest = tail, want, have;
    t->ids[0] = t->ids[1] = (struct str){0};
    while (rest.n && last_segment(&rest, &want) && last_segment(&left, &have)) {
        if (str_eq(want, STR("*"))) {
            t->ids[1] = t->ids[0];
            t->ids[0] = have;
        }
    }
    bool slash = left.n < path.n && path.p[left.n] == '/';
    t->base = str_cut(path, left.n + slash);
    t->tail = str_from(path, left.n + slash);
}

static void find_row(struct target *t, struct str method, struct str path)
{
    int best = 0;
    for (size_t i = 0; i < ROWS; i++) {
        int weight = tail_weight(path, str_of(rows[i].tail));
        best = weight > best ? weight : best;
    }
    for (size_t i = 0; best && i < ROWS; i++) {
        struct str tail = str_of(rows[i].tail);
        if (tail_weight(path, tail) != best)
            continue;
        if (t->api == API_NONE) {
            take_tail(t, path, tail);
            t->api = API_BAD_METHOD;
        }
        if (str_eq(method, str_of(rows[i].method))) {
            take_tail(t, path, tail);
            t->api = rows[i].api;
            t->verb = rows[i].verb;
        }
    }
}

/* What follows the marker, up to the next slash where `one` segment is meant. */
static bool name_after(struct str path, struct str marker, bool one, struct str *name)
{
    ptrdiff_t at = str_find(path, marker, 0);
    if (at < 0)
        return false;
    struct str rest = str_from(path, (size_t)at + marker.n);
    *name = one ? str_split(&rest, '/') : rest;
    return true;
}

struct target target_read(struct str method, struct str target)
{
    const struct str models = STR("/models/");
    struct target t = {.api = API_NONE, .query = target};
    struct str path = str_split(&t.query, '?');
    find_row(&t, method, path);
    t.azure = name_after(path, STR("/openai/deployments/"), true, &t.name);
    if (t.api == API_NONE && name_after(path, models, false, &t.name)) {
        t.api = str_eq(method, STR("GET")) ? API_MODEL : API_BAD_METHOD;
        t.tail = str_from(path, path.n - t.name.n - (models.n - 1));
    }
    t.api_version = target_value(&t, "api-version");
    return t;
}

struct str target_value(const struct target *t, const char *name)
{
    struct str query = t->query;
    while (query.p) {
        struct str value = str_split(&query, '&');
        if (str_eq(str_split(&value, '='), str_of(name)) && value.p)
            return value;
    }
    return (struct str){0};
}
