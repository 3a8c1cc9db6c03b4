/* wording.c: see wording.h. Everything here is a scan over one message: linear in its length
 * for each keyword, no state, nothing that a message can say makes it fail. */
#include "wording.h"
#include "duration.h"

enum { MS_US = 1000 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(char c)
{
    return is_digit(c) || is_letter(c);
}

bool wording_has(struct str text, const char *const *phrases)
{
    for (; *phrases; phrases++) {
        if (str_find_nocase(text, str_of(*phrases), 0) >= 0)
            return true;
    }
    return false;
}

/* Where `word` stands as a word of its own (a plural's s may follow), at or after `from`; -1.
 */
static ptrdiff_t find_word(struct str s, const char *word, size_t from)
{
    struct str w = str_of(word);
    for (;;) {
        ptrdiff_t at = str_find_nocase(s, w, from);
        if (at < 0)
            return -1;
        size_t start = (size_t)at, end = start + w.n;
        if (end < s.n && s.p[end] == 's')
            end++;
        bool whole =
            (start == 0 || !is_word(s.p[start - 1])) && (end == s.n || !is_word(s.p[end]));
        if (whole)
            return at;
        from = start + 1;
    }
}

/* ---- numbers ------------------------------------------------------------------------- */

static bool thousands_group(struct str s, size_t comma)
{
    return comma + 3 < s.n && is_digit(s.p[comma + 1]) && is_digit(s.p[comma + 2]) &&
           is_digit(s.p[comma + 3]) && (comma + 4 == s.n || !is_digit(s.p[comma + 4]));
}

bool wording_number(struct str s, int64_t *out, size_t *used)
{
    size_t i = 0;
    int64_t n = 0;
    for (; i < s.n && (is_digit(s.p[i]) || (s.p[i] == ',' && i && thousands_group(s, i)));
         i++) {
        if (s.p[i] == ',')
            continue;
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, s.p[i] - '0', &n))
            return false;
    }
    if (i == 0)
        return false;
    if (i + 1 < s.n && s.p[i] == '.' && is_digit(s.p[i + 1])) {
        for (i++; i < s.n && is_digit(s.p[i]);)
            i++;
    }
    if (i < s.n && (s.p[i] == 'k' || s.p[i] == 'K') && n < INT64_MAX / 1000) {
        n *= 1000;
        i++;
    }
    if (i < s.n && is_letter(s.p[i]))
        return false;
    *out = n;
    *used = i;
    return true;
}

/* Skips what may stand between a keyword and its figure: punctuation and small words. */
static size_t skip_connectors(struct str s, size_t i)
{
    static const char *const words[] = {"is",    "of",    "at",   "up",  "to",
                                        "was",   "about", "only", "in",  "concurrency",
                                        "usage", "rate",  "a",    "the", "for"};
    for (;;) {
        while (i < s.n && (s.p[i] == ' ' || s.p[i] == ':' || s.p[i] == '=' || s.p[i] == '(' ||
                           s.p[i] == '`' || s.p[i] == '"' || s.p[i] == '\''))
            i++;
        size_t end = i;
        while (end < s.n && is_letter(s.p[end]))
            end++;
        bool known = false;
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            known |= str_eq_nocase((struct str){s.p + i, end - i}, str_of(words[w]));
        if (!known)
            return i;
        i = end;
    }
}

/* The first figure that follows the keyword in one of its occurrences; -1. */
static int64_t number_after(struct str s, const char *word)
{
    size_t length = str_of(word).n;
    for (ptrdiff_t at = find_word(s, word, 0); at >= 0;
         at = find_word(s, word, (size_t)at + 1)) {
        size_t i = (size_t)at + length, used;
        int64_t n;
        if (i < s.n && s.p[i] == 's')
            i++;
        i = skip_connectors(s, i);
        if (wording_number(str_from(s, i), &n, &used))
            return n;
    }
    return -1;
}

/* The figure that ends right before offset `end`, spaces apart; -1. */
static int64_t number_before(struct str s, size_t end)
{
    while (end > 0 && s.p[end - 1] == ' ')
        end--;
    size_t start = end, used;
    while (start > 0 && (is_digit(s.p[start - 1]) || s.p[start - 1] == ',' ||
                         s.p[start - 1] == '.' || s.p[start - 1] == 'k'))
        start--;
    while (start < end && !is_digit(s.p[start]))
        start++;
    int64_t n;
    struct str digits = {s.p + start, end - start};
    bool bare = start == 0 || !(is_word(s.p[start - 1]) || s.p[start - 1] == '-');
    return bare && wording_number(digits, &n, &used) && used == digits.n ? n : -1;
}

/* ---- dimensions ---------------------------------------------------------------------- */

struct subject {
    ptrdiff_t at; /* where the word stands, -1 none */
    enum dimension minute, day;
};

static const struct {
    const char *word;
    enum dimension minute, day;
} subjects[] = {{"token", DIM_TPM, DIM_TPD},
                {"request", DIM_RPM, DIM_RPD},
                {"image", DIM_IPM, DIM_UNKNOWN},
                {"call", DIM_RPM, DIM_RPD},
                {"queries", DIM_RPM, DIM_RPD}};
enum { SUBJECTS = sizeof subjects / sizeof *subjects };

/* Is the subject at `at` qualified by "input" or "output" right before it? */
static bool qualified(struct str s, size_t at, const char *by)
{
    struct str word = str_of(by);
    size_t end = at;
    while (end > 0 && !is_word(s.p[end - 1]) && at - end < 2)
        end--;
    return end >= word.n && str_eq_nocase((struct str){s.p + end - word.n, word.n}, word);
}

/* The last subject word that starts before `end`. */
static struct subject subject_before(struct str s, size_t end)
{
    struct subject found = {.at = -1};
    struct str head = str_cut(s, end);
    for (size_t i = 0; i < SUBJECTS; i++) {
        ptrdiff_t at = str_find_nocase(head, str_of(subjects[i].word), 0), last = -1;
        for (; at >= 0; at = str_find_nocase(head, str_of(subjects[i].word), (size_t)at + 1))
            last = at;
        if (last > found.at)
            found = (struct subject){last, subjects[i].minute, subjects[i].day};
    }
    return found;
}

/* "daily token limit": the subject may follow the period, "input" or "output" between them. */
static struct subject subject_after(struct str s, size_t from)
{
    static const char *const between[] = {"input", "output"};
    while (from < s.n && !is_word(s.p[from]))
        from++;
    for (size_t i = 0; i < sizeof between / sizeof *between; i++) {
        struct str word = str_of(between[i]);
        if (str_eq_nocase(str_cut(str_from(s, from), word.n), word) && from + word.n < s.n)
            from += word.n + 1;
    }
    for (size_t i = 0; i < SUBJECTS; i++) {
        struct str word = str_of(subjects[i].word);
        if (str_eq_nocase(str_cut(str_from(s, from), word.n), word))
            return (struct subject){(ptrdiff_t)from, subjects[i].minute, subjects[i].day};
    }
    return (struct subject){.at = -1};
}

struct said {
    enum dimension dim;
    ptrdiff_t at;  /* where the subject or the acronym starts, -1 unknown */
    size_t length; /* of the acronym; 0 for a subject */
};

static struct said said_of(struct str s, struct subject subject, bool day)
{
    if (subject.at < 0)
        return (struct said){DIM_UNKNOWN, -1, 0};
    enum dimension dim = day ? subject.day : subject.minute;
    if (dim == DIM_TPM && qualified(s, (size_t)subject.at, "input"))
        dim = DIM_ITPM;
    else if (dim == DIM_TPM && qualified(s, (size_t)subject.at, "output"))
        dim = DIM_OTPM;
    return (struct said){dim, subject.at, 0};
}

/* Does the word that began with "min" or "day" end so that it is a period? */
static bool period_ends(struct str s, size_t at, size_t *end)
{
    static const char *const endings[] = {"utes", "ute", "s", ""};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        struct str ending = str_of(endings[i]);
        size_t stop = at + ending.n;
        if (!str_eq_nocase(str_cut(str_from(s, at), ending.n), ending))
            continue;
        *end = stop;
        return stop >= s.n || !is_letter(s.p[stop]) || (s.p[stop] >= 'A' && s.p[stop] <= 'Z');
    }
    return false;
}

struct period {
    ptrdiff_t at; /* -1 none */
    size_t end;
    bool day;
};

/* The first "per min", "/ day" and the like, written with `before`, if it stands before *first.
 */
static void earlier_period(struct str s, const char *before, bool day, struct period *first)
{
    struct str mark = str_of(before), word = day ? STR("day") : STR("min");
    for (ptrdiff_t at = str_find_nocase(s, mark, 0); at >= 0;
         at = str_find_nocase(s, mark, (size_t)at + 1)) {
        size_t from = (size_t)at + mark.n, end;
        if (first->at >= 0 && at >= first->at)
            return;
        if (str_eq_nocase(str_cut(str_from(s, from), word.n), word) &&
            period_ends(s, from + word.n, &end)) {
            *first = (struct period){at, end, day};
            return;
        }
    }
}

/* "SUBJECT per PERIOD" or "PERIODly SUBJECT": the first period decides. */
static struct said by_period(struct str s)
{
    static const char *const before[] = {"per ", "per-", "per_", "per", "/ ", "/"};
    struct str daily = STR("daily");
    struct period first = {str_find_nocase(s, daily, 0), 0, true};
    first.end = (size_t)first.at + daily.n;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        earlier_period(s, before[i], false, &first);
        earlier_period(s, before[i], true, &first);
    }
    if (first.at < 0)
        return (struct said){DIM_UNKNOWN, -1, 0};
    struct subject subject = subject_after(s, first.end);
    if (subject.at < 0)
        subject = subject_before(s, (size_t)first.at);
    return said_of(s, subject, first.day);
}

/* "TPM" and the like; in parentheses they name the limit beyond doubt. */
static struct said by_acronym(struct str s, bool parenthesised)
{
    static const enum dimension dims[] = {DIM_ITPM, DIM_OTPM, DIM_TPM, DIM_RPM,
                                          DIM_TPD,  DIM_RPD,  DIM_IPM};
    struct said first = {DIM_UNKNOWN, -1, 0};
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        const char *name = dimension_name(dims[i]);
        size_t n = str_of(name).n;
        for (ptrdiff_t at = find_word(s, name, 0); at >= 0;
             at = find_word(s, name, (size_t)at + 1)) {
            size_t end = (size_t)at + n;
            bool inside = at > 0 && s.p[at - 1] == '(' && end < s.n && s.p[end] == ')';
            if ((inside || !parenthesised) && (first.at < 0 || at < first.at))
                first = (struct said){dims[i], at, n};
        }
    }
    return first;
}

/* Phrases that name a limit without a period: minutes are meant. */
static enum dimension by_phrase(struct str s)
{
    static const char *const token_rate[] = {"token rate limit", "tokens rate limit",
                                             "token limit", NULL};
    static const char *const request_rate[] = {"request rate limit", "requests rate limit",
                                               "call rate limit", "request limit", NULL};
    if (wording_has(s, token_rate))
        return DIM_TPM;
    return wording_has(s, request_rate) ? DIM_RPM : DIM_UNKNOWN;
}

/* A limit that is no rate. */
static enum dimension by_level(struct str s)
{
    static const char *const enqueued[] = {"enqueued token", NULL};
    static const char *const concurrent[] = {"concurren", "simultaneous", NULL};
    if (wording_has(s, enqueued))
        return DIM_BATCH_ENQUEUED;
    return wording_has(s, concurrent) ? DIM_CONCURRENCY : DIM_UNKNOWN;
}

/* A dimension, and the place of its acronym if the text has it too. */
static struct said said_beside_acronym(struct str s, enum dimension dim)
{
    const char *name = dimension_name(dim);
    return (struct said){dim, find_word(s, name, 0), str_of(name).n};
}

static struct said dimension_in(struct str s)
{
    struct said said = by_acronym(s, true);
    if (said.dim != DIM_UNKNOWN)
        return said;
    enum dimension level = by_level(s);
    if (level != DIM_UNKNOWN)
        return said_beside_acronym(s, level);
    said = by_period(s);
    if (said.dim != DIM_UNKNOWN)
        return said;
    enum dimension phrase = by_phrase(s);
    return phrase != DIM_UNKNOWN ? said_beside_acronym(s, phrase) : by_acronym(s, false);
}

enum dimension wording_dimension(struct str text)
{
    return dimension_in(text).dim;
}

/* ---- waits --------------------------------------------------------------------------- */

static int64_t unit_us(struct str word)
{
    static const struct {
        const char *names[5];
        int64_t us;
    } units[] = {{{"ms", "millisecond", "milliseconds"}, MS_US},
                 {{"s", "sec", "secs", "second", "seconds"}, 1000000},
                 {{"m", "min", "mins", "minute", "minutes"}, 60000000},
                 {{"h", "hr", "hrs", "hour", "hours"}, 3600000000},
                 {{"d", "day", "days"}, 86400000000}};
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        for (size_t i = 0; i < 5 && units[u].names[i]; i++) {
            if (str_eq_nocase(word, str_of(units[u].names[i])))
                return units[u].us;
        }
    }
    return -1;
}

static struct str leading_word(struct str s)
{
    size_t n = 0;
    while (n < s.n && is_letter(s.p[n]))
        n++;
    return str_cut(s, n);
}

/* One "20 seconds" at the start of *s, which then begins behind it; -1 if there is none. A
 * number without a unit counts seconds. */
static int64_t span_of_words(struct str *s)
{
    static const int64_t longest_us = (int64_t)1 << 52;
    size_t n = 0;
    int64_t us;
    while (n < s->n &&
           (is_digit(s->p[n]) || (s->p[n] == '.' && n + 1 < s->n && is_digit(s->p[n + 1]))))
        n++;
    if (n == 0 || duration_parse(str_cut(*s, n), &us) != SL_OK || us > longest_us)
        return -1;
    struct str rest = str_trim(str_from(*s, n)), word = leading_word(rest);
    int64_t unit = word.n ? unit_us(word) : 1000000;
    if (unit < 0)
        return -1;
    *s = str_trim(str_from(rest, word.n));
    return (int64_t)((__int128)us * unit / 1000000 > longest_us
                         ? longest_us
                         : (__int128)us * unit / 1000000);
}

/* "9.816s", "1m30s", "20 seconds", "1 minute and 5 seconds". */
static bool read_wait(struct str s, int64_t *us)
{
    size_t used;
    if (duration_prefix(s, us, &used) == SL_OK && (used == s.n || !is_word(s.p[used])))
        return true;
    int64_t total = span_of_words(&s);
    if (total < 0)
        return false;
    if (str_eq_nocase(leading_word(s), STR("and")))
        s = str_trim(str_from(s, 3));
    int64_t more = span_of_words(&s);
    *us = more > 0 ? total + more : total;
    return true;
}

static int64_t wait_in(struct str s)
{
    static const char *const anchors[] = {"try again in", "try again after", "retry in",
                                          "retry after",  "retrying in",     "retry_after",
                                          "retrydelay",   "please wait",     "wait for"};
    for (size_t i = 0; i < sizeof anchors / sizeof *anchors; i++) {
        struct str anchor = str_of(anchors[i]);
        for (ptrdiff_t at = str_find_nocase(s, anchor, 0); at >= 0;
             at = str_find_nocase(s, anchor, (size_t)at + 1)) {
            size_t from = skip_connectors(s, (size_t)at + anchor.n);
            int64_t us;
            if (read_wait(str_from(s, from), &us))
                return us / MS_US * MS_US;
        }
    }
    return -1;
}

/* ---- the whole ----------------------------------------------------------------------- */

/* "20,000 input tokens": the figure may stand one word before the subject. */
static int64_t number_near_before(struct str s, size_t at)
{
    int64_t n = number_before(s, at);
    if (n >= 0)
        return n;
    while (at > 0 && s.p[at - 1] == ' ')
        at--;
    while (at > 0 && is_letter(s.p[at - 1]))
        at--;
    return number_before(s, at);
}

static int64_t limit_in(struct str s, struct said said)
{
    int64_t n = number_after(s, "limit");
    if (n < 0 && said.at >= 0)
        n = number_near_before(s, (size_t)said.at);
    if (n < 0 && said.at >= 0 && said.length)
        n = number_after(s, dimension_name(said.dim));
    return n;
}

static struct str bucket_in(struct str s)
{
    struct str opening = STR("(for limit ");
    ptrdiff_t at = str_find_nocase(s, opening, 0);
    if (at < 0)
        return (struct str){0};
    struct str rest = str_from(s, (size_t)at + opening.n);
    return str_trim(str_split(&rest, ')'));
}

struct wording wording_read(struct str message)
{
    struct said said = dimension_in(message);
    struct wording w = {.dim = said.dim,
                        .limit = limit_in(message, said),
                        .used = number_after(message, "used"),
                        .requested = number_after(message, "requested"),
                        .retry_us = wait_in(message),
                        .bucket = bucket_in(message)};
    if (w.used < 0)
        w.used = number_after(message, "current");
    return w;
}

/* "A tokens > B maximum", "A + B > C": what stands around the sign. */
static bool compared(struct str s, int64_t *limit, int64_t *requested)
{
    ptrdiff_t sign = str_find(s, STR(" > "), 0);
    size_t used;
    if (sign < 0 || !wording_number(str_from(s, (size_t)sign + 3), limit, &used))
        return false;
    struct str left = str_trim(str_cut(s, (size_t)sign));
    if (str_ends(left, STR("tokens")))
        left = str_trim(str_cut(left, left.n - 6));
    *requested = number_before(left, left.n);
    size_t plus = left.n;
    while (plus > 0 && left.p[plus - 1] != '+')
        plus--;
    int64_t more = plus ? number_before(left, plus - 1) : -1;
    if (more >= 0 && *requested >= 0 && more < INT64_MAX - *requested)
        *requested += more;
    return true;
}

void wording_context(struct str message, int64_t *limit, int64_t *requested)
{
    static const char *const limits[] = {"maximum context length",
                                         "context length",
                                         "context window",
                                         "context size",
                                         "allowed",
                                         "at most",
                                         "maximum",
                                         "limit"};
    static const char *const sizes[] = {"requested", "resulted", "token count", "provided",
                                        "contains",  "has",      "too large",   "too long"};
    *limit = *requested = -1;
    if (compared(message, limit, requested))
        return;
    for (size_t i = 0; *limit < 0 && i < sizeof limits / sizeof *limits; i++)
        *limit = number_after(message, limits[i]);
    for (size_t i = 0; *requested < 0 && i < sizeof sizes / sizeof *sizes; i++)
        *requested = number_after(message, sizes[i]);
    /* "model with 32768 maximum context length" */
    ptrdiff_t at = str_find_nocase(message, STR("maximum context"), 0);
    if (*limit < 0 && at >= 0)
        *limit = number_before(message, (size_t)at);
}
