/* member.c: see member.h. */
#include "member.h"

void member_text(struct buf *out, const char *key, struct str text)
{
    buf_printf(out, ",\"%s\":", key);
    if (text.n)
        buf_json(out, text);
    else
        buf_puts(out, "null");
}

void member_count(struct buf *out, const char *key, int64_t n)
{
    if (n < 0)
        buf_printf(out, ",\"%s\":null", key);
    else
        buf_printf(out, ",\"%s\":%lld", key, (long long)n);
}
