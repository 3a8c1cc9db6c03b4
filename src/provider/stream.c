/* stream.c: see stream.h.
 *
 * Events are parsed only where they may matter: those that hold the word "usage" or "error",
 * and those with output that has to be counted. What tells neither is passed over unread, for a
 * gateway pays for every event of every stream. */
#include "stream.h"
#include "chat.h"

/* Output is counted in pieces of about this size, cut where no token can span. */
enum { COUNTED_BYTES = 1024 };

void stream_open(struct stream *s, const struct provider *p, const struct ask *ask,
                 struct arena *scratch)
{
    bool told = ask->route == ROUTE_CHAT && ask->stream_usage;
    *s = (struct stream){.provider = p,
                         .model = ask->model,
                         .counts = !told,
                         .told = {-1, -1, -1},
                         .scratch = scratch};
}

void stream_free(struct stream *s)
{
    sse_free(&s->sse);
    buf_free(&s->text);
    buf_free(&s->error);
    arena_free(&s->arena);
}

static int64_t count_text(const struct stream *s, struct str text)
{
    if (s->provider->id == PROVIDER_ANTHROPIC || str_starts(s->model, STR("claude")))
        return claude_tokens(s->model, text);
    bool known;
    return (int64_t)token_count(encoding_of_model(s->model, &known), text);
}

/* A token may begin with a space but, prose and code being what they are, hardly spans one. */
static void count_most(struct stream *s)
{
    size_t cut = s->text.n;
    while (cut > 1 && s->text.p[cut - 1] != ' ')
        cut--;
    if (cut <= 1)
        cut = s->text.n + 1;
    s->counted += count_text(s, str_cut(buf_str(&s->text), cut - 1));
    buf_drop(&s->text, cut - 1);
}

static void add_text(struct stream *s, const struct json *text)
{
    buf_add(&s->text, json_str(text));
    if (s->text.n >= COUNTED_BYTES)
        count_most(s);
}

static void add_calls(struct stream *s, const struct json *calls)
{
    for (const struct json *c = calls ? calls->first : NULL; c; c = c->next) {
        add_text(s, json_path(c, "function.name"));
        add_text(s, json_path(c, "function.arguments"));
    }
}

/* Chat and text completions: choices; Responses: a delta that is a string; Messages: an object.
 */
static void add_output(struct stream *s, const struct json *root)
{
    const struct json *choices = json_get(root, "choices"), *delta = json_get(root, "delta");
    for (const struct json *c = choices ? choices->first : NULL; c; c = c->next) {
        const struct json *part = json_get(c, "delta");
        add_text(s, json_get(c, "text"));
        add_text(s, json_get(part, "content"));
        add_text(s, json_get(part, "reasoning_content"));
        add_text(s, json_get(part, "refusal"));
        add_calls(s, json_get(part, "tool_calls"));
    }
    add_text(s, delta);
    add_text(s, json_get(delta, "text"));
    add_text(s, json_get(delta, "thinking"));
    add_text(s, json_get(delta, "partial_json"));
}

/* Figures are cumulative: a later one replaces an earlier one. */
static void take_usage(struct stream *s, const struct json *root)
{
    struct usage u = usage_of(root);
    if (u.input_tokens >= 0)
        s->told.input_tokens = u.input_tokens;
    if (u.output_tokens >= 0)
        s->told.output_tokens = u.output_tokens;
    if (u.cached_tokens >= 0)
        s->told.cached_tokens = u.cached_tokens;
}

static bool present(const struct json *v)
{
    return v && v->type != JSON_NULL;
}

static bool is_refusal(const struct json *root)
{
    return present(json_get(root, "error")) || json_is(json_get(root, "type"), "error") ||
           present(json_path(root, "response.error"));
}

static bool is_end(const struct json *root)
{
    static const char *const types[] = {"message_stop", "response.completed",
                                        "response.incomplete", "response.failed"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (json_is(json_get(root, "type"), types[i]))
            return true;
    }
    return false;
}

static bool says(struct str data, const char *word)
{
    return str_find(data, str_of(word), 0) >= 0;
}

static void on_event(void *ctx, struct sse_event ev)
{
    struct stream *s = ctx;
    s->events++;
    if (str_eq(ev.data, STR("[DONE]"))) {
        s->ended = true;
        return;
    }
    bool usage = says(ev.data, "\"usage\"");
    if (!s->counts && !usage && !says(ev.data, "\"error\"") &&
        !says(ev.data, "\"message_stop\"") && !says(ev.data, "\"response."))
        return;
    arena_reset(s->scratch);
    const struct json *root = json_parse(s->scratch, ev.data, NULL);
    if (s->counts)
        add_output(s, root);
    if (usage)
        take_usage(s, root);
    s->ended |= is_end(root);
    if (s->error.n == 0 && is_refusal(root))
        buf_add(&s->error, ev.data);
}

enum sl_err stream_feed(struct stream *s, struct str bytes)
{
    return sse_feed(&s->sse, bytes, on_event, s);
}

struct usage stream_usage(struct stream *s)
{
    struct usage u = s->told;
    int64_t counted = s->counted + (s->text.n ? count_text(s, buf_str(&s->text)) : 0);
    if (s->counts && (u.output_tokens < counted && !s->ended))
        u.output_tokens = counted; /* what is told before the end lags behind */
    if (u.output_tokens < 0 && s->counts)
        u.output_tokens = counted;
    return u;
}

struct verdict stream_verdict(struct stream *s)
{
    if (s->error.n == 0)
        return verdict_good(200);
    return verdict_of(s->provider, 0, NULL, buf_str(&s->error), 0, &s->arena);
}
