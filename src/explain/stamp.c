/* stamp.c: see stamp.h. Whatever the form, its digits are put into RFC 3339's order and read by
 * the one reader there is. */
#include "stamp.h"

#include "duration.h"

#include <stdio.h>
#include <string.h>

enum {
    LOOKED_AT = 128
}; /* a stamp stands at the beginning: behind a level, an address, a name */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool digits(struct str s, size_t at, size_t n)
{
    for (size_t i = at; i < at + n; i++) {
        if (i >= s.n || !is_digit(s.p[i]))
            return false;
    }
    return true;
}

/* "09:00:01" at `at`. */
static bool is_clock(struct str s, size_t at)
{
    return digits(s, at, 2) && digits(s, at + 3, 2) && digits(s, at + 6, 2) &&
           s.p[at + 2] == ':' && s.p[at + 5] == ':';
}

/* "+0100" or "+01:00" after spaces; any other text, and none, stands for UTC. */
static bool has_zone(struct str rest, size_t *minutes)
{
    bool sign = rest.n > 4 && (rest.p[0] == '+' || rest.p[0] == '-') && digits(rest, 1, 2);
    *minutes = sign && rest.p[3] == ':' ? 4 : 3;
    return sign && digits(rest, *minutes, 2);
}

/* "09:00", and no seconds. */
static bool is_short_clock(struct str s, size_t at)
{
    return digits(s, at, 2) && digits(s, at + 3, 2) && s.p[at + 2] == ':' &&
           (at + 5 == s.n || strchr(" ]Z\t", s.p[at + 5]));
}

/* A date, and a clock from `at` on with a fraction and a zone behind it. */
static bool assemble(const char *date, struct str s, size_t at, int64_t *at_us)
{
    enum { FRACTION = 10 };
    char text[64];
    size_t end = at + 8, fraction = 0, minutes;
    if (end + 1 < s.n && (s.p[end] == '.' || s.p[end] == ',') && is_digit(s.p[end + 1]))
        end++;
    while (end > at + 8 && end + fraction < s.n && is_digit(s.p[end + fraction]))
        fraction++;
    const char *digits_of = s.p + end;
    struct str rest = str_trim(str_from(s, end + fraction));
    int shown = fraction > FRACTION ? FRACTION : (int)fraction;
    if (has_zone(rest, &minutes))
        snprintf(text, sizeof text, "%sT%.8s%s%.*s%.3s:%.2s", date, s.p + at, shown ? "." : "",
                 shown, digits_of, rest.p, rest.p + minutes);
    else
        snprintf(text, sizeof text, "%sT%.8s%s%.*sZ", date, s.p + at, shown ? "." : "", shown,
                 digits_of);
    return instant_rfc3339(str_of(text), at_us) == SL_OK;
}

/* "2026-11-26T09:00:01", "2026/11/26 09:00:01" */
static bool by_numbers(struct str s, size_t at, int64_t *at_us)
{
    char date[16];
    char clock[16];
    if (at + 16 > s.n || !digits(s, at, 4) || !digits(s, at + 5, 2) || !digits(s, at + 8, 2) ||
        !strchr("-/", s.p[at + 4]) || s.p[at + 7] != s.p[at + 4] ||
        !strchr("Tt _", s.p[at + 10]))
        return false;
    snprintf(date, sizeof date, "%.4s-%.2s-%.2s", s.p + at, s.p + at + 5, s.p + at + 8);
    if (is_clock(s, at + 11))
        return assemble(date, s, at + 11, at_us);
    if (!is_short_clock(s, at + 11))
        return false;
    snprintf(clock, sizeof clock, "%.5s:00", s.p + at + 11);
    return assemble(date, str_of(clock), 0, at_us);
}

/* 1 to 12; 0 if it is none. */
static int month_at(struct str s, size_t at)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int m = 0; m < 12 && at + 3 <= s.n; m++) {
        if (memcmp(s.p + at, months + (size_t)m * 3, 3) == 0)
            return m + 1;
    }
    return 0;
}

/* "26/Nov/2026:09:00:01 +0000" */
static bool by_month_name(struct str s, size_t at, int64_t *at_us)
{
    char date[16];
    if (!digits(s, at, 2) || !month_at(s, at + 3) || !digits(s, at + 7, 4) ||
        !is_clock(s, at + 12))
        return false;
    snprintf(date, sizeof date, "%.4s-%02d-%.2s", s.p + at + 7, month_at(s, at + 3), s.p + at);
    return assemble(date, s, at + 12, at_us);
}

/* "Nov 26 09:00:01", "Nov  6 ...": of this year, or of the last where that would be to come. */
static bool by_syslog(struct str s, int64_t now_us, int64_t *at_us)
{
    static const int64_t day_us = 86400 * (int64_t)1000000; /* clocks and zones differ */
    char date[16];
    struct buf now = {0};
    int month = month_at(s, 0);
    if (!month || s.n < 15 || !is_digit(s.p[5]) || !is_clock(s, 7) || s.p[3] != ' ')
        return false;
    instant_write_rfc3339(&now, now_us);
    int64_t year = 0;
    bool ok = str_int(str_cut(buf_str(&now), 4), false, &year) == SL_OK;
    buf_free(&now);
    for (int back = 0; ok && back < 2; back++) {
        snprintf(date, sizeof date, "%04d-%02d-%c%c", (int)year - back, month,
                 is_digit(s.p[4]) ? s.p[4] : '0', s.p[5]);
        ok = assemble(date, s, 7, at_us);
        if (ok && *at_us <= now_us + day_us)
            return true;
    }
    return ok;
}

/* Seconds, ms, us or ns since 1970, told apart by their size for instants of 2001 to 2286. */
static bool by_count(int64_t n, int64_t *at_us)
{
    static const int64_t first_s = 1000000000, last_s = 10000000000, thousand = 1000;
    if (n < first_s)
        return false;
    if (n < last_s)
        *at_us = n * thousand * thousand;
    else if (n < last_s * thousand)
        *at_us = n * thousand;
    else if (n < last_s * thousand * thousand)
        *at_us = n;
    else
        *at_us = n / thousand;
    return true;
}

/* "09:00:01.5" or "[09:00:01]" at the very start: of today. */
static bool by_clock(struct str s, int64_t now_us, int64_t *at_us)
{
    struct buf today = {0};
    char date[16];
    size_t at = s.n && s.p[0] == '[' ? 1 : 0;
    if (!is_clock(s, at))
        return false;
    instant_write_rfc3339(&today, now_us);
    snprintf(date, sizeof date, "%.10s", buf_cstr(&today));
    buf_free(&today);
    return assemble(date, s, at, at_us);
}

/* "1764147601.123 ..." and "1764147601123 ...". */
static bool by_epoch(struct str s, int64_t *at_us)
{
    size_t n = 0;
    int64_t whole;
    while (n < s.n && is_digit(s.p[n]))
        n++;
    bool ends = n == s.n || s.p[n] == ' ' || s.p[n] == '.' || s.p[n] == '\t';
    return ends && n >= 10 && n <= 19 && str_int(str_cut(s, n), false, &whole) == SL_OK &&
           by_count(whole, at_us);
}

bool stamp_find(struct str line, int64_t now_us, int64_t *at_us)
{
    struct str s = str_cut(line, LOOKED_AT);
    for (size_t i = 0; i + 16 <= s.n; i++) {
        if (!is_digit(s.p[i]) || (i && is_digit(s.p[i - 1])))
            continue;
        if (by_numbers(s, i, at_us) || by_month_name(s, i, at_us))
            return true;
    }
    return by_syslog(s, now_us, at_us) || by_epoch(s, at_us) || by_clock(s, now_us, at_us);
}

bool stamp_value(const struct json *v, int64_t now_us, int64_t *at_us)
{
    if (!v || (v->type != JSON_NUMBER && v->type != JSON_STRING))
        return false;
    return stamp_find(v->text, now_us, at_us);
}
