/* verb_status.c: `sluice status`: asks an admin listener for its status once, or once a second,
 * and shows it.
 *
 *   ASK --answer--> SHOW --a second--> ASK     (live)
 *    |  --no answer--> LOST --a second--> ASK  (live; a batch that is gone has ended: END)
 *    +--once, or the token is refused--> END */
#include "verb_status.h"

#include "exits.h"
#include "help.h"
#include "option.h"
#include "status_view.h"
#include "term.h"
#include "upstream.h"
#include "whom.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SECOND_MS = 1000, PATIENCE_US = 5000000, CTRL_C = 3 };

#define SCREEN_ON  "\033[?1049h\033[?25l"
#define SCREEN_OFF "\033[?25h\033[?1049l"

static const struct verb face = {
    .name = "status",
    .summary = "how close a running gateway or batch is to its limits",
    .usage = "sluice status [URL] [-c FILE]",
    .about =
        "Shows what a gateway (`sluice serve --ui`, or with `admin` in its configuration) or a "
        "batch "
        "(`sluice run --ui`) is doing, like top: what holds requests back, alerts, every "
        "budget's use, waits (p50 / p95), tenants, what was refused and why. Once a second on "
        "a terminal, until q or Ctrl-C; once elsewhere.\n\n"
        "Without a URL it shows what runs on this machine. The token is the one that the "
        "configuration (-c) names, or --token-env or --token-file, or what SLUICE_ADMIN_TOKEN "
        "holds; an address that --ui printed has it in itself.",
    .examples = "$ sluice status -c sluice.yaml\n"
                "$ sluice status --once | head -n 2\n"
                "$ sluice status --json http://127.0.0.1:4291 | jq .totals\n",
    .exits = "0 shown\n"
             "2 usage; nothing to show, or the token is not the right one\n"
             "4 it cannot be reached\n",
};

struct watch {
    struct whom whom;
    bool once, json;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_signal_t signals[3];
    uv_tty_t keys;
    bool live, ending;
    struct upstream *upstream;
    struct call *call; /* NULL: none is open */
    int status;
    struct buf body; /* of the answer under way */
    struct buf last; /* the latest whole one */
    int64_t lost_ms; /* since when; 0: not */
    int code;
};

/* ---- showing ----------------------------------------------------------------------------- */

static void write_out(struct str s)
{
    fwrite(s.p, 1, s.n, stdout);
    fflush(stdout);
}

static bool draw(struct watch *w, const struct status_style *style, struct buf *out)
{
    struct arena arena = {0};
    const struct json *status = json_parse(&arena, buf_str(&w->last), NULL);
    if (status)
        status_view(status, buf_str(&w->whom.origin), style, out);
    arena_free(&arena);
    return status != NULL;
}

/* Over what stands there: each line's rest is cleared, then what is below. */
static void redraw(struct watch *w)
{
    struct term t = term_look_at(STDOUT_FILENO);
    struct buf page = {0}, out = {0};
    bool lost = w->lost_ms > 0;
    buf_puts(&out, "\033[H");
    if (lost)
        buf_printf(&out, "%slost for %lld s: what stands below is old%s\033[K\n",
                   t.color ? "\033[31m" : "",
                   (long long)((int64_t)uv_now(&w->loop) - w->lost_ms) / 1000,
                   t.color ? "\033[0m" : "");
    const struct status_style style = {t.width, t.height - lost, t.utf8, t.color};
    draw(w, &style, &page);
    for (size_t i = 0; i < page.n; i++) {
        if (page.p[i] == '\n')
            buf_puts(&out, "\033[K");
        buf_char(&out, page.p[i]);
    }
    buf_puts(&out, "\033[K\033[J");
    write_out(buf_str(&out));
    buf_free(&page);
    buf_free(&out);
}

static int show_once(struct watch *w)
{
    struct term t = term_look_at(STDOUT_FILENO);
    const struct status_style style = {t.width, 0, t.utf8, t.color};
    struct buf out = {0};
    bool shown = w->json || draw(w, &style, &out);
    write_out(w->json ? buf_str(&w->last) : buf_str(&out));
    buf_free(&out);
    return shown ? EXIT_ALL_DONE : EXIT_IO;
}

/* ---- ending ------------------------------------------------------------------------------ */

static void close_handle(uv_handle_t *handle, void *ctx)
{
    struct watch *w = ctx;
    bool ours = handle == (uv_handle_t *)&w->timer || handle == (uv_handle_t *)&w->keys;
    for (size_t i = 0; i < 3; i++)
        ours |= handle == (uv_handle_t *)&w->signals[i];
    if (ours && !uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void end(struct watch *w, int code)
{
    if (w->ending)
        return;
    w->ending = true;
    w->code = code;
    if (w->live) {
        uv_tty_reset_mode();
        write_out(STR(SCREEN_OFF));
    }
    uv_walk(&w->loop, close_handle, w);
    upstream_free(&w->upstream);
}

static void give_up(struct watch *w, int code, const char *why)
{
    end(w, code);
    fprintf(stderr, "sluice status: %.*s: %s\n", STR_ARG(buf_str(&w->whom.origin)), why);
}

/* ---- asking ------------------------------------------------------------------------------ */

static void on_sent(void *ctx)
{
    (void)ctx;
}

static void on_head(void *ctx, const struct message *m)
{
    struct watch *w = ctx;
    w->status = m->status;
}

static void on_body(void *ctx, struct str bytes)
{
    struct watch *w = ctx;
    buf_add(&w->body, bytes);
}

static bool is_batch(const struct watch *w)
{
    return str_starts(buf_str(&w->last), STR("{\"verb\":\"run\""));
}

static void miss(struct watch *w, const char *why)
{
    if (!w->live || !w->last.n) {
        give_up(w, EXIT_IO, why);
        return;
    }
    if (is_batch(w)) { /* it has ended: its last figures stay */
        end(w, EXIT_ALL_DONE);
        show_once(w);
        return;
    }
    if (!w->lost_ms)
        w->lost_ms = (int64_t)uv_now(&w->loop);
    redraw(w);
}

static void take(struct watch *w)
{
    struct buf whole = w->body;
    w->body = w->last;
    w->last = whole;
    w->lost_ms = 0;
    if (!w->live) {
        end(w, EXIT_ALL_DONE);
        w->code = show_once(w);
        return;
    }
    redraw(w);
}

static void on_done(void *ctx, enum sl_err err, const char *why)
{
    struct watch *w = ctx;
    w->call = NULL;
    if (w->ending)
        return;
    if (err != SL_OK)
        miss(w, why);
    else if (w->status == 401)
        give_up(w, EXIT_USAGE,
                w->whom.token.n ? "the token is not the right one"
                                : "a token is needed: -c FILE, --token-env, --token-file or "
                                  "SLUICE_ADMIN_TOKEN");
    else if (w->status != 200 || !str_starts(buf_str(&w->body), STR("{\"verb\":")))
        miss(w, "no admin listener of sluice answers there");
    else
        take(w);
}

static void ask(struct watch *w)
{
    struct buf bearer = {0};
    buf_puts(&bearer, "Bearer ");
    buf_add(&bearer, buf_str(&w->whom.token));
    const struct header h = {STR("authorization"), buf_str(&bearer)};
    const struct call_request r = {.method = "GET",
                                   .path = STR("/status"),
                                   .headers = &h,
                                   .header_count = w->whom.token.n ? 1 : 0};
    buf_clear(&w->body);
    w->status = 0;
    w->call = upstream_call(w->upstream, &r,
                            (struct call_handler){
                                .sent = on_sent,
                                .head = on_head,
                                .body = on_body,
                                .done = on_done,
                                .ctx = w,
                            });
    explicit_bzero(bearer.p, bearer.cap);
    buf_free(&bearer);
}

/* ---- the loop ---------------------------------------------------------------------------- */

static void on_second(uv_timer_t *timer)
{
    struct watch *w = timer->data;
    if (!w->call)
        ask(w);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct watch *w = handle->data;
    if (number != SIGWINCH)
        end(w, EXIT_ALL_DONE);
    else if (w->live && w->last.n)
        redraw(w);
}

static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    static char room[64]; /* of one terminal's keys, read at once */
    (void)handle;
    (void)wanted;
    *out = uv_buf_init(room, sizeof room);
}

static void on_key(uv_stream_t *stream, ssize_t n, const uv_buf_t *keys)
{
    struct watch *w = stream->data;
    for (ssize_t i = 0; i < n; i++) {
        char key = keys->base[i];
        if (key == 'q' || key == 'Q' || key == CTRL_C)
            end(w, EXIT_ALL_DONE);
    }
    if (n < 0)
        uv_read_stop(stream);
}

static void go_live(struct watch *w)
{
    if (isatty(STDIN_FILENO) && uv_tty_init(&w->loop, &w->keys, STDIN_FILENO, 1) == 0) {
        w->keys.data = w;
        uv_tty_set_mode(&w->keys, UV_TTY_MODE_RAW);
        uv_read_start((uv_stream_t *)&w->keys, on_room, on_key);
    }
    write_out(STR(SCREEN_ON));
}

static enum sl_err watch_open(struct watch *w, struct diag *diag)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGWINCH};
    struct upstream_config c = upstream_defaults();
    c.base_url = buf_cstr(&w->whom.origin);
    c.connect_timeout_us = c.first_byte_timeout_us = c.idle_timeout_us = PATIENCE_US;
    c.connections_max = 1;
    enum sl_err err = upstream_new(&w->loop, &c, &w->upstream, diag);
    if (err != SL_OK)
        return err;
    uv_timer_init(&w->loop, &w->timer);
    w->timer.data = w;
    uv_timer_start(&w->timer, on_second, 0, SECOND_MS);
    for (size_t i = 0; i < 3; i++) {
        uv_signal_init(&w->loop, &w->signals[i]);
        w->signals[i].data = w;
        uv_signal_start(&w->signals[i], on_signal, numbers[i]);
    }
    w->live = !w->once && !w->json && term_look_at(STDOUT_FILENO).interactive;
    if (w->live)
        go_live(w);
    return SL_OK;
}

static int complain(const struct diag *diag)
{
    fprintf(stderr, "sluice status: %s%s%s\n", diag->where, diag->where[0] ? ": " : "",
            diag->what);
    return EXIT_USAGE;
}

static int watch_run(struct watch *w)
{
    struct diag diag = {{0}, {0}};
    enum sl_err err = whom_find(&w->whom, &diag);
    uv_loop_init(&w->loop);
    if (err == SL_OK)
        err = watch_open(w, &diag);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    uv_loop_close(&w->loop);
    whom_free(&w->whom);
    buf_free(&w->body);
    buf_free(&w->last);
    return err == SL_OK ? w->code : complain(&diag);
}

int verb_status(int argc, char **argv)
{
    struct watch w = {.code = EXIT_ALL_DONE};
    struct diag diag = {{0}, {0}};
    const struct option options[] = {
        {"config", 'c', OPTION_TEXT, "FILE",
         "The gateway's configuration: where it listens, which token it wants.",
         &w.whom.config},
        {"once", '1', OPTION_FLAG, NULL, "Show it once, and all of it.", &w.once},
        {"json", 'j', OPTION_FLAG, NULL, "Print the JSON document, once.", &w.json},
        {"pid", 0, OPTION_COUNT, "PID", "Which one, where several run.", &w.whom.pid},
        {"token-env", 0, OPTION_TEXT, "NAME", "The variable that holds the admin token.",
         &w.whom.token_env},
        {"token-file", 0, OPTION_TEXT, "FILE", "The file that holds it.", &w.whom.token_file},
    };
    enum { OPTIONS = sizeof options / sizeof *options };
    int positional = 0;
    bool help = false;
    enum sl_err err = options_parse(options, OPTIONS, argc, argv, &positional, &help, &diag);
    if (help)
        return help_print(&face, options, OPTIONS);
    if (err == SL_OK && positional > 1)
        err = diag_set(&diag, SL_UNKNOWN, argv[1], "one URL at most");
    w.whom.url = positional ? argv[0] : NULL;
    return err == SL_OK ? watch_run(&w) : complain(&diag);
}
