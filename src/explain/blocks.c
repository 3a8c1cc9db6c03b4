/* blocks.c: see blocks.h. Decides line by line whether a line goes on with the block at hand.
 *
 *   NOTHING --line--> LINES      goes on with indented and closing lines, an exception's chain
 *           --"{"---> OPEN       a document; goes on until its brackets are closed
 *           --"HTTP/"-> HEAD --blank--> BODY   until the body is complete
 *
 * The first block is held back until a second one begins, for what is alone may be read more
 * boldly. Bounds: BLOCK_BYTES bytes of a block and LINE_BYTES of a line are kept, the rest of
 * them is read over. */
#include "blocks.h"

#include "arena.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 256 << 10, LINE_BYTES = 128 << 10 };

enum state { NOTHING, LINES, OPEN, HEAD, BODY };

/* An exception names the one that led to it, with a traceback of its own. */
enum chain { CHAIN_NONE, CHAIN_MARKED, CHAIN_TRACE };

/* How the body of a response ends: with its brackets, its end tag, a blank line. */
enum body { BODY_AWAITED, BODY_JSON, BODY_PAGE, BODY_TEXT };

struct blocks {
    void (*each)(void *ctx, const struct block *b);
    void *ctx;
    struct buf torn; /* the line that the bytes so far have not ended */
    struct buf text, first;
    size_t line, begun, first_line;
    bool response, first_response, first_held, any;
    enum state state;
    enum chain chain;
    enum body body;
    bool verbose; /* curl -v */
    bool dotnet;  /* .NET's message with "Status:", "Content:" and "Headers:" */
    bool in_headers;
    int depth; /* of open brackets */
    bool quoted;
};

static void release_first(struct blocks *b, bool alone)
{
    if (!b->first_held)
        return;
    b->first_held = false;
    struct block block = {buf_str(&b->first), b->first_line, b->first_response, alone};
    b->each(b->ctx, &block);
    buf_free(&b->first);
}

static void flush(struct blocks *b)
{
    struct str text = str_trim(buf_str(&b->text));
    if (text.n && !b->any) {
        b->any = true;
        b->first_held = true;
        b->first_line = b->begun;
        b->first_response = b->response;
        buf_add(&b->first, text);
    } else if (text.n) {
        release_first(b, false);
        struct block block = {text, b->begun, b->response, false};
        b->each(b->ctx, &block);
    }
    buf_clear(&b->text);
    b->state = NOTHING;
    b->chain = CHAIN_NONE;
    b->body = BODY_AWAITED;
    b->dotnet = b->in_headers = b->response = b->quoted = false;
    b->depth = 0;
}

static void append(struct blocks *b, struct str line)
{
    if (b->text.n + line.n >= BLOCK_BYTES)
        return;
    if (b->text.n)
        buf_char(&b->text, '\n');
    buf_add(&b->text, line);
}

/* ---- what lines look like ------------------------------------------------------------ */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int blocks_status_line(struct str line)
{
    int64_t n;
    if (!str_starts(line, STR("HTTP/")))
        return 0;
    (void)str_split(&line, ' ');
    struct str code = str_split(&line, ' ');
    return str_int(code, false, &n) == SL_OK && n >= 100 && n < 600 ? (int)n : 0;
}

/* "2026-11-26": a log's next line, whatever is open. */
static bool is_dated(struct str line)
{
    return line.n > 10 && is_digit(line.p[0]) && is_digit(line.p[3]) &&
           (line.p[4] == '-' || line.p[4] == '/') && is_digit(line.p[5]);
}

/* A line that begins a document; "[2026-11-26 ..." and "[INFO]" do not. */
static bool opens_document(struct str line)
{
    struct str rest = str_trim(str_from(line, 1));
    if (line.p[0] == '{')
        return rest.n == 0 || rest.p[0] == '"' || rest.p[0] == '}';
    return line.p[0] == '[' && (rest.n == 0 || rest.p[0] == '{' || rest.p[0] == '[');
}

/* Brackets of JSON, those in strings left out. */
static void weigh(struct blocks *b, struct str line)
{
    for (size_t i = 0; i < line.n; i++) {
        char c = line.p[i];
        if (b->quoted && c == '\\')
            i++;
        else if (c == '"')
            b->quoted = !b->quoted;
        else if (!b->quoted && (c == '{' || c == '['))
            b->depth++;
        else if (!b->quoted && (c == '}' || c == ']'))
            b->depth--;
    }
}

static bool is_status_of_dotnet(struct str line)
{
    struct str word = STR("Status: ");
    return str_starts(line, word) && line.n >= word.n + 3 && is_digit(line.p[word.n]) &&
           is_digit(line.p[word.n + 2]);
}

static bool is_header(struct str line)
{
    ptrdiff_t colon = str_find(line, STR(":"), 0);
    return colon > 0 && str_find(str_cut(line, (size_t)colon), STR(" "), 0) < 0;
}

/* "Status: 429 (Too Many Requests)", "ErrorCode: ...", "Content:" and a body, "Headers:" and
 * these, a blank line after each. */
static bool goes_on_in_dotnet(struct blocks *b, struct str line)
{
    if (!b->dotnet && !is_status_of_dotnet(line))
        return false;
    b->dotnet = true;
    if (line.n == 0) {
        b->dotnet = !b->in_headers;
        return true;
    }
    if (str_starts(line, STR("Headers:"))) {
        b->in_headers = true;
        return true;
    }
    return !is_dated(line) && (line.p[0] == '{' || is_header(line));
}

/* Python tells one exception's cause before it, Java after it; a logged line and the traceback
 * below it are one event too. */
static bool goes_on_in_chain(struct blocks *b, struct str line)
{
    static const char *const marks[] = {"The above exception was the direct cause of",
                                        "During handling of the above exception"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (str_starts(line, str_of(marks[i]))) {
            b->chain = CHAIN_MARKED;
            return true;
        }
    }
    if (str_starts(line, STR("Caused by: ")))
        return true;
    if (str_starts(line, STR("Traceback (most recent call last)"))) {
        b->chain = CHAIN_TRACE;
        return true;
    }
    if (b->chain == CHAIN_TRACE && line.n) {
        b->chain = CHAIN_NONE; /* the exception itself ends it */
        return true;
    }
    return b->chain == CHAIN_MARKED && line.n == 0;
}

/* Gemini's messages have lines of their own; the events of a stream have two. */
static bool goes_on(struct blocks *b, struct str line)
{
    if (line.n &&
        (strchr(" \t}]),", line.p[0]) || str_starts(line, STR("* Quota")) ||
         str_starts(line, STR("Please retry in")) ||
         (str_starts(line, STR("data:")) && str_starts(buf_str(&b->text), STR("event:")))))
        return true;
    if (line.n && line.p[0] == '{' && str_ends(buf_str(&b->text), STR(":")))
        return true; /* "... resulted in a 429 response:" and the body below */
    return goes_on_in_chain(b, line) || goes_on_in_dotnet(b, line);
}

/* ---- lines --------------------------------------------------------------------------- */

static void begin(struct blocks *b, struct str line)
{
    if (str_trim(line).n == 0)
        return;
    release_first(b, false);
    b->begun = b->line;
    b->state = LINES;
    if (blocks_status_line(line)) {
        b->state = HEAD;
        b->response = true;
    } else if (opens_document(line)) {
        weigh(b, line);
        b->state = b->depth > 0 ? OPEN : LINES;
    } else if (str_starts(line, STR("Traceback (most recent call last)")) ||
               str_find(line, STR("ClientResultException: HTTP "), 0) >= 0) {
        b->chain = CHAIN_TRACE; /* .NET's newer clients put a blank line before the words */
    }
    append(b, line);
}

static void begin_anew(struct blocks *b, struct str line)
{
    flush(b);
    begin(b, line);
}

/* A document of JSON lines that was cut ends where the next one begins. */
static void go_on_open(struct blocks *b, struct str line)
{
    bool next = buf_str(&b->text).p[0] == '{' && str_starts(line, STR("{\""));
    if (next || is_dated(line) || b->text.n + line.n >= BLOCK_BYTES) {
        begin_anew(b, line);
        return;
    }
    append(b, line);
    weigh(b, line);
    if (b->depth <= 0)
        b->state = LINES;
}

/* A blank line ends a block, unless what follows it is the cause of an exception. */
static void go_on_lines(struct blocks *b, struct str line)
{
    if (goes_on(b, line) || line.n == 0)
        append(b, line);
    else
        begin_anew(b, line);
}

static void go_on_head(struct blocks *b, struct str line)
{
    if (str_trim(line).n == 0) {
        append(b, (struct str){"", 0});
        b->state = BODY;
    } else if (is_header(line)) {
        append(b, line);
    } else {
        begin_anew(b, line);
    }
}

static void begin_body(struct blocks *b, struct str line)
{
    b->body = line.p[0] == '{' || line.p[0] == '[' ? BODY_JSON
              : line.p[0] == '<'                   ? BODY_PAGE
                                                   : BODY_TEXT;
}

static void go_on_body(struct blocks *b, struct str line)
{
    if (b->body == BODY_AWAITED) {
        if (str_trim(line).n == 0)
            return;
        begin_body(b, line);
    } else if (b->body == BODY_TEXT && (line.n == 0 || is_dated(line))) {
        begin_anew(b, line);
        return;
    }
    append(b, line);
    if (b->body == BODY_JSON)
        weigh(b, line);
    bool ended = (b->body == BODY_JSON && b->depth <= 0) ||
                 (b->body == BODY_PAGE && str_find_nocase(line, STR("</html"), 0) >= 0);
    if (ended || b->text.n + line.n >= BLOCK_BYTES)
        flush(b);
}

static void take_line(struct blocks *b, struct str line)
{
    b->line++;
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    if (str_starts(line, STR("< HTTP/")))
        b->verbose = true;
    if (b->verbose && line.n) {
        if (str_starts(line, STR("* ")) || str_starts(line, STR("> ")) ||
            str_starts(line, STR("{ [")) || str_starts(line, STR("} [")) ||
            str_eq(line, STR(">")))
            return;
        if (line.p[0] == '<' && (line.n == 1 || line.p[1] == ' '))
            line = str_from(line, line.n > 1 ? 2 : 1);
    }
    if (blocks_status_line(line)) {
        begin_anew(b, line);
        return;
    }
    switch (b->state) {
    case NOTHING:
        begin(b, line);
        break;
    case LINES:
        go_on_lines(b, line);
        break;
    case OPEN:
        go_on_open(b, line);
        break;
    case HEAD:
        go_on_head(b, line);
        break;
    case BODY:
        go_on_body(b, line);
        break;
    }
}

/* ---- bytes --------------------------------------------------------------------------- */

struct blocks *blocks_new(void (*each)(void *ctx, const struct block *b), void *ctx)
{
    struct blocks *b = mem_zero(sizeof *b);
    b->each = each;
    b->ctx = ctx;
    return b;
}

static void keep_torn(struct blocks *b, struct str piece)
{
    size_t room = LINE_BYTES - b->torn.n;
    buf_add(&b->torn, str_cut(piece, room));
}

void blocks_feed(struct blocks *b, struct str bytes)
{
    while (bytes.n) {
        const char *end = memchr(bytes.p, '\n', bytes.n);
        struct str piece = str_cut(bytes, end ? (size_t)(end - bytes.p) : bytes.n);
        bytes = str_from(bytes, piece.n + (end ? 1 : 0));
        if (!end) {
            keep_torn(b, piece);
        } else if (b->torn.n) {
            keep_torn(b, piece);
            take_line(b, buf_str(&b->torn));
            buf_clear(&b->torn);
        } else {
            take_line(b, str_cut(piece, LINE_BYTES));
        }
    }
}

size_t blocks_end(struct blocks **pb)
{
    struct blocks *b = *pb;
    if (b->torn.n)
        take_line(b, buf_str(&b->torn));
    flush(b);
    release_first(b, true);
    size_t lines = b->line;
    buf_free(&b->torn);
    buf_free(&b->text);
    buf_free(&b->first);
    free(b);
    *pb = NULL;
    return lines;
}
