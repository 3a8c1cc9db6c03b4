/* option.h: command lines from a table; --help and the man page come from the same table.
 *
 * Forms: --name VALUE, --name=VALUE, -o VALUE, flags without a value, "--" ends options, "-" is
 * a positional argument (standard input). A name given twice: the last one holds, except
 * OPTION_LIST. */
#ifndef SLUICE_OPTION_H
#define SLUICE_OPTION_H

#include "str.h"

enum option_kind {
    OPTION_FLAG,     /* bool */
    OPTION_TEXT,     /* const char * */
    OPTION_MAYBE,    /* const char *: --name=VALUE, or --name alone, which gives "" */
    OPTION_COUNT,    /* int64_t, >= 0: 30000, 30,000, 30k, 2M */
    OPTION_SIZE,     /* int64_t bytes, >= 0: 4096, 64 KB, 256 MB, 1 GB (of 1,024 each) */
    OPTION_DURATION, /* int64_t microseconds: "2s", "60", "1m30s" */
    OPTION_PERCENT,  /* int64_t 1..100: "90%", "90" */
    OPTION_LIST,     /* struct option_list: may be repeated */
    OPTION_HEADING,  /* no option: a heading in --help */
};

struct option_list {
    const char *items[64];
    size_t n;
};

struct option {
    const char *name; /* "limits", without dashes */
    char letter;      /* 'o', or 0 */
    enum option_kind kind;
    const char *arg;  /* "FILE": how help shows the value; NULL for flags */
    const char *help; /* one sentence, wrapped when printed */
    void *out;        /* where the value goes, by kind; holds the default before */
};

/* A verb's face. All texts are plain; the printers wrap and mark them up. */
struct verb {
    const char *name;     /* "run" */
    const char *summary;  /* one line for `sluice --help` */
    const char *usage;    /* "sluice run FILE -o OUT [options]", lines separated by \n */
    const char *about;    /* paragraphs separated by \n\n */
    const char *examples; /* "$ command\n" lines, printed as they are; may be NULL */
    const char *exits;    /* "0 all done\n1 some rows failed\n"; may be NULL */
};

/* Fills the outs; positional arguments are moved to the front of `args` (order kept) and
 * counted in *positional. SL_UNKNOWN, SL_MISSING, SL_RANGE with *diag: where = "--tier", what =
 * advice. A misspelt option is answered with the nearest known one. --help sets *help and
 * stops. */
enum sl_err options_parse(const struct option *options, size_t n, int argc, char **args,
                          int *positional, bool *help, struct diag *diag) SL_CHECK;
/* One value, as a command line gives it; text is lent. SL_RANGE with *diag: where = "--tier".
 */
enum sl_err option_store(const struct option *o, const char *value, struct diag *diag) SL_CHECK;
/* Of several names (NULL ends them) the one that `name` was probably meant to be, or NULL. */
const char *name_nearest(struct str name, const char *const *names);
/* Whether --man was asked for: a program prints one page and ends. */
extern bool options_as_man;
/* The --help text, at most 80 columns; or the man page where --man asked for it. */
void options_help(struct buf *out, const struct verb *v, const struct option *options,
                  size_t n);
/* The same as a man page in mdoc(7). */
void options_man(struct buf *out, const struct verb *v, const struct option *options, size_t n);

#endif
