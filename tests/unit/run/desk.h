/* desk.h: a folder of its own with a batch file in it, and the input made of that. */
#ifndef SLUICE_DESK_H
#define SLUICE_DESK_H

#include "check.h"
#include "file.h"
#include "input.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct desk {
    char folder[64];
    char requests[96], output[96], errors[96];
    struct catalogue *catalogue;
    struct limit_source limits;
    struct input_config config;
    struct input input;
    struct buf complaints; /* "2 body.model: missing\n" */
    int64_t progress;      /* calls */
    struct diag diag;
};

static inline void desk_init(struct desk *d)
{
    *d = (struct desk){.folder = "/tmp/sluice-test-run-XXXXXX"};
    assert_non_null(mkdtemp(d->folder));
    snprintf(d->requests, sizeof d->requests, "%s/requests.jsonl", d->folder);
    snprintf(d->output, sizeof d->output, "%s/results.jsonl", d->folder);
    snprintf(d->errors, sizeof d->errors, "%s/results.errors.jsonl", d->folder);
    d->catalogue = catalogue_open(STR(""), NULL, &d->diag);
    assert_non_null(d->catalogue);
    d->limits = (struct limit_source){.provider = provider_get(PROVIDER_OPENAI),
                                      .catalogue = d->catalogue,
                                      .minute_us = 60000000};
    d->config = (struct input_config){.path = d->requests,
                                      .form = {.provider = d->limits.provider},
                                      .provider = d->limits.provider,
                                      .catalogue = d->catalogue,
                                      .limits = &d->limits,
                                      .use_percent = 100};
}

static inline void desk_write(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* The whole file as a string of the buffer's; "" where there is none. */
static inline const char *desk_read(const char *path, struct buf *out)
{
    struct diag ignored;
    buf_clear(out);
    if (access(path, F_OK) == 0)
        assert_int_equal(file_read(path, 1 << 24, out, &ignored), SL_OK);
    return buf_cstr(out);
}

static inline void desk_complaint(void *ctx, int64_t number, const struct diag *diag)
{
    struct desk *d = ctx;
    buf_printf(&d->complaints, "%lld %s: %s\n", (long long)number, diag->where, diag->what);
}

static inline void desk_progress(void *ctx, int64_t lines, int64_t bytes, int64_t bytes_total)
{
    struct desk *d = ctx;
    assert_true(lines > 0 && bytes > 0 && bytes <= bytes_total);
    d->progress++;
}

/* Checks the batch file. */
static inline enum sl_err desk_open(struct desk *d)
{
    struct input_listener listener = {desk_complaint, desk_progress, d};
    buf_clear(&d->complaints);
    return input_open(&d->input, &d->config, &listener, &d->diag);
}

static inline void desk_free(struct desk *d)
{
    input_close(&d->input);
    catalogue_close(&d->catalogue);
    buf_free(&d->complaints);
    unlink(d->requests);
    unlink(d->output);
    unlink(d->errors);
    assert_int_equal(rmdir(d->folder), 0); /* nothing else was left there */
}

#endif
