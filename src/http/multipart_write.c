/* multipart_write.c: forms out. See multipart.h. */
#include "multipart.h"

void multipart_make_boundary(struct buf *out, uint64_t high, uint64_t low)
{
    buf_printf(out, "sluice-%016llx%016llx", (unsigned long long)high, (unsigned long long)low);
}

void multipart_write_type(const struct multipart_writer *w, struct buf *out)
{
    buf_puts(out, "multipart/form-data; boundary=\"");
    buf_add(out, w->boundary);
    buf_char(out, '"');
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7F)
            return false;
    }
    return true;
}

static void quote(struct buf *out, const char *before, struct str s)
{
    buf_puts(out, before);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            buf_char(out, '\\');
        buf_char(out, s.p[i]);
    }
    buf_char(out, '"');
}

enum sl_err multipart_write_file(struct multipart_writer *w, struct buf *out,
                                 const struct multipart_part *file)
{
    if (file->name.n == 0 || !is_plain(file->name) || !is_plain(file->filename) ||
        !is_plain(file->type))
        return SL_SYNTAX;
    buf_puts(out, w->begun ? "\r\n--" : "--");
    w->begun = true;
    buf_add(out, w->boundary);
    quote(out, "\r\nContent-Disposition: form-data; name=\"", file->name);
    if (file->filename.p)
        quote(out, "; filename=\"", file->filename);
    if (file->type.n) {
        buf_puts(out, "\r\nContent-Type: ");
        buf_add(out, file->type);
    }
    buf_puts(out, "\r\n\r\n");
    return SL_OK;
}

enum sl_err multipart_write_field(struct multipart_writer *w, struct buf *out, struct str name,
                                  struct str value)
{
    enum sl_err err = multipart_write_file(w, out, &(struct multipart_part){.name = name});
    if (!err)
        buf_add(out, value);
    return err;
}

void multipart_write_tail(const struct multipart_writer *w, struct buf *out)
{
    buf_puts(out, w->begun ? "\r\n--" : "--");
    buf_add(out, w->boundary);
    buf_puts(out, "--\r\n");
}
