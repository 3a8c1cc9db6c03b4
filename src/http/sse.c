/* sse.c: lines into events.
 *
 * A line ends with LF, CR or CR LF; the LF of a CR LF may come with the next bytes, hence
 * after_cr. Whole lines inside the fed bytes are read where they lie; only the piece that is
 * cut off at the end is copied. What is held never exceeds BOUND_SSE_EVENT_BYTES. */
#include "sse.h"
#include "bounds.h"

#include <string.h>

static size_t held(const struct sse *s)
{
    return s->line.n + s->data.n + s->event.n;
}

/* The value after a field's colon, without one leading space. */
static struct str field_value(struct str line, size_t name_bytes)
{
    struct str value = str_from(line, name_bytes + 1);
    return str_starts(value, STR(" ")) ? str_from(value, 1) : value;
}

static void end_event(struct sse *s, void (*each)(void *, struct sse_event), void *ctx)
{
    if (s->any_data) {
        struct str data = str_cut(buf_str(&s->data), s->data.n - 1);
        each(ctx, (struct sse_event){buf_str(&s->event), data});
    }
    buf_clear(&s->data);
    buf_clear(&s->event);
    s->any_data = false;
}

static void take_field(struct sse *s, struct str line)
{
    struct str rest = line;
    struct str name = str_split(&rest, ':');
    if (str_eq(name, STR("data"))) {
        buf_add(&s->data, field_value(line, name.n));
        buf_char(&s->data, '\n');
        s->any_data = true;
    } else if (str_eq(name, STR("event"))) {
        buf_clear(&s->event);
        buf_add(&s->event, field_value(line, name.n));
    }
}

/* The next line's end, a CR or a LF, or NULL. *lf remembers the next LF between calls: bytes
 * full of CRs would otherwise be searched for it again from each of them. */
static const char *line_end(struct str s, const char **lf)
{
    const char *end = s.p + s.n;
    if (!*lf || *lf < s.p) {
        const char *hit = memchr(s.p, '\n', s.n);
        *lf = hit ? hit : end;
    }
    const char *cr = memchr(s.p, '\r', (size_t)(*lf - s.p));
    if (cr)
        return cr;
    return *lf < end ? *lf : NULL;
}

static void take_line(struct sse *s, struct str line, void (*each)(void *, struct sse_event),
                      void *ctx)
{
    if (!s->started) {
        s->started = true;
        if (str_starts(line, STR("\xEF\xBB\xBF")))
            line = str_from(line, 3);
    }
    if (line.n == 0)
        end_event(s, each, ctx);
    else
        take_field(s, line);
}

enum sl_err sse_feed(struct sse *s, struct str bytes,
                     void (*each)(void *ctx, struct sse_event ev), void *ctx)
{
    const char *lf = NULL;
    while (bytes.n && !s->overflowed) {
        if (s->after_cr && bytes.p[0] == '\n')
            bytes = str_from(bytes, 1);
        s->after_cr = false;
        if (bytes.n == 0)
            break;
        const char *end = line_end(bytes, &lf);
        struct str piece = str_cut(bytes, end ? (size_t)(end - bytes.p) : bytes.n);
        if (piece.n > BOUND_SSE_EVENT_BYTES - held(s)) {
            s->overflowed = true;
            break;
        }
        if (!end || s->line.n)
            buf_add(&s->line, piece);
        if (!end)
            break;
        s->after_cr = *end == '\r';
        take_line(s, s->line.n ? buf_str(&s->line) : piece, each, ctx);
        buf_clear(&s->line);
        bytes = str_from(bytes, piece.n + 1);
    }
    return s->overflowed ? SL_TOO_LARGE : SL_OK;
}

void sse_free(struct sse *s)
{
    buf_free(&s->line);
    buf_free(&s->data);
    buf_free(&s->event);
    *s = (struct sse){0};
}
