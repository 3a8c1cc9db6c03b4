/* option.c: parsing of command lines. See option.h; the printing is in option_text.c. */
#include "option.h"
#include "duration.h"

#include <stdio.h>
#include <string.h>

bool options_as_man;

/* Levenshtein distance, bounded: names are short and anything above 3 is not a misspelling. */
static size_t distance(struct str a, struct str b)
{
    enum { MAX = 40 };
    size_t row[MAX + 1];
    if (a.n > MAX || b.n > MAX)
        return MAX;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = diagonal + (a.p[i - 1] != b.p[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.n];
}

const char *name_nearest(struct str name, const char *const *names)
{
    const char *near = NULL;
    size_t least = 4;
    for (; *names; names++) {
        struct str known = str_of(*names);
        size_t d = distance(name, known);
        if (name.n > 2 && str_starts(known, name))
            d = 1;
        if (d < least) {
            least = d;
            near = *names;
        }
    }
    return near;
}

static enum sl_err unknown(const struct option *options, size_t n, struct str name,
                           struct diag *diag)
{
    enum { NAMES_MAX = 128 };
    const char *names[NAMES_MAX + 1];
    size_t count = 0;
    for (size_t i = 0; i < n && count < NAMES_MAX; i++) {
        if (options[i].kind != OPTION_HEADING)
            names[count++] = options[i].name;
    }
    names[count] = NULL;
    const char *near = name_nearest(name, names);
    char where[160];
    snprintf(where, sizeof where, "%s%.*s", name.n > 1 ? "--" : "-", STR_ARG(name));
    if (near)
        return diag_set(diag, SL_UNKNOWN, where, "no such option; did you mean --%s?", near);
    return diag_set(diag, SL_UNKNOWN, where, "no such option; --help lists them");
}

static enum sl_err store_text(const struct option *o, const char *value, struct diag *diag)
{
    if (o->kind == OPTION_TEXT || o->kind == OPTION_MAYBE) {
        *(const char **)o->out = value;
        return SL_OK;
    }
    struct option_list *list = o->out;
    if (list->n == sizeof list->items / sizeof *list->items)
        return diag_set(diag, SL_TOO_LARGE, o->name, "given more than %zu times", list->n);
    list->items[list->n++] = value;
    return SL_OK;
}

/* A number and the letter after it: thousands for counts, 1,024s for bytes. */
static enum sl_err scaled(struct str s, bool bytes, int64_t *out)
{
    static const char letters[] = "kmg";
    int64_t factor = 1, n;
    if (bytes && s.n > 1 && (str_ends(s, STR("B")) || str_ends(s, STR("b"))))
        s.n--;
    char last = s.n ? (char)(s.p[s.n - 1] | 0x20) : 0;
    const char *letter = last ? strchr(letters, last) : NULL;
    if (letter && *letter) {
        for (const char *at = letters; at <= letter; at++)
            factor *= bytes ? 1024 : 1000;
        s.n--;
    }
    enum sl_err err = str_int(str_trim(s), true, &n);
    if (err == SL_OK && (n < 0 || n > INT64_MAX / factor))
        err = SL_RANGE;
    if (err == SL_OK)
        *out = n * factor;
    return err;
}

static enum sl_err store_percent(struct str s, int64_t *out)
{
    int64_t n;
    if (str_ends(s, STR("%")))
        s.n--;
    if (str_int(s, false, &n) != SL_OK || n < 1 || n > 100)
        return SL_RANGE;
    *out = n;
    return SL_OK;
}

enum sl_err option_store(const struct option *o, const char *value, struct diag *diag)
{
    char where[160];
    struct str s = str_of(value);
    enum sl_err err = SL_RANGE;
    const char *wanted = "a whole number";
    if (o->kind == OPTION_TEXT || o->kind == OPTION_LIST || o->kind == OPTION_MAYBE)
        return store_text(o, value, diag);
    if (o->kind == OPTION_DURATION) {
        wanted = "a duration like 2s, 500ms or 1m30s";
        err = duration_parse(s, o->out);
    } else if (o->kind == OPTION_PERCENT) {
        wanted = "a percentage from 1% to 100%";
        err = store_percent(s, o->out);
    } else if (o->kind == OPTION_COUNT || o->kind == OPTION_SIZE) {
        if (o->kind == OPTION_SIZE)
            wanted = "a number of bytes like 4096, 64 KB or 256 MB";
        err = scaled(s, o->kind == OPTION_SIZE, o->out);
    }
    if (err == SL_OK)
        return SL_OK;
    snprintf(where, sizeof where, "--%s", o->name);
    return diag_set(diag, SL_RANGE, where, "\"%s\" is not %s", value, wanted);
}

static const struct option *find(const struct option *options, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++) {
        if (options[i].kind == OPTION_HEADING)
            continue;
        if (str_eq(name, str_of(options[i].name)))
            return &options[i];
        if (name.n == 1 && options[i].letter && name.p[0] == options[i].letter)
            return &options[i];
    }
    return NULL;
}

/* One option at args[*at]; moves *at on to the value if it took one. */
static enum sl_err take(const struct option *options, size_t n, int argc, char **args, int *at,
                        struct diag *diag)
{
    const char *arg = args[*at];
    bool is_long = arg[1] == '-';
    struct str value = str_of(arg + (is_long ? 2 : 1));
    struct str name = is_long ? str_split(&value, '=') : str_cut(value, 1);
    const struct option *o = find(options, n, name);
    if (!o || (is_long && name.n == 1))
        return unknown(options, n, name, diag);
    if (o->kind == OPTION_FLAG) {
        if (is_long ? value.p != NULL : value.n > 1)
            return diag_set(diag, SL_RANGE, arg, "takes no value");
        *(bool *)o->out = true;
        return SL_OK;
    }
    if (is_long && value.p)
        return option_store(o, value.p, diag);
    if (o->kind == OPTION_MAYBE && (is_long || value.n == 1))
        return option_store(o, "", diag);
    if (!is_long && value.n > 1)
        return option_store(o, value.p + 1, diag);
    if (*at + 1 >= argc)
        return diag_set(diag, SL_MISSING, arg, "needs a value: %s", o->arg);
    return option_store(o, args[++*at], diag);
}

/* Seven parameters: argc and args are one thing, as are the three outs.
 * NOLINTNEXTLINE(readability-function-size) */
enum sl_err options_parse(const struct option *options, size_t n, int argc, char **args,
                          int *positional, bool *help, struct diag *diag)
{
    *positional = 0;
    *help = false;
    bool ended = false;
    for (int i = 0; i < argc; i++) {
        char *arg = args[i];
        if (!ended && strcmp(arg, "--") == 0) {
            ended = true;
        } else if (!ended && (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)) {
            *help = true;
            return SL_OK;
        } else if (!ended && strcmp(arg, "--man") == 0) {
            *help = options_as_man = true;
            return SL_OK;
        } else if (!ended && arg[0] == '-' && arg[1]) {
            enum sl_err err = take(options, n, argc, args, &i, diag);
            if (err)
                return err;
        } else {
            args[(*positional)++] = arg;
        }
    }
    return SL_OK;
}
