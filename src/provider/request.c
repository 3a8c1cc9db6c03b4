/* request.c: what a request asks for: route, model, input counted, output asked for.
 *
 * One walk over the body; the walking and counting of texts is prompt.c's. */
#include "prompt.h"
#include "provider.h"

#include <string.h>

/* ---- routes -------------------------------------------------------------------------- */

/* A server may undo what a client has written oddly: "/v1/%63hat/./x/..//completions" must not
 * be a way round the counting. */
static bool is_odd(struct str path)
{
    return str_find(path, STR("%"), 0) >= 0 || str_find(path, STR("//"), 0) >= 0 ||
           str_find(path, STR("/."), 0) >= 0;
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent signs undone, in place. */
static void undo_percents(struct str *path, char *bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < path->n; i++) {
        int high = i + 2 < path->n && bytes[i] == '%' ? hex_of(bytes[i + 1]) : -1;
        int low = high >= 0 ? hex_of(bytes[i + 2]) : -1;
        bytes[n++] = low >= 0 ? (char)(high << 4 | low) : bytes[i];
        i += low >= 0 ? 2 : 0;
    }
    path->n = n;
}

/* As the oddest server would read it (RFC 3986, section 6.2.2). */
static struct str plain_path(struct str path, struct arena *arena)
{
    struct buf out = {0};
    struct str rest = arena_copy(arena, path);
    undo_percents(&rest, (char *)rest.p);
    while (rest.p) {
        struct str part = str_split(&rest, '/');
        if (str_eq(part, STR("..")))
            while (out.n && out.p[--out.n] != '/')
                continue;
        else if (part.n && !str_eq(part, STR(".")))
            buf_printf(&out, "/%.*s", STR_ARG(part));
    }
    path = arena_copy(arena, buf_str(&out));
    buf_free(&out);
    return path;
}

/* Anthropic's, and not those of a thread of OpenAI's ("/v1/threads/t/messages"). */
static bool is_messages(struct str path)
{
    const struct str tail = STR("/messages");
    struct str before = str_cut(path, path.n >= tail.n ? path.n - tail.n : 0);
    return str_ends(path, tail) && (!before.n || str_ends(before, STR("/v1")));
}

static enum route plain_route(struct str path)
{
    static const struct {
        const char *tail;
        enum route route;
    } routes[] = {
        {"/chat/completions", ROUTE_CHAT},   {"/responses", ROUTE_RESPONSES},
        {"/completions", ROUTE_COMPLETIONS}, {"/embeddings", ROUTE_EMBEDDINGS},
        {"/moderations", ROUTE_MODERATIONS}, {"/images/generations", ROUTE_IMAGES},
        {"/images/edits", ROUTE_IMAGES},
    };
    while (str_ends(path, STR("/")))
        path.n--;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (str_ends(path, str_of(routes[i].tail)))
            return routes[i].route;
    }
    return is_messages(path) ? ROUTE_MESSAGES : ROUTE_OTHER;
}

enum route route_of(struct str path)
{
    struct arena arena = {0};
    path = str_split(&path, '?');
    if (!is_odd(path))
        return plain_route(path);
    enum route route = plain_route(plain_path(path, &arena));
    arena_free(&arena);
    return route;
}

/* ---- what the forms of input cost ---------------------------------------------------- */

/* Counts what `count` adds and keeps the largest of several such inputs apart. */
struct inputs {
    struct prompt *p;
    int64_t largest;
    int64_t n;
};

static bool is_tokens(const struct json *list)
{
    return list->type == JSON_ARRAY && list->first && list->first->type == JSON_NUMBER;
}

static void one_input(struct inputs *in, const struct json *v)
{
    enum { CHARACTERS_PER_TOKEN = 4 };
    struct prompt *p = in->p;
    int64_t before = p->tokens;
    if (v->type == JSON_STRING) {
        prompt_text(p, v->text);
    } else if (is_tokens(v)) {
        p->tokens += (int64_t)v->count;
        p->characters += (int64_t)v->count * CHARACTERS_PER_TOKEN;
    } else {
        prompt_fail(p, SL_TYPE, "must be a text or a list of token ids");
    }
    if (p->tokens - before > in->largest)
        in->largest = p->tokens - before;
    in->n++;
}

static void each_input(struct inputs *in, const struct json *list)
{
    size_t i = 0;
    for (const struct json *v = list->first; v && !in->p->err; v = v->next, i++) {
        size_t mark = prompt_enter_index(in->p, i);
        one_input(in, v);
        prompt_leave(in->p, mark);
    }
}

/* A text, texts, token ids, or lists of token ids: embeddings, completions, moderations (which
 * also take content parts). */
static void all_inputs(struct inputs *in, const struct json *v)
{
    if (v->type != JSON_ARRAY || is_tokens(v)) {
        one_input(in, v);
        return;
    }
    if (!v->first)
        prompt_fail(in->p, SL_MISSING, "is empty");
    else if (v->first->type == JSON_OBJECT)
        prompt_content(in->p, v);
    else
        each_input(in, v);
}

/* ---- routes' own fields -------------------------------------------------------------- */

static const struct json *required(struct prompt *p, const struct json *body, const char *key)
{
    const struct json *v = prompt_member(p, body, key);
    if (!v) {
        size_t mark = prompt_enter(p, key);
        prompt_fail(p, SL_MISSING, "missing");
        prompt_leave(p, mark);
    }
    return v;
}

static void read_messages(struct prompt *p, const struct json *body)
{
    const struct json *list = required(p, body, "messages");
    const struct json *system = prompt_member(p, body, "system");
    if (list) {
        size_t mark = prompt_enter(p, "messages");
        prompt_messages(p, list);
        prompt_leave(p, mark);
    }
    if (system && p->claude) {
        size_t mark = prompt_enter(p, "system");
        prompt_content(p, system);
        prompt_leave(p, mark);
    }
    if (!p->claude)
        p->tokens += p->cost->reply;
    prompt_tools(p, body);
}

/* Responses are framed as a chat is; a text alone is one message of the user. */
static void read_response(struct prompt *p, const struct json *body)
{
    static const char *const elsewhere[] = {"previous_response_id", "conversation", "prompt"};
    struct str instructions = prompt_member_text(p, body, "instructions");
    const struct json *input = prompt_member(p, body, "input");
    bool stored = false;
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        stored |= prompt_member(p, body, elsewhere[i]) != NULL;
    p->estimated |= stored; /* what the provider keeps counts, and cannot be seen from here */
    if (!input && !stored)
        (void)required(p, body, "input");
    if (instructions.n) {
        p->tokens += p->cost->message;
        prompt_text(p, STR("system"));
        prompt_text(p, instructions);
    }
    size_t mark = prompt_enter(p, "input");
    if (input && input->type == JSON_STRING) {
        p->tokens += p->cost->message;
        prompt_text(p, STR("user"));
        prompt_text(p, input->text);
    } else if (input) {
        prompt_messages(p, input);
    }
    prompt_leave(p, mark);
    p->tokens += p->cost->reply;
    prompt_tools(p, body);
}

static struct inputs read_inputs(struct prompt *p, const struct json *body, const char *key)
{
    struct inputs in = {.p = p};
    const struct json *v = required(p, body, key);
    if (v) {
        size_t mark = prompt_enter(p, key);
        all_inputs(&in, v);
        prompt_leave(p, mark);
    }
    return in;
}

/* Answers wanted of each prompt: n, or best_of where more are made than given back. */
static int64_t choices_of(struct prompt *p, const struct json *body, enum route route)
{
    int64_t n = prompt_member_count(p, body, "n", 1), best = 1;
    if (route == ROUTE_COMPLETIONS)
        best = prompt_member_count(p, body, "best_of", 1);
    n = best > n ? best : n;
    return n < 1 ? 1 : n;
}

static void read_route(struct prompt *p, const struct json *body, struct ask *out)
{
    struct inputs in = {0};
    switch (out->route) {
    case ROUTE_CHAT:
    case ROUTE_MESSAGES:
        read_messages(p, body);
        break;
    case ROUTE_RESPONSES:
        read_response(p, body);
        break;
    case ROUTE_COMPLETIONS:
        in = read_inputs(p, body, "prompt");
        break;
    case ROUTE_EMBEDDINGS:
    case ROUTE_MODERATIONS:
        in = read_inputs(p, body, "input");
        break;
    case ROUTE_IMAGES:
        prompt_text(p, prompt_member_text(p, body, "prompt"));
        p->images = prompt_member_count(p, body, "n", 1);
        break;
    case ROUTE_OTHER:
        p->estimated = true;
        prompt_text(p, body->raw);
        break;
    }
    out->window_tokens = in.n ? in.largest : p->tokens;
    out->choices = choices_of(p, body, out->route) * (in.n > 1 ? in.n : 1);
}

static bool has_output(enum route route)
{
    return route == ROUTE_CHAT || route == ROUTE_RESPONSES || route == ROUTE_COMPLETIONS ||
           route == ROUTE_MESSAGES;
}

/* Both names of a chat's bound may stand: providers read one or the other, so the larger
 * counts. */
static void read_output(struct prompt *p, const struct json *body, struct ask *out)
{
    static const char *const names[] = {"max_tokens", "max_completion_tokens",
                                        "max_output_tokens"};
    int64_t most = -1;
    if (!has_output(out->route))
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int64_t n = prompt_member_count(p, body, names[i], -1);
        most = n > most ? n : most;
    }
    out->demand.max_output_given = most >= 0;
    if (most < 0 && out->known && out->known->max_output_tokens > 0)
        most = out->known->max_output_tokens;
    if (most > 0 && __builtin_mul_overflow(most, out->choices, &out->demand.max_output_tokens))
        prompt_fail(p, SL_RANGE, "asks for more output than can be counted");
}

/* ---- the whole ----------------------------------------------------------------------- */

static struct str read_model(struct prompt *p, const struct json *body, enum route route)
{
    struct str model = prompt_member_text(p, body, "model");
    if (model.n == 0 && route != ROUTE_MODERATIONS && route != ROUTE_OTHER) {
        size_t mark = prompt_enter(p, "model");
        prompt_fail(p, SL_MISSING, "missing");
        prompt_leave(p, mark);
    }
    return model;
}

/* The encoding the catalogue names, else what the model map says. */
static void choose_counting(struct prompt *p, const struct provider *provider,
                            const struct ask *ask)
{
    struct str name = ask->known ? ask->known->name : ask->model;
    bool mapped = false;
    p->model = name;
    p->claude = provider->id == PROVIDER_ANTHROPIC || str_starts(name, STR("claude"));
    p->cost = chat_cost_of(name);
    p->encoding = ask->known ? encoding_named(ask->known->encoding) : NULL;
    if (p->encoding)
        mapped = true;
    else
        p->encoding = encoding_of_model(name, &mapped);
    p->estimated = p->claude || !mapped;
}

enum sl_err ask_parse(const struct provider *provider, const struct catalogue *c,
                      enum route route, const struct json *body, struct ask *out,
                      struct diag *diag)
{
    struct prompt p = {.diag = diag};
    *out = (struct ask){.route = route};
    (void)prompt_enter(&p, "body");
    if (body->type != JSON_OBJECT)
        prompt_fail(&p, SL_TYPE, "must be a JSON object");
    else
        out->model = read_model(&p, body, route);
    if (p.err)
        return p.err;
    out->known = catalogue_model(c, out->model);
    choose_counting(&p, provider, out);
    read_route(&p, body, out);
    read_output(&p, body, out);
    out->demand.input_tokens = p.tokens;
    out->demand.char_tokens = (p.characters + 3) / 4;
    out->demand.images = p.images;
    out->input_exact = !p.estimated;
    out->stream = json_true(prompt_member(&p, body, "stream"));
    out->stream_usage = json_true(json_path(body, "stream_options.include_usage"));
    if (provider->id == PROVIDER_GEMINI)
        out->demand.max_output_given = false;
    return p.err;
}

/* ---- does it fit --------------------------------------------------------------------- */

/* "131,402 tokens and max_tokens 4,096 exceed gpt-4o's window of 128,000" */
static enum sl_err over_window(const struct ask *ask, int64_t output, struct diag *diag)
{
    struct buf b = {0};
    buf_puts(&b, ask->input_exact ? "" : "about ");
    buf_thousands(&b, ask->window_tokens);
    buf_puts(&b, " tokens");
    if (output) {
        buf_puts(&b, " and max_tokens ");
        buf_thousands(&b, output);
    }
    buf_printf(&b, " exceed %.*s's window of ", STR_ARG(ask->model));
    buf_thousands(&b, ask->known->context_tokens);
    enum sl_err err = diag_set(diag, SL_TOO_LARGE, "body", "%s", buf_cstr(&b));
    buf_free(&b);
    return err;
}

static enum sl_err over_output(const struct ask *ask, int64_t output, struct diag *diag)
{
    struct buf b = {0};
    buf_puts(&b, "max_tokens ");
    buf_thousands(&b, output);
    buf_printf(&b, " exceeds %.*s's largest output of ", STR_ARG(ask->model));
    buf_thousands(&b, ask->known->max_output_tokens);
    enum sl_err err = diag_set(diag, SL_TOO_LARGE, "body", "%s", buf_cstr(&b));
    buf_free(&b);
    return err;
}

enum sl_err ask_check(const struct ask *ask, struct diag *diag)
{
    const struct model *m = ask->known;
    bool given = ask->demand.max_output_given;
    int64_t output = given ? ask->demand.max_output_tokens / ask->choices : 0;
    if (!m)
        return SL_OK;
    if (m->max_output_tokens > 0 && output > m->max_output_tokens)
        return over_output(ask, output, diag);
    /* An estimate may be off by half: only what is far over is refused unsent. */
    int64_t least = ask->input_exact ? ask->window_tokens + output : ask->window_tokens / 3 * 2;
    if (m->context_tokens > 0 && least > m->context_tokens)
        return over_window(ask, ask->input_exact ? output : 0, diag);
    return SL_OK;
}
