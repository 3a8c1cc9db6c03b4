/* account_options.h: an account as a command line or a configuration describes it, checked and
 * put together: provider, limits, keys, pacing, connection. What `run` and `serve` share. */
#ifndef SLUICE_ACCOUNT_OPTIONS_H
#define SLUICE_ACCOUNT_OPTIONS_H

#include "emulate.h"
#include "engine.h"
#include "keyring.h"
#include "models.h"
#include "option.h"

enum { ACCOUNT_OPTIONS = 32 /* rows in a table of options */ };

struct account_options {
    /* as given */
    const char *provider_name, *tier, *base_url, *window, *charge, *emulate;
    const char *latency, *outputs, *faults;
    const char *catalogue_file, *ca_file;
    struct option_list key_envs, key_files, limit_args;
    int64_t minute_us, use_percent, concurrency, retries, seed;
    int64_t connect_timeout_us, first_byte_timeout_us, idle_timeout_us;
    bool offline; /* the verb's own: nothing will be sent, so no address or key is asked for */

    /* made of it */
    const struct provider *provider;
    struct catalogue *catalogue;
    struct limit_source limits;
    struct account_config config;
    struct buf name;                 /* "openai/tier-1", or the base URL; for people */
    struct keyring keys;             /* empty: none is sent */
    struct emulate_config *emulator; /* NULL: a provider elsewhere */
};

struct account_options account_options_defaults(void);
/* The rows of a command line; out has room for ACCOUNT_OPTIONS. Returns how many. */
size_t account_options_rows(struct account_options *a, struct option *out);
/* The same without those named (a list that NULL ends), for a verb to which they mean nothing.
 */
size_t account_options_rows_but(struct account_options *a, const char *const *names,
                                struct option *out);
/* Checks what was given and makes the rest of it. Opens the catalogue it names;
 * account_options_free closes it. `order` is the driver's. *diag names the option at fault. */
enum sl_err account_options_make(struct account_options *a, enum order order,
                                 struct diag *diag) SL_CHECK;
/* Offline: without a word of the provider, this one was found to be meant. SL_UNKNOWN where it
 * has no such tier as was given. */
enum sl_err account_options_settle(struct account_options *a, const struct provider *p,
                                   struct diag *diag) SL_CHECK;
void account_options_free(struct account_options *a);

#endif
