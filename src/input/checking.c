/* checking.c: see checking.h. */
#include "checking.h"

#include <stdio.h>

enum {
    COMPLAINTS_SHOWN = 20, /* a screenful; a file of the wrong kind has a complaint per line */
};

static void clear(struct checking *c)
{
    if (c->shown)
        fputs("\r\033[K", stderr);
    c->shown = false;
}

static void on_complaint(void *ctx, int64_t number, const struct diag *diag)
{
    struct checking *c = ctx;
    if (c->complaints++ >= COMPLAINTS_SHOWN)
        return;
    clear(c);
    fprintf(stderr, "sluice %s: %s:%lld: %s%s%s\n", c->verb, c->name, (long long)number,
            diag->where, diag->where[0] ? ": " : "", diag->what);
}

static void on_progress(void *ctx, int64_t lines, int64_t bytes, int64_t bytes_total)
{
    struct checking *c = ctx;
    if (!c->progress)
        return;
    struct buf b = {0};
    buf_puts(&b, "checking ");
    buf_thousands(&b, lines);
    fprintf(stderr, "\r%s lines   %d %%\033[K", buf_cstr(&b),
            bytes_total ? (int)(bytes * 100 / bytes_total) : 100);
    buf_free(&b);
    c->shown = true;
}

struct input_listener checking_listener(struct checking *c)
{
    return (struct input_listener){on_complaint, on_progress, c};
}

void checking_end(struct checking *c)
{
    clear(c);
    if (c->complaints <= COMPLAINTS_SHOWN)
        return;
    struct buf b = {0};
    buf_puts(&b, "and ");
    buf_thousands(&b, c->complaints - COMPLAINTS_SHOWN);
    fprintf(stderr, "%s more\n", buf_cstr(&b));
    buf_free(&b);
}
