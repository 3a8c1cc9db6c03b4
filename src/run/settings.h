/* settings.h: the command line of `sluice run`, checked and put together. */
#ifndef SLUICE_SETTINGS_H
#define SLUICE_SETTINGS_H

#include "account_options.h"
#include "detour_rules.h"
#include "outputs.h"
#include "request_line.h"

/* Which way requests go. */
enum mode { MODE_LIVE, MODE_BATCH, MODE_AUTO };
/* What becomes of rows that a batch gives back. */
enum rest { REST_LIVE, REST_ERROR };

struct settings {
    const char *input, *output, *errors, *prompts, *model, *report;
    const char *ui; /* NULL: none; "": anywhere */
    int64_t max_tokens, patience_us;
    bool skip_invalid, quiet, color;
    const char *mode_text, *rest_text, *budget_text, *outputs_text, *service_text;
    int64_t deadline_us; /* -1: none */
    struct option_list batch_queues;
    struct option_list over_limits, fallbacks;
    const char *config_file, *state; /* state NULL: where it always is */
    int64_t poll_us;
    bool cancel;
    struct account_options account;
    /* made of it */
    struct line_form form;
    enum mode mode;
    enum rest rest;
    int64_t budget_pusd;    /* -1: none */
    struct outputs outputs; /* how long answers are taken to be; empty: as requests allow */
    struct spread service_us;
    struct detour_rules detours;
};

/* Reads the command line. SL_OK, or what is wrong in *diag; *help: the help was asked for. */
enum sl_err settings_read(struct settings *s, int argc, char **argv, bool *help,
                          struct diag *diag) SL_CHECK;
void settings_free(struct settings *s);
int settings_help(void); /* printed; the exit code */
/* What --batch-queue says of a model, or of "*"; -1: nothing. */
int64_t settings_batch_queue(const struct settings *s, struct str model);

#endif
