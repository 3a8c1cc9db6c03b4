/* plain.c: see plain.h. Every head is looked through twice, on its way in and on its way out,
 * so eight bytes at a time, as long as none of them is below a space or DEL; a borrow between
 * them can only cry wolf. */
#include "plain.h"

static bool is_plain(char c)
{
    return ((unsigned char)c >= ' ' && c != 0x7F) || c == '\t';
}

size_t plain_ahead(struct str s)
{
    const uint64_t each = UINT64_C(0x0101010101010101), tops = each << 7;
    size_t n = 0;
    for (uint64_t word; s.n - n >= sizeof word; n += sizeof word) {
        memcpy(&word, s.p + n, sizeof word);
        uint64_t last = word ^ (each * 0x7F);
        if ((((word - each * ' ') & ~word) | ((last - each) & ~last)) & tops)
            break;
    }
    while (n < s.n && is_plain(s.p[n]))
        n++;
    return n;
}
