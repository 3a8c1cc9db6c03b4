/* evidence.c: see evidence.h.
 *
 * A text that is one JSON document, or that begins as an HTTP response, is one piece (or one
 * for each response in it). Anything else is a log: a line begins a block, and lines that are
 * indented or that close a bracket belong to it, as in the dump of an exception. */
#include "evidence.h"
#include "literal.h"

#include <string.h>

struct reader {
    void (*each)(void *ctx, const struct evidence *e);
    void *ctx;
    size_t given; /* pieces so far */
    struct arena arena;
    struct buf converted; /* of a literal, alive as long as the piece */
};

static void give(struct reader *r, const struct evidence *e)
{
    r->given++;
    r->each(r->ctx, e);
    arena_reset(&r->arena);
}

static int status_in(const struct json *v, const char *const *names)
{
    for (; *names; names++) {
        int64_t n;
        if (json_int(json_path(v, *names), &n) == SL_OK && n >= 100 && n < 600)
            return (int)n;
    }
    return 0;
}

static void take_headers(struct evidence *e, const struct json *headers)
{
    const struct json *h = headers && headers->type == JSON_OBJECT ? headers->first : NULL;
    for (; h && e->head.header_count < BOUND_HEADERS; h = h->next) {
        struct str value = h->type == JSON_STRING ? h->text : h->raw;
        e->head.headers[e->head.header_count++] = (struct header){h->key, str_trim(value)};
    }
}

static void take_body(struct evidence *e, const struct json *body)
{
    if (body)
        e->body = body->type == JSON_STRING ? body->text : body->raw;
}

/* A document: recorded refusals and results of a batch have an envelope, others are the body.
 */
static void take_document(struct evidence *e, const struct json *v)
{
    static const char *const recorded[] = {"http_status", NULL};
    static const char *const row[] = {"response.status_code", NULL};
    static const char *const dumped[] = {"status", "status_code", "statusCode", NULL};
    e->body = v->raw;
    if (json_get(v, "http_status") && json_get(v, "body")) {
        e->provider = json_str(json_get(v, "provider"));
        e->status = status_in(v, recorded);
        take_headers(e, json_get(v, "headers"));
        take_body(e, json_get(v, "body"));
    } else if (json_get(v, "custom_id") && json_path(v, "response.body")) {
        e->status = status_in(v, row);
        take_body(e, json_path(v, "response.body"));
    } else if (json_get(v, "headers")) {
        e->status = status_in(v, dumped);
        take_headers(e, json_get(v, "headers"));
    }
}

/* ---- HTTP responses -------------------------------------------------------------------------
 */

static struct str next_line(struct str *rest)
{
    struct str line = str_split(rest, '\n');
    return line.n && line.p[line.n - 1] == '\r' ? str_cut(line, line.n - 1) : line;
}

/* "HTTP/1.1 429 Too Many Requests"; 0 if the line is none. */
static int status_line(struct str line)
{
    int64_t n;
    if (!str_starts(line, STR("HTTP/")))
        return 0;
    (void)str_split(&line, ' ');
    struct str code = str_split(&line, ' ');
    return str_int(code, false, &n) == SL_OK && n >= 100 && n < 600 ? (int)n : 0;
}

/* Up to where the next response begins. */
static size_t response_end(struct str text)
{
    struct str mark = STR("\nHTTP/");
    ptrdiff_t at = str_find(text, mark, 0);
    while (at >= 0) {
        struct str rest = str_from(text, (size_t)at + 1);
        if (status_line(next_line(&rest)))
            return (size_t)at + 1;
        at = str_find(text, mark, (size_t)at + 1);
    }
    return text.n;
}

static void read_response(struct reader *r, struct str text, size_t line)
{
    struct evidence e = {.line = line, .text = text};
    struct str rest = text;
    e.status = status_line(next_line(&rest));
    while (rest.p && e.head.header_count < BOUND_HEADERS) {
        struct str value = next_line(&rest);
        if (str_trim(value).n == 0)
            break;
        struct str name = str_split(&value, ':');
        e.head.headers[e.head.header_count++] = (struct header){name, str_trim(value)};
    }
    e.body = str_trim(rest);
    give(r, &e);
}

/* ---- logs -----------------------------------------------------------------------------------
 */

/* The status a text tells: "Error code: 429", "RateLimitError: 429 ...", "status=503". */
static int status_told(struct str text)
{
    static const char *const before[] = {
        "error code: ", "status code: ", "status code ", "status_code=", "status: ",
        "status=",      "error: ",       "http ",        "exhausted: ",  "http/1.1 "};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        struct str word = str_of(before[i]);
        for (ptrdiff_t at = str_find_nocase(text, word, 0); at >= 0;
             at = str_find_nocase(text, word, (size_t)at + 1)) {
            struct str code = str_from(text, (size_t)at + word.n);
            int64_t n;
            bool three = code.n >= 3 && (code.n == 3 || !strchr("0123456789", code.p[3]));
            if (three && str_int(str_cut(code, 3), false, &n) == SL_OK && n >= 400 && n < 600)
                return (int)n;
        }
    }
    if (text.n > 4 && text.p[3] == ' ') {
        int64_t n;
        if (str_int(str_cut(text, 3), false, &n) == SL_OK && n >= 400 && n < 600)
            return (int)n;
    }
    return 0;
}

static bool tells_of_an_error(const struct json *v)
{
    return json_get(v, "error") || json_get(v, "message") || json_get(v, "body");
}

/* The first object in the text that tells of an error, as JSON. */
static const struct json *object_in(struct reader *r, struct str text)
{
    enum { TRIES = 8 };
    size_t from = 0, used;
    for (int i = 0; i < TRIES; i++) {
        ptrdiff_t at = str_find(text, STR("{"), from);
        if (at < 0)
            return NULL;
        buf_clear(&r->converted);
        if (literal_json(str_from(text, (size_t)at), &r->converted, &used) == SL_OK) {
            const struct json *v = json_parse(&r->arena, buf_str(&r->converted), NULL);
            if (tells_of_an_error(v))
                return v;
        }
        from = (size_t)at + 1;
    }
    return NULL;
}

static void read_block(struct reader *r, struct str text, size_t line, bool last)
{
    struct evidence e = {.line = line, .text = text, .alone = last && r->given == 0};
    const struct json *v = json_parse(&r->arena, text, NULL);
    if (!v)
        v = object_in(r, text);
    if (v && v->type == JSON_OBJECT && v->raw.n > 2) {
        take_document(&e, v);
    } else if (v && v->type == JSON_ARRAY) {
        e.body = v->raw;
    } else {
        e.body = v && v->type == JSON_STRING ? v->text : text;
        e.prose = true;
    }
    if (!e.status)
        e.status = status_told(text);
    give(r, &e);
}

/* Gemini's messages have lines of their own. */
static bool continues(struct str line)
{
    return line.n && (strchr(" \t}])", line.p[0]) || str_starts(line, STR("* Quota")) ||
                      str_starts(line, STR("Please retry in")));
}

static void read_log(struct reader *r, struct str text)
{
    struct str rest = text, block = {0};
    size_t line = 0, begun = 0;
    while (rest.p) {
        struct str at = rest, one = next_line(&rest);
        line++;
        if (block.p && continues(one)) {
            block.n = (size_t)(one.p + one.n - block.p);
            continue;
        }
        if (str_trim(block).n)
            read_block(r, str_trim(block), begun, false);
        block = one;
        begun = line;
        if (status_line(one)) {
            size_t n = response_end(at);
            read_response(r, str_cut(at, n), line);
            for (size_t i = 0; i + 1 < n; i++)
                line += at.p[i] == '\n';
            rest = n < at.n ? str_from(at, n) : (struct str){0};
            block = (struct str){0};
        }
    }
    if (str_trim(block).n)
        read_block(r, str_trim(block), begun, true);
}

/* `curl -v` marks what it received by "< " and tells of itself by "* " and "> ": without the
 * marks it is what `curl -i` prints. */
static struct str without_marks(struct reader *r, struct str text)
{
    struct buf *out = &r->converted;
    struct str rest = text;
    if (!str_starts(text, STR("* ")) && str_find(text, STR("\n< HTTP/"), 0) < 0)
        return text;
    while (rest.p) {
        struct str line = next_line(&rest);
        bool own = str_starts(line, STR("* ")) || str_starts(line, STR("> ")) ||
                   str_starts(line, STR("{ [")) || str_starts(line, STR("} ["));
        if (own || str_eq(line, STR(">")))
            continue;
        buf_add(out, line.n && line.p[0] == '<' ? str_from(line, line.n > 1 ? 2 : 1) : line);
        buf_char(out, '\n');
    }
    struct str plain = arena_copy(&r->arena, buf_str(out));
    buf_clear(out);
    return plain;
}

void evidence_each(struct str text, void (*each)(void *ctx, const struct evidence *e),
                   void *ctx)
{
    struct reader r = {.each = each, .ctx = ctx};
    struct arena own = {0};
    text = without_marks(&r, text);
    own = r.arena; /* the text without marks outlives the pieces */
    r.arena = (struct arena){0};
    const struct json *whole = json_parse(&r.arena, str_trim(text), NULL);
    if (whole)
        read_block(&r, str_trim(text), 1, true);
    else
        read_log(&r, text);
    arena_free(&own);
    arena_free(&r.arena);
    buf_free(&r.converted);
}
