/* duration.c: see duration.h. Integers throughout: a wait that is off by a rounding is a 429.
 */
#include "duration.h"

#include <string.h>

enum { US_MS = 1000, US_S = 1000000 };

static const struct {
    const char *name;
    int64_t ns;
} units[] = {
    /* longest names first, so that "ms" is not read as "m" */
    {"ns", 1},         {"us", 1000},       {"\xC2\xB5s", 1000},  {"ms", 1000000},
    {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads digits[.digits] as thousandths of a thousandth: *micro = value * 10^6. */
static size_t read_decimal(struct str s, int64_t *micro)
{
    size_t i = 0;
    int64_t v = 0;
    while (i < s.n && is_digit(s.p[i])) {
        if (__builtin_mul_overflow(v, 10, &v) || v > INT64_MAX / 10000000)
            return 0;
        v += s.p[i++] - '0';
    }
    size_t whole = i;
    v *= US_S;
    if (i + 1 < s.n && s.p[i] == '.' && is_digit(s.p[i + 1])) {
        int64_t place = US_S / 10;
        for (i++; i < s.n && is_digit(s.p[i]); i++, place /= 10)
            v += (s.p[i] - '0') * place;
    }
    if (whole == 0)
        return 0;
    *micro = v;
    return i;
}

/* Nanoseconds of the unit that s starts with, 0 if none; *length is the name's. */
static int64_t read_unit(struct str s, size_t *length)
{
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        struct str unit = str_of(units[u].name);
        if (str_starts(s, unit)) {
            *length = unit.n;
            return units[u].ns;
        }
    }
    return 0;
}

enum sl_err duration_prefix(struct str s, int64_t *us, size_t *used)
{
    int64_t total = 0;
    size_t at = 0;
    while (at < s.n) {
        int64_t micro;
        size_t name = 0, n = read_decimal(str_from(s, at), &micro);
        int64_t ns = n ? read_unit(str_from(s, at + n), &name) : 0;
        if (ns == 0)
            break;
        __int128 add = (__int128)micro * ns / US_S / 1000;
        if (add > INT64_MAX / 2 - total)
            return SL_RANGE;
        total += (int64_t)add;
        at += n + name;
    }
    if (at == 0)
        return SL_SYNTAX;
    *us = total;
    *used = at;
    return SL_OK;
}

enum sl_err duration_parse(struct str s, int64_t *us)
{
    int64_t micro;
    if (s.n && read_decimal(s, &micro) == s.n) {
        *us = micro; /* a bare number counts seconds */
        return SL_OK;
    }
    size_t used;
    enum sl_err err = duration_prefix(s, us, &used);
    return err ? err : used == s.n ? SL_OK : SL_SYNTAX;
}

void duration_go(struct buf *b, int64_t us)
{
    int64_t ms = us < 0 ? 0 : us / US_MS;
    if (ms < 1000) {
        buf_int(b, ms);
        buf_puts(b, ms ? "ms" : "s");
        return;
    }
    int64_t s = ms / 1000, h = s / 3600, m = s / 60 % 60;
    ms %= 1000;
    if (h) {
        buf_int(b, h);
        buf_char(b, 'h');
    }
    if (h || m) {
        buf_int(b, m);
        buf_char(b, 'm');
    }
    buf_int(b, s % 60);
    if (ms) {
        char frac[3];
        size_t n = 3;
        frac[0] = (char)('0' + ms / 100);
        frac[1] = (char)('0' + ms / 10 % 10);
        frac[2] = (char)('0' + ms % 10);
        while (n > 1 && frac[n - 1] == '0')
            n--;
        buf_char(b, '.');
        buf_add(b, (struct str){frac, n});
    }
    buf_char(b, 's');
}

void duration_human(struct buf *b, int64_t us)
{
    long long ms = us < 0 ? 0 : us / US_MS, s = ms / 1000;
    if (ms < 1000)
        buf_printf(b, "%lld ms", ms);
    else if (ms < 60000)
        buf_printf(b, "%lld.%lld s", s, ms % 1000 / 100);
    else if (s < 3600)
        buf_printf(b, "%lldm %02llds", s / 60, s % 60);
    else if (s < 86400)
        buf_printf(b, "%lldh %02lldm", s / 3600, s / 60 % 60);
    else
        buf_printf(b, "%lldd %lldh", s / 86400, s / 3600 % 24);
}

/* Days since 1970-01-01 of a Gregorian date. Source: Howard Hinnant, chrono-compatible date
 * algorithms (days_from_civil). */
static int64_t days_of(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

static bool digits_at(struct str s, size_t at, size_t n, int64_t *out)
{
    return at + n <= s.n && is_digit(s.p[at]) &&
           str_int((struct str){s.p + at, n}, false, out) == SL_OK;
}

static bool clock_at(struct str s, size_t at, int64_t *seconds)
{
    int64_t h, m, sec;
    if (!digits_at(s, at, 2, &h) || !digits_at(s, at + 3, 2, &m) ||
        !digits_at(s, at + 6, 2, &sec) || s.p[at + 2] != ':' || s.p[at + 5] != ':')
        return false;
    *seconds = h * 3600 + m * 60 + sec;
    return h < 24 && m < 60 && sec <= 60;
}

enum sl_err instant_rfc3339(struct str s, int64_t *us)
{
    int64_t y, mo, d, clock;
    if (!digits_at(s, 0, 4, &y) || !digits_at(s, 5, 2, &mo) || !digits_at(s, 8, 2, &d) ||
        s.p[4] != '-' || s.p[7] != '-' || s.n < 20 || (s.p[10] != 'T' && s.p[10] != 't') ||
        !clock_at(s, 11, &clock) || mo < 1 || mo > 12 || d < 1 || d > 31)
        return SL_SYNTAX;
    int64_t fraction = 0;
    size_t at = 19;
    if (s.p[at] == '.') {
        int64_t place = US_S / 10;
        for (at++; at < s.n && is_digit(s.p[at]); at++, place /= 10)
            fraction += (s.p[at] - '0') * place;
    }
    int64_t offset = 0;
    struct str zone = str_from(s, at);
    if (!str_eq_nocase(zone, STR("z"))) {
        int64_t h, m;
        if (zone.n != 6 || (zone.p[0] != '+' && zone.p[0] != '-') || zone.p[3] != ':' ||
            !digits_at(zone, 1, 2, &h) || !digits_at(zone, 4, 2, &m))
            return SL_SYNTAX;
        offset = (zone.p[0] == '-' ? -1 : 1) * (h * 3600 + m * 60);
    }
    *us = (days_of(y, mo, d) * 86400 + clock - offset) * US_S + fraction;
    return SL_OK;
}

enum sl_err instant_http(struct str s, int64_t *us)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t d, y, clock;
    /* "Tue, 26 Mar 2024 19:59:59 GMT" */
    if (s.n != 29 || !str_eq(str_from(s, 25), STR(" GMT")) || !digits_at(s, 5, 2, &d) ||
        !digits_at(s, 12, 4, &y) || !clock_at(s, 17, &clock) || d < 1 || d > 31)
        return SL_SYNTAX;
    char month[4] = {s.p[8], s.p[9], s.p[10], 0};
    const char *hit = strstr(months, month);
    if (!hit || (hit - months) % 3)
        return SL_SYNTAX;
    *us = (days_of(y, (hit - months) / 3 + 1, d) * 86400 + clock) * US_S;
    return SL_OK;
}

void instant_write_rfc3339(struct buf *b, int64_t us)
{
    int64_t s = us / US_S, days = s / 86400, clock = s % 86400;
    if (clock < 0) {
        clock += 86400;
        days--;
    }
    /* civil_from_days, the inverse of days_of */
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int64_t d = doy - (153 * mp + 2) / 5 + 1, m = mp < 10 ? mp + 3 : mp - 9;
    int64_t y = yoe + era * 400 + (m <= 2);
    buf_printf(b, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lldZ", (long long)y, (long long)m,
               (long long)d, (long long)(clock / 3600), (long long)(clock / 60 % 60),
               (long long)(clock % 60));
}
