/* utf8.c: every text passes through utf8_valid before it is scanned, so that the scanner need
 * not doubt what it reads. ASCII goes by in words, the rest character by character. */
#include "utf8.h"

#include <string.h>

struct sequence {
    size_t length; /* bytes of the sequence, or of the maximal subpart of an ill-formed one */
    bool valid;
};

/* The sequence at p; n > 0. Table 3-7: only the second byte's range depends on the first. */
static struct sequence sequence_at(const unsigned char *p, size_t n)
{
    unsigned char lead = p[0], low = 0x80, high = 0xBF;
    if (lead < 0x80)
        return (struct sequence){1, true};
    if (lead < 0xC2 || lead > 0xF4)
        return (struct sequence){1, false};
    size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (lead == 0xE0)
        low = 0xA0;
    else if (lead == 0xED)
        high = 0x9F;
    else if (lead == 0xF0)
        low = 0x90;
    else if (lead == 0xF4)
        high = 0x8F;
    for (size_t i = 1; i < length; i++) {
        if (i == n || p[i] < low || p[i] > high)
            return (struct sequence){i, false};
        low = 0x80;
        high = 0xBF;
    }
    return (struct sequence){length, true};
}

static size_t ascii_prefix(const unsigned char *p, size_t n)
{
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        uint64_t w[4];
        memcpy(w, p + i, sizeof w);
        if ((w[0] | w[1] | w[2] | w[3]) & 0x8080808080808080u)
            break;
    }
    while (i < n && p[i] < 0x80)
        i++;
    return i;
}

size_t utf8_valid(struct str text)
{
    const unsigned char *p = (const unsigned char *)text.p;
    size_t i = 0;
    while (i < text.n) {
        if (p[i] < 0x80) {
            i += ascii_prefix(p + i, text.n - i);
            continue;
        }
        struct sequence s = sequence_at(p + i, text.n - i);
        if (!s.valid)
            return i;
        i += s.length;
    }
    return i;
}

void utf8_repair(struct buf *out, struct str text)
{
    while (text.n > 0) {
        size_t valid = utf8_valid(text);
        buf_add(out, str_cut(text, valid));
        text = str_from(text, valid);
        if (text.n == 0)
            return;
        struct sequence s = sequence_at((const unsigned char *)text.p, text.n);
        buf_add(out, STR("\xEF\xBF\xBD"));
        text = str_from(text, s.length);
    }
}
