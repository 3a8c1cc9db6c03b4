/* program.h: a program run once, without a shell: bytes on its standard input, and how it
 * ended.
 *
 * It inherits none of our descriptors, and of the environment only what says where it is (PATH,
 * HOME, LANG, TZ and the like): not our keys. What it prints goes nowhere. The process ignores
 * SIGPIPE from here on. */
#ifndef SLUICE_PROGRAM_H
#define SLUICE_PROGRAM_H

#include "str.h"
#include <uv.h>

struct program;

struct program_config {
    char *const *argv;  /* NULL ends it; the program is looked for in PATH */
    struct str input;   /* copied */
    int64_t timeout_us; /* after which it is killed */
    bool shows_errors;  /* its standard error is ours */
    /* Once, from the loop; the program is gone after it. `why` is for people. */
    void (*over)(void *ctx, bool well, const char *why);
    void *ctx;
};

/* SL_IO with the system's reason: it was not started, and `over` does not come. */
enum sl_err program_run(uv_loop_t *loop, const struct program_config *c, struct program **out,
                        struct diag *diag) SL_CHECK;
/* Kills it; `over` does not come. Memory is freed as the loop runs on. */
void program_drop(struct program **e);

#endif
