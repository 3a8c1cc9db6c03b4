/* evidence.c: see evidence.h. Each block gives one piece; what it may say is written down as
 * claims, the most structured first. */
#include "evidence.h"

#include "blocks.h"
#include "literal.h"

#include <stdlib.h>
#include <string.h>

struct evidence_reader {
    struct blocks *blocks;
    void (*each)(void *ctx, const struct evidence *e);
    void *ctx;
    int64_t now_us, last_at_us; /* -1: no stamp so far */
    struct arena arena;         /* of the block at hand */
    struct buf scratch;
};

static void add_claim(struct evidence *e, struct str body, int status, bool prose)
{
    if (e->claim_count < EVIDENCE_CLAIMS)
        e->claims[e->claim_count++] = (struct claim){body, status, prose};
}

/* ---- statuses and headers ------------------------------------------------------------ */

static int status_in(const struct json *v, const char *const *names)
{
    for (; *names; names++) {
        int64_t n;
        if (json_int(json_path(v, *names), &n) == SL_OK && n >= 100 && n < 600)
            return (int)n;
    }
    return 0;
}

static int three_digits(struct str s)
{
    int64_t n;
    bool three = s.n >= 3 && (s.n == 3 || !strchr("0123456789", s.p[3]));
    if (three && str_int(str_cut(s, 3), false, &n) == SL_OK && n >= 400 && n < 600)
        return (int)n;
    return 0;
}

/* The status a text tells: "Error code: 429", "RateLimitError: 429 ...", "status=503". */
static int status_told(struct str text)
{
    static const char *const before[] = {
        "error code: ", "status code: ", "status code ",   "status_code=",   "statuscode: ",
        "status: ",     "status=",       "exception: ",    "error: ",        "http ",
        "exhausted: ",  "http/1.1 ",     "client error '", "server error '", "resulted in a `"};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        struct str word = str_of(before[i]);
        for (ptrdiff_t at = str_find_nocase(text, word, 0); at >= 0;
             at = str_find_nocase(text, word, (size_t)at + 1)) {
            int status = three_digits(str_from(text, (size_t)at + word.n));
            if (status)
                return status;
        }
    }
    return text.n > 4 && strchr(" :", text.p[3]) ? three_digits(text) : 0;
}

static void add_header(struct evidence *e, struct str name, struct str value)
{
    if (e->head.header_count < BOUND_HEADERS)
        e->head.headers[e->head.header_count++] = (struct header){name, str_trim(value)};
}

static void take_headers(struct evidence *e, const struct json *headers)
{
    const struct json *h = headers && headers->type == JSON_OBJECT ? headers->first : NULL;
    for (; h; h = h->next)
        add_header(e, h->key, h->type == JSON_STRING ? h->text : h->raw);
}

/* .NET's message ends with "Headers:" and these, a line each. */
static void take_printed_headers(struct evidence *e, struct str text)
{
    struct str mark = STR("\nHeaders:\n");
    ptrdiff_t at = str_find(text, mark, 0);
    struct str rest = at < 0 ? (struct str){0} : str_from(text, (size_t)at + mark.n);
    while (rest.p) {
        struct str value = str_split(&rest, '\n'), name = str_split(&value, ':');
        if (!value.p)
            break;
        add_header(e, str_trim(name), value);
    }
}

/* ---- documents ----------------------------------------------------------------------- */

static struct str bytes_of(const struct json *v)
{
    return v->type == JSON_STRING ? v->text : v->raw;
}

/* Recorded refusals, results of a batch and dumps of responses have an envelope; of others the
 * whole is the body. */
static void claim_document(struct evidence *e, const struct json *v, int told)
{
    static const char *const recorded[] = {"http_status", NULL};
    static const char *const row[] = {"response.status_code", NULL};
    static const char *const dumped[] = {"status", "status_code", "statusCode", "http_status",
                                         NULL};
    static const char *const headers[] = {"headers", "responseHeaders", "response_headers",
                                          "response.headers"};
    static const char *const bodies[] = {"responseBody", "response_body", "body"};
    if (json_get(v, "http_status") && json_get(v, "body")) {
        e->provider = json_str(json_get(v, "provider"));
        take_headers(e, json_get(v, "headers"));
        add_claim(e, bytes_of(json_get(v, "body")), status_in(v, recorded), false);
        return;
    }
    if (json_get(v, "custom_id") && json_path(v, "response.body")) {
        add_claim(e, bytes_of(json_path(v, "response.body")), status_in(v, row), false);
        return;
    }
    int status = status_in(v, dumped);
    for (size_t i = 0; !e->head.header_count && i < sizeof headers / sizeof *headers; i++)
        take_headers(e, json_path(v, headers[i]));
    add_claim(e, v->raw, status ? status : told, false);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct str body = json_str(json_get(v, bodies[i]));
        if (body.n)
            add_claim(e, body, status ? status : told, false);
    }
}

static bool tells_of_an_error(const struct json *v)
{
    return json_get(v, "error") || json_get(v, "message") || json_get(v, "body") ||
           json_get(v, "responseBody");
}

/* ---- texts --------------------------------------------------------------------------- */

/* The first object in the text that tells of an error, as JSON; *at is where it begins. */
static const struct json *object_in(struct evidence_reader *r, struct str text, size_t *at)
{
    enum { TRIES = 8 };
    size_t from = 0, used;
    for (int i = 0; i < TRIES; i++) {
        ptrdiff_t brace = str_find(text, STR("{"), from);
        if (brace < 0)
            return NULL;
        buf_clear(&r->scratch);
        *at = (size_t)brace;
        if (literal_json(str_from(text, *at), &r->scratch, &used) == SL_OK) {
            struct str copy = arena_copy(&r->arena, buf_str(&r->scratch));
            const struct json *v = json_parse(&r->arena, copy, NULL);
            if (tells_of_an_error(v))
                return v;
        }
        from = *at + 1;
    }
    return NULL;
}

/* "headers: Headers { 'retry-after': '2', ... }" in the dump of an error, wherever it stands.
 */
static void take_dumped_headers(struct evidence_reader *r, struct evidence *e, struct str text)
{
    enum { NEAR = 16 }; /* between the word and its bracket: ": Headers " */
    struct str word = STR("eaders");
    size_t used;
    for (ptrdiff_t at = str_find(text, word, 0); at >= 0 && !e->head.header_count;
         at = str_find(text, word, (size_t)at + 1)) {
        struct str rest = str_from(text, (size_t)at + word.n);
        ptrdiff_t brace = str_find(str_cut(rest, NEAR), STR("{"), 0);
        buf_clear(&r->scratch);
        if (brace < 0 ||
            literal_json(str_from(rest, (size_t)brace), &r->scratch, &used) != SL_OK)
            continue;
        struct str copy = arena_copy(&r->arena, buf_str(&r->scratch));
        take_headers(e, json_parse(&r->arena, copy, NULL));
    }
}

/* JSON inside a quoted text: backslashes of one level taken away. */
static struct str unescape(struct evidence_reader *r, struct str text)
{
    buf_clear(&r->scratch);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '\\' && i + 1 < text.n && strchr("\"\\/'", text.p[i + 1]))
            c = text.p[++i];
        buf_char(&r->scratch, c);
    }
    return arena_copy(&r->arena, buf_str(&r->scratch));
}

/* Colours of a terminal say nothing here. */
static struct str without_colours(struct evidence_reader *r, struct str text)
{
    if (str_find(text, STR("\033["), 0) < 0)
        return text;
    buf_clear(&r->scratch);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '\033' || i + 1 >= text.n || text.p[i + 1] != '[') {
            buf_char(&r->scratch, text.p[i]);
            continue;
        }
        for (i += 2; i < text.n && !(text.p[i] >= '@' && text.p[i] <= '~');)
            i++;
    }
    return arena_copy(&r->arena, buf_str(&r->scratch));
}

/* The words before the object, or before protocol buffers. */
static struct str words_before(struct str text, const char *mark)
{
    ptrdiff_t at = str_find(text, str_of(mark), 0);
    return str_trim(at < 0 ? text : str_cut(text, (size_t)at));
}

static void claim_text(struct evidence_reader *r, struct evidence *e, struct str text,
                       int status)
{
    enum { LEVELS = 3 };
    size_t at = 0;
    if (!status)
        status = status_told(text);
    struct str inner = text;
    for (int i = 0; i < LEVELS; i++) {
        const struct json *v = object_in(r, inner, &at);
        if (v)
            claim_document(e, v, status);
        if (v || str_find(inner, STR("\\\""), 0) < 0)
            break;
        inner = unescape(r, inner);
    }
    if (!e->head.header_count)
        take_dumped_headers(r, e, text);
    buf_clear(&r->scratch);
    if (literal_quota_failure(text, words_before(text, "[violations"), &r->scratch))
        add_claim(e, arena_copy(&r->arena, buf_str(&r->scratch)), status, false);
    add_claim(e, text, status, true);
}

/* An error as the provider sent it: its words are judged together with what stands beside them.
 */
static bool is_error_itself(const struct json *v)
{
    const struct json *error = json_get(v, "error");
    return (error && error->type == JSON_OBJECT) || json_is(json_get(v, "type"), "error");
}

/* The texts of a JSON log's line that may hold the error: {"exc_info": "Traceback ..."}. */
static void claim_leaves(struct evidence_reader *r, struct evidence *e, const struct json *v,
                         int depth)
{
    enum { DEPTH = 6, LEAST = 12 };
    bool itself = is_error_itself(v);
    for (const struct json *c = v->first; c && depth < DEPTH; c = c->next) {
        bool inner = c->type == JSON_OBJECT || c->type == JSON_ARRAY;
        if (inner && !(itself && str_eq(c->key, STR("error"))))
            claim_leaves(r, e, c, depth + 1);
        else if (c->type == JSON_STRING && c->text.n >= LEAST && logged_suspect(c->text) &&
                 (!itself || str_find(c->text, STR("{"), 0) >= 0) &&
                 e->claim_count < EVIDENCE_CLAIMS)
            claim_text(r, e, c->text, e->logged.status);
    }
}

/* ---- pieces -------------------------------------------------------------------------- */

static void read_response(struct evidence *e, struct str text)
{
    struct str rest = text;
    int status = blocks_status_line(str_split(&rest, '\n'));
    while (rest.p) {
        struct str value = str_split(&rest, '\n');
        if (str_trim(value).n == 0)
            break;
        struct str name = str_split(&value, ':');
        add_header(e, name, value);
    }
    e->logged.status = status;
    add_claim(e, str_trim(rest), status, false);
}

/* An access log's line of a request that went well, or that says its status and no more. */
static bool is_mere_access(const struct evidence *e, const struct json *v)
{
    return !v && e->logged.path.n && e->logged.status && str_find(e->text, STR("{"), 0) < 0 &&
           str_find(e->text, STR("\n"), 0) < 0;
}

static void read_lines(struct evidence_reader *r, struct evidence *e)
{
    struct str rest = e->text;
    const struct json *v = NULL;
    if (rest.p[0] == '{' || rest.p[0] == '[' || rest.p[0] == '"')
        v = json_parse(&r->arena, rest, NULL);
    e->logged = logged_read(str_split(&rest, '\n'), v, r->now_us);
    if (logged_is_own(&e->logged)) {
        if (e->logged.refused || !str_eq(e->logged.verdict, STR("ok")))
            add_claim(e, (struct str){"", 0}, e->logged.status, false);
        return;
    }
    if (is_mere_access(e, v)) {
        if (e->logged.status >= 400)
            add_claim(e, (struct str){"", 0}, e->logged.status, true);
        return;
    }
    if (!e->alone && e->logged.status < 400 && !logged_suspect(e->text))
        return;
    if (v && v->type == JSON_OBJECT && v->raw.n > 2) {
        claim_document(e, v, e->logged.status);
        claim_leaves(r, e, v, 0);
    } else if (v && v->type == JSON_ARRAY) {
        add_claim(e, v->raw, 0, false);
    } else {
        take_printed_headers(e, e->text);
        claim_text(r, e, v && v->type == JSON_STRING ? v->text : e->text, e->logged.status);
    }
}

static void on_block(void *ctx, const struct block *b)
{
    struct evidence_reader *r = ctx;
    struct evidence e = {.line = b->line, .alone = b->alone, .logged = {.at_us = -1}};
    e.text = without_colours(r, b->text);
    if (b->response)
        read_response(&e, e.text);
    else
        read_lines(r, &e);
    if (e.logged.at_us < 0)
        e.logged.at_us = r->last_at_us; /* below a dated line */
    r->last_at_us = e.logged.at_us;
    r->each(r->ctx, &e);
    arena_reset(&r->arena);
}

struct evidence_reader *evidence_new(int64_t now_us,
                                     void (*each)(void *ctx, const struct evidence *e),
                                     void *ctx)
{
    struct evidence_reader *r = mem_zero(sizeof *r);
    r->blocks = blocks_new(on_block, r);
    r->each = each;
    r->ctx = ctx;
    r->now_us = now_us;
    r->last_at_us = -1;
    return r;
}

void evidence_feed(struct evidence_reader *r, struct str bytes)
{
    blocks_feed(r->blocks, bytes);
}

size_t evidence_end(struct evidence_reader **pr)
{
    struct evidence_reader *r = *pr;
    size_t lines = blocks_end(&r->blocks);
    arena_free(&r->arena);
    buf_free(&r->scratch);
    free(r);
    *pr = NULL;
    return lines;
}

void evidence_each(struct str text, void (*each)(void *ctx, const struct evidence *e),
                   void *ctx)
{
    struct evidence_reader *r = evidence_new(0, each, ctx);
    evidence_feed(r, text);
    (void)evidence_end(&r);
}
