/* sheet.c: see sheet.h. */
#include "sheet.h"

int sheet_columns(struct str s)
{
    int n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\033') {
            while (i < s.n && s.p[i] != 'm')
                i++;
        } else {
            n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
        }
    }
    return n;
}

void sheet_cut(struct buf *b, size_t from, int width)
{
    while (b->n > from && sheet_columns((struct str){b->p + from, b->n - from}) >= width) {
        b->n--;
        while (b->n > from && ((unsigned char)b->p[b->n] & 0xc0) == 0x80)
            b->n--;
    }
}

void sheet_bar(struct buf *b, int64_t done, int64_t total, int cells, bool utf8)
{
    static const char *const eighths[] = {"",       "\u258f", "\u258e", "\u258d",
                                          "\u258c", "\u258b", "\u258a", "\u2589"};
    int64_t units = total > 0 && done > 0 ? (int64_t)((__int128)done * cells * 8 / total) : 0;
    if (units > cells * 8)
        units = cells * 8;
    int full = (int)(units / 8), part = utf8 ? (int)(units % 8) : 0;
    for (int i = 0; i < full; i++)
        buf_puts(b, utf8 ? "\u2588" : "#");
    buf_puts(b, eighths[part]);
    for (int i = full + (part > 0); i < cells; i++)
        buf_puts(b, utf8 ? "\u2591" : "-");
}

/* Control characters of the second kind (U+0080 to U+009F) move cursors too. */
static bool is_control(const char *p, size_t n)
{
    unsigned char c = (unsigned char)p[0];
    return c < ' ' || c == 127 || (n == 2 && c == 0xc2 && (unsigned char)p[1] < 0xa0);
}

void sheet_text(struct buf *b, struct str s, int columns, bool pad)
{
    int used = 0;
    for (size_t i = 0, n; i < s.n && used < columns; i += n ? n : 1, used++) {
        n = str_utf8(str_from(s, i));
        if (n == 0 || is_control(s.p + i, n))
            buf_char(b, '?');
        else
            buf_add(b, (struct str){s.p + i, n});
    }
    for (; pad && used < columns; used++)
        buf_char(b, ' ');
}
