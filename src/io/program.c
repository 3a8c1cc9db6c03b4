/* program.c: see program.h. Three handles: the process, the pipe to its standard input, a
 * timer; it is over when the process has ended, and freed when all three are closed. */
#include "program.h"

#include "arena.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_VARIABLES = 16 };

struct program {
    uv_process_t process;
    uv_pipe_t pipe;
    uv_timer_t timer;
    uv_write_t write;
    struct buf input;
    int open; /* handles */
    bool late, dropped;
    void (*over)(void *ctx, bool well, const char *why);
    void *ctx;
};

static void on_closed(uv_handle_t *handle)
{
    struct program *e = handle->data;
    if (--e->open > 0)
        return;
    buf_free(&e->input);
    free(e);
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_closed);
}

static void close_all(struct program *e)
{
    close_handle((uv_handle_t *)&e->process);
    close_handle((uv_handle_t *)&e->pipe);
    close_handle((uv_handle_t *)&e->timer);
}

static void on_exit_of(uv_process_t *process, int64_t status, int signal_number)
{
    struct program *e = process->data;
    char why[80] = "it ended well";
    if (e->late)
        snprintf(why, sizeof why, "it took too long and was killed");
    else if (signal_number)
        snprintf(why, sizeof why, "it was killed by signal %d", signal_number);
    else if (status)
        snprintf(why, sizeof why, "it ended with %lld", (long long)status);
    close_all(e);
    if (!e->dropped)
        e->over(e->ctx, status == 0 && signal_number == 0, why);
}

static void on_late(uv_timer_t *timer)
{
    struct program *e = timer->data;
    e->late = true;
    uv_process_kill(&e->process, SIGKILL);
}

static void on_written(uv_write_t *write, int status)
{
    struct program *e = write->data; /* one that reads nothing may still end well */
    close_handle((uv_handle_t *)&e->pipe);
}

/* "NAME=value" of those that may be known; NULL ends them. */
static void keep_variables(char *out[KEPT_VARIABLES], struct arena *arena)
{
    static const char *const names[] = {"PATH", "HOME",     "USER",   "LOGNAME", "LANG",
                                        "TZ",   "LC_CTYPE", "LC_ALL", "TMPDIR"};
    size_t n = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value)
            out[n++] = (char *)(uintptr_t)arena_printf(arena, "%s=%s", names[i], value).p;
    }
    out[n] = NULL;
}

static int start(struct program *e, uv_loop_t *loop, const struct program_config *c)
{
    struct arena arena = {0};
    char *variables[KEPT_VARIABLES];
    uv_stdio_container_t stdio[] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&e->pipe},
        {.flags = UV_IGNORE},
        {.flags = c->shows_errors ? UV_INHERIT_FD : UV_IGNORE, .data.fd = 2}};
    keep_variables(variables, &arena);
    const uv_process_options_t options = {.exit_cb = on_exit_of,
                                          .file = c->argv[0],
                                          .args = (char **)(uintptr_t)c->argv,
                                          .env = variables,
                                          .stdio = stdio,
                                          .stdio_count = 3};
    int rc = uv_spawn(loop, &e->process, &options);
    arena_free(&arena);
    return rc;
}

enum sl_err program_run(uv_loop_t *loop, const struct program_config *c, struct program **out,
                        struct diag *diag)
{
    struct program *e = mem_zero(sizeof *e);
    signal(SIGPIPE, SIG_IGN); /* one that reads nothing */
    e->over = c->over;
    e->ctx = c->ctx;
    e->open = 3;
    e->process.data = e->pipe.data = e->timer.data = e->write.data = e;
    uv_pipe_init(loop, &e->pipe, 0);
    uv_timer_init(loop, &e->timer);
    int rc = start(e, loop, c);
    if (rc != 0) {
        close_all(e);
        return diag_set(diag, SL_IO, c->argv[0], "%s", uv_strerror(rc));
    }
    buf_add(&e->input, c->input);
    uv_buf_t bytes = uv_buf_init(e->input.p, (unsigned)e->input.n);
    if (uv_write(&e->write, (uv_stream_t *)&e->pipe, &bytes, 1, on_written) != 0)
        close_handle((uv_handle_t *)&e->pipe);
    uv_timer_start(&e->timer, on_late, (uint64_t)(c->timeout_us / 1000), 0);
    *out = e;
    return SL_OK;
}

void program_drop(struct program **pe)
{
    struct program *e = *pe;
    *pe = NULL;
    if (!e)
        return;
    e->dropped = true;
    uv_process_kill(&e->process, SIGKILL);
}
