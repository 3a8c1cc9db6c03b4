/* settings.h: the command line of `sluice run`, checked and put together. */
#ifndef SLUICE_SETTINGS_H
#define SLUICE_SETTINGS_H

#include "emulate.h"
#include "engine.h"
#include "models.h"
#include "request_line.h"

#include "option.h"

struct settings {
    /* as given */
    const char *input, *output, *errors, *prompts, *model, *report;
    const char *provider_name, *tier, *base_url, *window, *charge, *emulate;
    const char *latency, *outputs, *faults;
    const char *key_env, *key_file, *catalogue_file, *ca_file;
    struct option_list limit_args;
    int64_t minute_us, use_percent, concurrency, retries, seed, max_tokens;
    int64_t connect_timeout_us, first_byte_timeout_us, idle_timeout_us, patience_us;
    bool skip_invalid, quiet, color;

    /* made of it */
    const struct provider *provider;
    struct catalogue *catalogue;
    struct limit_source limits;
    struct account_config account;
    struct line_form form;
    struct buf account_name;         /* "openai/tier-1", or the base URL; for people */
    struct buf key;                  /* empty: none */
    struct emulate_config *emulator; /* NULL: a provider elsewhere */
};

/* Reads the command line. SL_OK, or what is wrong in *diag; *help: the help was asked for. */
enum sl_err settings_read(struct settings *s, int argc, char **argv, bool *help,
                          struct diag *diag) SL_CHECK;
void settings_free(struct settings *s);
void settings_help(struct buf *out);

#endif
