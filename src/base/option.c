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

static enum sl_err unknown(const struct option *options, size_t n, struct str name,
                           struct diag *diag)
{
    const char *near = NULL;
    size_t least = 4;
    for (size_t i = 0; i < n; i++) {
        if (options[i].kind == OPTION_HEADING)
            continue;
        struct str known = str_of(options[i].name);
        size_t d = distance(name, known);
        if (name.n > 2 && str_starts(known, name))
            d = 1;
        if (d < least) {
            least = d;
            near = options[i].name;
        }
    }
    char where[160];
    snprintf(where, sizeof where, "%s%.*s", name.n > 1 ? "--" : "-", STR_ARG(name));
    if (near)
        return diag_set(diag, SL_UNKNOWN, where, "no such option; did you mean --%s?", near);
    return diag_set(diag, SL_UNKNOWN, where, "no such option; --help lists them");
}

static enum sl_err store_text(const struct option *o, const char *value, struct diag *diag)
{
    if (o->kind == OPTION_TEXT) {
        *(const char **)o->out = value;
        return SL_OK;
    }
    struct option_list *list = o->out;
    if (list->n == sizeof list->items / sizeof *list->items)
        return diag_set(diag, SL_TOO_LARGE, o->name, "given more than %zu times", list->n);
    list->items[list->n++] = value;
    return SL_OK;
}

static enum sl_err store(const struct option *o, const char *value, struct diag *diag)
{
    char where[160];
    snprintf(where, sizeof where, "--%s", o->name);
    struct str s = str_of(value);
    if (o->kind == OPTION_TEXT || o->kind == OPTION_LIST)
        return store_text(o, value, diag);
    if (o->kind == OPTION_DURATION) {
        if (duration_parse(s, o->out) == SL_OK)
            return SL_OK;
        return diag_set(diag, SL_RANGE, where,
                        "\"%s\" is not a duration like 2s, 500ms or 1m30s", value);
    }
    int64_t n;
    if (o->kind == OPTION_PERCENT && str_ends(s, STR("%")))
        s.n--;
    bool percent = o->kind == OPTION_PERCENT;
    if (str_int(s, true, &n) || n < (percent ? 1 : 0) || (percent && n > 100))
        return diag_set(diag, SL_RANGE, where,
                        percent ? "\"%s\" is not a percentage from 1%% to 100%%"
                                : "\"%s\" is not a whole number",
                        value);
    *(int64_t *)o->out = n;
    return SL_OK;
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
        return store(o, value.p, diag);
    if (!is_long && value.n > 1)
        return store(o, value.p + 1, diag);
    if (*at + 1 >= argc)
        return diag_set(diag, SL_MISSING, arg, "needs a value: %s", o->arg);
    return store(o, args[++*at], diag);
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
