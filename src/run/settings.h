/* settings.h: the command line of `sluice run`, checked and put together. */
#ifndef SLUICE_SETTINGS_H
#define SLUICE_SETTINGS_H

#include "account_options.h"
#include "request_line.h"

struct settings {
    const char *input, *output, *errors, *prompts, *model, *report;
    const char *ui; /* NULL: none; "": anywhere */
    int64_t max_tokens, patience_us;
    bool skip_invalid, quiet, color;
    struct account_options account;
    struct line_form form; /* made of it */
};

/* Reads the command line. SL_OK, or what is wrong in *diag; *help: the help was asked for. */
enum sl_err settings_read(struct settings *s, int argc, char **argv, bool *help,
                          struct diag *diag) SL_CHECK;
void settings_free(struct settings *s);
void settings_help(struct buf *out);

#endif
