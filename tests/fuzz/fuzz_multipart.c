/* Forms: what is read does not depend on how the bytes are cut, and what was read and is
 * written again is read the same. The first line is the Content-Type. */
#include "multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct buf text;  /* all that was read */
    struct buf again; /* the same, written */
    struct multipart_writer writer;
    bool writable;
};

static void on_event(void *ctx, enum multipart_event ev, const struct multipart_part *part,
                     struct str bytes)
{
    struct seen *s = ctx;
    sl_assert(part->name.n > 0);
    if (ev == MULTIPART_PART) {
        buf_printf(&s->text, "[%zu %zu %zu %d", part->name.n, part->filename.n, part->type.n,
                   part->filename.p != NULL);
        buf_add(&s->text, part->name);
        buf_add(&s->text, part->filename);
        buf_add(&s->text, part->type);
        s->writable &= multipart_write_file(&s->writer, &s->again, part) == SL_OK;
    }
    sl_assert(ev != MULTIPART_DATA || bytes.n > 0);
    buf_add(&s->text, bytes);
    buf_add(&s->again, bytes);
    buf_puts(&s->text, ev == MULTIPART_END ? "]" : "");
}

static enum sl_err run(struct seen *s, struct str boundary, struct str in, size_t piece)
{
    struct multipart *m = multipart_new(boundary, (struct multipart_handler){on_event, s});
    enum sl_err err = SL_OK;
    s->writer = (struct multipart_writer){.boundary = boundary};
    s->writable = true;
    for (size_t at = 0; at < in.n && !err; at += piece)
        err = multipart_feed(m, str_cut(str_from(in, at), piece));
    if (!err)
        err = multipart_finish(m);
    sl_assert(!err || multipart_why(m)[0]);
    multipart_free(&m);
    multipart_write_tail(&s->writer, &s->again);
    return err;
}

static void seen_free(struct seen *s)
{
    buf_free(&s->text);
    buf_free(&s->again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size}, boundary;
    struct str type = str_split(&rest, '\n');
    if (!rest.p || multipart_boundary(type, &boundary) != SL_OK)
        return 0;
    struct seen whole = {0}, bytes = {0}, sevens = {0}, again = {0};
    enum sl_err err = run(&whole, boundary, rest, rest.n ? rest.n : 1);
    sl_assert(run(&bytes, boundary, rest, 1) == err);
    sl_assert(run(&sevens, boundary, rest, 7) == err);
    sl_assert(str_eq(buf_str(&whole.text), buf_str(&bytes.text)));
    sl_assert(str_eq(buf_str(&whole.text), buf_str(&sevens.text)));
    if (!err && whole.writable) {
        sl_assert(run(&again, boundary, buf_str(&whole.again), 3) == SL_OK);
        sl_assert(str_eq(buf_str(&whole.text), buf_str(&again.text)));
    }
    seen_free(&whole);
    seen_free(&bytes);
    seen_free(&sevens);
    seen_free(&again);
    return 0;
}
